/*
 * RAMinate: a batch of moves
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/timer.h"
#include "hw/raminate/engine/huge-plan.h"
#include "hw/raminate/engine/regions.h"
#include "hw/raminate/placer-internal.h"
#include "trace.h"

/*
 * So many moves the mover is given at once, or a region that goes as a whole.
 * Whoever ends or holds the placer waits for these, and not for the whole of a
 * planned batch.
 */
#define SLICE_MOVES 128

/*
 * So long a batch may take the guest's time once it stands still.  What is left
 * is planned anew, and soon, see raminate_engine_cut_batch(); of a command, the
 * next batch makes it.
 */
#define LONGEST_BATCH_NS (20 * 1000 * 1000)

/*
 * After a batch of so many swaps or more of which the kernel could make none,
 * as where a device has pinned the guest's memory, only so many are planned
 * until one is made: each that fails takes pages from the guest for a moment.
 */
#define BUSY_SWAPS 16

/* A batch, and what becomes of it */
typedef struct Batch {
    RaminatePlacer *placer;
    RaminateMove *moves;
    size_t nr;
    size_t nr_stale;            /* at their end, not to be made any more */
    bool planned;               /* not by a user */
    bool by_policy;             /* planned, and not what came with the guest */
    bool begun;
    int64_t planned_ms;
    uint32_t window_ms;         /* from the last scan until then */
    RaminateExchangeResult result;
    uint64_t paused;            /* nanoseconds */
} Batch;

/* With the lock. */
static bool may_exchange(RaminatePlacer *placer, Error **errp)
{
    const char *reason = raminate_placer_hold_reason(placer);

    if (!raminate_placer_is_on(placer)) {
        error_setg(errp, "%s '%s' has no placer to "
                   "exchange pages with; set its property monitor to on, and "
                   "give it two tiers or more", placer->memory->type,
                   placer->memory->id);
    } else if (reason) {
        error_setg(errp, "%s '%s': pages can't be "
                   "exchanged: %s", placer->memory->type, placer->memory->id,
                   reason);
    } else if (!placer->mover || placer->reopen ||
               !raminate_engine_policy(placer->engine)) {
        error_setg(errp, "%s '%s': the placer is "
                   "starting; try again", placer->memory->type,
                   placer->memory->id);
    } else {
        return true;
    }
    return false;
}

static bool claim_batch(RaminatePlacer *placer, Error **errp)
{
    bool claimed = false;

    raminate_placer_lock(placer);
    if (may_exchange(placer, errp)) {
        claimed = raminate_placer_claim_batch(placer);
        if (!claimed) {
            error_setg(errp, "%s '%s': %s; try again",
                       placer->memory->type, placer->memory->id,
                       placer->claim == RAMINATE_CLAIM_BATCH
                       ? "another batch of exchanges is under way"
                       : "a policy's work on a large sample is under way");
        }
    }
    raminate_placer_unlock(placer);
    return claimed;
}

static void trace_moves(const RaminatePlacer *placer, const RaminateMove *moves,
                        size_t nr)
{
    const RaminatePlacement *placement = placer->memory->placement;

    for (size_t i = 0; i < nr; i++) {
        const RaminateMove *move = &moves[i];

        if (move->status == RAMINATE_MOVE_DONE) {
            trace_raminate_swap(placer->memory->id, move->page,
                                raminate_placement_tier(placement, move->page),
                                move->with,
                                raminate_placement_tier(placement,
                                                        move->with));
        } else if (move->status == RAMINATE_MOVE_FAILED) {
            trace_raminate_swap_failed(placer->memory->id, move->page,
                                       move->with, strerror(move->error));
        }
    }
}

/* Whether all of a region has changed places. */
static bool is_region_done(const RaminateMove *moves)
{
    for (size_t i = 0; i < RAMINATE_REGION_PAGES; i++) {
        if (moves[i].status != RAMINATE_MOVE_DONE) {
            return false;
        }
    }
    return true;
}

