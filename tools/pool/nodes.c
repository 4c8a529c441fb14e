/*
 * RAMinate: what NUMA nodes of the host have
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <gio/gio.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "nodes.h"

/* Returns: what a line like "Node 2 MemFree:  9 kB" says, in bytes, or 0. */
static guint64 read_line(const char *text, const char *name)
{
    const char *line = strstr(text, name);
    guint64 kib = 0;

    return line && sscanf(line + strlen(name), " %" SCNu64 " kB", &kib) == 1
           ? kib * 1024 : 0;
}

gboolean node_memory_read(const char *path, NodeMemory *memory, GError **error)
{
    g_autofree char *text = NULL;

    if (g_file_get_contents(path, &text, NULL, NULL)) {
        memory->total = read_line(text, " MemTotal:");
        memory->free = read_line(text, " MemFree:");
        if (memory->total) {
            return TRUE;
        }
    }
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                "the host has no memory that is online there");
    return FALSE;
}
