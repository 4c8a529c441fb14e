/*
 * RAMinate: which frame holds which guest page
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <assert.h>
#include <stdlib.h>

#include "hw/raminate/engine/placement.h"
#include "hw/raminate/engine/regions.h"

struct RaminatePlacement {
    uint32_t nr_pages;
    uint32_t nr_runs;
    RaminateLayout layout;
    uint32_t tier_pages[RAMINATE_MAX_TIERS];

    /* Of each frame that was given away, a byte: the tier it is in, plus 1 */
    RaminateRegions *given;

    /* Of each page, an uint32_t: its frame's number less its own */
    RaminateRegions *shifts;
};

static bool range_has(const RaminateFrameRange *range, uint32_t frame)
{
    return frame - range->first < range->count;
}

/* Returns: the tier whose range has @frame.  Most are in the slowest one. */
static unsigned first_tier_of(const RaminatePlacement *p, uint32_t frame)
{
    unsigned tier = p->layout.nr_tiers - 1;

    while (tier > 0 && !range_has(&p->layout.ranges[tier], frame)) {
        tier--;
    }
    return tier;
}

/* Returns: the tier that @frame is in now. */
static unsigned tier_of_frame(const RaminatePlacement *p, uint32_t frame)
{
    const uint8_t *given = p->given->nr_live
                           ? raminate_regions_get(p->given, frame) : NULL;

    return given && *given ? *given - 1u : first_tier_of(p, frame);
}

/*
 * Returns: the first region from @region upwards, the last one from @region
 * downwards, in which not all is as at the start, or RAMINATE_NO_REGION.
 */
static uint32_t next_live(const RaminatePlacement *p, uint32_t region)
{
    uint32_t moved = raminate_regions_next(p->shifts, region);
    uint32_t given = p->given->nr_live
                     ? raminate_regions_next(p->given, region)
                     : RAMINATE_NO_REGION;

    return moved < given ? moved : given;
}

static uint32_t prev_live(const RaminatePlacement *p, uint32_t region)
{
    uint32_t moved = raminate_regions_prev(p->shifts, region);
    uint32_t given = raminate_regions_prev(p->given, region);

    if (moved == RAMINATE_NO_REGION || given == RAMINATE_NO_REGION) {
        return moved < given ? moved : given;
    }
    return moved > given ? moved : given;
}

/* Returns: one past the last page of @region. */
static uint32_t region_end(const RaminatePlacement *p, uint32_t region)
{
    uint64_t end = ((uint64_t)region + 1) << RAMINATE_REGION_BITS;

    return end < p->nr_pages ? end : p->nr_pages;
}

static void set_frame(RaminatePlacement *p, uint32_t page, uint32_t frame)
{
    uint32_t shift = frame - page;
    uint32_t *entry = shift ? raminate_regions_need(p->shifts, page)
                            : raminate_regions_get(p->shifts, page);
    uint32_t before = entry ? *entry : 0;

    if (shift == before) {
        return;
    }
    *entry = shift;
    if (!before) {
        raminate_regions_hold(p->shifts, page);
    } else if (!shift) {
        raminate_regions_release(p->shifts, page);
    }
}

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
    left = raminate_placement_frame(p, exchanged(page - 1, a, b));
    right = raminate_placement_frame(p, exchanged(page, a, b));
    return left + 1 == right &&
           tier_of_frame(p, left) == tier_of_frame(p, right);
}

