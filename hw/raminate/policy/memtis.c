/*
 * RAMinate: a policy with MEMTIS's histogram
 *
 * Adapted from T. Lee et al., "MEMTIS: Efficient Memory Tiering with Dynamic
 * Page Classification and Page Size Determination", SOSP 2023.  A histogram
 * counts the pages by the logarithm of their samples; hot are the highest
 * levels that fit into fast memory together.  From time to time all counts are
 * halved.  MEMTIS samples accesses by the processor's counters; here a scan
 * that finds a page written is a sample.  Its handling of huge pages has no
 * counterpart.  Cooling looks at all pages, once in MEMTIS_COOLING_SCANS scans.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdlib.h>

#include "counts.h"
#include "levels.h"
#include "reasons.h"

#define MEMTIS_COOLING_SCANS 32

struct RaminatePolicy {
    RaminateLevels levels;
    unsigned counted;           /* kinds of samples */
    RaminateRegions *counts;    /* uint8_t; none for 0 */
    uint32_t histogram[RAMINATE_LEVELS];
    unsigned scans;             /* since the last cooling */
};

static void memtis_destroy(RaminatePolicy *p)
{
    if (p) {
        raminate_levels_destroy(&p->levels);
        raminate_regions_free(p->counts);
        free(p);
    }
}

static RaminatePolicy *memtis_create(const RaminatePolicyConfig *config)
{
    uint32_t nr_pages = raminate_placement_pages(config->placement);
    RaminatePolicy *p = calloc(1, sizeof(*p));

    if (!p) {
        return NULL;
    }
    p->counted = raminate_policy_counted(config);
    p->counts = raminate_regions_new(nr_pages, sizeof(uint8_t));
    if (!p->counts || !raminate_levels_init(&p->levels, config)) {
        memtis_destroy(p);
        return NULL;
    }
    p->histogram[0] = nr_pages;
    return p;
}

static void memtis_set_count(RaminatePolicy *p, uint32_t page, uint8_t count)
{
    unsigned level = count ? 32 - __builtin_clz(count) : 0;
    unsigned old = raminate_levels_get(&p->levels, page);

    raminate_counts_set(p->counts, page, count);
    if (level != old) {
        p->histogram[old]--;
        p->histogram[level]++;
        raminate_levels_set(&p->levels, page, level);
    }
}

static void memtis_cool(RaminatePolicy *p)
{
    uint32_t page;

    for (page = raminate_counts_next(p->counts, 0); page != RAMINATE_NO_PAGE;
         page = raminate_counts_next(p->counts, page + 1)) {
        memtis_set_count(p, page, raminate_counts_get(p->counts, page) / 2);
    }
}

static void memtis_sample(RaminatePolicy *p, int64_t now_ms,
                          const RaminateSample *found)
{
    (void)now_ms;
    RAMINATE_SAMPLE_FOREACH(run, found, p->counted) {
        for (uint32_t page = run->first; page < run->first + run->nr; page++) {
            memtis_set_count(p, page, raminate_counts_get(p->counts, page) + 1);
        }
    }
    if (++p->scans == MEMTIS_COOLING_SCANS) {
        p->scans = 0;
        memtis_cool(p);
    }
}

/* Returns: the lowest level that is hot, at least 1. */
static unsigned memtis_threshold(const RaminatePolicy *p)
{
    uint32_t room = raminate_placement_fast_pages(p->levels.placement);
    unsigned level = RAMINATE_LEVELS;

    while (level > 1 && p->histogram[level - 1] <= room) {
        level--;
        room -= p->histogram[level];
    }
    return level;
}

static size_t memtis_plan(RaminatePolicy *p, int64_t now_ms,
                          RaminateMove *moves, size_t max)
{
    unsigned hot = memtis_threshold(p);

    (void)now_ms;
    return raminate_levels_plan(&p->levels, hot, hot, moves, max);
}

static void memtis_moved(RaminatePolicy *p, int64_t now_ms,
                         const RaminateMove *move)
{
    (void)now_ms;
    raminate_levels_moved(&p->levels, move);
}

static void memtis_given(RaminatePolicy *p, int64_t now_ms, uint32_t page,
                         unsigned from)
{
    (void)now_ms;
    raminate_levels_given(&p->levels, page, from);
}

/* At level n are counts of 2^(n - 1) and more. */
static void memtis_explain(const RaminatePolicy *p, int64_t now_ms,
                           uint32_t page, RaminateReasons *reasons)
{
    (void)now_ms;
    reasons->counts.count = raminate_counts_get(p->counts, page);
    reasons->counts.hot_count = 1u << (memtis_threshold(p) - 1);
    raminate_reasons_say_count(
        reasons, raminate_placement_is_fast(p->levels.placement, page));
}

static size_t memtis_memory(const RaminatePolicy *p)
{
    return raminate_levels_memory(&p->levels) +
           raminate_regions_memory(p->counts);
}

const RaminatePolicyOps raminate_policy_memtis = {
    .name = "memtis",
    .summary = "MEMTIS, adapted: the highest counts that fit go up",
    .kinds = RAMINATE_WRITTEN,
    .bytes_per_page = RAMINATE_LEVELS_BYTES_PER_PAGE + sizeof(uint8_t),
    .memory = memtis_memory,
    .create = memtis_create,
    .destroy = memtis_destroy,
    .sample = memtis_sample,
    .plan = memtis_plan,
    .moved = memtis_moved,
    .given = memtis_given,
    .explain = memtis_explain,
};
