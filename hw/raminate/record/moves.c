/*
 * RAMinate: the moves of a batch, as a recording holds them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "format.h"
#include "moves.h"
#include "put.h"

void raminate_record_put_batch(GByteArray *out,
                               const RaminateRecordEntry *entry)
{
    put_varint(out, entry->moved_after_ms);
    put_u8(out, entry->by_command ? RECORD_BY_COMMAND : 0);
    put_varint(out, entry->nr_moves);
    for (size_t i = 0; i < entry->nr_moves; i++) {
        put_varint(out, entry->moves[i].page);
        put_varint(out, entry->moves[i].with);
        put_u8(out, entry->moves[i].status);
    }
}

/* A page and the one that it changes places with are two. */
static bool take_move(Cursor *cursor, uint32_t nr_pages, RaminateMove *move)
{
    uint8_t status;

    move->page = take_up_to(cursor, nr_pages - 1);
    move->with = take_up_to(cursor, nr_pages - 1);
    status = take_u8(cursor);
    move->status = status;
    move->error = 0;
    return !cursor->bad && move->page != move->with &&
           status <= RAMINATE_MOVE_HELD;
}

bool raminate_record_take_batch(Cursor *cursor, uint32_t nr_pages,
                                RaminateMove **moves,
                                RaminateRecordEntry *entry,
                                bool *out_of_memory)
{
    uint32_t after_ms = take_up_to(cursor, UINT32_MAX);
    uint8_t flags = take_u8(cursor);
    size_t nr = take_up_to(cursor, bytes_left(cursor) / RECORD_MOVE_MIN_SIZE);

    if (cursor->bad || flags & ~RECORD_BY_COMMAND) {
        return false;
    }
    g_free(*moves);
    *moves = g_try_new(RaminateMove, nr);
    if (nr && !*moves) {
        *out_of_memory = true;
        return false;
    }
    for (size_t i = 0; i < nr; i++) {
        if (!take_move(cursor, nr_pages, *moves + i)) {
            return false;
        }
    }
    entry->moved_after_ms = after_ms;
    entry->by_command = flags & RECORD_BY_COMMAND;
    entry->moves = *moves;
    entry->nr_moves = nr;
    return cursor->next == cursor->end;
}
