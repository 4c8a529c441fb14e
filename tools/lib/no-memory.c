/*
 * RAMinate: tools that read recordings end in order if memory runs out
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <glib.h>

#include "no-memory.h"

/* Called in any thread; others may be at work, so that nothing is freed. */
static void G_GNUC_NORETURN end_tool(const char *domain, GLogLevelFlags level,
                                     const char *message, void *name)
{
    (void)domain;
    (void)level;
    fprintf(stderr, "%s: not enough memory for what the recording holds "
            "(GLib: %s); use a host that has more\n", (const char *)name,
            message);
    _exit(EXIT_FAILURE);
}

void no_memory_ends_tool(const char *name)
{
    g_log_set_handler("GLib", G_LOG_LEVEL_ERROR | G_LOG_FLAG_FATAL |
                      G_LOG_FLAG_RECURSION, end_tool, (void *)name);
}
