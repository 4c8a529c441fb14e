/*
 * RAMinate: pages that are watched: the host's kernel tells which were used
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_PAGE_WATCH_H
#define HW_RAMINATE_PAGE_WATCH_H

#include "hw/raminate/memory.h"
#include "hw/raminate/sampler/pagemap-file.h"

/* What pages are protected from, and how */
typedef struct RaminateWatchMode RaminateWatchMode;

/* Writes; by Linux 6.7 or later */
extern const RaminateWatchMode raminate_watch_writes;

/*
 * Reads and writes, which can't be told apart; by Linux 7.3 or later.  A huge
 * page is protected, and found, as a whole.
 */
extern const RaminateWatchMode raminate_watch_accesses;

typedef struct RaminateWatch {
    const RaminateWatchMode *mode;
    int uffd;
    int pagemap;
} RaminateWatch;

/* Returns: whether the host's kernel can do that; if not, @errp says why. */
bool raminate_watch_probe(const RaminateWatchMode *mode, Error **errp);

/*
 * @watch: returns what the other calls take
 * Returns: false with @errp set if the pages of @memory can't be watched.
 */
bool raminate_watch_open(RaminateWatch *watch, const RaminateWatchMode *mode,
                         const RaminateMemory *memory, Error **errp);

/* What was protected is so no more. */
void raminate_watch_close(RaminateWatch *watch);

/*
 * Finds pages that are not protected, and have memory of their own: used since
 * they were, or never protected.
 * @start, @end: addresses; @end returns how far it has come
 * @ranges: returns what was found, @max at most
 * Returns: the number of ranges, or -1 with errno set.
 */
int raminate_watch_find(const RaminateWatch *watch, uint64_t start,
                        uint64_t *end, RaminatePmRange *ranges, size_t max);

/*
 * The same, and protects them: the whole range, of which KVM then has no page
 * mapped, so it is to be a small one.
 * @split: if the range is a huge page, its pages are to be told apart from now
 *         on.  That is always so of pages protected from writing, the first
 *         write to which splits it.
 * @max: as many as there can be
 */
int raminate_watch_protect(const RaminateWatch *watch, uint64_t start,
                           uint64_t end, bool split, RaminatePmRange *ranges,
                           size_t max);

/*
 * Protects all of a region's pages, or none, whatever they are now.
 * @start: address of the region
 * Returns: false if that can't be done.
 */
bool raminate_watch_set_region(const RaminateWatch *watch, uint64_t start,
                               bool protect);

/* Returns: the faults by which @range is used again once it is protected. */
static inline uint32_t raminate_watch_faults(const RaminatePmRange *range)
{
    uint64_t size = range->categories & RAMINATE_PM_HUGE
                    ? RAMINATE_REGION_SIZE
                    : RAMINATE_PAGE_SIZE;

    return DIV_ROUND_UP(range->end - range->start, size);
}

#endif
