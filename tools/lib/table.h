/*
 * RAMinate: tables for people
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_TABLE_H
#define RAMINATE_TABLE_H

#include <glib.h>

typedef struct Table Table;

typedef struct TableColumn {
    const char *title;
    gboolean to_right;          /* as numbers are */
} TableColumn;

/*
 * @columns: a copy is made of these, not of what they point at
 * @nr_keys: that many of them say what a row is about
 */
Table *table_new(const TableColumn *columns, unsigned nr_columns,
                 unsigned nr_keys);
void table_free(Table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Table, table_free)

/*
 * Adds a row.
 * @cells: one for each column, clean, which are freed with the table; if there
 *         are fewer, the last one takes the place of all others
 */
void table_add(Table *table, char **cells);

/* Returns: how wide the terminal is that stdout is; else more than any table */
unsigned table_room(void);

/*
 * Prints all to stdout, as wide as it is.  What does not fit into @room
 * columns comes in more tables below, which have the keys as well.
 */
void table_print(const Table *table, unsigned room);

#endif
