/*
 * RAMinate: the engine, which decides when and what to sample and to move
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "hw/raminate/engine/engine-internal.h"

/* Life */

RaminateEngine *raminate_engine_new(const RaminateLayout *layout,
                                    const RaminateSettings *settings)
{
    RaminateEngine *e = g_new0(RaminateEngine, 1);

    e->settings = *settings;
    e->placement = raminate_placement_new(layout);
    if (e->placement) {
        e->heat = raminate_heat_new(raminate_placement_pages(e->placement));
        e->working_set =
            raminate_working_set_new(raminate_placement_pages(e->placement),
                                     raminate_sample_counted(layout));
    }
    e->moves = raminate_moves_new();
    e->backoff = raminate_backoff_new();
    e->huge_plan = raminate_huge_plan_new();
    raminate_budget_init(&e->budget, 0);
    e->next_look_ms = RAMINATE_NEVER;
    e->drops_next = true;
    if (!e->placement || !e->heat || !e->working_set) {
        raminate_engine_free(e);
        return NULL;
    }
    raminate_heat_set_counted(e->heat, raminate_sample_counted(layout));
    raminate_resize_set(&e->resize,
                        raminate_placement_tier_pages(e->placement, 0));
    return e;
}

void raminate_engine_free(RaminateEngine *e)
{
    if (e) {
        raminate_engine_free_policies(e);
        raminate_handover_free(e->handover);
        raminate_huge_plan_free(e->huge_plan);
        raminate_backoff_free(e->backoff);
        raminate_moves_free(e->moves);
        raminate_working_set_free(e->working_set);
        raminate_heat_free(e->heat);
        raminate_placement_free(e->placement);
        g_free(e);
    }
}

void raminate_engine_set(RaminateEngine *e, int64_t now,
                         const RaminateSettings *settings)
{
    if (settings->max_cpu != e->settings.max_cpu) {
        raminate_budget_init(&e->budget, now);
    }
    e->settings = *settings;
    e->next_scan_ms = MIN(e->next_scan_ms, now + settings->scan_period);
    e->next_swap_ms = MIN(e->next_swap_ms, now + settings->swap_period);
}

void raminate_engine_forget_moves(RaminateEngine *e)
{
    raminate_moves_free(e->moves);
    e->moves = raminate_moves_new();
    raminate_backoff_clear(e->backoff);
}

/* The clock */

RaminateTask raminate_engine_next(const RaminateEngine *e, int64_t now,
                                  int64_t *wait_ms)
{
    int64_t next = MIN(MIN(e->next_scan_ms, e->next_look_ms),
                       e->next_swap_ms);
    int64_t start = MAX(next, raminate_budget_free_at(&e->budget));

    if (now < start) {
        *wait_ms = start - now;
        return RAMINATE_TASK_WAIT;
    }
    *wait_ms = 0;
    return next == e->next_scan_ms ? RAMINATE_TASK_SCAN
         : next == e->next_look_ms ? RAMINATE_TASK_LOOK
         : RAMINATE_TASK_BATCH;
}

void raminate_engine_took(RaminateEngine *e, int64_t now, uint64_t took_ns)
{
    raminate_histogram_add(&e->figures.cpu_time, took_ns);
    raminate_budget_take(&e->budget, now, took_ns, e->settings.max_cpu);
    /* A look is of use soon after its scan only. */
    if (e->next_look_ms < raminate_budget_free_at(&e->budget)) {
        e->next_look_ms = RAMINATE_NEVER;
    }
}

/*
 * What is late by a period or more is not caught up with.
 * Returns: when to do the next of something that is done once a period.
 */
static int64_t next_time(int64_t last, uint32_t period, int64_t now)
{
    return last + period > now ? last + period : now + period;
}

/* Samples */

void raminate_engine_hold(RaminateEngine *e)
{
    e->drops_next = true;
}

