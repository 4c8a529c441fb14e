/*
 * RAMinate: a policy with HeMem's counters
 *
 * Adapted from A. Raybuck et al., "HeMem: Scalable Tiered Memory Management
 * for Big Data Applications and Real NVM", SOSP 2021.  Each page counts its
 * samples; from a threshold on it is hot.  When a page's count reaches the
 * cooling threshold, the counts of all pages are halved.  Hot slow pages
 * change places with cold fast ones, first come, first served.  HeMem samples
 * accesses by the processor's counters; here a scan that finds a page written
 * is a sample.  Cooling looks at all pages, at most once in
 * HEMEM_COOLING / 2 scans.
 *
 * So counts wait for a page that goes on to be written, and in a guest that
 * has come to rest, what is kept of pages is not given back.  That is HeMem's
 * way: to cool by time would make it another policy.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdlib.h>

#include "counts.h"
#include "levels.h"
#include "reasons.h"

#define HEMEM_HOT 8
#define HEMEM_COOLING 18

enum { COLD, HOT };

struct RaminatePolicy {
    RaminateLevels levels;
    unsigned counted;           /* kinds of samples */
    RaminateRegions *counts;    /* uint8_t; none for 0 */
};

static void hemem_destroy(RaminatePolicy *p)
{
    if (p) {
        raminate_levels_destroy(&p->levels);
        raminate_regions_free(p->counts);
        free(p);
    }
}

static RaminatePolicy *hemem_create(const RaminatePolicyConfig *config)
{
    RaminatePolicy *p = calloc(1, sizeof(*p));

    if (!p) {
        return NULL;
    }
    p->counted = raminate_policy_counted(config);
    p->counts =
        raminate_regions_new(raminate_placement_pages(config->placement),
                             sizeof(uint8_t));
    if (!p->counts || !raminate_levels_init(&p->levels, config)) {
        hemem_destroy(p);
        return NULL;
    }
    return p;
}

static void hemem_cool(RaminatePolicy *p)
{
    uint32_t page;

    for (page = raminate_counts_next(p->counts, 0); page != RAMINATE_NO_PAGE;
         page = raminate_counts_next(p->counts, page + 1)) {
        uint8_t count = raminate_counts_get(p->counts, page) / 2;

        raminate_counts_set(p->counts, page, count);
        if (count < HEMEM_HOT &&
            raminate_levels_get(&p->levels, page) == HOT) {
            raminate_levels_set(&p->levels, page, COLD);
        }
    }
}

static void hemem_sample(RaminatePolicy *p, int64_t now_ms,
                         const RaminateSample *found)
{
    bool cool = false;

    (void)now_ms;
    RAMINATE_SAMPLE_FOREACH(run, found, p->counted) {
        for (uint32_t page = run->first; page < run->first + run->nr; page++) {
            uint8_t count = raminate_counts_get(p->counts, page) + 1;

            raminate_counts_set(p->counts, page, count);
            if (count == HEMEM_HOT) {
                raminate_levels_set(&p->levels, page, HOT);
            }
            cool |= count == HEMEM_COOLING;
        }
    }
    if (cool) {
        hemem_cool(p);
    }
}

static size_t hemem_plan(RaminatePolicy *p, int64_t now_ms,
                         RaminateMove *moves, size_t max)
{
    (void)now_ms;
    return raminate_levels_plan(&p->levels, HOT, HOT, moves, max);
}

static void hemem_moved(RaminatePolicy *p, int64_t now_ms,
                        const RaminateMove *move)
{
    (void)now_ms;
    raminate_levels_moved(&p->levels, move);
}

static void hemem_given(RaminatePolicy *p, int64_t now_ms, uint32_t page,
                        unsigned from)
{
    (void)now_ms;
    raminate_levels_given(&p->levels, page, from);
}

static void hemem_explain(const RaminatePolicy *p, int64_t now_ms,
                          uint32_t page, RaminateReasons *reasons)
{
    (void)now_ms;
    reasons->counts.count = raminate_counts_get(p->counts, page);
    reasons->counts.hot_count = HEMEM_HOT;
    raminate_reasons_say_count(
        reasons, raminate_placement_is_fast(p->levels.placement, page));
}

static size_t hemem_memory(const RaminatePolicy *p)
{
    return raminate_levels_memory(&p->levels) +
           raminate_regions_memory(p->counts);
}

const RaminatePolicyOps raminate_policy_hemem = {
    .name = "hemem",
    .summary = "HeMem, adapted: counters with cooling, and a threshold",
    .kinds = RAMINATE_WRITTEN,
    .bytes_per_page = RAMINATE_LEVELS_BYTES_PER_PAGE + sizeof(uint8_t),
    .memory = hemem_memory,
    .create = hemem_create,
    .destroy = hemem_destroy,
    .sample = hemem_sample,
    .plan = hemem_plan,
    .moved = hemem_moved,
    .given = hemem_given,
    .explain = hemem_explain,
};