/* Of regions that were in huge pages.  Returns: how many stayed in one piece. */
static unsigned count_huge_moves(const RaminatePlacer *placer,
                                 const RaminateMove *moves, size_t nr)
{
    unsigned count = 0;
    size_t i = 0;

    while (placer->huge && nr - i >= RAMINATE_REGION_PAGES) {
        if (!raminate_is_whole_region(&moves[i], nr - i)) {
            i++;
            continue;
        }
        if (is_region_done(&moves[i])) {
            count += raminate_huge_is(placer->huge,
                                      raminate_region_of(moves[i].page)) +
                     raminate_huge_is(placer->huge,
                                      raminate_region_of(moves[i].with));
        }
        i += RAMINATE_REGION_PAGES;
    }
    return count;
}

/* With the lock.  @took: nanoseconds */
static void account_batch(Batch *batch, int64_t now, uint64_t took)
{
    RaminatePlacer *placer = batch->placer;
    RaminateFigures *figures = raminate_engine_figures(placer->engine);
    uint64_t busy = figures->swaps_busy;

    raminate_placer_assert_locked(placer);
    raminate_engine_moved(placer->engine, now, batch->moves, batch->nr,
                          batch->by_policy);
    if (batch->by_policy) {
        placer->all_busy = figures->swaps_busy - busy == batch->nr &&
                           (placer->all_busy || batch->nr >= BUSY_SWAPS);
    }
    figures->batches++;
    figures->huge_moves += count_huge_moves(placer, batch->moves, batch->nr);
    raminate_histogram_add(&figures->batch_time, took);
    if (batch->paused) {
        raminate_histogram_add(&figures->pause_time, batch->paused);
    }
    trace_moves(placer, batch->moves, batch->nr);
    trace_raminate_batch(placer->memory->id, batch->nr, took, batch->paused);
}

/* With the lock. */
static void set_planned(Batch *batch, int64_t now)
{
    batch->planned_ms = now;
    batch->window_ms = now - raminate_engine_last_scan(batch->placer->engine);
}

/*
 * Without the lock, since it takes the longer the more moves there are.
 * Returns: what to record of a batch, or NULL if nobody does.
 */
static GByteArray *encode_batch(const Batch *batch, int64_t now)
{
    RaminatePlacer *placer = batch->placer;
    RaminateRecordEntry entry = {
        .type = RAMINATE_RECORD_BATCH,
        .time_ms = batch->planned_ms,
        .window_ms = batch->window_ms,
        .moves = batch->moves,
        .nr_moves = batch->nr + batch->nr_stale,
        .moved_after_ms = now - batch->planned_ms,
        .by_command = !batch->by_policy,
    };
    GByteArray *out = raminate_placer_new_entries(placer);

    if (out) {
        raminate_recording_encode(placer->memory, out, &entry);
    }
    return out;
}

/* Returns: whether its time was over, or it was held, before its end. */
static bool was_cut(const Batch *batch)
{
    return batch->result == RAMINATE_EXCHANGE_OK && batch->nr &&
           batch->moves[batch->nr - 1].status == RAMINATE_MOVE_PENDING;
}

/* @reached: by the slices before */
static bool may_go_on(const Batch *batch, size_t reached, int64_t deadline)
{
    RaminatePlacer *placer = batch->placer;
    bool may;

    if (!batch->planned) {
        /* The main loop waits for it, whatever the mover is. */
        return !reached || qemu_clock_get_ns(QEMU_CLOCK_REALTIME) < deadline;
    }
    raminate_placer_lock(placer);
    may = !placer->stopping && may_exchange(placer, NULL);
    raminate_placer_unlock(placer);
    return may;
}

/* Returns: how many moves the mover is to be given at once. */
static size_t slice_of(const RaminateMove *moves, size_t nr)
{
    size_t n = 1;

    if (raminate_is_whole_region(moves, nr)) {
        return RAMINATE_REGION_PAGES;
    }
    while (n < MIN(nr, SLICE_MOVES) &&
           !raminate_is_whole_region(&moves[n], nr - n)) {
        n++;
    }
    return n;
}

