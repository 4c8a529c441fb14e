/*
 * RAMinate: batches of exchanges, and the account that is kept of them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/timer.h"
#include "hw/raminate/monitor-internal.h"
#include "trace.h"

/* Returns: whether the page moved back to where it came from lately. */
static bool monitor_note_move(RaminateMonitor *monitor, int64_t now,
                              bool planned, uint32_t page, uint32_t with)
{
    const RaminatePlacement *placement = monitor->memory->placement;
    RaminateMove move = {
        .ms = now,
        .policy = planned ? monitor->policy_ops->name : NULL,
        .with = with,
        .from = raminate_placement_tier(placement, with),
        .to = raminate_placement_tier(placement, page),
        .heat = raminate_heat_get(monitor->heat, page),
    };

    return raminate_moves_note(monitor->moves,
                               monitor->settings.reverse_window, page, &move);
}

static void monitor_account_swap(RaminateMonitor *monitor, int64_t now,
                                 bool planned, const RaminateSwap *swap)
{
    const RaminatePlacement *placement = monitor->memory->placement;
    unsigned to_a = raminate_placement_tier(placement, swap->a);
    unsigned to_b = raminate_placement_tier(placement, swap->b);
    RaminateFigures *figures = &monitor->figures;

    switch (swap->status) {
    case RAMINATE_SWAP_PENDING:
        return;
    case RAMINATE_SWAP_HELD:
        figures->swaps_held++;
        return;
    case RAMINATE_SWAP_FAILED:
        figures->swaps_failed++;
        trace_raminate_swap_failed(monitor->memory->id, swap->a, swap->b,
                                   strerror(swap->error));
        return;
    case RAMINATE_SWAP_DONE:
        break;
    }

    figures->swaps++;
    figures->slow_writes_by_swaps += (to_a != 0) + (to_b != 0);
    if (to_a != to_b) {
        bool back_a = monitor_note_move(monitor, now, planned, swap->a,
                                        swap->b);
        bool back_b = monitor_note_move(monitor, now, planned, swap->b,
                                        swap->a);

        figures->swaps_reversed += back_a || back_b;
    }
    monitor->policy_ops->swapped(monitor->policy, now, swap->a, swap->b);
    trace_raminate_swap(monitor->memory->id, swap->a, to_a, swap->b, to_b);
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

static bool monitor_may_exchange(RaminateMonitor *monitor, Error **errp)
{
    const char *reason = raminate_monitor_hold_reason(monitor);

    if (!raminate_monitor_is_on(monitor)) {
        error_setg(errp, "memory-backend-container '%s' has no monitor to "
                   "exchange pages with; set its property monitor to on, and "
                   "give it two tiers or more", monitor->memory->id);
    } else if (reason) {
        error_setg(errp, "memory-backend-container '%s': pages can't be "
                   "exchanged: %s", monitor->memory->id, reason);
    } else if (!monitor->mover || !monitor->policy || monitor->reopen) {
        error_setg(errp, "memory-backend-container '%s': the monitor is "
                   "starting; try again", monitor->memory->id);
    } else {
        return true;
    }
    return false;
}

bool raminate_monitor_exchange(RaminateMonitor *monitor, RaminateSwap *swaps,
                               size_t nr, bool planned, Error **errp)
{
    int64_t start = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    RaminateFigures *figures = &monitor->figures;
    RaminateMover *mover = NULL;
    Error *err = NULL;
    RaminateExchangeResult result = RAMINATE_EXCHANGE_OK;
    uint64_t paused;
    bool ret = false;

    WITH_QEMU_LOCK_GUARD(&monitor->lock) {
        /* A batch that doesn't need the main loop can be waited for in it. */
        while (monitor->exchanging &&
               !monitor->mover->ops->part.in_main_loop) {
            qemu_cond_wait(&monitor->exchanged, &monitor->lock);
        }
        if (monitor->exchanging) {
            error_setg(errp, "memory-backend-container '%s': another batch of "
                       "exchanges is under way; try again",
                       monitor->memory->id);
        } else if (monitor_may_exchange(monitor, errp)) {
            monitor->exchanging = true;
            mover = monitor->mover;
        }
    }
    if (!mover) {
        return false;
    }

    if (!mover->ops->begin(mover, errp)) {
        WITH_QEMU_LOCK_GUARD(&monitor->lock) {
            monitor->exchanging = false;
            qemu_cond_broadcast(&monitor->exchanged);
        }
        return false;
    }
    WITH_QEMU_LOCK_GUARD(&monitor->lock) {
        int64_t now = raminate_monitor_now(monitor);

        /* Things may have changed while begin() waited. */
        ret = monitor_may_exchange(monitor, errp);
        if (ret && planned) {
            nr = drop_stale_swaps(monitor->memory->placement, swaps, nr);
        }
        if (ret) {
            result = mover->ops->exchange(mover, swaps, nr, &err);
            for (size_t i = 0; i < nr; i++) {
                monitor_account_swap(monitor, now, planned, &swaps[i]);
            }
        }
        if (result == RAMINATE_EXCHANGE_BROKEN) {
            raminate_monitor_mover_failed(monitor, error_copy(err));
        }
    }
    paused = mover->ops->end(mover);
    WITH_QEMU_LOCK_GUARD(&monitor->lock) {
        monitor->exchanging = false;
        qemu_cond_broadcast(&monitor->exchanged);
        if (ret) {
            uint64_t took = qemu_clock_get_ns(QEMU_CLOCK_REALTIME) - start;

            figures->batches++;
            raminate_histogram_add(&figures->batch_time, took);
            if (paused) {
                raminate_histogram_add(&figures->pause_time, paused);
            }
            trace_raminate_batch(monitor->memory->id, nr, took, paused);
        }
    }
    if (err) {
        error_propagate(errp, err);
        return false;
    }
    return ret;
}

bool raminate_monitor_swap(RaminateMonitor *monitor, RaminateSwap *swaps,
                           size_t nr, Error **errp)
{
    return raminate_monitor_exchange(monitor, swaps, nr, false, errp);
}