RaminatePlacement *raminate_placement_new(const RaminateLayout *layout)
{
    RaminatePlacement *p = calloc(1, sizeof(*p));
    uint64_t nr_pages = raminate_layout_frames(layout);

    assert(layout->nr_tiers >= 1 && layout->nr_tiers <= RAMINATE_MAX_TIERS);
    if (!p) {
        return NULL;
    }

    p->layout = *layout;
    for (unsigned tier = 0; tier < layout->nr_tiers; tier++) {
        /* Each tier is one run: its frames follow each other at first. */
        p->nr_runs += layout->ranges[tier].count > 0;
        p->tier_pages[tier] = layout->ranges[tier].count;
    }
    assert(nr_pages < UINT32_MAX && layout->nr_pages <= nr_pages);
    p->nr_pages = nr_pages;
    for (unsigned tier = 0; tier < layout->nr_tiers; tier++) {
        const RaminateFrameRange *range = &layout->ranges[tier];

        assert((uint64_t)range->first + range->count <= nr_pages);
    }

    p->shifts = raminate_regions_new_dense(nr_pages, sizeof(uint32_t));
    p->given = raminate_regions_new_dense(nr_pages, sizeof(uint8_t));
    if (!p->shifts || !p->given) {
        raminate_placement_free(p);
        return NULL;
    }
    return p;
}

void raminate_placement_free(RaminatePlacement *p)
{
    if (p) {
        raminate_regions_free(p->shifts);
        raminate_regions_free(p->given);
        free(p);
    }
}

uint32_t raminate_placement_pages(const RaminatePlacement *p)
{
    return p->nr_pages;
}

unsigned raminate_placement_tiers(const RaminatePlacement *p)
{
    return p->layout.nr_tiers;
}

const RaminateLayout *raminate_placement_layout(const RaminatePlacement *p)
{
    return &p->layout;
}

bool raminate_placement_is_room(const RaminatePlacement *p, uint32_t page)
{
    return page >= p->layout.nr_pages;
}

size_t raminate_placement_memory(const RaminatePlacement *p)
{
    return raminate_regions_memory(p->shifts) +
           raminate_regions_memory(p->given);
}

uint32_t raminate_placement_tier_pages(const RaminatePlacement *p,
                                       unsigned tier)
{
    return p->tier_pages[tier];
}

uint32_t raminate_placement_frame(const RaminatePlacement *p, uint32_t page)
{
    const uint32_t *shift = raminate_regions_get(p->shifts, page);

    return shift ? page + *shift : page;
}

unsigned raminate_placement_tier(const RaminatePlacement *p, uint32_t page)
{
    return tier_of_frame(p, raminate_placement_frame(p, page));
}

bool raminate_placement_is_fast_tier(const RaminatePlacement *p,
                                     unsigned tier)
{
    return tier < raminate_layout_fast_tiers(&p->layout);
}

bool raminate_placement_is_fast(const RaminatePlacement *p, uint32_t page)
{
    return raminate_placement_is_fast_tier(p,
                                           raminate_placement_tier(p, page));
}

uint32_t raminate_placement_fast_pages(const RaminatePlacement *p)
{
    unsigned nr_tiers = raminate_layout_fast_tiers(&p->layout);
    uint32_t nr = 0;

    for (unsigned tier = 0; tier < nr_tiers; tier++) {
        nr += p->tier_pages[tier];
    }
    return nr;
}

unsigned raminate_placement_first_tier(const RaminatePlacement *p,
                                       uint32_t page)
{
    return first_tier_of(p, page);
}

uint32_t raminate_placement_next_changed(const RaminatePlacement *p,
                                         uint32_t region)
{
    /* Both are the largest number. */
    return next_live(p, region);
}

/* Returns: how many of the frames from @first to before @end are in @range. */
static uint32_t overlap(const RaminateFrameRange *range, uint32_t first,
                        uint32_t end)
{
    uint32_t range_end = range->first + range->count;

    first = first > range->first ? first : range->first;
    end = end < range_end ? end : range_end;
    return first < end ? end - first : 0;
}

