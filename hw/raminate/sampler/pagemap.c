/*
 * RAMinate: the samplers that have the host's kernel say which pages were used
 *
 * Pages are protected from writing (pagemap) or from all use (pagemap-rwp), see
 * page-watch.c.
 *
 * A page that is watched costs the guest a fault when it is used, so faults are
 * a budget.  As far as it goes, pages found used are watched anew, region by
 * region, others each time; pages of the rest stay as they were found until it
 * is their turn again.
 *
 * What was never watched looks as if it were used.  So a region tells nothing
 * until it has been watched once as a whole.  Those that wait for that have
 * their turn in ascending order: the fastest tier, from which pages are to go,
 * comes first.
 *
 * Regions in which the same is found again and again, all of it in the fastest
 * tier, are watched anew less often; see steady.h.
 *
 * Regions may rest, so that the kernel can keep their pages in huge ones, which
 * the first write to a page that is watched ends.  What was found in them last,
 * which is all, counts for that time; then they have to prove it before they
 * rest again.
 *
 * A huge page that is protected from all use is seen as a whole.  One that was
 * found used while it was watched is split, then, as the first write to it does
 * to one that is protected from writing.  In shared memory, the kernel would
 * unmap it for that.
 *
 * To protect a range takes it out of KVM's tables as a whole, whatever was used
 * of it, so that the guest would fault on all of it.  Hence the first pass only
 * looks, and the second protects where something was found.  Regions that tell
 * nothing are not looked at.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bitmap.h"
#include "qemu/timer.h"
#include "hw/raminate/engine/fault-budget.h"
#include "hw/raminate/engine/regions.h"
#include "hw/raminate/engine/rest.h"
#include "hw/raminate/engine/steady.h"
#include "hw/raminate/sampler/page-found.h"
#include "hw/raminate/sampler/page-watch.h"
#include "hw/raminate/sampler/sampler.h"

/* Regions that one call looks at, at most */
#define STEP_REGIONS 128

/* Ranges that one call finds, at most */
#define FOUND_RANGES 512

/* One call protects ranges that are no further apart, in pages. */
#define JOIN_PAGES 8

QEMU_BUILD_BUG_ON(FOUND_RANGES <= RAMINATE_FOUND_RANGES);

typedef struct PagemapSampler {
    RaminateSampler parent;
    RaminateWatch watch;
    bool is_look;               /* the scan under way is a second look */
    bool is_split_by_use;       /* a huge page, once it is found used */
    int64_t began_ns;           /* when the scan did, by the host's clock */
    RaminateFaultBudget budget;
    RaminateRest *rest;
    RaminateSteady *steady;

    /* Regions: a bit each */
    unsigned long *known;       /* watched as a whole once: they tell */
    unsigned long *left;        /* not watched anew by the last scan */
    unsigned long *fast;        /* all that it found is in the fastest tier */

    RaminatePmRange ranges[FOUND_RANGES];
    RaminatePmRange protected[RAMINATE_FOUND_RANGES];
    RaminateFound found;
} PagemapSampler;

static void pagemap_free(PagemapSampler *sampler)
{
    g_free(sampler->known);
    g_free(sampler->left);
    g_free(sampler->fast);
    raminate_rest_free(sampler->rest);
    raminate_steady_free(sampler->steady);
    g_free(sampler);
}

static void pagemap_close(RaminateSampler *parent)
{
    PagemapSampler *sampler = container_of(parent, PagemapSampler, parent);

    raminate_watch_close(&sampler->watch);
    pagemap_free(sampler);
}

static RaminateSampler *pagemap_new(const RaminateSamplerOps *ops,
                                    const RaminateWatchMode *mode,
                                    const RaminateMemory *memory, Error **errp)
{
    PagemapSampler *sampler = g_new0(PagemapSampler, 1);
    uint32_t nr_regions =
        raminate_regions_count(memory->backend->size >> RAMINATE_PAGE_BITS);

    sampler->known = bitmap_new(nr_regions);
    sampler->left = bitmap_new(nr_regions);
    sampler->fast = bitmap_new(nr_regions);
    sampler->rest = raminate_rest_new(nr_regions);
    sampler->steady = raminate_steady_new(nr_regions);
    sampler->parent.ops = ops;
    sampler->parent.memory = memory;
    sampler->is_split_by_use = memory_region_get_fd(&memory->backend->mr) < 0;
    if (!raminate_watch_open(&sampler->watch, mode, memory, errp)) {
        pagemap_free(sampler);
        return NULL;
    }
    return &sampler->parent;
}

