/*
 * RAMinate: command lines
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdio.h>
#include <stdlib.h>

#include "options.h"

void options_fail(const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list args;

    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    fprintf(stderr, "%s: %s\n", g_get_prgname(), message);
    exit(2);
}

void options_parse(const GOptionEntry *entries, const char *usage,
                   const char *summary, int *argc, char ***argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new(usage);
    g_autoptr(GError) error = NULL;

    g_option_context_set_description(context, summary);
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, argc, argv, &error)) {
        options_fail("%s; see --help", error->message);
    }
}

unsigned options_milliseconds(const char *option, double seconds)
{
    if (!(seconds >= 0.1 && seconds <= OPTIONS_MAX_SECONDS)) {
        options_fail("%s must be 0.1 to %g seconds, not %g", option,
                     OPTIONS_MAX_SECONDS, seconds);
    }
    return seconds * 1000;
}
