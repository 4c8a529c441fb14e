/*
 * RAMinate: one policy at work on a recording
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_SIM_REPLAY_H
#define RAMINATE_SIM_REPLAY_H

#include "hw/raminate/engine/settings.h"
#include "hw/raminate/policy/policy.h"
#include "oracle.h"
#include "trace.h"

/* As the properties of memory-backend-container */
typedef struct ReplaySettings {
    const RaminatePolicyOps *policy;
    OracleKind oracle;          /* plans instead, if there is one */
    uint32_t foresight_ms;      /* of the oracle; 0: until the next batch */
    RaminateSettings engine;    /* scans and looks come as they are recorded */
    bool second_look;           /* tell the policy what it found */
    bool keep_policy;           /* from pass to pass, with what it knows */
    bool keep_steps;            /* in the result */
    bool keep_moves;            /* in the result */
    bool as_recorded;           /* batches when the container made them */
} ReplaySettings;

/* From one scan to the next */
typedef struct ReplayStep {
    int64_t time_ms;            /* of the scan at its end */
    uint64_t lines;             /* written by the guest */
    uint64_t slow_lines;
    uint64_t swap_lines;        /* that swaps wrote to other tiers than 0 */
} ReplayStep;

/* An exchange that the policy asked for */
typedef struct ReplayMove {
    int64_t time_ms;            /* of the recording's clock */
    uint32_t page;              /* went up */
    uint32_t with;              /* made room */
} ReplayMove;

/* Of one pass.  Pages and lines written by the guest, unless they say so. */
typedef struct ReplayResult {
    uint64_t scans;
    int64_t duration_ms;
    uint64_t pages;             /* found written, summed over all scans */
    uint64_t slow_pages;        /* not in the fastest tier when found */
    uint64_t lines;
    uint64_t slow_lines;
    uint64_t tier_lines[RAMINATE_MAX_TIERS];    /* the same by tier */
    uint64_t tier_reads[RAMINATE_MAX_TIERS];    /* lines read */
    uint64_t swap_reads[RAMINATE_MAX_TIERS];    /* pages, by tier */
    uint64_t swap_writes[RAMINATE_MAX_TIERS];
    uint64_t swaps;
    uint64_t reversed;
    uint64_t swap_lines;        /* that swaps wrote to other tiers than 0 */
    double seconds;             /* of processor time */
    bool has_traffic;           /* lines are not estimated */
    bool cut;                   /* the recording was */
    GArray *steps;              /* of ReplayStep; NULL if they weren't kept */
    GArray *moves;              /* of ReplayMove, in order; NULL as steps */
} ReplayResult;

/*
 * @layout: the tiers to place pages in
 * @progress: how far the work is, from 0 to @passes; may be looked at by
 *            another thread under @lock
 * @results: one for each pass; what they hold is to be freed with
 *           replay_result_clear()
 * Returns: false with @error set if the recording can't be read.
 */
bool replay_run(const char *path, const TraceOptions *options,
                const RaminateLayout *layout, const ReplaySettings *settings,
                unsigned passes, ReplayResult *results,
                GMutex *lock, double *progress, GError **error);

void replay_result_clear(ReplayResult *result);

#endif