static void pagemap_begin_scan(RaminateSampler *parent, bool is_look)
{
    PagemapSampler *sampler = container_of(parent, PagemapSampler, parent);
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);

    sampler->is_look = is_look;
    if (!is_look) {
        parent->faults += raminate_fault_budget_begin_scan(
            &sampler->budget, parent->fault_budget,
            (now - sampler->began_ns) / 1e9);
        sampler->began_ns = now;
    }
}

static uint64_t region_address(const PagemapSampler *sampler, uint32_t region)
{
    return (uintptr_t)raminate_memory_region(sampler->parent.memory, region);
}

static uint32_t page_at(const PagemapSampler *sampler, uint64_t addr)
{
    return (addr - (uintptr_t)sampler->parent.memory->host)
           >> RAMINATE_PAGE_BITS;
}

static void add_range(const PagemapSampler *sampler,
                      const RaminatePmRange *range, RaminateSample *sample)
{
    uint32_t first = page_at(sampler, range->start);
    uint32_t nr = page_at(sampler, range->end) - first;

    while (nr) {
        uint32_t step = MIN(nr, 64);

        raminate_sample_add_word(sample, first, MAKE_64BIT_MASK(0, step),
                                 sampler->parent.kinds);
        first += step;
        nr -= step;
    }
}

/*
 * Protects pages from @start to before @end, all of one region, and adds those
 * that were used until then if the region is known.
 * Returns: false if that can't be done.
 */
static bool watch(PagemapSampler *sampler, uint64_t start, uint64_t end,
                  bool is_known, RaminateSample *sample)
{
    int nr = raminate_watch_protect(&sampler->watch, start, end,
                                    is_known && sampler->is_split_by_use,
                                    sampler->protected, RAMINATE_FOUND_RANGES);

    for (int i = 0; i < nr; i++) {
        const RaminatePmRange *range = &sampler->protected[i];

        if (is_known) {
            add_range(sampler, range, sample);
        }
        raminate_fault_budget_watched(&sampler->budget,
                                      raminate_watch_faults(range), is_known);
    }
    return nr >= 0;
}

/* The same for all that was found of one region. */
static bool watch_found(PagemapSampler *sampler, bool is_known,
                        RaminateSample *sample)
{
    const RaminatePmRange *range = sampler->found.ranges;
    const RaminatePmRange *end = range + sampler->found.nr;
    bool good = true;

    while (good && range < end) {
        uint64_t first = range->start;
        uint64_t last;

        do {
            last = range++->end;
        } while (range < end && range->start - last <=
                 JOIN_PAGES * RAMINATE_PAGE_SIZE);
        good = watch(sampler, first, last, is_known, sample);
    }
    return good;
}

static void add_found(const PagemapSampler *sampler, RaminateSample *sample)
{
    const RaminateFound *found = &sampler->found;

    for (size_t i = 0; i < found->nr; i++) {
        add_range(sampler, &found->ranges[i], sample);
    }
}

/* Returns: whether a known region need not be watched anew now. */
static bool may_wait(PagemapSampler *sampler, uint32_t region)
{
    return !sampler->parent.drops && test_bit(region, sampler->fast) &&
           raminate_steady_rests(sampler->steady, region, sampler->budget.scan);
}

