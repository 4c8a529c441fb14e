/*
 * RAMinate: huge pages move whole, or are taken apart where that pays
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "hw/raminate/engine/huge-plan.h"
#include "new-placement.h"

#define REGION RAMINATE_REGION_PAGES

/* Regions 0 to 3 are in the fast tier, the rest is not, and ends in a part. */
#define FAST_REGIONS 4
#define REGIONS 12
#define PAGES (REGIONS * REGION + 100)
#define SLOW_FIRST (FAST_REGIONS * REGION)
#define MAX_MOVES (4 * REGION)

typedef struct World {
    RaminatePlacement *placement;
    RaminateHeat *heat;
    RaminateBackoff *backoff;
    RaminateHugePlan *plan;
    RaminateMove moves[MAX_MOVES];
    size_t nr;
    bool huge[REGIONS + 1];
} World;

static bool world_is_huge(const void *huge, uint32_t region)
{
    const World *w = huge;

    g_assert_cmpuint(region, <=, REGIONS);
    return w->huge[region];
}

static World *world_new(void)
{
    static const RaminateFrameRange ranges[] = {
        { 0, SLOW_FIRST }, { SLOW_FIRST, PAGES - SLOW_FIRST },
    };
    World *w = g_new0(World, 1);

    w->placement = placement_new(ranges, G_N_ELEMENTS(ranges));
    w->heat = raminate_heat_new(PAGES);
    w->backoff = raminate_backoff_new();
    w->plan = raminate_huge_plan_new();
    for (unsigned i = 0; i < REGIONS; i++) {
        w->huge[i] = true;
    }
    return w;
}

static void world_free(World *w)
{
    raminate_huge_plan_free(w->plan);
    raminate_backoff_free(w->backoff);
    raminate_heat_free(w->heat);
    raminate_placement_free(w->placement);
    g_free(w);
}

static void heat_pages(World *w, uint32_t first, uint32_t nr, unsigned heat)
{
    for (uint32_t i = 0; i < nr; i++) {
        raminate_heat_put(w->heat, first + i, heat);
    }
}

/* As a policy would, beside what is planned already */
static void plan(World *w, uint32_t page, uint32_t with, uint32_t nr)
{
    for (uint32_t i = 0; i < nr; i++) {
        w->moves[w->nr++] = (RaminateMove) {
            .page = page + i,
            .with = with + i,
        };
    }
}

static void mind(World *w, size_t max, unsigned scans)
{
    RaminateHugeView view = {
        .placement = w->placement,
        .heat = w->heat,
        .backoff = w->backoff,
        .is_huge = world_is_huge,
        .huge = w,
    };

    w->nr = raminate_huge_plan_mind(w->plan, &view, w->moves, w->nr, max,
                                    scans);
}

static void assert_whole(const World *w, size_t at, uint32_t up, uint32_t down)
{
    g_assert_cmpuint(w->nr, >=, at + REGION);
    g_assert_true(raminate_is_whole_region(&w->moves[at], w->nr - at));
    g_assert_cmpuint(w->moves[at].page, ==, up * REGION);
    g_assert_cmpuint(w->moves[at].with, ==, down * REGION);
}

/* A region that is hot everywhere goes up in exchange for one that is cold. */
static void test_whole(void)
{
    World *w = world_new();

    /* Region 0 is an eighth as hot, and a bit. */
    heat_pages(w, 3, REGION / 8, RAMINATE_HEAT_MAX);
    heat_pages(w, 500, 1, 1);
    heat_pages(w, REGION, REGION / 8, RAMINATE_HEAT_MAX);
    heat_pages(w, 6 * REGION, REGION, RAMINATE_HEAT_MAX);
    plan(w, 6 * REGION, 2 * REGION, RAMINATE_WHOLE_PAGES);
    mind(w, MAX_MOVES, 1);
    g_assert_cmpuint(w->nr, ==, REGION);
    assert_whole(w, 0, 6, 1);
    world_free(w);
}

