/*
 * RAMinate: pages that moved lately, to find out which of them move back
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "hw/raminate/moves.h"

typedef struct Move {
    int64_t ms;
    unsigned from;
} Move;

struct RaminateMoves {
    GHashTable *last;           /* page number to its last Move */
    int64_t next_sweep_ms;
};

RaminateMoves *raminate_moves_new(void)
{
    RaminateMoves *moves = g_new0(RaminateMoves, 1);

    moves->last = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return moves;
}

void raminate_moves_free(RaminateMoves *moves)
{
    g_hash_table_destroy(moves->last);
    g_free(moves);
}

static gboolean is_forgotten(gpointer key G_GNUC_UNUSED, gpointer value,
                             gpointer oldest_ms)
{
    const Move *move = value;

    return move->ms < *(int64_t *)oldest_ms;
}

bool raminate_moves_note(RaminateMoves *moves, int64_t now_ms,
                         int64_t window_ms, uint32_t page,
                         unsigned from, unsigned to)
{
    int64_t oldest_ms = now_ms - window_ms;
    gpointer key = GUINT_TO_POINTER(page);
    Move *move;
    bool back;

    if (now_ms >= moves->next_sweep_ms) {
        g_hash_table_foreach_remove(moves->last, is_forgotten, &oldest_ms);
        moves->next_sweep_ms = now_ms + window_ms;
    }
    move = g_hash_table_lookup(moves->last, key);
    back = move && move->ms >= oldest_ms && move->from == to;
    if (!move) {
        move = g_new(Move, 1);
        g_hash_table_insert(moves->last, key, move);
    }
    move->ms = now_ms;
    move->from = from;
    return back;
}
