/*
 * RAMinate: the samplers and movers that exist, and the choice of one
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/raminate/mover/mover.h"
#include "hw/raminate/sampler/sampler.h"

const RaminatePart *const raminate_samplers[] = {
#ifdef CONFIG_KVM
    &raminate_sampler_kvm.part,
#endif
    &raminate_sampler_dirty_log.part,
    NULL
};

const RaminatePart *const raminate_movers[] = {
#ifdef CONFIG_KVM
    &raminate_mover_kvm.part,
#endif
    &raminate_mover_mmap.part,
    NULL
};

const RaminatePart *raminate_part_choose(const RaminatePart *const *parts,
                                         int type, unsigned failed,
                                         const RaminateMemory *memory,
                                         char **reason, Error **errp)
{
    *reason = NULL;
    for (; *parts; parts++) {
        Error *err = NULL;

        if (type == RAMINATE_PART_AUTO ? failed & BIT((*parts)->type)
                                       : type != (*parts)->type) {
            continue;
        }
        if (!(*parts)->probe || (*parts)->probe(memory, &err)) {
            return *parts;
        }
        if (type != RAMINATE_PART_AUTO) {
            error_propagate(errp, err);
            return NULL;
        }
        if (!*reason) {
            *reason = g_strdup(error_get_pretty(err));
        }
        error_free(err);
    }
    g_assert_not_reached();
}
