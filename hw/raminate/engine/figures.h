/*
 * RAMinate: the figures that a placer keeps
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_FIGURES_H
#define HW_RAMINATE_FIGURES_H

#include <stdbool.h>

#include "hw/raminate/engine/histogram.h"
#include "hw/raminate/engine/move.h"
#include "hw/raminate/engine/placement.h"
#include "hw/raminate/engine/sample.h"

/* All zero at first.  Counts are explained at RaminateInfo in QAPI. */
typedef struct RaminateFigures {
    uint64_t scans;
    uint64_t scans_put_off;
    uint64_t written[RAMINATE_MAX_TIERS];       /* by the last scan */
    uint64_t total_written[RAMINATE_MAX_TIERS];
    uint64_t unmoved[RAMINATE_MAX_TIERS];       /* the same, had none moved */
    uint64_t watched_ms;        /* time that the scans cover */
    uint64_t batches;
    uint64_t batches_given_up;
    uint64_t swaps;
    uint64_t swaps_failed;
    uint64_t swaps_busy;        /* of those that failed */
    uint64_t swaps_no_room;     /* of those that failed */
    uint64_t swaps_reversed;
    uint64_t swaps_held;
    uint64_t pages_failed;
    uint64_t pages_astray;
    uint64_t pages_adopted;     /* by the tier that they were astray in */
    uint64_t pages_resized;     /* given to another tier, to resize both */
    uint64_t watch_faults;
    bool has_huge;              /* whether what follows is known */
    uint64_t huge_pages;        /* at present, of 2 MiB */
    uint64_t huge_splits;
    uint64_t huge_collapses;
    uint64_t huge_moves;        /* of those that stayed in one piece */
    uint64_t swap_reads[RAMINATE_MAX_TIERS];    /* pages that swaps read */
    uint64_t swap_writes[RAMINATE_MAX_TIERS];   /* and wrote, in each tier */
    RaminateHistogram scan_time;
    RaminateHistogram batch_time;
    RaminateHistogram pause_time;
    RaminateHistogram main_loop_time;   /* that the main loop was held */
    RaminateHistogram cpu_time; /* processor time of a scan, look or batch */
} RaminateFigures;

/* What one scan found written, in pages; all zero at first */
typedef struct RaminateScanCount {
    uint64_t written[RAMINATE_MAX_TIERS];
    uint64_t unmoved[RAMINATE_MAX_TIERS];
} RaminateScanCount;

/* Counts a part of what the scan found. */
void raminate_figures_count(RaminateScanCount *count,
                            const RaminatePlacement *placement,
                            const RaminateSample *part);

/*
 * Takes note of one scan.
 * @period_ms: time since the scan before
 */
void raminate_figures_add_scan(RaminateFigures *figures, int64_t period_ms,
                               const RaminateScanCount *count);

/* Takes note of a move that was not made. */
void raminate_figures_add_failed(RaminateFigures *figures,
                                 const RaminateMove *move);

/* A figure that only grows: a row of query-stats, and what is made of it */
typedef struct RaminateFigure {
    const char *name;           /* as in query-stats and RaminateInfo */
    bool is_time;               /* in nanoseconds, not a count */
    uint64_t (*get)(const RaminateFigures *figures);
} RaminateFigure;

/* All of them, ended by one without a name. */
extern const RaminateFigure raminate_figure_list[];

/*
 * @written: pages found written, by tier
 * @share: returns the share of them that wasn't in the fastest tier, in per
 *         cent
 * Returns: false if there are none.
 */
bool raminate_figures_slow_share(const uint64_t *written, double *share);

/* @pages, in both of them: by tier.  Returns: the sum over all tiers. */
uint64_t raminate_figures_sum(const uint64_t *pages);

/* Returns: the sum over all tiers but the fastest. */
uint64_t raminate_figures_slow(const uint64_t *pages);

#endif
