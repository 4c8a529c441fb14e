/*
 * RAMinate: gives pages to another tier while the fastest is to become larger
 * or smaller
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/raminate/placer-internal.h"
#include "trace.h"

/* So many at once; whoever ends or holds the placer waits for these. */
#define PIECE_PAGES RAMINATE_REGION_PAGES

typedef struct Piece {
    RaminateMove moves[PIECE_PAGES];
    size_t nr;
    unsigned from;
    unsigned to;
} Piece;

/*
 * Plans the next piece, and claims the placement for it.
 * Returns: false if there is none, or it can't be had now.
 */
static bool begin(RaminatePlacer *placer, Piece *piece, size_t max)
{
    bool claimed;

    piece->nr = 0;
    raminate_placer_lock(placer);
    claimed = raminate_engine_excess(placer->engine) && !placer->stopping &&
              !raminate_placer_hold_reason(placer) && placer->mover &&
              placer->mover->ops->give && raminate_placer_claim_batch(placer);
    if (claimed) {
        piece->nr = raminate_engine_plan_resize(placer->engine,
                                                raminate_placer_now(placer),
                                                piece->moves,
                                                MIN(max, PIECE_PAGES),
                                                &piece->to);
        if (piece->nr) {
            piece->from = raminate_placement_tier(placer->memory->placement,
                                                  piece->moves[0].page);
        } else {
            raminate_placer_release_batch(placer);
        }
    }
    raminate_placer_unlock(placer);
    return piece->nr;
}

/* Returns: whether there is any use in a next piece now. */
static bool make(RaminatePlacer *placer, Piece *piece)
{
    Error *err = NULL;
    RaminateExchangeResult result =
        placer->mover->ops->give(placer->mover, piece->moves, piece->nr,
                                 piece->to, &err);
    bool done = false;

    for (size_t i = 0; i < piece->nr; i++) {
        done |= piece->moves[i].status == RAMINATE_MOVE_DONE;
    }
    trace_raminate_give(placer->memory->id, piece->nr, piece->from, piece->to);
    raminate_placer_lock(placer);
    raminate_engine_given(placer->engine, raminate_placer_now(placer),
                          piece->moves, piece->nr, piece->from);
    if (result == RAMINATE_EXCHANGE_BROKEN) {
        raminate_placer_mover_failed(placer, err);
    } else {
        error_free(err);
    }
    raminate_placer_release_batch(placer);
    raminate_placer_unlock(placer);
    return result == RAMINATE_EXCHANGE_OK && done;
}

void raminate_placer_resize(RaminatePlacer *placer)
{
    g_autofree Piece *piece = g_new(Piece, 1);
    uint32_t left;

    raminate_placer_lock(placer);
    left = placer->settings.engine.max_swaps;
    raminate_placer_unlock(placer);
    while (left && begin(placer, piece, left)) {
        left -= piece->nr;
        if (!make(placer, piece)) {
            break;
        }
    }
}