/* As many as there is room for, others after them */
static void test_room(void)
{
    World *w = world_new();

    w->huge[9] = false;
    heat_pages(w, 6 * REGION, 2 * REGION, RAMINATE_HEAT_MAX);
    plan(w, 9 * REGION, 0, 200);
    plan(w, 6 * REGION, 200, 2 * RAMINATE_WHOLE_PAGES);
    w->moves[200 + RAMINATE_WHOLE_PAGES].page = 7 * REGION;
    plan(w, 7 * REGION + 1, 2 * REGION, RAMINATE_WHOLE_PAGES);
    mind(w, 2 * REGION + 150, 1);
    g_assert_cmpuint(w->nr, ==, 2 * REGION + 150);
    assert_whole(w, 0, 6, 0);
    assert_whole(w, REGION, 7, 1);
    for (unsigned i = 0; i < 150; i++) {
        g_assert_cmpuint(w->moves[2 * REGION + i].page, ==, 9 * REGION + i);
        g_assert_cmpuint(w->moves[2 * REGION + i].with, >=, 2 * REGION);
    }
    world_free(w);

    /* With room for less than a region none goes as one. */
    w = world_new();
    heat_pages(w, 6 * REGION, REGION, RAMINATE_HEAT_MAX);
    plan(w, 6 * REGION, 0, 100);
    mind(w, REGION - 1, 1);
    g_assert_cmpuint(w->nr, ==, 100);
    world_free(w);
}

typedef void (*Change)(World *w);

/* Of a hot region of which @nr pages are planned.  Returns: how many are. */
static size_t mind_hot(Change change, uint32_t nr)
{
    World *w = world_new();
    size_t left;

    heat_pages(w, 6 * REGION, REGION, RAMINATE_HEAT_MAX);
    plan(w, 6 * REGION, 0, nr);
    change(w);
    mind(w, MAX_MOVES, 0);
    left = w->nr;
    world_free(w);
    return left;
}

static void no_change(World *w)
{
    g_assert_nonnull(w);
}

/* The mean of the rest is less than half of what these have. */
static void some_cold(World *w)
{
    heat_pages(w, 6 * REGION + RAMINATE_WHOLE_PAGES,
               REGION - RAMINATE_WHOLE_PAGES, RAMINATE_HEAT_MAX / 3);
}

static void no_cold_region(World *w)
{
    for (unsigned i = 0; i < FAST_REGIONS; i++) {
        heat_pages(w, i * REGION + 7, 70, RAMINATE_HEAT_MAX);
    }
}

static void one_held(World *w)
{
    raminate_backoff_hold(w->backoff, 6 * REGION + 511);
}

static void held_in_fast(World *w)
{
    for (unsigned i = 0; i < FAST_REGIONS; i++) {
        raminate_backoff_hold(w->backoff, i * REGION + 500);
    }
}

static void one_up_already(World *w)
{
    raminate_placement_swap(w->placement, 6 * REGION + 400, 3);
    for (unsigned i = 1; i < FAST_REGIONS; i++) {
        raminate_placement_swap(w->placement, 7 * REGION + i, i * REGION);
    }
}

static void test_not_whole(void)
{
    g_assert_cmpuint(mind_hot(no_change, RAMINATE_WHOLE_PAGES), ==, REGION);
    g_assert_cmpuint(mind_hot(no_change, RAMINATE_WHOLE_PAGES - 1), ==, 0);
    g_assert_cmpuint(mind_hot(some_cold, RAMINATE_WHOLE_PAGES), ==, 0);
    g_assert_cmpuint(mind_hot(no_cold_region, REGION), ==, 0);
    g_assert_cmpuint(mind_hot(one_held, RAMINATE_WHOLE_PAGES), ==, 0);
    g_assert_cmpuint(mind_hot(held_in_fast, RAMINATE_WHOLE_PAGES), ==, 0);
    g_assert_cmpuint(mind_hot(one_up_already, RAMINATE_WHOLE_PAGES), ==, 0);
}

