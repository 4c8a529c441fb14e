/*
 * RAMinate: samplers, which find the pages that were written
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_SAMPLER_H
#define HW_RAMINATE_SAMPLER_H

#include "hw/raminate/part.h"

typedef struct RaminateSampler RaminateSampler;

typedef struct RaminateSamplerOps {
    RaminatePart part;

    /*
     * Starts to watch.  Pages written before don't count.
     * Returns: the sampler, or NULL with @errp set.  Called under the big
     * lock, as is close().
     */
    RaminateSampler *(*open)(const RaminateMemory *memory, Error **errp);
    void (*close)(RaminateSampler *sampler);

    /*
     * Finds the pages from @first to @first + @nr - 1 that were written since
     * the last look at them, and sets their bits in @written, where bit 0 is
     * page 0.  The bits must be clear before.
     * @first: a multiple of RAMINATE_SCAN_PAGES
     * @nr: at most RAMINATE_SCAN_PAGES
     * Returns: false with @errp set if the sampler has failed for good.
     */
    bool (*scan)(RaminateSampler *sampler, uint32_t first, uint32_t nr,
                 unsigned long *written, Error **errp);
} RaminateSamplerOps;

/* 16 GiB: bounds the time that one look can take of the main loop's. */
#define RAMINATE_SCAN_PAGES (4u << 20)

/* What all samplers begin with. */
struct RaminateSampler {
    const RaminateSamplerOps *ops;
    const RaminateMemory *memory;
};

extern const RaminateSamplerOps raminate_sampler_dirty_log;
extern const RaminateSamplerOps raminate_sampler_kvm;

#endif
