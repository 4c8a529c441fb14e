/*
 * RAMinate: pages sorted into a few levels of heat, for simple policies
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "levels.h"
#include "untouched.h"

static bool is_fast(const RaminateLevels *levels, uint32_t page)
{
    return raminate_placement_is_fast(levels->placement, page);
}

static RaminateLevelPage *entry_of(const RaminateLevels *levels, uint32_t page)
{
    return raminate_regions_get(levels->pages, page);
}

/* What is in no list, and not by intent, is untouched. */
static void leave(RaminateLevels *levels, uint32_t page, bool fast)
{
    RaminateLevelPage *entry = entry_of(levels, page);

    if (entry && entry->touched) {
        raminate_region_list_remove(&levels->lists[fast][entry->level],
                                    &levels->links, page);
        entry->touched = false;
        raminate_regions_release(levels->pages, page);
    }
}

static void enter(RaminateLevels *levels, uint32_t page, unsigned level)
{
    bool fast = is_fast(levels, page);
    RaminateLevelPage *entry;

    if (!fast && level == 0) {
        return;
    }
    entry = raminate_regions_need(levels->pages, page);
    raminate_regions_hold(levels->pages, page);
    entry->touched = true;
    entry->level = level;
    raminate_region_list_append(&levels->lists[fast][level], &levels->links,
                                page);
}

bool raminate_levels_init(RaminateLevels *levels,
                          const RaminatePolicyConfig *config)
{
    levels->placement = config->placement;
    levels->backoff = config->backoff;
    levels->pages =
        raminate_regions_new(raminate_placement_pages(config->placement),
                             sizeof(RaminateLevelPage));
    levels->links.table = levels->pages;
    levels->links.offset = offsetof(RaminateLevelPage, link);
    for (unsigned i = 0; i < RAMINATE_LEVELS; i++) {
        raminate_page_list_init(&levels->lists[false][i]);
        raminate_page_list_init(&levels->lists[true][i]);
    }
    return levels->pages;
}

void raminate_levels_destroy(RaminateLevels *levels)
{
    raminate_regions_free(levels->pages);
}

size_t raminate_levels_memory(const RaminateLevels *levels)
{
    return raminate_regions_memory(levels->pages);
}

unsigned raminate_levels_get(const RaminateLevels *levels, uint32_t page)
{
    const RaminateLevelPage *entry = entry_of(levels, page);

    return entry && entry->touched ? entry->level : 0;
}

void raminate_levels_set(RaminateLevels *levels, uint32_t page,
                         unsigned level)
{
    /* Its region lives on in between. */
    raminate_regions_need(levels->pages, page);
    raminate_regions_hold(levels->pages, page);
    leave(levels, page, is_fast(levels, page));
    enter(levels, page, level);
    raminate_regions_release(levels->pages, page);
}

/* A way through the lists of some levels */
typedef struct Walk {
    bool fast;
    unsigned level;
    unsigned end;               /* level behind the last one */
    int step;                   /* from level to level */
    bool in_list;               /* not yet, or past the untouched pages */
    uint32_t page;              /* where it is, RAMINATE_NO_PAGE at the end */
} Walk;

/* Returns: the page behind the one where the walk is, or of its level's end. */
static uint32_t next_in_level(RaminateLevels *levels, Walk *walk)
{
    const RaminatePageList *list = &levels->lists[walk->fast][walk->level];
    uint32_t next;

    if (walk->in_list) {
        return raminate_link(&levels->links, walk->page)->next;
    }
    if (walk->fast && walk->level == 0) {
        bool begins = walk->page == RAMINATE_NO_PAGE;

        next = raminate_next_untouched_fast(levels->placement, levels->pages,
                                            begins ? levels->first_untouched
                                                   : walk->page + 1);
        if (begins) {
            levels->first_untouched = next == RAMINATE_NO_PAGE
                ? raminate_placement_pages(levels->placement) : next;
        }
        if (next != RAMINATE_NO_PAGE) {
            return next;
        }
    }
    walk->in_list = true;
    return list->head;
}

/* Goes on to the next page that may be moved. */
static void go_on(RaminateLevels *levels, Walk *walk)
{
    while (walk->level != walk->end) {
        walk->page = next_in_level(levels, walk);
        if (walk->page == RAMINATE_NO_PAGE) {
            walk->level += walk->step;
            walk->in_list = false;
        } else if (!raminate_backoff_holds(levels->backoff, walk->page)) {
            return;
        }
    }
}

size_t raminate_levels_plan(RaminateLevels *levels, unsigned hot,
                            unsigned cold, RaminateMove *moves, size_t max)
{
    Walk up = {
        .level = RAMINATE_LEVELS - 1,
        .end = hot - 1,
        .step = -1,
        .page = RAMINATE_NO_PAGE,
    };
    Walk down = {
        .fast = true,
        .end = cold,
        .step = 1,
        .page = RAMINATE_NO_PAGE,
    };
    size_t nr = 0;

    while (nr < max) {
        go_on(levels, &up);
        if (up.level != up.end) {
            go_on(levels, &down);
        }
        if (up.level == up.end || down.level == down.end ||
            up.level <= down.level) {
            break;
        }
        moves[nr].page = up.page;
        moves[nr].with = down.page;
        nr++;
    }
    return nr;
}

static void change_tier(RaminateLevels *levels, uint32_t page)
{
    unsigned level = raminate_levels_get(levels, page);

    leave(levels, page, !is_fast(levels, page));
    enter(levels, page, level);
}

void raminate_levels_moved(RaminateLevels *levels, const RaminateMove *move)
{
    if (is_fast(levels, move->page) != is_fast(levels, move->with)) {
        change_tier(levels, move->page);
        change_tier(levels, move->with);
    }
}

void raminate_levels_given(RaminateLevels *levels, uint32_t page,
                           unsigned from)
{
    if (is_fast(levels, page) !=
        raminate_placement_is_fast_tier(levels->placement, from)) {
        change_tier(levels, page);
    }
}
