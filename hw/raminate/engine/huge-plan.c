/*
 * RAMinate: plans that mind huge pages
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <string.h>

#include "hw/raminate/engine/huge-plan-internal.h"
#include "hw/raminate/engine/page-table.h"

/* A region goes up in exchange for one that is so many times colder. */
#define COLDER 8

/* What was not asked for in so many plans is forgotten. */
#define FORGET_PLANS 64

/* What a region that stays in one piece has cost */
typedef struct Loss {
    uint64_t heat;              /* of its pages that were to go up, by scan */
    bool is_fresh;              /* it has grown lately */
} Loss;

/* A huge region of which pages are to go up */
typedef struct Group {
    uint32_t region;
    uint32_t nr;                /* of them */
    uint64_t heat;              /* theirs */
    unsigned to;                /* the tier that the first one goes to */
} Group;

/* Two regions that change places */
typedef struct Whole {
    uint32_t up;
    uint32_t down;
} Whole;

RaminateHugePlan *raminate_huge_plan_new(void)
{
    RaminateHugePlan *plan = g_new0(RaminateHugePlan, 1);

    plan->losses = raminate_page_table_new();
    plan->open = RAMINATE_NO_REGION;
    return plan;
}

void raminate_huge_plan_free(RaminateHugePlan *plan)
{
    if (plan) {
        g_hash_table_destroy(plan->losses);
        g_free(plan);
    }
}

size_t raminate_huge_plan_memory(const RaminateHugePlan *plan)
{
    return raminate_page_table_memory(plan->losses, sizeof(Loss));
}

static void work_init(Work *work)
{
    work->groups = g_array_new(false, false, sizeof(Group));
    work->wholes = g_array_new(false, false, sizeof(Whole));
    work->freed = g_array_new(false, false, sizeof(uint32_t));
    work->stay = g_hash_table_new(NULL, NULL);
    work->go = g_hash_table_new(NULL, NULL);
    work->taken = g_hash_table_new(NULL, NULL);
    raminate_huge_plan_begin_search(work);
}

static void work_end(Work *work)
{
    g_array_free(work->groups, true);
    g_array_free(work->wholes, true);
    g_array_free(work->freed, true);
    g_hash_table_destroy(work->stay);
    g_hash_table_destroy(work->go);
    g_hash_table_destroy(work->taken);
}

/* What of the plan is about huge regions */
static void find_groups(Work *work)
{
    g_autoptr(GHashTable) numbers = g_hash_table_new(NULL, NULL);

    for (size_t i = 0; i < work->nr; i++) {
        uint32_t page = work->moves[i].page;
        uint32_t region = raminate_region_of(page);
        size_t number;
        Group *group;

        set_add(work->taken, page);
        set_add(work->taken, work->moves[i].with);
        if (!is_huge(work, region)) {
            continue;
        }
        number = GPOINTER_TO_SIZE(
            g_hash_table_lookup(numbers, GUINT_TO_POINTER(region)));
        if (number == 0) {
            Group new = {
                .region = region,
                .to = raminate_placement_tier(work->view->placement,
                                              work->moves[i].with),
            };

            g_array_append_val(work->groups, new);
            number = work->groups->len;
            g_hash_table_insert(numbers, GUINT_TO_POINTER(region),
                                GSIZE_TO_POINTER(number));
        }
        group = &g_array_index(work->groups, Group, number - 1);
        group->nr++;
        /* It is of use even if it was not written lately: a policy says so. */
        group->heat += MAX(raminate_heat_get(work->view->heat, page), 1);
    }
}

/* Regions that go as a whole */

/* Whether the pages that are not to go up are half as hot as those that are. */
static bool is_even(const Work *work, const Group *group)
{
    return raminate_huge_plan_heat(work, group->region) * 2 * group->nr >=
           group->heat * RAMINATE_REGION_PAGES;
}

static bool go_whole(Work *work, const Group *group)
{
    Whole whole = { .up = group->region };
    unsigned from = raminate_placement_tier(
        work->view->placement, group->region << RAMINATE_REGION_BITS);

    if (group->nr < RAMINATE_WHOLE_PAGES || !is_even(work, group) ||
        !raminate_huge_plan_may_go(work, group->region, from)) {
        return false;
    }
    whole.down = raminate_huge_plan_find_cold(
        work, group->to, raminate_huge_plan_heat(work, group->region) / COLDER);
    if (whole.down == RAMINATE_NO_REGION) {
        return false;
    }
    g_array_append_val(work->wholes, whole);
    set_add(work->go, whole.up);
    set_add(work->go, whole.down);
    return true;
}

