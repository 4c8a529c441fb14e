/*
 * RAMinate: the life of an engine's policy
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