/* Takes what a scan, not a look, has found of one region. */
static bool take_region(PagemapSampler *sampler, RaminateSample *sample)
{
    const RaminateFound *found = &sampler->found;
    bool is_known = test_bit(found->region, sampler->known);

    if (raminate_rest_found(sampler->rest, found->region,
                            sampler->parent.drops)) {
        set_bit(found->region, sampler->left);
        add_found(sampler, sample);
        return true;
    }
    if (is_known && may_wait(sampler, found->region)) {
        set_bit(found->region, sampler->left);
        add_found(sampler, sample);
        raminate_fault_budget_rest(&sampler->budget, found->faults);
        return true;
    }
    if (raminate_fault_budget_chooses(&sampler->budget, found->region,
                                      is_known)) {
        set_bit(found->region, sampler->known);
        raminate_rest_watched(sampler->rest, found->region);
        raminate_steady_watched(sampler->steady, found->region,
                                sampler->budget.scan, found->groups);
        return watch_found(sampler, is_known, sample);
    }
    set_bit(found->region, sampler->left);
    raminate_steady_left(sampler->steady, found->region, sampler->budget.scan);
    if (sampler->parent.drops) {
        /* Not by the guest as it runs now: a snapshot was loaded, say. */
        clear_bit(found->region, sampler->known);
        is_known = false;
    }
    if (is_known) {
        add_found(sampler, sample);
    }
    raminate_fault_budget_left(&sampler->budget, found->faults, is_known);
    return true;
}

/* Takes what was found in regions from @region to before @behind. */
static bool take_regions(PagemapSampler *sampler, uint32_t region,
                         uint32_t behind, int nr_found, RaminateSample *sample)
{
    const RaminatePmRange *range = sampler->ranges;
    const RaminatePmRange *end = range + nr_found;
    bool good = true;

    for (; good && region < behind; region++) {
        range = raminate_found_take(&sampler->found, region,
                                    region_address(sampler, region), range,
                                    end);
        if (sampler->is_look) {
            add_found(sampler, sample);
            continue;
        }
        clear_bit(region, sampler->left);
        good = !sampler->found.nr || take_region(sampler, sample);
    }
    return good;
}

/* Returns: whether a region tells anything, or is to do so from now on. */
static bool is_of_use(const PagemapSampler *sampler, uint32_t region)
{
    bool is_known = test_bit(region, sampler->known);

    if (sampler->is_look) {
        /* What was not watched anew tells nothing. */
        return is_known && !test_bit(region, sampler->left);
    }
    return is_known || raminate_fault_budget_chooses(&sampler->budget, region,
                                                     false);
}

/* Returns: the first region from @region to @end - 1 of that kind, or @end. */
static uint32_t next_region(const PagemapSampler *sampler, uint32_t region,
                            uint32_t end, bool of_use)
{
    while (region < end && is_of_use(sampler, region) != of_use) {
        region++;
    }
    return region;
}

/*
 * Looks at whole regions, from @from to before @to.
 * @behind: the page at which memory ends
 * Returns: the page at which it has stopped, or 0 if it has failed.
 */
static uint32_t look_at(PagemapSampler *sampler, uint32_t from, uint32_t to,
                        uint32_t behind, RaminateSample *sample)
{
    const RaminateMemory *memory = sampler->parent.memory;
    uint32_t page = MIN((uint64_t)to << RAMINATE_REGION_BITS, behind);
    uint64_t end = (uintptr_t)raminate_memory_page(memory, page);
    int found = raminate_watch_find(&sampler->watch,
                                    region_address(sampler, from), &end,
                                    sampler->ranges, FOUND_RANGES);

    if (page_at(sampler, end) < page) {
        page = QEMU_ALIGN_DOWN(page_at(sampler, end), RAMINATE_REGION_PAGES);
    }
    to = DIV_ROUND_UP((uint64_t)page, RAMINATE_REGION_PAGES);
    return found >= 0 && take_regions(sampler, from, to, found, sample)
           ? page : 0;
}

/* Begins and ends with whole regions, and passes over what is of no use. */
static uint32_t pagemap_scan(RaminateSampler *parent, uint32_t first,
                             uint32_t nr, RaminateSample *sample, Error **errp)
{
    PagemapSampler *sampler = container_of(parent, PagemapSampler, parent);
    uint32_t end = DIV_ROUND_UP((uint64_t)first + nr, RAMINATE_REGION_PAGES);
    uint32_t region = first >> RAMINATE_REGION_BITS;
    uint32_t from = next_region(sampler, region, end, true);
    uint32_t to = next_region(sampler, from, MIN(from + STEP_REGIONS, end),
                              false);
    uint32_t page;

    if (!sampler->is_look) {
        raminate_fault_budget_left(
            &sampler->budget, (uint64_t)(from - region) << RAMINATE_REGION_BITS,
            false);
    }
    if (from == end) {
        return nr;
    }
    page = look_at(sampler, from, to, first + nr, sample);
    if (!page) {
        error_setg_errno(errp, errno, "watching the pages of '%s'",
                         parent->memory->id);
        return 0;
    }
    return page - first;
}