/* Regions that are taken apart */

/* Returns: whether it would have paid already. */
static bool pays(RaminateHugePlan *plan, const Group *group, unsigned scans)
{
    gpointer key = GUINT_TO_POINTER(group->region);
    Loss *loss = g_hash_table_lookup(plan->losses, key);

    if (!loss) {
        loss = g_new0(Loss, 1);
        g_hash_table_insert(plan->losses, key, loss);
        /* It was not there when the scans began. */
        scans = MIN(scans, 1);
    }
    loss->heat += group->heat * scans;
    loss->is_fresh = true;
    if (loss->heat < RAMINATE_SPLIT_SCANS * RAMINATE_HEAT_MAX) {
        return false;
    }
    g_hash_table_remove(plan->losses, key);
    return true;
}

static void forget(RaminateHugePlan *plan)
{
    GHashTableIter iter;
    gpointer value;

    if (++plan->plans < FORGET_PLANS) {
        return;
    }
    plan->plans = 0;
    g_hash_table_iter_init(&iter, plan->losses);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Loss *loss = value;

        if (!loss->is_fresh) {
            g_hash_table_iter_remove(&iter);
        } else {
            loss->is_fresh = false;
        }
    }
}

static void judge_groups(Work *work, size_t max, unsigned scans)
{
    for (guint i = 0; i < work->groups->len; i++) {
        const Group *group = &g_array_index(work->groups, Group, i);

        if (set_has(work->go, group->region) ||
            ((work->wholes->len + 1) * RAMINATE_REGION_PAGES <= max &&
             go_whole(work, group))) {
            continue;
        }
        if (!pays(work->plan, group, scans)) {
            set_add(work->stay, group->region);
        }
    }
}

/* Leaves out what stays, and what goes as part of a region. */
static void drop_moves(Work *work)
{
    size_t left = 0;

    for (size_t i = 0; i < work->nr; i++) {
        const RaminateMove *move = &work->moves[i];
        uint32_t region = raminate_region_of(move->page);

        if (!set_has(work->go, region) && !set_has(work->stay, region)) {
            work->moves[left++] = *move;
        } else if (!set_has(work->go, raminate_region_of(move->with))) {
            g_array_append_val(work->freed, move->with);
        }
    }
    work->nr = left;
}

static void put_wholes_first(Work *work, size_t max)
{
    size_t nr = work->wholes->len * RAMINATE_REGION_PAGES;
    RaminateMove *move = work->moves;

    work->nr = MIN(work->nr, max - nr);
    memmove(move + nr, move, work->nr * sizeof(*move));
    for (guint i = 0; i < work->wholes->len; i++) {
        const Whole *whole = &g_array_index(work->wholes, Whole, i);

        for (uint32_t page = 0; page < RAMINATE_REGION_PAGES; page++) {
            *move++ = (RaminateMove) {
                .page = (whole->up << RAMINATE_REGION_BITS) + page,
                .with = (whole->down << RAMINATE_REGION_BITS) + page,
            };
        }
    }
    work->nr += nr;
}

size_t raminate_huge_plan_mind(RaminateHugePlan *plan,
                               const RaminateHugeView *view,
                               RaminateMove *moves, size_t nr, size_t max,
                               unsigned scans)
{
    Work work = { .plan = plan, .view = view, .moves = moves, .nr = nr };

    work_init(&work);
    find_groups(&work);
    judge_groups(&work, max, scans);
    drop_moves(&work);
    raminate_huge_plan_choose_downs(&work);
    put_wholes_first(&work, max);
    forget(plan);
    work_end(&work);
    return work.nr;
}

bool raminate_is_whole_region(const RaminateMove *moves, size_t nr)
{
    uint32_t page = moves[0].page, with = moves[0].with;

    if (nr < RAMINATE_REGION_PAGES || (page | with) % RAMINATE_REGION_PAGES) {
        return false;
    }
    for (uint32_t i = 1; i < RAMINATE_REGION_PAGES; i++) {
        if (moves[i].page != page + i || moves[i].with != with + i) {
            return false;
        }
    }
    return true;
}
