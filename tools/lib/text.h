/*
 * RAMinate: text for people
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_TEXT_H
#define RAMINATE_TEXT_H

#include <glib.h>

/*
 * Returns: @text without what could harm a terminal.  What @is_utf8 does not
 * allow, or is no character, becomes '?'.
 */
char *text_clean(const char *text, gboolean is_utf8);

/* Prints "@program: @message", cleaned, as a line to stderr. */
void text_complain(const char *program, const char *message);

/* Returns: how many columns @text takes, which is clean. */
unsigned text_columns(const char *text);

/*
 * Returns: @text, which is clean, cut or padded to @columns.  If @columns is
 * less than 0, its absolute is the width and the text is put to the right.
 */
char *text_fit(const char *text, int columns);

/*
 * Returns: the length in bytes of the part of @text, which is clean, that fits
 * into a line of @columns, 1 at least: of whole words if one fits.
 */
gsize text_line(const char *text, unsigned columns);

/* Returns: a size, like "1.5 GiB". */
char *text_size(guint64 bytes);

/* Returns: a number in five characters at most, like "12.3k". */
char *text_count(double count);

/* Returns: a duration, like "1.25 ms". */
char *text_duration(guint64 ns);

/* Levels that text_level() tells apart. */
#define TEXT_LEVELS 8

/* Returns: a column of a bar chart; @level is 0 to TEXT_LEVELS - 1. */
const char *text_level(unsigned level, gboolean is_utf8);

/*
 * Returns: a bar chart of the last @columns values, 0 to 100 each; what is
 * less than 0 is not known.
 */
char *text_sparkline(const double *values, unsigned nr, unsigned columns,
                     gboolean is_utf8);

#endif
