/*
 * RAMinate: samplers, which find out what was done to pages
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
     * Starts to watch.  The first scan may find pages written long before.
     * Returns: the sampler, or NULL with @errp set.  Called under the big
     * lock, as is close().
     */
    RaminateSampler *(*open)(const RaminateMemory *memory, Error **errp);
    void (*close)(RaminateSampler *sampler);

    /*
     * Called before the first part of each scan, or NULL.  Called in the main
     * loop if scan() is.
     * @is_look: whether it is a second look; what that finds, the next scan
     *           may find again
     */
    void (*begin_scan)(RaminateSampler *sampler, bool is_look);

    /*
     * Finds what was done to pages from @first to @first + @nr - 1 since the
     * last look at them, and adds it to @sample.  May leave the last of them
     * to the next call, so that one takes no more than about a millisecond.
     * @first: 0, or where the call before has left off
     * @nr: all that are left
     * Returns: how many pages it has looked at, or 0 with @errp set if the
     * sampler has failed for good.
     */
    uint32_t (*scan)(RaminateSampler *sampler, uint32_t first, uint32_t nr,
                     RaminateSample *sample, Error **errp);

    /*
     * For samplers by which the kernel can't keep pages that are watched in
     * huge ones; NULL for all others.  In the placer's thread, between scans.
     *
     * unwatch() has a region not be watched, and watch_again() has it watched
     * as before; what is done in between is not seen.
     * Returns: false if the region was not watched, or something was found of
     * it since the last scan.
     */
    bool (*unwatch)(RaminateSampler *sampler, uint32_t region);
    void (*watch_again)(RaminateSampler *sampler, uint32_t region);

    /*
     * Has a region that is written everywhere all the time not be watched for
     * the next @scans, 1 or more, for which it counts as written.
     * Returns: whether it rests; one that has just rested has first to be found
     * written anew, and one that rests already goes on as before.
     */
    bool (*rest)(RaminateSampler *sampler, uint32_t region, unsigned scans);

    /*
     * Says whether all that the last scan found of a region is in the fastest
     * tier, where it decides little whether it is found again.  In the placer's
     * thread, between scans, with its lock; NULL if it is of no use.
     */
    void (*set_fast)(RaminateSampler *sampler, uint32_t region, bool is_fast);
} RaminateSamplerOps;

/* What all samplers begin with. */
struct RaminateSampler {
    const RaminateSamplerOps *ops;
    const RaminateMemory *memory;
    unsigned kinds;             /* what it tells of pages; see RaminatePart */
    bool drops;                 /* what this scan finds counts for nothing */

    /* For samplers by which the guest faults on pages that are watched */
    uint32_t fault_budget;      /* in a second, 0 for no bound; the placer's */
    uint64_t faults;            /* that the placer has not counted yet */
};

extern const RaminateSamplerOps raminate_sampler_dirty_log;
extern const RaminateSamplerOps raminate_sampler_kvm;
extern const RaminateSamplerOps raminate_sampler_pagemap;
extern const RaminateSamplerOps raminate_sampler_pagemap_rwp;

#endif
