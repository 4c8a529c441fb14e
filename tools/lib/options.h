/*
 * RAMinate: command lines
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_OPTIONS_H
#define RAMINATE_OPTIONS_H

#include <glib.h>

/* Initial value of a number that is not given, and has no default */
#define OPTIONS_NONE G_MININT

/* Longest time that options take, in seconds. */
#define OPTIONS_MAX_SECONDS 3600.0

/*
 * Takes options from the command line; prints help and exits if asked to.
 * Exits with status 2 if there is something wrong with them.  From then on, an
 * exit has status 1 if not all of stdout could be written.
 * @usage: what follows the name in the first line of help
 * @summary: what follows the options in help
 */
void options_parse(const GOptionEntry *entries, const char *usage,
                   const char *summary, int *argc, char ***argv);

/* The same with a context that has all of it already. */
void options_parse_context(GOptionContext *context, int *argc, char ***argv);

/* Says what is wrong and where to find help, and exits with status 2. */
void options_fail(const char *format, ...) G_GNUC_PRINTF(1, 2) G_GNUC_NORETURN;

/*
 * Returns: a time in milliseconds; exits with status 2 if it is not 0.1 s to
 * OPTIONS_MAX_SECONDS.
 */
unsigned options_milliseconds(const char *option, double seconds);

#endif
