/*
 * RAMinate: the figures that a placer keeps
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <string.h>

#include "hw/raminate/engine/figures.h"

void raminate_figures_count(RaminateScanCount *count,
                            const RaminatePlacement *placement,
                            const RaminateSample *part)
{
    RAMINATE_SAMPLE_FOREACH(run, part, RAMINATE_WRITTEN) {
        for (uint32_t page = run->first; page < run->first + run->nr; page++) {
            count->written[raminate_placement_tier(placement, page)]++;
            count->unmoved[raminate_placement_first_tier(placement, page)]++;
        }
    }
}

void raminate_figures_add_scan(RaminateFigures *figures, int64_t period_ms,
                               const RaminateScanCount *count)
{
    memcpy(figures->written, count->written, sizeof(figures->written));
    for (unsigned tier = 0; tier < RAMINATE_MAX_TIERS; tier++) {
        figures->total_written[tier] += count->written[tier];
        figures->unmoved[tier] += count->unmoved[tier];
    }
    figures->watched_ms += period_ms;
    figures->scans++;
}

void raminate_figures_add_failed(RaminateFigures *figures,
                                 const RaminateMove *move)
{
    bool failed = move->status == RAMINATE_MOVE_FAILED;

    figures->swaps_failed += failed;
    figures->swaps_busy += failed && (move->error == EBUSY ||
                                      move->error == EAGAIN);
    figures->swaps_no_room += failed && (move->error == ENOMEM ||
                                         move->error == ENOSPC);
    figures->swaps_held += move->status == RAMINATE_MOVE_HELD;
}

uint64_t raminate_figures_sum(const uint64_t *pages)
{
    return pages[0] + raminate_figures_slow(pages);
}

uint64_t raminate_figures_slow(const uint64_t *pages)
{
    uint64_t sum = 0;

    for (unsigned tier = 1; tier < RAMINATE_MAX_TIERS; tier++) {
        sum += pages[tier];
    }
    return sum;
}

bool raminate_figures_slow_share(const uint64_t *written, double *share)
{
    uint64_t sum = raminate_figures_sum(written);

    if (!sum) {
        return false;
    }
    *share = 100.0 * raminate_figures_slow(written) / sum;
    return true;
}

/* The table */

static uint64_t get_scans(const RaminateFigures *figures)
{
    return figures->scans;
}

static uint64_t get_scans_put_off(const RaminateFigures *figures)
{
    return figures->scans_put_off;
}

static uint64_t get_pages_written(const RaminateFigures *figures)
{
    return raminate_figures_sum(figures->total_written);
}

static uint64_t get_pages_written_slow(const RaminateFigures *figures)
{
    return raminate_figures_slow(figures->total_written);
}

static uint64_t get_batches(const RaminateFigures *figures)
{
    return figures->batches;
}

static uint64_t get_batches_given_up(const RaminateFigures *figures)
{
    return figures->batches_given_up;
}

static uint64_t get_swaps(const RaminateFigures *figures)
{
    return figures->swaps;
}

static uint64_t get_swaps_failed(const RaminateFigures *figures)
{
    return figures->swaps_failed;
}

static uint64_t get_swaps_busy(const RaminateFigures *figures)
{
    return figures->swaps_busy;
}

static uint64_t get_swaps_no_room(const RaminateFigures *figures)
{
    return figures->swaps_no_room;
}

static uint64_t get_swaps_reversed(const RaminateFigures *figures)
{
    return figures->swaps_reversed;
}

static uint64_t get_swaps_held(const RaminateFigures *figures)
{
    return figures->swaps_held;
}

static uint64_t get_pages_failed(const RaminateFigures *figures)
{
    return figures->pages_failed;
}

static uint64_t get_pages_astray(const RaminateFigures *figures)
{
    return figures->pages_astray;
}

static uint64_t get_pages_adopted(const RaminateFigures *figures)
{
    return figures->pages_adopted;
}

static uint64_t get_pages_resized(const RaminateFigures *figures)
{
    return figures->pages_resized;
}

static uint64_t get_watch_faults(const RaminateFigures *figures)
{
    return figures->watch_faults;
}

static uint64_t get_huge_splits(const RaminateFigures *figures)
{
    return figures->huge_splits;
}

static uint64_t get_huge_collapses(const RaminateFigures *figures)
{
    return figures->huge_collapses;
}

static uint64_t get_huge_moves(const RaminateFigures *figures)
{
    return figures->huge_moves;
}

static uint64_t get_slow_writes_by_swaps(const RaminateFigures *figures)
{
    return raminate_figures_slow(figures->swap_writes);
}

static uint64_t get_scan_time(const RaminateFigures *figures)
{
    return figures->scan_time.sum;
}

static uint64_t get_batch_time(const RaminateFigures *figures)
{
    return figures->batch_time.sum;
}

static uint64_t get_pause_time(const RaminateFigures *figures)
{
    return figures->pause_time.sum;
}

static uint64_t get_main_loop_time(const RaminateFigures *figures)
{
    return figures->main_loop_time.sum;
}

static uint64_t get_cpu_time(const RaminateFigures *figures)
{
    return figures->cpu_time.sum;
}

const RaminateFigure raminate_figure_list[] = {
    { "scans", false, get_scans },
    { "scans-put-off", false, get_scans_put_off },
    { "pages-written", false, get_pages_written },
    { "pages-written-slow", false, get_pages_written_slow },
    { "batches", false, get_batches },
    { "batches-given-up", false, get_batches_given_up },
    { "swaps", false, get_swaps },
    { "swaps-failed", false, get_swaps_failed },
    { "swaps-busy", false, get_swaps_busy },
    { "swaps-no-room", false, get_swaps_no_room },
    { "swaps-reversed", false, get_swaps_reversed },
    { "swaps-held", false, get_swaps_held },
    { "pages-failed", false, get_pages_failed },
    { "pages-astray", false, get_pages_astray },
    { "pages-adopted", false, get_pages_adopted },
    { "pages-resized", false, get_pages_resized },
    { "watch-faults", false, get_watch_faults },
    { "huge-splits", false, get_huge_splits },
    { "huge-collapses", false, get_huge_collapses },
    { "huge-moves", false, get_huge_moves },
    { "slow-writes-by-swaps", false, get_slow_writes_by_swaps },
    { "scan-time", true, get_scan_time },
    { "batch-time", true, get_batch_time },
    { "pause-time", true, get_pause_time },
    { "main-loop-time", true, get_main_loop_time },
    { "cpu-time", true, get_cpu_time },
    { NULL, false, NULL },
};
