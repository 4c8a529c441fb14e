/*
 * RAMinate: which frame holds which guest page
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <assert.h>
#include <stdlib.h>

#include "hw/raminate/engine/placement.h"

struct RaminatePlacement {
    uint32_t nr_pages;
    uint32_t nr_runs;
    unsigned nr_tiers;
    RaminateFrameRange ranges[RAMINATE_MAX_TIERS];

    /*
     * Both are indexed by page.  The tier follows from the frame; it is kept
     * because every scan asks it of each page found written.
     */
    uint32_t *frame;
    uint8_t *tier;
};

/* Returns: which page holds @page's frame once @a and @b have exchanged. */
static uint32_t exchanged(uint32_t page, uint32_t a, uint32_t b)
{
    return page == a ? b : page == b ? a : page;
}

/* raminate_placement_joined() as it would be once @a and @b have exchanged */
static bool joined_after(const RaminatePlacement *p, uint32_t page,
                         uint32_t a, uint32_t b)
{
    uint32_t left, right;

    if (page == 0 || page >= p->nr_pages) {
        return false;
    }
    left = exchanged(page - 1, a, b);
    right = exchanged(page, a, b);
    return p->frame[left] + 1 == p->frame[right] &&
           p->tier[left] == p->tier[right];
}

RaminatePlacement *raminate_placement_new(const RaminateFrameRange *ranges,
                                          unsigned nr_tiers)
{
    RaminatePlacement *p = calloc(1, sizeof(*p));
    uint64_t nr_pages = 0;

    assert(nr_tiers >= 1 && nr_tiers <= RAMINATE_MAX_TIERS);
    if (!p) {
        return NULL;
    }

    p->nr_tiers = nr_tiers;
    for (unsigned tier = 0; tier < nr_tiers; tier++) {
        p->ranges[tier] = ranges[tier];
        nr_pages += ranges[tier].count;
    }
    assert(nr_pages < UINT32_MAX);
    p->nr_pages = nr_pages;

    p->frame = calloc(nr_pages, sizeof(*p->frame));
    p->tier = calloc(nr_pages, sizeof(*p->tier));
    if (!p->frame || !p->tier) {
        raminate_placement_free(p);
        return NULL;
    }

    for (unsigned tier = 0; tier < nr_tiers; tier++) {
        assert((uint64_t)ranges[tier].first + ranges[tier].count <= nr_pages);
        for (uint32_t i = 0; i < ranges[tier].count; i++) {
            p->frame[ranges[tier].first + i] = ranges[tier].first + i;
            p->tier[ranges[tier].first + i] = tier;
        }
    }
    for (uint32_t page = 0; page < p->nr_pages; page++) {
        p->nr_runs += !raminate_placement_joined(p, page);
    }
    return p;
}

void raminate_placement_free(RaminatePlacement *p)
{
    if (p) {
        free(p->frame);
        free(p->tier);
        free(p);
    }
}

uint32_t raminate_placement_pages(const RaminatePlacement *p)
{
    return p->nr_pages;
}

unsigned raminate_placement_tiers(const RaminatePlacement *p)
{
    return p->nr_tiers;
}

uint32_t raminate_placement_tier_pages(const RaminatePlacement *p,
                                       unsigned tier)
{
    return p->ranges[tier].count;
}

uint32_t raminate_placement_frame(const RaminatePlacement *p, uint32_t page)
{
    return p->frame[page];
}

unsigned raminate_placement_tier(const RaminatePlacement *p, uint32_t page)
{
    return p->tier[page];
}

unsigned raminate_placement_first_tier(const RaminatePlacement *p,
                                       uint32_t page)
{
    unsigned tier = 0;

    while (page - p->ranges[tier].first >= p->ranges[tier].count) {
        tier++;
    }
    return tier;
}

void raminate_placement_swap(RaminatePlacement *p, uint32_t a, uint32_t b)
{
    uint32_t frame = p->frame[a];
    uint8_t tier = p->tier[a];

    p->nr_runs += raminate_placement_swap_runs(p, a, b);
    p->frame[a] = p->frame[b];
    p->tier[a] = p->tier[b];
    p->frame[b] = frame;
    p->tier[b] = tier;
}

uint32_t raminate_placement_runs(const RaminatePlacement *p)
{
    return p->nr_runs;
}

int raminate_placement_swap_runs(const RaminatePlacement *p,
                                 uint32_t a, uint32_t b)
{
    /* A run ends, or doesn't, on either side of each of the two pages. */
    uint32_t edges[] = { a, a + 1, b, b + 1 };
    int change = 0;

    for (unsigned i = 0; i < 4; i++) {
        /* Neighbours share an edge, which counts only once. */
        if (i >= 2 && (edges[i] == edges[0] || edges[i] == edges[1])) {
            continue;
        }
        change += raminate_placement_joined(p, edges[i]);
        change -= joined_after(p, edges[i], a, b);
    }
    return change;
}

bool raminate_placement_joined(const RaminatePlacement *p, uint32_t page)
{
    return joined_after(p, page, page, page);
}
