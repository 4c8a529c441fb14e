/*
 * RAMinate: a policy with a placement around it, for unit tests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_POLICY_HARNESS_H
#define RAMINATE_POLICY_HARNESS_H

#include <glib.h>

#include "hw/raminate/policy/policy.h"

#define HARNESS_MAX_PAIRS 64

typedef struct Harness {
    const RaminatePolicyOps *ops;
    RaminatePlacement *placement;
    RaminateBackoff *backoff;
    GHashTable *tried;          /* pages planned, and not moved since */
    RaminatePolicy *policy;
    RaminateMove pairs[HARNESS_MAX_PAIRS];      /* the last plan */
    size_t nr_pairs;
    GString *text;
} Harness;

/* Two tiers: pages 0 to @fast - 1 are fast at first, the next @slow slow. */
Harness *harness_new(const RaminatePolicyOps *ops, uint32_t life_time_ms,
                     uint32_t fast, uint32_t slow);
Harness *harness_new_layout(const RaminatePolicyOps *ops,
                            uint32_t life_time_ms,
                            const RaminateLayout *layout);
Harness *harness_new_tiers(const RaminatePolicyOps *ops,
                           uint32_t life_time_ms,
                           const RaminateFrameRange *ranges,
                           unsigned nr_tiers);
void harness_free(Harness *h);

/* Gets a new policy, which knows nothing yet. */
void harness_start_policy(Harness *h, uint32_t life_time_ms);

/* Scans and looks, as the engine tells of them */
void harness_sample(Harness *h, int64_t now_ms, const uint32_t *pages,
                    size_t nr);
void harness_look(Harness *h, int64_t now_ms, uint32_t window_ms,
                  const uint32_t *pages, size_t nr);
void harness_set_life_time(Harness *h, uint32_t life_time_ms);

/* A scan that finds the pages given written; -1 ends the list. */
void harness_scan(Harness *h, int64_t now_ms, ...);

/*
 * What was planned last and not moved since has failed.
 * Returns: the plan as text, "promote>demote" with blanks between pairs.
 */
const char *harness_plan(Harness *h, int64_t now_ms, size_t max);

/* The same, and all its pairs are exchanged. */
const char *harness_move(Harness *h, int64_t now_ms, size_t max);

/* Exchanges two pages, planned or not. */
void harness_swap(Harness *h, int64_t now_ms, uint32_t a, uint32_t b);

/* Adds a test of a policy; @format is its path, with NAME for @ops's name. */
void harness_add_test(const char *format, const RaminatePolicyOps *ops,
                      GTestDataFunc func);

#endif
