/*
 * RAMinate: the policy that moves nothing, to compare others with
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdlib.h>

#include "policy.h"
#include "reasons.h"

struct RaminatePolicy {
    char nothing;
};

static RaminatePolicy *null_create(const RaminatePolicyConfig *config)
{
    (void)config;
    return calloc(1, sizeof(RaminatePolicy));
}

static size_t null_plan(RaminatePolicy *p, int64_t now_ms,
                        RaminateMove *moves, size_t max)
{
    (void)p;
    (void)now_ms;
    (void)moves;
    (void)max;
    return 0;
}

static void null_explain(const RaminatePolicy *p, int64_t now_ms,
                         uint32_t page, RaminateReasons *reasons)
{
    (void)p;
    (void)now_ms;
    (void)page;
    g_string_append(reasons->why, "the policy null moves nothing");
}

const RaminatePolicyOps raminate_policy_null = {
    .name = "null",
    .summary = "nothing is moved",
    .create = null_create,
    .plan = null_plan,
    .explain = null_explain,
};
