/*
 * RAMinate: what goes down for huge pages, and for those that leave them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "hw/raminate/engine/huge-plan-internal.h"

/* So many regions are looked at for one that is cold, in a plan. */
#define REGION_LOOKS 512

/* So many pages are looked at for those that may go down, in a plan. */
#define PAGE_LOOKS 4096

/* Passing over so many pages of other tiers costs as much as one look. */
#define PASSED_PER_LOOK 64

void raminate_huge_plan_begin_search(Work *work)
{
    work->region_looks = REGION_LOOKS;
    work->page_looks = PAGE_LOOKS;
}

uint64_t raminate_huge_plan_heat(const Work *work, uint32_t region)
{
    uint64_t first = (uint64_t)region << RAMINATE_REGION_BITS;
    unsigned hottest = 0;

    return raminate_heat_sum(work->view->heat, first,
                             first + RAMINATE_REGION_PAGES, &hottest);
}

bool raminate_huge_plan_may_go(const Work *work, uint32_t region, unsigned tier)
{
    uint32_t first = region << RAMINATE_REGION_BITS;
    uint32_t counts[RAMINATE_MAX_TIERS] = { 0 };

    raminate_placement_count(work->view->placement, first,
                             first + RAMINATE_REGION_PAGES, counts);
    if (counts[tier] != RAMINATE_REGION_PAGES) {
        return false;
    }
    for (uint32_t i = 0; i < RAMINATE_REGION_PAGES; i++) {
        if (raminate_backoff_holds(work->view->backoff, first + i)) {
            return false;
        }
    }
    return true;
}

/* Regions */

uint32_t raminate_huge_plan_find_cold(Work *work, unsigned tier, uint64_t most)
{
    RaminateHugePlan *plan = work->plan;
    const RaminatePlacement *placement = work->view->placement;
    uint32_t nr_pages = raminate_placement_layout(placement)->nr_pages;
    bool is_first_turn = plan->next_cold != 0;

    while (work->region_looks) {
        uint32_t first = plan->next_cold << RAMINATE_REGION_BITS;
        uint32_t page = raminate_placement_next_in_tier(placement, tier,
                                                        first);
        uint32_t region = raminate_region_of(page);

        if (page == RAMINATE_NO_PAGE ||
            nr_pages - page < RAMINATE_REGION_PAGES - 1) {
            plan->next_cold = 0;
            if (!is_first_turn) {
                break;
            }
            is_first_turn = false;
            continue;
        }
        work->region_looks--;
        plan->next_cold = region + 1;
        if (!set_has(work->go, region) &&
            raminate_huge_plan_heat(work, region) <= most &&
            raminate_huge_plan_may_go(work, region, tier)) {
            return region;
        }
    }
    return RAMINATE_NO_REGION;
}

/* Pages */

/*
 * Returns: another page of @tier, no hotter than @heat, which is not in a huge
 * page, or in one that is to be taken apart anyway; or RAMINATE_NO_PAGE.
 */
static uint32_t find_down(Work *work, unsigned tier, unsigned heat)
{
    RaminateHugePlan *plan = work->plan;
    bool is_first_turn = plan->next_down != 0;

    while (work->page_looks) {
        uint32_t page = raminate_placement_next_in_tier(work->view->placement,
                                                        tier, plan->next_down);
        uint32_t region = raminate_region_of(page);
        uint32_t passed = MIN(page, raminate_placement_pages(
                                        work->view->placement)) -
                          plan->next_down;

        work->page_looks -= MIN(work->page_looks,
                                1 + passed / PASSED_PER_LOOK);
        if (page == RAMINATE_NO_PAGE) {
            plan->next_down = 0;
            if (!is_first_turn) {
                break;
            }
            is_first_turn = false;
        } else if (set_has(work->go, region) ||
                   (region != plan->open && is_huge(work, region))) {
            plan->next_down = (region + 1) << RAMINATE_REGION_BITS;
        } else {
            plan->next_down = page + 1;
            if (raminate_heat_get(work->view->heat, page) <= heat &&
                !set_has(work->taken, page) &&
                !raminate_backoff_holds(work->view->backoff, page)) {
                return page;
            }
        }
    }
    return RAMINATE_NO_PAGE;
}

/* Of those that were to go down for others.  Returns: as find_down(). */
static uint32_t take_freed(Work *work, unsigned tier)
{
    for (guint i = work->freed->len; i-- > 0;) {
        uint32_t page = g_array_index(work->freed, uint32_t, i);

        if (raminate_placement_tier(work->view->placement, page) == tier &&
            !is_huge(work, raminate_region_of(page))) {
            g_array_remove_index_fast(work->freed, i);
            return page;
        }
    }
    return RAMINATE_NO_PAGE;
}

/* Has all that go down from now on be of one region. */
static void open_region(RaminateHugePlan *plan, uint32_t region)
{
    plan->open = region;
    plan->next_down = region << RAMINATE_REGION_BITS;
}

/*
 * Returns: the page that is to go down in the place of @with; RAMINATE_NO_PAGE
 * if that goes as part of a region, and there is no other.
 */
static uint32_t choose_down(Work *work, uint32_t with)
{
    uint32_t region = raminate_region_of(with);
    bool goes = set_has(work->go, region);
    unsigned tier = raminate_placement_tier(work->view->placement, with);
    unsigned heat = raminate_heat_get(work->view->heat, with);
    uint32_t page;

    if (!goes && (region == work->plan->open || !is_huge(work, region))) {
        return with;
    }
    page = take_freed(work, tier);
    if (page == RAMINATE_NO_PAGE) {
        page = find_down(work, tier, heat);
    }
    if (page == RAMINATE_NO_PAGE && goes) {
        uint32_t cold = raminate_huge_plan_find_cold(work, tier, 0);

        if (cold != RAMINATE_NO_REGION) {
            open_region(work->plan, cold);
            page = find_down(work, tier, heat);
        }
    } else if (page == RAMINATE_NO_PAGE) {
        open_region(work->plan, region);
        return with;
    }
    if (page != RAMINATE_NO_PAGE) {
        set_add(work->taken, page);
    }
    return page;
}

void raminate_huge_plan_choose_downs(Work *work)
{
    size_t left = 0;

    if (work->plan->open != RAMINATE_NO_REGION &&
        !is_huge(work, work->plan->open)) {
        work->plan->open = RAMINATE_NO_REGION;
    }
    for (size_t i = 0; i < work->nr; i++) {
        RaminateMove move = work->moves[i];

        move.with = choose_down(work, move.with);
        if (move.with != RAMINATE_NO_PAGE) {
            work->moves[left++] = move;
        }
    }
    work->nr = left;
}
