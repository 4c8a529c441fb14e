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
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdlib.h>

#include "levels.h"

#define HEMEM_HOT 8
#define HEMEM_COOLING 18

enum { COLD, HOT };

struct RaminatePolicy {
    RaminateLevels levels;
    uint8_t *counts;
};

static void hemem_destroy(RaminatePolicy *p)
{
    if (p) {
        raminate_levels_destroy(&p->levels);
        free(p->counts);
        free(p);
    }
}

static RaminatePolicy *hemem_create(const RaminatePolicyConfig *config)
{
    RaminatePolicy *p = calloc(1, sizeof(*p));

    if (!p) {
        return NULL;
    }
    p->counts = calloc(raminate_placement_pages(config->placement),
                       sizeof(*p->counts));
    if (!p->counts || !raminate_levels_init(&p->levels, config->placement)) {
        hemem_destroy(p);
        return NULL;
    }
    return p;
}

static void hemem_cool(RaminatePolicy *p)
{
    uint32_t nr_pages = raminate_placement_pages(p->levels.placement);

    for (uint32_t page = 0; page < nr_pages; page++) {
        p->counts[page] /= 2;
        if (p->levels.pages[page].level == HOT && p->counts[page] < HEMEM_HOT) {
            raminate_levels_set(&p->levels, page, COLD);
        }
    }
}

static void hemem_sample(RaminatePolicy *p, int64_t now_ms,
                         const uint32_t *pages, size_t nr)
{
    bool cool = false;

    (void)now_ms;
    for (size_t i = 0; i < nr; i++) {
        uint8_t count = ++p->counts[pages[i]];

        if (count == HEMEM_HOT) {
            raminate_levels_set(&p->levels, pages[i], HOT);
        }
        cool |= count == HEMEM_COOLING;
    }
    if (cool) {
        hemem_cool(p);
    }
}

static size_t hemem_plan(RaminatePolicy *p, int64_t now_ms,
                         RaminatePair *pairs, size_t max)
{
    (void)now_ms;
    return raminate_levels_plan(&p->levels, HOT, HOT, pairs, max);
}

static void hemem_swapped(RaminatePolicy *p, int64_t now_ms,
                          uint32_t a, uint32_t b)
{
    (void)now_ms;
    raminate_levels_swapped(&p->levels, a, b);
}

static void hemem_set_life_time(RaminatePolicy *p, uint32_t life_time_ms)
{
    (void)p;
    (void)life_time_ms;
}

const RaminatePolicyOps raminate_policy_hemem = {
    .name = "hemem",
    .summary = "HeMem, adapted: counters with cooling, and a threshold",
    .kinds = RAMINATE_WRITTEN,
    .bytes_per_page = RAMINATE_LEVELS_BYTES_PER_PAGE + sizeof(uint8_t),
    .create = hemem_create,
    .destroy = hemem_destroy,
    .sample = hemem_sample,
    .plan = hemem_plan,
    .swapped = hemem_swapped,
    .set_life_time = hemem_set_life_time,
};
