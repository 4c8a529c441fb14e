/*
 * RAMinate: the policy that moves nothing, to compare others with
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "policy.h"

/* All parameters of the interface are of no interest here. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

struct RaminatePolicy {
    char nothing;
};

static RaminatePolicy null_policy;

static RaminatePolicy *null_create(const RaminatePolicyConfig *config)
{
    return &null_policy;
}

static void null_destroy(RaminatePolicy *p)
{
}

static void null_sample(RaminatePolicy *p, int64_t now_ms,
                        const uint32_t *pages, size_t nr)
{
}

static size_t null_plan(RaminatePolicy *p, int64_t now_ms,
                        RaminatePair *pairs, size_t max)
{
    return 0;
}

static void null_swapped(RaminatePolicy *p, int64_t now_ms,
                         uint32_t a, uint32_t b)
{
}

static void null_set_life_time(RaminatePolicy *p, uint32_t life_time_ms)
{
}

const RaminatePolicyOps raminate_policy_null = {
    .name = "null",
    .summary = "nothing is moved",
    .bytes_per_page = 0,
    .create = null_create,
    .destroy = null_destroy,
    .sample = null_sample,
    .plan = null_plan,
    .swapped = null_swapped,
    .set_life_time = null_set_life_time,
};
