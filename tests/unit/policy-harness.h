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
    RaminatePolicy *policy;
    RaminatePair pairs[HARNESS_MAX_PAIRS];      /* the last plan */
    size_t nr_pairs;
    GString *text;
} Harness;

/* Two tiers: pages 0 to @fast - 1 are fast at first, the next @slow slow. */
Harness *harness_new(const RaminatePolicyOps *ops, uint32_t life_time_ms,
                     uint32_t fast, uint32_t slow);
Harness *harness_new_tiers(const RaminatePolicyOps *ops,
                           uint32_t life_time_ms,
                           const RaminateFrameRange *ranges,
                           unsigned nr_tiers);
void harness_free(Harness *h);

/* A scan that finds the pages given written; -1 ends the list. */
void harness_scan(Harness *h, int64_t now_ms, ...);

/* Returns: the plan as text, "promote>demote" with blanks between pairs. */
const char *harness_plan(Harness *h, int64_t now_ms, size_t max);

/* The same, and all its pairs are exchanged. */
const char *harness_move(Harness *h, int64_t now_ms, size_t max);

/* Exchanges two pages, planned or not. */
void harness_swap(Harness *h, int64_t now_ms, uint32_t a, uint32_t b);

#endif