/* Between scans */

static bool pagemap_unwatch(RaminateSampler *parent, uint32_t region)
{
    PagemapSampler *sampler = container_of(parent, PagemapSampler, parent);
    uint64_t start = region_address(sampler, region);
    uint64_t end = start + RAMINATE_REGION_SIZE;

    return test_bit(region, sampler->known) &&
           raminate_watch_find(&sampler->watch, start, &end, sampler->ranges,
                               1) == 0 &&
           raminate_watch_set_region(&sampler->watch, start, false);
}

static void pagemap_watch_again(RaminateSampler *parent, uint32_t region)
{
    PagemapSampler *sampler = container_of(parent, PagemapSampler, parent);

    if (!raminate_watch_set_region(&sampler->watch,
                                   region_address(sampler, region), true)) {
        clear_bit(region, sampler->known);
    }
}

static bool pagemap_rest(RaminateSampler *parent, uint32_t region,
                         unsigned scans)
{
    PagemapSampler *sampler = container_of(parent, PagemapSampler, parent);

    return test_bit(region, sampler->known) &&
           raminate_rest_begin(sampler->rest, region, scans) &&
           raminate_watch_set_region(&sampler->watch,
                                     region_address(sampler, region), false);
}

static void pagemap_set_fast(RaminateSampler *parent, uint32_t region,
                             bool is_fast)
{
    PagemapSampler *sampler = container_of(parent, PagemapSampler, parent);

    if (is_fast) {
        set_bit(region, sampler->fast);
    } else {
        clear_bit(region, sampler->fast);
    }
}

/* Writes */

static bool pagemap_probe(const RaminateMemory *memory, Error **errp)
{
    return raminate_watch_probe(&raminate_watch_writes, errp);
}

static RaminateSampler *pagemap_open(const RaminateMemory *memory,
                                     Error **errp)
{
    return pagemap_new(&raminate_sampler_pagemap, &raminate_watch_writes,
                       memory, errp);
}

const RaminateSamplerOps raminate_sampler_pagemap = {
    .part = {
        .type = RAMINATE_SAMPLER_TYPE_PAGEMAP,
        .kinds = RAMINATE_WRITTEN,
        .backings = RAMINATE_OF_NODES,
        .probe = pagemap_probe,
    },
    .open = pagemap_open,
    .close = pagemap_close,
    .begin_scan = pagemap_begin_scan,
    .scan = pagemap_scan,
    .unwatch = pagemap_unwatch,
    .watch_again = pagemap_watch_again,
    .rest = pagemap_rest,
    .set_fast = pagemap_set_fast,
};

/* Accesses */

static bool rwp_probe(const RaminateMemory *memory, Error **errp)
{
    return raminate_watch_probe(&raminate_watch_accesses, errp);
}

static RaminateSampler *rwp_open(const RaminateMemory *memory, Error **errp)
{
    return pagemap_new(&raminate_sampler_pagemap_rwp, &raminate_watch_accesses,
                       memory, errp);
}

const RaminateSamplerOps raminate_sampler_pagemap_rwp = {
    .part = {
        .type = RAMINATE_SAMPLER_TYPE_PAGEMAP_RWP,
        .kinds = RAMINATE_ACCESSED,
        .backings = RAMINATE_OF_NODES,
        .probe = rwp_probe,
        .serves = raminate_memory_has_costly_reads,
    },
    .open = rwp_open,
    .close = pagemap_close,
    .begin_scan = pagemap_begin_scan,
    .scan = pagemap_scan,
    .unwatch = pagemap_unwatch,
    .watch_again = pagemap_watch_again,
    .rest = pagemap_rest,
    .set_fast = pagemap_set_fast,
};
