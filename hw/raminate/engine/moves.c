/*
 * RAMinate: the last move of each page that moved lately
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "hw/raminate/engine/moves.h"

struct RaminateMoves {
    GHashTable *last;           /* page number to its last RaminatePastMove */
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
    const RaminatePastMove *move = value;

    return move->ms < *(int64_t *)oldest_ms;
}

bool raminate_moves_note(RaminateMoves *moves, int64_t window_ms,
                         uint32_t page, const RaminatePastMove *move)
{
    int64_t oldest_ms = move->ms - window_ms;
    RaminatePastMove *last;
    bool back;

    if (move->ms >= moves->next_sweep_ms) {
        if (g_hash_table_size(moves->last) > RAMINATE_MOVES_KEPT) {
            g_hash_table_foreach_remove(moves->last, is_forgotten, &oldest_ms);
        }
        moves->next_sweep_ms = move->ms + window_ms;
    }
    last = g_hash_table_lookup(moves->last, GUINT_TO_POINTER(page));
    back = last && last->ms >= oldest_ms && last->from == move->to;
    if (!last) {
        last = g_new(RaminatePastMove, 1);
        g_hash_table_insert(moves->last, GUINT_TO_POINTER(page), last);
    }
    *last = *move;
    return back;
}

const RaminatePastMove *raminate_moves_last(const RaminateMoves *moves,
                                        uint32_t page)
{
    return g_hash_table_lookup(moves->last, GUINT_TO_POINTER(page));
}
