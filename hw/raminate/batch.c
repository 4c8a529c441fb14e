/*
 * RAMinate: batches of exchanges, and the account that is kept of them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/timer.h"
#include "hw/raminate/placer-internal.h"
#include "trace.h"

/* Returns: whether the page moved back to where it came from lately. */
static bool placer_note_move(RaminatePlacer *placer, int64_t now,
                              bool planned, uint32_t page, uint32_t with)
{
    const RaminatePlacement *placement = placer->memory->placement;
    RaminateMove move = {
        .ms = now,
        .policy = planned ? placer->policy_ops->name : NULL,
        .with = with,
        .from = raminate_placement_tier(placement, with),
        .to = raminate_placement_tier(placement, page),
        .heat = raminate_heat_get(placer->heat, page),
    };

    return raminate_moves_note(placer->moves,
                               placer->settings.reverse_window, page, &move);
}

static void placer_account_swap(RaminatePlacer *placer, int64_t now,
                                 bool planned, const RaminateSwap *swap)
{
    const RaminatePlacement *placement = placer->memory->placement;
    unsigned to_a = raminate_placement_tier(placement, swap->a);
    unsigned to_b = raminate_placement_tier(placement, swap->b);
    RaminateFigures *figures = &placer->figures;

    switch (swap->status) {
    case RAMINATE_SWAP_PENDING:
        return;
    case RAMINATE_SWAP_HELD:
        figures->swaps_held++;
        return;
    case RAMINATE_SWAP_FAILED:
        figures->swaps_failed++;
        trace_raminate_swap_failed(placer->memory->id, swap->a, swap->b,
                                   strerror(swap->error));
        return;
    case RAMINATE_SWAP_DONE:
        break;
    }

    figures->swaps++;
    figures->slow_writes_by_swaps += (to_a != 0) + (to_b != 0);
    if (to_a != to_b) {
        bool back_a = placer_note_move(placer, now, planned, swap->a,
                                        swap->b);
        bool back_b = placer_note_move(placer, now, planned, swap->b,
                                        swap->a);

        figures->swaps_reversed += back_a || back_b;
    }
    placer->policy_ops->swapped(placer->policy, now, swap->a, swap->b);
    trace_raminate_swap(placer->memory->id, swap->a, to_a, swap->b, to_b);
}

/*
 * Drops planned pairs that have been overtaken by a user's exchanges.
 * Returns: number of pairs left.
 */
static size_t drop_stale_swaps(const RaminatePlacement *placement,
                               RaminateSwap *swaps, size_t nr)
{
    size_t left = 0;

    for (size_t i = 0; i < nr; i++) {
        if (raminate_placement_tier(placement, swaps[i].a) >
            raminate_placement_tier(placement, swaps[i].b)) {
            swaps[left++] = swaps[i];
        }
    }
    return left;
}

static bool placer_may_exchange(RaminatePlacer *placer, Error **errp)
{
    const char *reason = raminate_placer_hold_reason(placer);

    if (!raminate_placer_is_on(placer)) {
        error_setg(errp, "memory-backend-container '%s' has no monitor to "
                   "exchange pages with; set its property monitor to on, and "
                   "give it two tiers or more", placer->memory->id);
    } else if (reason) {
        error_setg(errp, "memory-backend-container '%s': pages can't be "
                   "exchanged: %s", placer->memory->id, reason);
    } else if (!placer->mover || !placer->policy || placer->reopen) {
        error_setg(errp, "memory-backend-container '%s': the monitor is "
                   "starting; try again", placer->memory->id);
    } else {
        return true;
    }
    return false;
}

bool raminate_placer_exchange(RaminatePlacer *placer, RaminateSwap *swaps,
                               size_t nr, bool planned, Error **errp)
{
    int64_t start = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    RaminateFigures *figures = &placer->figures;
    RaminateMover *mover = NULL;
    Error *err = NULL;
    RaminateExchangeResult result = RAMINATE_EXCHANGE_OK;
    uint64_t paused;
    bool ret = false;

    WITH_QEMU_LOCK_GUARD(&placer->lock) {
        /* A batch that doesn't need the main loop can be waited for in it. */
        while (placer->exchanging &&
               !placer->mover->ops->part.in_main_loop) {
            qemu_cond_wait(&placer->exchanged, &placer->lock);
        }
        if (placer->exchanging) {
            error_setg(errp, "memory-backend-container '%s': another batch of "
                       "exchanges is under way; try again",
                       placer->memory->id);
        } else if (placer_may_exchange(placer, errp)) {
            placer->exchanging = true;
            mover = placer->mover;
        }
    }
    if (!mover) {
        return false;
    }

    if (!mover->ops->begin(mover, errp)) {
        WITH_QEMU_LOCK_GUARD(&placer->lock) {
            placer->exchanging = false;
            qemu_cond_broadcast(&placer->exchanged);
        }
        return false;
    }
    WITH_QEMU_LOCK_GUARD(&placer->lock) {
        int64_t now = raminate_placer_now(placer);

        /* Things may have changed while begin() waited. */
        ret = placer_may_exchange(placer, errp);
        if (ret && planned) {
            nr = drop_stale_swaps(placer->memory->placement, swaps, nr);
        }
        if (ret) {
            result = mover->ops->exchange(mover, swaps, nr, &err);
            for (size_t i = 0; i < nr; i++) {
                placer_account_swap(placer, now, planned, &swaps[i]);
            }
        }
        if (result == RAMINATE_EXCHANGE_BROKEN) {
            raminate_placer_mover_failed(placer, error_copy(err));
        }
    }
    paused = mover->ops->end(mover);
    WITH_QEMU_LOCK_GUARD(&placer->lock) {
        placer->exchanging = false;
        qemu_cond_broadcast(&placer->exchanged);
        if (ret) {
            uint64_t took = qemu_clock_get_ns(QEMU_CLOCK_REALTIME) - start;

            figures->batches++;
            raminate_histogram_add(&figures->batch_time, took);
            if (paused) {
                raminate_histogram_add(&figures->pause_time, paused);
            }
            trace_raminate_batch(placer->memory->id, nr, took, paused);
        }
    }
    if (err) {
        error_propagate(errp, err);
        return false;
    }
    return ret;
}

bool raminate_placer_swap(RaminatePlacer *placer, RaminateSwap *swaps,
                           size_t nr, Error **errp)
{
    return raminate_placer_exchange(placer, swaps, nr, false, errp);
}
