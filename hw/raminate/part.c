/*
 * RAMinate: the samplers and movers that exist
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/raminate/mover/mover.h"
#include "hw/raminate/sampler/sampler.h"

const RaminatePart *const raminate_samplers[] = {
#ifdef CONFIG_KVM
    &raminate_sampler_kvm.part,
#endif
    &raminate_sampler_pagemap_rwp.part,
    &raminate_sampler_pagemap.part,
    &raminate_sampler_dirty_log.part,
    NULL
};

const RaminatePart *const raminate_movers[] = {
#ifdef CONFIG_KVM
    &raminate_mover_kvm.part,
#endif
    &raminate_mover_mmap.part,
#ifdef CONFIG_NUMA
    &raminate_mover_migrate.part,
#endif
    NULL
};
