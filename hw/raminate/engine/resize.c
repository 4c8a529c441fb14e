/*
 * RAMinate: which pages go when the fastest tier is to become larger or smaller
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "hw/raminate/engine/regions.h"
#include "hw/raminate/engine/resize.h"

/* Each class of heat reaches half as high as the next; the first is no heat. */
#define CLASSES 9

/* A plan looks at so many pages, or passes over so many for each of them. */
#define LOOKS 16384
#define PASSED_PER_LOOK 16

void raminate_resize_set(RaminateResize *resize, uint32_t pages)
{
    *resize = (RaminateResize) { .wanted = pages };
}

int64_t raminate_resize_excess(const RaminateResize *resize,
                               const RaminatePlacement *placement)
{
    return (int64_t)raminate_placement_tier_pages(placement, 0) -
           resize->wanted;
}

/* Returns: whether a page with @heat is to go in the class at hand. */
static bool is_of_class(const RaminateResize *resize, unsigned heat, bool down)
{
    unsigned bound = down ? 1u << resize->class
                          : 1u << (CLASSES - 1) >> (resize->class + 1);

    return down ? heat < bound : heat >= bound;
}

/* Goes on to the next class.  Returns: false if that is the first one again. */
static bool next_class(RaminateResize *resize)
{
    resize->next = 0;
    resize->class = (resize->class + 1) % CLASSES;
    if (resize->class == 0) {
        resize->is_stuck = !resize->found;
        resize->found = false;
    }
    return resize->class;
}

/* Returns: the next page of @tier, RAMINATE_NO_PAGE at the end. */
static uint32_t next_page(RaminateResize *resize,
                          const RaminatePlacement *placement, unsigned tier,
                          unsigned *looks)
{
    uint32_t nr_pages = raminate_placement_pages(placement);
    uint32_t page = raminate_placement_next_in_tier(placement, tier,
                                                    resize->next);
    uint32_t end = MIN(page, nr_pages);

    *looks -= MIN(*looks, 1 + (end - resize->next) / PASSED_PER_LOOK);
    resize->next = page == RAMINATE_NO_PAGE ? nr_pages : page + 1;
    return page;
}

/* Goes on behind @page's region if that has no hot page. */
static void pass_over_cold(RaminateResize *resize,
                           const RaminatePlacement *placement,
                           const RaminateHeat *heat, uint32_t page)
{
    if (raminate_heat_is_cold(heat, raminate_region_of(page))) {
        resize->next = MIN((page | (RAMINATE_REGION_PAGES - 1)) + 1,
                           raminate_placement_pages(placement));
    }
}

size_t raminate_resize_plan(RaminateResize *resize,
                            const RaminatePlacement *placement,
                            const RaminateHeat *heat,
                            const RaminateBackoff *backoff,
                            RaminateMove *moves, size_t max, unsigned *to)
{
    int64_t excess = raminate_resize_excess(resize, placement);
    unsigned last = raminate_placement_tiers(placement) - 1;
    unsigned from = excess > 0 ? 0 : last;
    unsigned looks = LOOKS;
    size_t nr = 0;

    *to = last - from;
    max = MIN(max, (size_t)ABS(excess));
    while (nr < max && looks) {
        uint32_t page = next_page(resize, placement, from, &looks);

        if (page == RAMINATE_NO_PAGE) {
            /* Pages of this plan would be found again in the next class. */
            if (nr || !next_class(resize)) {
                break;
            }
        } else if (is_of_class(resize, raminate_heat_get(heat, page), !from)) {
            if (!raminate_backoff_holds(backoff, page)) {
                moves[nr++] = (RaminateMove) {
                    .page = page,
                    .with = RAMINATE_NO_PAGE,
                };
            }
        } else if (from) {
            pass_over_cold(resize, placement, heat, page);
        }
    }
    resize->found |= nr > 0;
    resize->is_stuck &= nr == 0;
    return nr;
}
