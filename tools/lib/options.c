/*
 * RAMinate: command lines
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "options.h"
#include "text.h"
#include "version.h"

void options_fail(const char *format, ...)
{
    g_autofree char *message = NULL;
    g_autofree char *line = NULL;
    va_list args;

    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    line = g_strconcat(message, "; see --help", NULL);
    text_complain(g_get_prgname(), line);
    exit(2);
}

/* GLib has an ellipsis in help, which not every terminal can show. */
static void print_help(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, "\u2026", -1);
    g_autofree char *plain = g_strjoinv("...", parts);

    fputs(plain, stdout);
}

/* What was printed must have got to where it goes, as to a disk that is full. */
static void check_output(void)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        g_autofree char *message = g_strdup_printf(
            "can't write the output: %s", g_strerror(errno));

        text_complain(g_get_prgname(), message);
        _exit(1);
    }
}

void options_parse_context(GOptionContext *context, int *argc, char ***argv)
{
    g_autofree char *name = g_path_get_basename(**argv);
    g_autoptr(GError) error = NULL;

    /* Signs as the terminal has them; all else as the documents have it */
    setlocale(LC_CTYPE, "");
    g_set_prgname(name);
    atexit(check_output);
    g_set_print_handler(print_help);
    version_add_option(context);
    if (!g_option_context_parse(context, argc, argv, &error)) {
        options_fail("%s", error->message);
    }
}

void options_parse(const GOptionEntry *entries, const char *usage,
                   const char *summary, int *argc, char ***argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new(usage);

    g_option_context_set_description(context, summary);
    g_option_context_add_main_entries(context, entries, NULL);
    options_parse_context(context, argc, argv);
}

unsigned options_milliseconds(const char *option, double seconds)
{
    if (!(seconds >= 0.1 && seconds <= OPTIONS_MAX_SECONDS)) {
        options_fail("%s must be 0.1 to %g seconds, not %g", option,
                     OPTIONS_MAX_SECONDS, seconds);
    }
    return seconds * 1000;
}
