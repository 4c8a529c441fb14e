/*
 * RAMinate: a policy with MEMTIS's histogram
 *
 * Adapted from T. Lee et al., "MEMTIS: Efficient Memory Tiering with Dynamic
 * Page Classification and Page Size Determination", SOSP 2023.  A histogram
 * counts the pages by the logarithm of their samples; hot are the highest
 * levels that fit into the fastest tier together.  From time to time all
 * counts are halved.  MEMTIS samples accesses by the processor's counters;
 * here a scan that finds a page written is a sample.  Its handling of huge
 * pages has no counterpart.  Cooling looks at all pages, once in
 * MEMTIS_COOLING_SCANS scans.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdlib.h>

#include "levels.h"

#define MEMTIS_COOLING_SCANS 32

struct RaminatePolicy {
    RaminateLevels levels;
    uint8_t *counts;
    uint32_t histogram[RAMINATE_LEVELS];
    unsigned scans;             /* since the last cooling */
};

static void memtis_destroy(RaminatePolicy *p)
{
    if (p) {
        raminate_levels_destroy(&p->levels);
        free(p->counts);
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
    p->counts = calloc(nr_pages, sizeof(*p->counts));
    if (!p->counts || !raminate_levels_init(&p->levels, config->placement)) {
        memtis_destroy(p);
        return NULL;
    }
    p->histogram[0] = nr_pages;
    return p;
}

static void memtis_set_count(RaminatePolicy *p, uint32_t page, uint8_t count)
{
    unsigned level = count ? 32 - __builtin_clz(count) : 0;
    unsigned old = p->levels.pages[page].level;

    p->counts[page] = count;
    if (level != old) {
        p->histogram[old]--;
        p->histogram[level]++;
        raminate_levels_set(&p->levels, page, level);
    }
}

static void memtis_sample(RaminatePolicy *p, int64_t now_ms,
                          const uint32_t *pages, size_t nr)
{
    uint32_t nr_pages = raminate_placement_pages(p->levels.placement);

    (void)now_ms;
    for (size_t i = 0; i < nr; i++) {
        memtis_set_count(p, pages[i], p->counts[pages[i]] + 1);
    }
    if (++p->scans == MEMTIS_COOLING_SCANS) {
        p->scans = 0;
        for (uint32_t page = 0; page < nr_pages; page++) {
            memtis_set_count(p, page, p->counts[page] / 2);
        }
    }
}

/* Returns: the lowest level that is hot, at least 1. */
static unsigned memtis_threshold(const RaminatePolicy *p)
{
    uint32_t room = raminate_placement_tier_pages(p->levels.placement, 0);
    unsigned level = RAMINATE_LEVELS;

    while (level > 1 && p->histogram[level - 1] <= room) {
        level--;
        room -= p->histogram[level];
    }
    return level;
}

static size_t memtis_plan(RaminatePolicy *p, int64_t now_ms,
                          RaminatePair *pairs, size_t max)
{
    unsigned hot = memtis_threshold(p);

    (void)now_ms;
    return raminate_levels_plan(&p->levels, hot, hot, pairs, max);
}

static void memtis_swapped(RaminatePolicy *p, int64_t now_ms,
                           uint32_t a, uint32_t b)
{
    (void)now_ms;
    raminate_levels_swapped(&p->levels, a, b);
}

static void memtis_set_life_time(RaminatePolicy *p, uint32_t life_time_ms)
{
    (void)p;
    (void)life_time_ms;
}

const RaminatePolicyOps raminate_policy_memtis = {
    .name = "memtis",
    .summary = "MEMTIS, adapted: the highest counts that fit go up",
    .kinds = RAMINATE_WRITTEN,
    .bytes_per_page = RAMINATE_LEVELS_BYTES_PER_PAGE + sizeof(uint8_t),
    .create = memtis_create,
    .destroy = memtis_destroy,
    .sample = memtis_sample,
    .plan = memtis_plan,
    .swapped = memtis_swapped,
    .set_life_time = memtis_set_life_time,
};
