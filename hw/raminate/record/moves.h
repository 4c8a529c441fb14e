/*
 * RAMinate: the moves of a batch, as a recording holds them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_RECORD_MOVES_H
#define RAMINATE_RECORD_MOVES_H

#include "cursor.h"
#include "record.h"

void raminate_record_put_batch(GByteArray *out,
                               const RaminateRecordEntry *entry);

/*
 * Takes what follows time and window.
 * @moves: what @entry->moves was before, or NULL; returns what it is now, to be
 *         freed with g_free()
 * @out_of_memory: set if it is for lack of memory
 * Returns: false if there is no whole batch, or not of a guest of @nr_pages.
 */
bool raminate_record_take_batch(Cursor *cursor, uint32_t nr_pages,
                                RaminateMove **moves,
                                RaminateRecordEntry *entry,
                                bool *out_of_memory);

#endif