/* Returns: as the mover's exchange(), which makes it slice by slice. */
static RaminateExchangeResult make_slices(Batch *batch, Error **errp)
{
    RaminateMover *mover = batch->placer->mover;
    int64_t deadline = qemu_clock_get_ns(QEMU_CLOCK_REALTIME) +
                       LONGEST_BATCH_NS;
    RaminateExchangeResult result = RAMINATE_EXCHANGE_OK;
    size_t reached = 0;

    while (reached < batch->nr && may_go_on(batch, reached, deadline)) {
        RaminateMove *moves = &batch->moves[reached];
        size_t nr = slice_of(moves, batch->nr - reached);

        result = mover->ops->exchange(mover, moves, nr, deadline, errp);
        if (result != RAMINATE_EXCHANGE_OK ||
            moves[nr - 1].status == RAMINATE_MOVE_PENDING) {
            break;
        }
        reached += nr;
    }
    return result;
}

static size_t count_reached(const Batch *batch)
{
    size_t nr = 0;

    while (nr < batch->nr &&
           batch->moves[nr].status != RAMINATE_MOVE_PENDING) {
        nr++;
    }
    return nr;
}

/* Between begin() and end() of the mover.  Returns: whether it was made. */
static bool make_batch(Batch *batch, Error **errp)
{
    RaminatePlacer *placer = batch->placer;
    bool may;

    /* Things may have changed while begin() waited. */
    raminate_placer_lock(placer);
    may = may_exchange(placer, errp);
    if (may && batch->planned) {
        size_t nr = raminate_engine_drop_stale(placer->engine, batch->moves,
                                               batch->nr);

        batch->nr_stale = batch->nr - nr;
        batch->nr = nr;
    }
    raminate_placer_unlock(placer);
    batch->begun = may;
    if (may) {
        batch->result = make_slices(batch, errp);
        if (!batch->planned) {
            batch->nr = count_reached(batch);
        }
    }
    return may;
}

/* Nothing of the batch was made, though a plan may have asked for it. */
static void give_up(Batch *batch, bool claimed)
{
    RaminatePlacer *placer = batch->placer;
    g_autoptr(GByteArray) entry =
        batch->planned ? encode_batch(batch, batch->planned_ms) : NULL;

    raminate_placer_lock(placer);
    raminate_recording_add(placer->recording, entry);
    if (claimed) {
        raminate_engine_figures(placer->engine)->batches_given_up++;
        raminate_placer_release_batch(placer);
    }
    raminate_placer_unlock(placer);
}

/*
 * Without the lock; in the main loop if the mover wants it.
 * Returns: false with @errp set if not all moves were reached.
 */
static bool exchange(Batch *batch, Error **errp)
{
    RaminatePlacer *placer = batch->placer;
    int64_t start = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    g_autoptr(GByteArray) entry = NULL;
    Error *err = NULL;
    int64_t now;
    bool made;

    if (!claim_batch(placer, errp)) {
        give_up(batch, false);
        return false;
    }
    if (!placer->mover->ops->begin(placer->mover, errp)) {
        give_up(batch, true);
        return false;
    }
    made = make_batch(batch, &err);
    batch->paused = placer->mover->ops->end(placer->mover);

    raminate_placer_lock(placer);
    now = raminate_placer_now(placer);
    if (!batch->planned) {
        set_planned(batch, now);
    }
    raminate_placer_unlock(placer);
    entry = encode_batch(batch, now);

    raminate_placer_lock(placer);
    raminate_recording_add(placer->recording, entry);
    if (made) {
        account_batch(batch, now,
                      qemu_clock_get_ns(QEMU_CLOCK_REALTIME) - start);
        if (was_cut(batch)) {
            raminate_engine_cut_batch(placer->engine, now);
        }
    }
    raminate_engine_figures(placer->engine)->batches_given_up +=
        batch->result == RAMINATE_EXCHANGE_REFUSED;
    if (batch->result == RAMINATE_EXCHANGE_BROKEN ||
        batch->result == RAMINATE_EXCHANGE_LOST) {
        raminate_placer_mover_failed(placer, error_copy(err));
    }
    raminate_placer_release_batch(placer);
    raminate_placer_unlock(placer);
    if (batch->result == RAMINATE_EXCHANGE_LOST) {
        error_report_err(error_copy(err));
        vm_stop(RUN_STATE_INTERNAL_ERROR);
    }
    if (err) {
        error_propagate(errp, err);
        return false;
    }
    return true;
}

