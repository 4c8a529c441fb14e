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
     * Makes ready for a scan of all pages; NULL if there is nothing to do.
     * Returns: false with @errp set if the sampler has failed for good.
     */
    bool (*begin)(RaminateSampler *sampler, Error **errp);

    /*
     * Finds the pages from @first on that were written since the last look at
     * them, and adds them to @sample.  Stops when it has taken as long as the
     * main loop may be held, 1 ms, if it works there.
     * @first: 0, or where the last call stopped
     * Returns: number of pages looked at, at least 1; 0 with @errp set if the
     * sampler has failed for good.
     */
    uint32_t (*scan)(RaminateSampler *sampler, uint32_t first,
                     RaminateSample *sample, Error **errp);
} RaminateSamplerOps;

/* What all samplers begin with. */
struct RaminateSampler {
    const RaminateSamplerOps *ops;
    const RaminateMemory *memory;
};

extern const RaminateSamplerOps raminate_sampler_dirty_log;
extern const RaminateSamplerOps raminate_sampler_kvm;

#endif