void raminate_engine_begin_scan(RaminateEngine *e, int64_t now,
                                bool wants_look)
{
    e->figures.scans_put_off +=
        raminate_budget_free_at(&e->budget) > e->next_scan_ms;
    e->next_scan_ms = next_time(e->next_scan_ms, e->settings.scan_period, now);
    e->next_look_ms = e->settings.second_look && (e->ops->look || wants_look)
                      ? now + e->settings.second_look : RAMINATE_NEVER;
    e->drops_scan = e->drops_next;
    e->drops_next = false;
    raminate_moves_forget(e->moves, e->settings.reverse_window, now);
}

void raminate_engine_begin_look(RaminateEngine *e)
{
    e->next_look_ms = RAMINATE_NEVER;
    e->drops_scan = e->drops_next;
}

bool raminate_engine_drops_scan(const RaminateEngine *e)
{
    return e->drops_scan;
}

int64_t raminate_engine_last_scan(const RaminateEngine *e)
{
    return e->last_scan_ms;
}

void raminate_engine_looked(RaminateEngine *e, int64_t now,
                            uint32_t window_ms, const RaminateSample *found)
{
    if (e->ops->look) {
        e->ops->look(e->policy, now, window_ms, found);
    }
}

void raminate_engine_scanned(RaminateEngine *e, const RaminateScan *scan)
{
    if (e->ops->gauge) {
        e->ops->gauge(e->policy, scan->gauged, scan->lines, scan->nr_gauged);
    }
    if (e->ops->sample) {
        e->ops->sample(e->policy, scan->now, scan->found);
    }
}

void raminate_engine_begin_count(RaminateEngine *e, int64_t now)
{
    e->counted_ms = now;
    raminate_heat_begin_scan(e->heat);
    memset(&e->count, 0, sizeof(e->count));
}

void raminate_engine_count(RaminateEngine *e, const RaminateSample *part)
{
    raminate_figures_count(&e->count, e->placement, part);
    raminate_heat_add(e->heat, part);
    raminate_working_set_add(e->working_set, e->counted_ms, part);
}

void raminate_engine_end_count(RaminateEngine *e)
{
    raminate_figures_add_scan(&e->figures, e->counted_ms - e->last_scan_ms,
                              &e->count);
    raminate_heat_end_scan(e->heat);
    e->last_scan_ms = e->counted_ms;
}

void raminate_engine_drop_scan(RaminateEngine *e, int64_t now)
{
    e->last_scan_ms = now;
}

/* Batches */

void raminate_engine_put_off_batch(RaminateEngine *e, int64_t now)
{
    e->next_swap_ms = now + e->settings.swap_period;
}

void raminate_engine_cut_batch(RaminateEngine *e, int64_t now)
{
    e->next_swap_ms = MIN(e->next_swap_ms, now + RAMINATE_CUT_BATCH_PERIOD_MS);
}

void raminate_engine_begin_batch(RaminateEngine *e, int64_t now)
{
    e->next_swap_ms = next_time(e->next_swap_ms, e->settings.swap_period, now);
}

void raminate_engine_take_over(RaminateEngine *e, uint8_t *data, size_t size)
{
    if (e->handover && e->handover_end_ms == RAMINATE_NEVER) {
        g_free(data);
        return;
    }
    raminate_handover_free(e->handover);
    e->handover = raminate_handover_new(data, size, e->heat);
    e->handover_end_ms = RAMINATE_NEVER;
}

size_t raminate_engine_plan_handover(RaminateEngine *e, int64_t now,
                                     RaminateMove *moves, size_t max)
{
    size_t nr;

    if (!e->handover || !e->ops->kinds) {
        return 0;
    }
    if (e->handover_end_ms == RAMINATE_NEVER) {
        e->handover_end_ms = now + RAMINATE_HANDOVER_MS;
    }
    if (now >= e->handover_end_ms || raminate_handover_is_done(e->handover)) {
        g_clear_pointer(&e->handover, raminate_handover_free);
        return 0;
    }
    nr = raminate_handover_plan(e->handover, e->placement, e->heat,
                                e->backoff, moves, max);
    if (nr) {
        e->next_swap_ms = now + MIN(e->settings.swap_period,
                                    RAMINATE_CUT_BATCH_PERIOD_MS);
    }
    return nr;
}