/* Planned ones */

static void exchange_planned(void *opaque)
{
    Batch *batch = opaque;
    RaminatePlacer *placer = batch->placer;
    Error *err = NULL;

    exchange(batch, &err);
    raminate_placer_lock(placer);
    if (!batch->by_policy) {
        raminate_engine_put_back(placer->engine, batch->moves, batch->nr);
    }
    raminate_placer_set_held(placer, err ? error_get_pretty(err) : NULL);
    raminate_placer_unlock(placer);
    error_free(err);
}

static bool is_huge(const void *huge, uint32_t region)
{
    return raminate_huge_is(huge, region);
}

/* Has the plan mind huge pages.  With the lock, which it gives back for a look. */
static void mind_huge(Batch *batch, uint32_t max)
{
    RaminatePlacer *placer = batch->placer;
    RaminateFigures *figures = raminate_engine_figures(placer->engine);
    uint32_t splits;

    raminate_placer_unlock(placer);
    splits = raminate_huge_look_again(placer->huge, batch->moves, batch->nr);
    raminate_placer_lock(placer);
    figures->huge_splits += splits;
    batch->nr = raminate_engine_mind_huge(placer->engine, batch->moves,
                                          batch->nr, max, is_huge,
                                          placer->huge);
}

/*
 * With the lock, which the policy does without.
 * Returns: false if the placer is to end.
 */
static bool plan_by_policy(Batch *batch, uint32_t max)
{
    RaminatePlacer *placer = batch->placer;

    if (!raminate_placer_begin_policy(placer)) {
        return false;
    }
    batch->nr = raminate_engine_plan(placer->engine, batch->planned_ms,
                                     batch->moves, max);
    if (!raminate_placer_end_policy(placer)) {
        return false;
    }
    if (placer->huge) {
        mind_huge(batch, max);
    }
    return true;
}

static void nothing_to_do(Batch *batch)
{
    RaminatePlacer *placer = batch->placer;
    g_autoptr(GByteArray) entry = encode_batch(batch, batch->planned_ms);

    raminate_placer_lock(placer);
    raminate_recording_add(placer->recording, entry);
    raminate_placer_set_held(placer, NULL);
    raminate_placer_unlock(placer);
}

void raminate_placer_batch(RaminatePlacer *placer)
{
    Batch batch = { .placer = placer, .planned = true };
    g_autofree RaminateMove *moves = NULL;
    uint32_t max;

    raminate_placer_lock(placer);
    max = MIN(placer->settings.engine.max_swaps,
              placer->all_busy ? BUSY_SWAPS : UINT32_MAX);
    raminate_placer_unlock(placer);
    moves = batch.moves = g_new0(RaminateMove, max);

    raminate_placer_lock(placer);
    set_planned(&batch, raminate_placer_now(placer));
    raminate_engine_begin_batch(placer->engine, batch.planned_ms);
    batch.nr = raminate_engine_plan_handover(placer->engine, batch.planned_ms,
                                             moves, max);
    batch.by_policy = !batch.nr;
    if (batch.by_policy && !plan_by_policy(&batch, max)) {
        raminate_placer_unlock(placer);
        return;
    }
    raminate_placer_unlock(placer);
    if (!batch.nr) {
        nothing_to_do(&batch);
        return;
    }
    if (placer->mover->ops->part.in_main_loop) {
        raminate_placer_in_main_loop(placer, exchange_planned, &batch);
    } else {
        exchange_planned(&batch);
    }
}

/* By command */

size_t raminate_placer_swap(RaminatePlacer *placer, RaminateMove *moves,
                            size_t nr, bool *begun, Error **errp)
{
    Batch batch = { .placer = placer, .moves = moves, .nr = nr };
    int64_t start = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);

    exchange(&batch, errp);
    raminate_placer_note_main_loop(placer, start);
    *begun = batch.begun;
    return count_reached(&batch);
}
