/*
 * RAMinate: pages sorted into a few levels of heat, for simple policies
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdlib.h>

#include "levels.h"

static bool is_fast(const RaminateLevels *levels, uint32_t page)
{
    return raminate_placement_tier(levels->placement, page) == 0;
}

static void leave(RaminateLevels *levels, uint32_t page, bool fast)
{
    raminate_page_list_remove(&levels->lists[fast][levels->pages[page].level],
                              levels->links, page);
}

static void enter(RaminateLevels *levels, uint32_t page)
{
    raminate_page_list_append(&levels->lists[is_fast(levels, page)]
                                            [levels->pages[page].level],
                              levels->links, page);
}

bool raminate_levels_init(RaminateLevels *levels,
                          const RaminatePlacement *placement)
{
    uint32_t nr_pages = raminate_placement_pages(placement);

    levels->placement = placement;
    levels->links = calloc(nr_pages, sizeof(*levels->links));
    levels->pages = calloc(nr_pages, sizeof(*levels->pages));
    if (!levels->links || !levels->pages) {
        return false;
    }
    for (unsigned i = 0; i < RAMINATE_LEVELS; i++) {
        raminate_page_list_init(&levels->lists[false][i]);
        raminate_page_list_init(&levels->lists[true][i]);
    }
    for (uint32_t page = 0; page < nr_pages; page++) {
        enter(levels, page);
    }
    return true;
}

void raminate_levels_destroy(RaminateLevels *levels)
{
    free(levels->links);
    free(levels->pages);
}

void raminate_levels_set(RaminateLevels *levels, uint32_t page,
                         unsigned level)
{
    leave(levels, page, is_fast(levels, page));
    levels->pages[page].level = level;
    enter(levels, page);
}

/* Returns: whether to pass over @page, because it is planned or failed. */
static bool passes_over(RaminateLevels *levels, uint32_t page)
{
    uint8_t tried = levels->pages[page].tried;

    if (tried != levels->plan) {
        levels->pages[page].tried = 0;
    }
    return tried;
}

/*
 * Returns: the first page from @page on, in the lists of levels up to @end in
 * steps of @step, that may be tried.
 */
static uint32_t find_page(RaminateLevels *levels, bool fast, uint32_t page,
                          unsigned *level, unsigned end, int step)
{
    while (*level != end) {
        while (page != RAMINATE_NO_PAGE && passes_over(levels, page)) {
            page = levels->links[page].next;
        }
        if (page != RAMINATE_NO_PAGE) {
            break;
        }
        *level += step;
        if (*level != end) {
            page = levels->lists[fast][*level].head;
        }
    }
    return page;
}

size_t raminate_levels_plan(RaminateLevels *levels, unsigned hot,
                            unsigned cold, RaminatePair *pairs, size_t max)
{
    unsigned up_level = RAMINATE_LEVELS - 1;
    unsigned down_level = 0;
    uint32_t up = levels->lists[false][up_level].head;
    uint32_t down = levels->lists[true][down_level].head;
    size_t nr = 0;

    levels->plan = levels->plan % UINT8_MAX + 1;
    while (nr < max) {
        up = find_page(levels, false, up, &up_level, hot - 1, -1);
        down = find_page(levels, true, down, &down_level, cold, 1);
        if (up == RAMINATE_NO_PAGE || down == RAMINATE_NO_PAGE ||
            up_level <= down_level) {
            break;
        }
        pairs[nr].promote = up;
        pairs[nr].demote = down;
        nr++;
        levels->pages[up].tried = levels->plan;
        levels->pages[down].tried = levels->plan;
    }
    return nr;
}

void raminate_levels_swapped(RaminateLevels *levels, uint32_t a, uint32_t b)
{
    levels->pages[a].tried = 0;
    levels->pages[b].tried = 0;
    if (is_fast(levels, a) != is_fast(levels, b)) {
        leave(levels, a, !is_fast(levels, a));
        leave(levels, b, !is_fast(levels, b));
        enter(levels, a);
        enter(levels, b);
    }
}
