/*
 * RAMinate: the inside of the engine, for the files that make it up
 *
 * engine.c has what it does and when, engine-policy.c its policy's life and
 * plans.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_ENGINE_INTERNAL_H
#define HW_RAMINATE_ENGINE_INTERNAL_H

#include "hw/raminate/engine/budget.h"
#include "hw/raminate/engine/engine.h"
#include "hw/raminate/engine/huge-plan.h"
#include "hw/raminate/engine/resize.h"

/* Ten times what a batch may take of the guest's time */
#define RAMINATE_CUT_BATCH_PERIOD_MS 200

#define RAMINATE_NEVER INT64_MAX

struct RaminateEngine {
    RaminateSettings settings;
    RaminatePlacement *placement;
    RaminateHeat *heat;
    RaminateWorkingSet *working_set;
    RaminateMoves *moves;
    RaminateBackoff *backoff;
    RaminateFigures figures;
    RaminateScanCount count;    /* of the scan that is being counted */
    int64_t counted_ms;         /* when that began */
    RaminateHandover *handover;         /* NULL: none, or done with */
    int64_t handover_end_ms;            /* RAMINATE_NEVER: it has not begun */
    RaminateResize resize;
    RaminateHugePlan *huge_plan;
    uint64_t huge_plan_scans;   /* figure when the last plan was made */
    RaminatePolicy *policy;
    const RaminatePolicyOps *ops;       /* NULL: no policy yet */
    RaminatePolicy *old_policy;
    const RaminatePolicyOps *old_ops;   /* NULL: there is none to free */
    size_t policy_memory;       /* see raminate_engine_memory() */

    RaminateBudget budget;
    int64_t next_scan_ms;
    int64_t next_look_ms;       /* RAMINATE_NEVER for none */
    int64_t next_swap_ms;
    int64_t last_scan_ms;
    bool drops_next;            /* the next scan counts for nothing */
    bool drops_scan;            /* the one under way does */
};

/* Frees the policy, and the one before it. */
void raminate_engine_free_policies(RaminateEngine *engine);

#endif