/* Returns: how many plans it takes until @nr pages are taken out of theirs. */
static unsigned plans_until_split(uint32_t nr, unsigned heat, unsigned scans)
{
    World *w = world_new();
    unsigned plans = 0;

    heat_pages(w, 6 * REGION, nr, heat);
    do {
        w->nr = 0;
        plan(w, 6 * REGION, 0, nr);
        mind(w, MAX_MOVES, scans);
        plans++;
    } while (!w->nr);
    g_assert_cmpuint(w->nr, ==, nr);
    world_free(w);
    return plans;
}

/* A region is taken apart once that would have paid. */
static void test_split(void)
{
    g_assert_cmpuint(plans_until_split(1, RAMINATE_HEAT_MAX, 1), ==,
                     RAMINATE_SPLIT_SCANS);
    g_assert_cmpuint(plans_until_split(1, RAMINATE_HEAT_MAX, 20), ==,
                     1 + RAMINATE_SPLIT_SCANS / 20);
    g_assert_cmpuint(plans_until_split(10, RAMINATE_HEAT_MAX, 1), ==,
                     RAMINATE_SPLIT_SCANS / 10);
    g_assert_cmpuint(plans_until_split(80, RAMINATE_HEAT_MAX, 5), ==, 1);
    g_assert_cmpuint(plans_until_split(10, RAMINATE_HEAT_MAX / 3, 1), ==,
                     3 * RAMINATE_SPLIT_SCANS / 10);
    /* A policy may know better. */
    g_assert_cmpuint(plans_until_split(1, 0, 1000), <=, 22);
}

/* What nobody has asked for in a long time counts for nothing any more. */
static void test_forgotten(void)
{
    World *w = world_new();
    unsigned plans;

    heat_pages(w, 6 * REGION, 40, RAMINATE_HEAT_MAX);
    plan(w, 6 * REGION, 0, 40);
    mind(w, MAX_MOVES, 1);
    g_assert_cmpuint(w->nr, ==, 0);
    g_assert_cmpuint(raminate_huge_plan_memory(w->plan), >, 0);
    for (plans = 0; raminate_huge_plan_memory(w->plan); plans++) {
        g_assert_cmpuint(plans, <, 200);
        mind(w, MAX_MOVES, 1);
    }
    g_assert_cmpuint(plans, >=, 64);
    world_free(w);
}

/* Pages that go down come from where huge pages are split already. */
static void test_down(void)
{
    World *w = world_new();

    w->huge[2] = w->huge[6] = false;
    /* Of region 2, all but 5 pages are hotter than those chosen. */
    heat_pages(w, 2 * REGION, REGION, 1);
    heat_pages(w, 2 * REGION + 100, 5, 0);
    raminate_backoff_hold(w->backoff, 2 * REGION + 100);
    for (unsigned i = 0; i < 30; i++) {
        plan(w, 6 * REGION + i, (i % 2) * REGION + i, 1);
    }
    w->moves[0].with = 2 * REGION + 103;
    mind(w, MAX_MOVES, 1);
    g_assert_cmpuint(w->nr, ==, 30);
    g_assert_cmpuint(w->moves[0].with, ==, 2 * REGION + 103);
    g_assert_cmpuint(w->moves[1].with, ==, 2 * REGION + 101);
    g_assert_cmpuint(w->moves[2].with, ==, 2 * REGION + 102);
    g_assert_cmpuint(w->moves[3].with, ==, 2 * REGION + 104);
    /* The others are all from one region. */
    for (unsigned i = 4; i < 30; i++) {
        g_assert_cmpuint(w->moves[i].page, ==, 6 * REGION + i);
        g_assert_cmpuint(w->moves[i].with, <, REGION);
    }
    world_free(w);
}

/* Any plan: what comes out of it is one. */

static uint32_t any_page(const World *w, GRand *rand, unsigned tier,
                         const bool *taken)
{
    uint32_t page;

    do {
        page = g_rand_int_range(rand, 0, PAGES);
    } while (raminate_placement_tier(w->placement, page) != tier ||
             taken[page] || raminate_backoff_holds(w->backoff, page));
    return page;
}

