/*
 * RAMinate: the list of placement policies
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "policy.h"

static const RaminatePolicyOps *const policies[] = {
    &raminate_policy_age,
    &raminate_policy_cmq,
    &raminate_policy_hemem,
    &raminate_policy_lru,
    &raminate_policy_memtis,
    &raminate_policy_null,
    &raminate_policy_payback,
    NULL,
};

const RaminatePolicyOps *raminate_policy_find(const char *name)
{
    for (unsigned i = 0; policies[i]; i++) {
        if (strcmp(policies[i]->name, name) == 0) {
            return policies[i];
        }
    }
    return NULL;
}

const RaminatePolicyOps *const *raminate_policy_list(void)
{
    return policies;
}