void raminate_engine_put_back(RaminateEngine *e, const RaminateMove *moves,
                              size_t nr)
{
    if (e->handover) {
        raminate_handover_put_back(e->handover, moves, nr);
    }
}

size_t raminate_engine_drop_stale(const RaminateEngine *e,
                                  RaminateMove *moves, size_t nr)
{
    g_autofree RaminateMove *stale = g_new(RaminateMove, nr);
    size_t nr_stale = 0;
    size_t left = 0;

    for (size_t i = 0; i < nr; i++) {
        if (raminate_placement_tier(e->placement, moves[i].page) >
            raminate_placement_tier(e->placement, moves[i].with)) {
            moves[left++] = moves[i];
        } else {
            stale[nr_stale++] = moves[i];
        }
    }
    for (size_t i = 0; i < nr_stale; i++) {
        moves[left + i] = stale[i];
    }
    return left;
}

/*
 * Takes note of a page that has gone from @from to where the placement says.
 * @with: see RaminatePastMove
 * Returns: whether it moved back to where it came from lately.
 */
static bool page_moved(RaminateEngine *e, int64_t now, const char *policy,
                       uint32_t page, uint32_t with, unsigned from)
{
    RaminatePastMove move = {
        .ms = now,
        .policy = policy,
        .with = with,
        .from = from,
        .to = raminate_placement_tier(e->placement, page),
        .heat = raminate_heat_get(e->heat, page),
    };

    raminate_backoff_moved(e->backoff, page);
    if (raminate_placement_is_room(e->placement, page)) {
        return false;
    }
    e->figures.swap_reads[move.from]++;
    e->figures.swap_writes[move.to]++;
    return move.from != move.to &&
           raminate_moves_note(e->moves, e->settings.reverse_window, page,
                               &move);
}

static void move_done(RaminateEngine *e, int64_t now, bool planned,
                      const RaminateMove *move)
{
    const char *policy = planned ? e->ops->name : NULL;
    unsigned page_to = raminate_placement_tier(e->placement, move->page);
    unsigned with_to = raminate_placement_tier(e->placement, move->with);
    bool back = page_moved(e, now, policy, move->page, move->with, with_to);

    back |= page_moved(e, now, policy, move->with, move->page, page_to);
    e->figures.swaps++;
    e->figures.swaps_reversed += back;
    if (e->ops->moved) {
        e->ops->moved(e->policy, now, move);
    }
}

void raminate_engine_page_failed(RaminateEngine *e, uint32_t page)
{
    e->figures.pages_failed += raminate_backoff_add_bad(e->backoff, page);
}

bool raminate_engine_page_is_bad(const RaminateEngine *e, uint32_t page)
{
    return raminate_backoff_is_bad(e->backoff, page);
}

/* @planned: by the policy, not by a user */
static void move_failed(RaminateEngine *e, const RaminateMove *move,
                        bool planned)
{
    if (move->bad & RAMINATE_MOVE_BAD_PAGE) {
        raminate_engine_page_failed(e, move->page);
    }
    if (move->bad & RAMINATE_MOVE_BAD_WITH) {
        raminate_engine_page_failed(e, move->with);
    }
    if (planned) {
        raminate_backoff_failed(e->backoff, move->page);
        raminate_backoff_failed(e->backoff, move->with);
    }
}

