/*
 * RAMinate: the life of an engine's policy, and its plans
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <stdlib.h>

#include "hw/raminate/engine/engine-internal.h"

static void free_policy(const RaminatePolicyOps *ops, RaminatePolicy *policy)
{
    if (ops && ops->destroy) {
        ops->destroy(policy);
    } else {
        free(policy);
    }
}

void raminate_engine_free_policies(RaminateEngine *e)
{
    free_policy(e->old_ops, e->old_policy);
    free_policy(e->ops, e->policy);
}

RaminatePolicy *raminate_engine_new_policy(const RaminateEngine *e,
                                           const RaminatePolicyOps *ops,
                                           uint32_t life_time_ms)
{
    RaminatePolicyConfig config = {
        .placement = e->placement,
        .backoff = e->backoff,
        .life_time_ms = life_time_ms,
    };

    return ops->create(&config);
}

void raminate_engine_put_policy(RaminateEngine *e,
                                const RaminatePolicyOps *ops,
                                RaminatePolicy *policy)
{
    g_assert(!e->old_ops);
    e->old_ops = e->ops;
    e->old_policy = e->policy;
    e->ops = ops;
    e->policy = policy;
}

bool raminate_engine_set_policy(RaminateEngine *e,
                                const RaminatePolicyOps *ops)
{
    RaminatePolicy *policy =
        raminate_engine_new_policy(e, ops, e->settings.life_time);

    if (!policy) {
        return false;
    }
    raminate_engine_put_policy(e, ops, policy);
    raminate_engine_free_old_policy(e);
    return true;
}

void raminate_engine_free_old_policy(RaminateEngine *e)
{
    free_policy(e->old_ops, e->old_policy);
    e->old_ops = NULL;
    e->old_policy = NULL;
}

void raminate_engine_begin_policy(RaminateEngine *e)
{
    if (e->ops && e->ops->set_life_time) {
        e->ops->set_life_time(e->policy, e->settings.life_time);
    }
}

void raminate_engine_end_policy(RaminateEngine *e)
{
    e->policy_memory = raminate_backoff_memory(e->backoff);
    if (e->ops && e->ops->memory) {
        e->policy_memory += e->ops->memory(e->policy);
    }
}

size_t raminate_engine_plan(RaminateEngine *e, int64_t now,
                            RaminateMove *moves, size_t max)
{
    size_t nr;

    raminate_backoff_begin_plan(e->backoff);
    nr = e->ops->plan(e->policy, now, moves, max);
    for (size_t i = 0; i < nr; i++) {
        moves[i].status = RAMINATE_MOVE_PENDING;
        moves[i].error = 0;
        moves[i].bad = 0;
    }
    return nr;
}

size_t raminate_engine_mind_huge(RaminateEngine *e, RaminateMove *moves,
                                 size_t nr, size_t max,
                                 bool (*is_huge)(const void *huge,
                                                 uint32_t region),
                                 const void *huge)
{
    RaminateHugeView view = {
        .placement = e->placement,
        .heat = e->heat,
        .backoff = e->backoff,
        .is_huge = is_huge,
        .huge = huge,
    };
    uint64_t scans = e->figures.scans - e->huge_plan_scans;

    e->huge_plan_scans = e->figures.scans;
    return raminate_huge_plan_mind(e->huge_plan, &view, moves, nr, max,
                                   MIN(scans, UINT_MAX));
}

const RaminatePolicyOps *raminate_engine_explain(const RaminateEngine *e,
                                                 int64_t now, uint32_t page,
                                                 RaminateReasons *reasons)
{
    if (!e->ops || !e->ops->explain) {
        return NULL;
    }
    e->ops->explain(e->policy, now, page, reasons);
    return e->ops;
}

RaminateBackoffReason
raminate_engine_backoff_reason(const RaminateEngine *e, uint32_t page,
                               uint64_t *plans)
{
    return raminate_backoff_reason(e->backoff, page, plans);
}