static void random_world(World *w, GRand *rand)
{
    for (unsigned i = 0; i < 300; i++) {
        uint32_t a = g_rand_int_range(rand, 0, 2 * REGION);
        uint32_t b = g_rand_int_range(rand, SLOW_FIRST, 6 * REGION);

        raminate_placement_swap(w->placement, a, b);
    }
    for (unsigned i = 0; i < 5; i++) {
        raminate_backoff_hold(w->backoff, g_rand_int_range(rand, 0, PAGES));
    }
    for (unsigned i = 0; i < REGIONS; i++) {
        w->huge[i] = g_rand_boolean(rand);
        heat_pages(w, i * REGION + g_rand_int_range(rand, 0, 500),
                   g_rand_int_range(rand, 1, 12), RAMINATE_HEAT_MAX / 2);
    }
    heat_pages(w, 8 * REGION, 2 * REGION, RAMINATE_HEAT_MAX);
    heat_pages(w, 3 * REGION, REGION, 0);
}

static void assert_plan(const World *w, size_t max)
{
    g_autofree bool *taken = g_new0(bool, PAGES);

    g_assert_cmpuint(w->nr, <=, max);
    for (size_t i = 0; i < w->nr; i++) {
        const RaminateMove *move = &w->moves[i];

        g_assert_cmpuint(raminate_placement_tier(w->placement, move->page), ==,
                         1);
        g_assert_cmpuint(raminate_placement_tier(w->placement, move->with), ==,
                         0);
        g_assert_false(taken[move->page] || taken[move->with]);
        taken[move->page] = taken[move->with] = true;
        g_assert_false(raminate_backoff_holds(w->backoff, move->page));
        g_assert_false(raminate_backoff_holds(w->backoff, move->with));
    }
}

static void test_random(void)
{
    unsigned wholes = 0, singles = 0;

    for (unsigned round = 0; round < 300; round++) {
        g_autoptr(GRand) rand = g_rand_new_with_seed(round);
        g_autofree bool *taken = g_new0(bool, PAGES);
        World *w = world_new();
        uint32_t nr = g_rand_int_range(rand, 1, SLOW_FIRST / 2);
        size_t max = nr + g_rand_int_range(rand, 0, MAX_MOVES - nr);

        random_world(w, rand);
        for (uint32_t i = 0; i < nr; i++) {
            uint32_t page = any_page(w, rand, 1, taken);
            uint32_t with = any_page(w, rand, 0, taken);

            taken[page] = taken[with] = true;
            plan(w, page, with, 1);
        }
        mind(w, max, g_rand_int_range(rand, 0, 100));
        assert_plan(w, max);
        wholes += w->nr && raminate_is_whole_region(w->moves, w->nr);
        singles += w->nr && !raminate_is_whole_region(w->moves, w->nr);
        world_free(w);
    }
    g_assert_cmpuint(wholes, >, 30);
    g_assert_cmpuint(singles, >, 30);
}

static void test_is_whole(void)
{
    World *w = world_new();

    plan(w, 6 * REGION, 0, REGION);
    g_assert_true(raminate_is_whole_region(w->moves, REGION));
    g_assert_false(raminate_is_whole_region(w->moves, REGION - 1));
    w->moves[REGION - 1].with++;
    g_assert_false(raminate_is_whole_region(w->moves, REGION));
    w->nr = 0;
    plan(w, 6 * REGION, 1, REGION);
    g_assert_false(raminate_is_whole_region(w->moves, REGION));
    world_free(w);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/huge-plan/whole", test_whole);
    g_test_add_func("/huge-plan/room", test_room);
    g_test_add_func("/huge-plan/not-whole", test_not_whole);
    g_test_add_func("/huge-plan/split", test_split);
    g_test_add_func("/huge-plan/forgotten", test_forgotten);
    g_test_add_func("/huge-plan/down", test_down);
    g_test_add_func("/huge-plan/random", test_random);
    g_test_add_func("/huge-plan/is-whole", test_is_whole);
    return g_test_run();
}
