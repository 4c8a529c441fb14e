/*
 * RAMinate: the inside of plans that mind huge pages, for its files
 *
 * huge-plan.c has which regions go as a whole and which are taken apart,
 * huge-down.c which regions and pages go down for others.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_HUGE_PLAN_INTERNAL_H
#define HW_RAMINATE_HUGE_PLAN_INTERNAL_H

#include <glib.h>

#include "hw/raminate/engine/huge-plan.h"
#include "hw/raminate/engine/regions.h"

struct RaminateHugePlan {
    GHashTable *losses;         /* region to its Loss */
    unsigned plans;             /* since some were forgotten */
    uint32_t next_cold;         /* region to look at */
    uint32_t next_down;         /* page to look at */
    uint32_t open;              /* region that is to be taken apart */
};

/* A plan that is being gone through */
typedef struct Work {
    RaminateHugePlan *plan;
    const RaminateHugeView *view;
    RaminateMove *moves;
    size_t nr;
    GArray *groups;             /* of Group, in the order of the plan */
    GArray *wholes;             /* of Whole */
    GHashTable *stay;           /* set of regions that are left as they are */
    GHashTable *go;             /* set of regions that go as a whole */
    GHashTable *taken;          /* set of pages that the plan has */
    GArray *freed;              /* of uint32_t: pages that need not go down */
    unsigned region_looks;      /* that are left */
    unsigned page_looks;
} Work;

static inline bool is_huge(const Work *work, uint32_t region)
{
    return work->view->is_huge(work->view->huge, region);
}

static inline bool set_has(GHashTable *set, uint32_t number)
{
    return g_hash_table_contains(set, GUINT_TO_POINTER(number));
}

static inline void set_add(GHashTable *set, uint32_t number)
{
    g_hash_table_add(set, GUINT_TO_POINTER(number));
}

/* Before the first of the functions below, in a plan */
void raminate_huge_plan_begin_search(Work *work);

/* Returns: the heat of all pages of @region, a whole one. */
uint64_t raminate_huge_plan_heat(const Work *work, uint32_t region);

/* Whether all of its pages are in @tier, and none is left out of the plan. */
bool raminate_huge_plan_may_go(const Work *work, uint32_t region,
                               unsigned tier);

/*
 * Returns: a whole region of @tier that has no more heat than @most, or
 * RAMINATE_NO_REGION.
 */
uint32_t raminate_huge_plan_find_cold(Work *work, unsigned tier, uint64_t most);

/*
 * Has pages of moves that go down be such as are in no huge page, or all of one
 * region.  Moves for which there are none are left out.
 */
void raminate_huge_plan_choose_downs(Work *work);

#endif