void raminate_placement_count(const RaminatePlacement *p, uint32_t first,
                              uint32_t end, uint32_t *counts)
{
    while (first < end) {
        uint32_t region = raminate_region_of(first);
        uint32_t live = next_live(p, region);
        uint32_t stop;

        if (live == region) {
            stop = region_end(p, region);
            for (; first < end && first < stop; first++) {
                counts[raminate_placement_tier(p, first)]++;
            }
            continue;
        }
        stop = live == RAMINATE_NO_REGION || live > raminate_region_of(end)
               ? end : live << RAMINATE_REGION_BITS;
        for (unsigned tier = 0; tier < p->layout.nr_tiers; tier++) {
            counts[tier] += overlap(&p->layout.ranges[tier], first, stop);
        }
        first = stop;
    }
}

uint32_t raminate_placement_next_in_tier(const RaminatePlacement *p,
                                         unsigned tier, uint32_t page)
{
    const RaminateFrameRange *range = &p->layout.ranges[tier];
    uint32_t end;

    while (page < p->nr_pages) {
        uint32_t region = raminate_region_of(page);
        uint32_t live = next_live(p, region);

        if (live == region) {
            end = region_end(p, region);
            for (; page < end; page++) {
                if (raminate_placement_tier(p, page) == tier) {
                    return page;
                }
            }
            continue;
        }
        /* At the identity up to the next live region */
        end = live == RAMINATE_NO_REGION ? p->nr_pages
                                         : live << RAMINATE_REGION_BITS;
        if (range_has(range, page)) {
            return page;
        }
        if (range->count && range->first >= page && range->first < end) {
            return range->first;
        }
        page = end;
    }
    return RAMINATE_NO_PAGE;
}

uint32_t raminate_placement_prev_in_tier(const RaminatePlacement *p,
                                         unsigned tier, uint32_t page)
{
    const RaminateFrameRange *range = &p->layout.ranges[tier];
    uint32_t last = range->first + range->count - 1;
    /* One past the page that is looked at */
    uint32_t end = page < p->nr_pages ? page + 1 : p->nr_pages;

    while (end > 0) {
        uint32_t region = raminate_region_of(end - 1);
        uint32_t live = prev_live(p, region);
        uint32_t first = live == RAMINATE_NO_REGION
                         ? 0 : (live + 1) << RAMINATE_REGION_BITS;

        if (live == region) {
            first = region << RAMINATE_REGION_BITS;
            for (; end > first; end--) {
                if (raminate_placement_tier(p, end - 1) == tier) {
                    return end - 1;
                }
            }
            continue;
        }
        /* At the identity down to the last live region */
        if (range_has(range, end - 1)) {
            return end - 1;
        }
        if (range->count && last >= first && last < end) {
            return last;
        }
        end = first;
    }
    return RAMINATE_NO_PAGE;
}

void raminate_placement_swap(RaminatePlacement *p, uint32_t a, uint32_t b)
{
    uint32_t frame_a = raminate_placement_frame(p, a);
    uint32_t frame_b = raminate_placement_frame(p, b);

    p->nr_runs += raminate_placement_swap_runs(p, a, b);
    set_frame(p, a, frame_b);
    set_frame(p, b, frame_a);
}

static void set_given(RaminatePlacement *p, uint32_t frame, uint8_t given)
{
    uint8_t *entry = raminate_regions_need(p->given, frame);
    uint8_t before = *entry;

    *entry = given;
    if (!before && given) {
        raminate_regions_hold(p->given, frame);
    } else if (before && !given) {
        raminate_regions_release(p->given, frame);
    }
}

void raminate_placement_give(RaminatePlacement *p, uint32_t page,
                             unsigned tier)
{
    uint32_t frame = raminate_placement_frame(p, page);
    unsigned from = tier_of_frame(p, frame);

    assert(tier != from && tier < p->layout.nr_tiers);
    p->nr_runs += raminate_placement_joined(p, page) +
                  raminate_placement_joined(p, page + 1);
    set_given(p, frame, tier == first_tier_of(p, frame) ? 0 : tier + 1);
    p->nr_runs -= raminate_placement_joined(p, page) +
                  raminate_placement_joined(p, page + 1);
    p->tier_pages[from]--;
    p->tier_pages[tier]++;
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
