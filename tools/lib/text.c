/*
 * RAMinate: text for people
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdio.h>
#include <stdlib.h>

#include "text.h"

char *text_clean(const char *text, gboolean is_utf8)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *clean = g_string_new(NULL);
    const char *p;

    for (p = valid; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);

        if (!g_unichar_isprint(c) || g_unichar_iszerowidth(c) ||
            (c > 127 && !is_utf8)) {
            c = '?';
        }
        g_string_append_unichar(clean, c);
    }
    return g_string_free(clean, FALSE);
}

void text_complain(const char *program, const char *message)
{
    g_autofree char *clean = text_clean(message, g_get_charset(NULL));

    fprintf(stderr, "%s: %s\n", program, clean);
}

static int char_columns(gunichar c)
{
    return g_unichar_iswide(c) ? 2 : 1;
}

unsigned text_columns(const char *text)
{
    unsigned columns = 0;

    for (; *text; text = g_utf8_next_char(text)) {
        columns += char_columns(g_utf8_get_char(text));
    }
    return columns;
}

char *text_fit(const char *text, int columns)
{
    g_autoptr(GString) fit = g_string_new(NULL);
    int room = abs(columns);
    g_autofree char *blanks = NULL;

    while (*text) {
        gunichar c = g_utf8_get_char(text);

        if (char_columns(c) > room) {
            break;
        }
        room -= char_columns(c);
        g_string_append_unichar(fit, c);
        text = g_utf8_next_char(text);
    }
    blanks = g_strnfill(room, ' ');
    return columns < 0 ? g_strconcat(blanks, fit->str, NULL)
                       : g_strconcat(fit->str, blanks, NULL);
}

gsize text_line(const char *text, unsigned columns)
{
    const char *word = NULL;    /* end of the last one that fits */
    const char *p;
    unsigned used = 0;

    for (p = text; *p; p = g_utf8_next_char(p)) {
        used += char_columns(g_utf8_get_char(p));
        if (*p == ' ') {
            word = p;
        }
        if (used > columns) {
            return word && word > text ? word - text
                   : p > text ? p - text : g_utf8_next_char(p) - p;
        }
    }
    return p - text;
}

static char *scaled(double value, double step, const char *const *units,
                    unsigned nr_units)
{
    unsigned i = 0;

    while (value >= step && i + 1 < nr_units) {
        value /= step;
        i++;
    }
    return value >= 100 || value == (guint64)value
           ? g_strdup_printf("%.0f%s", value, units[i])
           : g_strdup_printf("%.*f%s", value < 10 ? 2 : 1, value, units[i]);
}

char *text_size(guint64 bytes)
{
    static const char *const units[] = {
        " B", " KiB", " MiB", " GiB", " TiB", " PiB",
    };

    return scaled(bytes, 1024, units, G_N_ELEMENTS(units));
}

char *text_count(double count)
{
    static const char *const units[] = { "", "k", "M", "G", "T", "P", "E" };

    if (count < 1000 && count >= 10) {
        count = (int)(count + 0.5);
    }
    return scaled(count, 1000, units, G_N_ELEMENTS(units));
}

char *text_duration(guint64 ns)
{
    static const char *const units[] = { " ns", " us", " ms", " s" };

    return scaled(ns, 1000, units, G_N_ELEMENTS(units));
}

const char *text_level(unsigned level, gboolean is_utf8)
{
    static const char *const blocks[TEXT_LEVELS] = {
        "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█",
    };
    static const char *const signs[TEXT_LEVELS] = {
        "_", ".", ":", "-", "=", "+", "*", "#",
    };

    return is_utf8 ? blocks[level] : signs[level];
}

char *text_sparkline(const double *values, unsigned nr, unsigned columns,
                     gboolean is_utf8)
{
    GString *line = g_string_new(NULL);
    unsigned i;

    for (i = nr < columns ? 0 : nr - columns; i < nr; i++) {
        if (values[i] < 0) {
            g_string_append_c(line, ' ');
        } else {
            unsigned level = MIN(values[i], 100) * TEXT_LEVELS / 100;

            g_string_append(line, text_level(MIN(level, TEXT_LEVELS - 1),
                                             is_utf8));
        }
    }
    return g_string_free(line, FALSE);
}
