/*
 * RAMinate: tables for people
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "table.h"
#include "text.h"

#define GAP 2

struct Table {
    TableColumn *columns;
    unsigned nr_columns;
    unsigned nr_keys;
    GPtrArray *rows;            /* char ** */
};

Table *table_new(const TableColumn *columns, unsigned nr_columns,
                 unsigned nr_keys)
{
    Table *table = g_new0(Table, 1);

    table->columns = g_new(TableColumn, nr_columns);
    for (unsigned i = 0; i < nr_columns; i++) {
        table->columns[i] = columns[i];
    }
    table->nr_columns = nr_columns;
    table->nr_keys = nr_keys;
    table->rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    return table;
}

void table_free(Table *table)
{
    g_ptr_array_unref(table->rows);
    g_free(table->columns);
    g_free(table);
}

void table_add(Table *table, char **cells)
{
    g_ptr_array_add(table->rows, cells);
}

unsigned table_room(void)
{
    struct winsize size;

    return isatty(STDOUT_FILENO) &&
           ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col
           ? size.ws_col : G_MAXUINT;
}

/* Returns: the number of columns that a row fills, and no text of its own. */
static unsigned nr_filled(const Table *table, char **cells)
{
    unsigned nr = g_strv_length(cells);

    return nr < table->nr_columns ? nr - 1 : nr;
}

/* Returns: the width of column @i, at most @most. */
static unsigned width_of(const Table *table, unsigned i, unsigned most)
{
    unsigned width = text_columns(table->columns[i].title);

    for (unsigned r = 0; r < table->rows->len; r++) {
        char **cells = g_ptr_array_index(table->rows, r);

        if (i < nr_filled(table, cells)) {
            width = MAX(width, text_columns(cells[i]));
        }
    }
    return MIN(width, most);
}

static void print_cell(const Table *table, unsigned i, const char *text,
                       const unsigned *widths)
{
    int width = widths[i];
    g_autofree char *fit =
        text_fit(text, table->columns[i].to_right ? -width : width);

    printf("%*s%s", i ? GAP : 0, "",
           i + 1 < table->nr_columns ? fit : g_strchomp(fit));
}

/* Prints the keys, and columns from @first to before @end. */
static void print_row(const Table *table, char **cells, unsigned first,
                      unsigned end, const unsigned *widths)
{
    unsigned filled = cells ? nr_filled(table, cells) : table->nr_columns;

    for (unsigned i = 0; i < end; i = i + 1 == table->nr_keys ? first : i + 1) {
        if (i >= filled) {
            printf("%*s%s", GAP, "", cells[i]);
            break;
        }
        print_cell(table, i, cells ? cells[i] : table->columns[i].title,
                   widths);
    }
    printf("\n");
}

/* Prints a table that has columns from @first to before @end. */
static void print_part(const Table *table, unsigned first, unsigned end,
                       const unsigned *widths)
{
    printf("%s", first > table->nr_keys ? "\n" : "");
    print_row(table, NULL, first, end, widths);
    for (unsigned r = 0; r < table->rows->len; r++) {
        char **cells = g_ptr_array_index(table->rows, r);

        if (first == table->nr_keys || nr_filled(table, cells) > first) {
            print_row(table, cells, first, end, widths);
        }
    }
}

void table_print(const Table *table, unsigned room)
{
    g_autofree unsigned *widths = g_new(unsigned, table->nr_columns);
    unsigned keys = 0;
    unsigned end;

    for (unsigned i = 0; i < table->nr_columns; i++) {
        widths[i] = width_of(table, i, room / 2);
        keys += i < table->nr_keys ? widths[i] + GAP : 0;
    }
    for (unsigned first = table->nr_keys; first < table->nr_columns;
         first = end) {
        unsigned used = keys + widths[first];

        for (end = first + 1; end < table->nr_columns &&
             used + GAP + widths[end] <= room; end++) {
            used += GAP + widths[end];
        }
        print_part(table, first, end, widths);
    }
}