void raminate_engine_moved(RaminateEngine *e, int64_t now,
                           const RaminateMove *moves, size_t nr, bool planned)
{
    for (size_t i = 0; i < nr; i++) {
        const RaminateMove *move = &moves[i];

        if (move->status == RAMINATE_MOVE_DONE) {
            move_done(e, now, planned, move);
            continue;
        }
        raminate_figures_add_failed(&e->figures, move);
        if (move->status != RAMINATE_MOVE_PENDING) {
            move_failed(e, move, planned);
        }
    }
}

/* The size of the fastest tier */

void raminate_engine_set_fast_pages(RaminateEngine *e, int64_t now,
                                    uint32_t pages)
{
    raminate_resize_set(&e->resize, pages);
    e->next_swap_ms = MIN(e->next_swap_ms, now);
}

int64_t raminate_engine_excess(const RaminateEngine *e)
{
    return raminate_resize_excess(&e->resize, e->placement);
}

size_t raminate_engine_plan_resize(RaminateEngine *e, int64_t now,
                                   RaminateMove *moves, size_t max,
                                   unsigned *to)
{
    size_t nr = raminate_resize_plan(&e->resize, e->placement, e->heat,
                                     e->backoff, moves, max, to);

    if (!nr && raminate_engine_excess(e) && !e->resize.is_stuck) {
        raminate_engine_cut_batch(e, now);
    }
    return nr;
}

void raminate_engine_given(RaminateEngine *e, int64_t now,
                           const RaminateMove *moves, size_t nr,
                           unsigned from)
{
    for (size_t i = 0; i < nr; i++) {
        const RaminateMove *move = &moves[i];

        if (move->status != RAMINATE_MOVE_DONE) {
            raminate_figures_add_failed(&e->figures, move);
            if (move->status != RAMINATE_MOVE_PENDING) {
                raminate_backoff_failed(e->backoff, move->page);
            }
            continue;
        }
        page_moved(e, now, NULL, move->page, RAMINATE_NO_PAGE, from);
        e->figures.pages_resized++;
        if (e->ops->given) {
            e->ops->given(e->policy, now, move->page, from);
        }
        raminate_engine_cut_batch(e, now);
    }
}

void raminate_engine_adopt(RaminateEngine *e, int64_t now,
                           const RaminateStray *strays, size_t nr)
{
    for (size_t i = 0; i < nr; i++) {
        uint32_t page = strays[i].page;
        unsigned from = raminate_placement_tier(e->placement, page);

        /* Policies are made for tiers that have a page. */
        if (raminate_placement_tier_pages(e->placement, from) < 2) {
            continue;
        }
        raminate_placement_give(e->placement, page, strays[i].to);
        /* Else it might be the first to make up for itself. */
        raminate_backoff_hold(e->backoff, page);
        e->figures.pages_adopted++;
        if (e->ops->given) {
            e->ops->given(e->policy, now, page, from);
        }
    }
}

/* Parts of it */

size_t raminate_engine_memory(const RaminateEngine *e)
{
    return raminate_placement_memory(e->placement) +
           raminate_heat_memory(e->heat) + raminate_moves_memory(e->moves) +
           raminate_huge_plan_memory(e->huge_plan) + e->policy_memory;
}

RaminatePlacement *raminate_engine_placement(RaminateEngine *e)
{
    return e->placement;
}

const RaminateHeat *raminate_engine_heat(const RaminateEngine *e)
{
    return e->heat;
}

RaminateFigures *raminate_engine_figures(RaminateEngine *e)
{
    return &e->figures;
}

const RaminateWorkingSet *raminate_engine_working_set(const RaminateEngine *e)
{
    return e->working_set;
}

size_t raminate_engine_latest_moves(const RaminateEngine *e,
                                    RaminateLatestMove *pages, size_t max)
{
    return raminate_moves_latest(e->moves, pages, max);
}

const RaminatePastMove *raminate_engine_last_move(const RaminateEngine *e,
                                                  uint32_t page)
{
    return raminate_moves_last(e->moves, page);
}

const RaminatePolicyOps *raminate_engine_policy(const RaminateEngine *e)
{
    return e->ops;
}
