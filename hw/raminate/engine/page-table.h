/*
 * RAMinate: a hash table of pages of which there are few, each with a struct
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_PAGE_TABLE_H
#define RAMINATE_PAGE_TABLE_H

#include <glib.h>

/* What GLib takes beside the struct: two slots, one of them free */
#define RAMINATE_PAGE_TABLE_SLOTS 32

/* Returns: a table by page number; it frees a struct that is removed. */
static inline GHashTable *raminate_page_table_new(void)
{
    return g_hash_table_new_full(NULL, NULL, NULL, g_free);
}

/* Returns: bytes that it takes at present, about. */
static inline size_t raminate_page_table_memory(GHashTable *table,
                                                size_t struct_size)
{
    return g_hash_table_size(table) *
           (struct_size + RAMINATE_PAGE_TABLE_SLOTS);
}

#endif
