/*
 * RAMinate: the fastest tier becomes larger and smaller by the right pages
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "hw/raminate/engine/resize.h"
#include "new-placement.h"

/* Given to other tiers, beside a model */

#define PAGES 3200
#define TIERS 3

typedef struct Model {
    RaminatePlacement *placement;
    uint32_t frames[PAGES];     /* by page */
    uint8_t tiers[PAGES];       /* by frame */
} Model;

/* Seven regions, the last one cut short, with ends of tiers within some */
static const RaminateFrameRange uneven[TIERS] = {
    { 2000, 1200 }, { 0, 700 }, { 700, 1300 },
};

static unsigned tier_of(const Model *model, uint32_t page)
{
    return model->tiers[model->frames[page]];
}

static bool is_joined(const Model *model, uint32_t page)
{
    return page && model->frames[page - 1] + 1 == model->frames[page] &&
           tier_of(model, page - 1) == tier_of(model, page);
}

static bool is_changed(const Model *model, uint32_t region)
{
    uint32_t first = region * RAMINATE_REGION_PAGES;
    bool changed = false;

    for (uint32_t i = first; i < MIN(first + RAMINATE_REGION_PAGES, PAGES);
         i++) {
        changed |= model->frames[i] != i ||
                   model->tiers[i] != raminate_placement_first_tier(
                       model->placement, i);
    }
    return changed;
}

static void check_walks(const Model *model, unsigned tier, uint32_t from)
{
    uint32_t next = from;
    uint32_t prev = from;

    while (next < PAGES && tier_of(model, next) != tier) {
        next++;
    }
    while (prev != UINT32_MAX && tier_of(model, prev) != tier) {
        prev--;
    }
    g_assert_cmpuint(raminate_placement_next_in_tier(model->placement, tier,
                                                     from), ==,
                     next < PAGES ? next : RAMINATE_NO_PAGE);
    g_assert_cmpuint(raminate_placement_prev_in_tier(model->placement, tier,
                                                     from), ==, prev);
}

static void check_counts(const Model *model, uint32_t first, uint32_t end)
{
    uint32_t counts[TIERS] = { 0 };
    uint32_t expected[TIERS] = { 0 };

    raminate_placement_count(model->placement, first, end, counts);
    for (uint32_t page = first; page < end; page++) {
        expected[tier_of(model, page)]++;
    }
    for (unsigned tier = 0; tier < TIERS; tier++) {
        g_assert_cmpuint(counts[tier], ==, expected[tier]);
    }
}

static void check_all(const Model *model)
{
    RaminatePlacement *p = model->placement;
    uint32_t nr[TIERS] = { 0 };
    uint32_t runs = 0;

    for (uint32_t page = 0; page < PAGES; page++) {
        g_assert_cmpuint(raminate_placement_frame(p, page), ==,
                         model->frames[page]);
        g_assert_cmpuint(raminate_placement_tier(p, page), ==,
                         tier_of(model, page));
        g_assert_cmpint(raminate_placement_joined(p, page), ==,
                        is_joined(model, page));
        runs += !is_joined(model, page);
        nr[tier_of(model, page)]++;
    }
    g_assert_cmpuint(raminate_placement_runs(p), ==, runs);
    for (unsigned tier = 0; tier < TIERS; tier++) {
        g_assert_cmpuint(raminate_placement_tier_pages(p, tier), ==, nr[tier]);
    }
    for (uint32_t region = 0; region * RAMINATE_REGION_PAGES < PAGES;
         region++) {
        g_assert_cmpint(raminate_placement_next_changed(p, region) == region,
                        ==, is_changed(model, region));
    }
}

static void give(Model *model, uint32_t page, unsigned tier)
{
    if (tier_of(model, page) != tier) {
        raminate_placement_give(model->placement, page, tier);
        model->tiers[model->frames[page]] = tier;
    }
}

static void swap(Model *model, uint32_t a, uint32_t b)
{
    uint32_t frame = model->frames[a];

    raminate_placement_swap(model->placement, a, b);
    model->frames[a] = model->frames[b];
    model->frames[b] = frame;
}

static void test_given_agree_with_arrays(void)
{
    g_autofree Model *model = g_new0(Model, 1);

    model->placement = placement_new(uneven, TIERS);
    for (uint32_t i = 0; i < PAGES; i++) {
        model->frames[i] = i;
        model->tiers[i] = raminate_placement_tier(model->placement, i);
    }
    for (int i = 0; i < 4000; i++) {
        /* Few at first, so that most regions are as at the start */
        uint32_t a = g_test_rand_int_range(0, MIN(10 + i, PAGES));
        uint32_t b = g_test_rand_int_range(0, PAGES);

        if (i % 3) {
            give(model, b, g_test_rand_int_range(0, TIERS));
        } else {
            swap(model, a, b);
        }
        check_walks(model, g_test_rand_int_range(0, TIERS), a);
        check_counts(model, MIN(a, b), MAX(a, b));
        if (i % 100 == 0) {
            check_all(model);
        }
    }
    for (uint32_t page = 0; page < PAGES; page++) {
        while (model->frames[page] != page) {
            swap(model, page, model->frames[page]);
        }
        give(model, page, raminate_placement_first_tier(model->placement,
                                                        page));
    }
    check_all(model);
    g_assert_cmpuint(raminate_placement_next_changed(model->placement, 0), ==,
                     RAMINATE_NO_PAGE);
    g_assert_cmpuint(raminate_placement_memory(model->placement), ==, 0);
    raminate_placement_free(model->placement);
}

/* Which pages go */

#define FAST 1000
#define SLOW 3000

typedef struct Sizes {
    RaminatePlacement *placement;
    RaminateHeat *heat;
    RaminateBackoff *backoff;
    RaminateResize resize;
} Sizes;

static Sizes *sizes_new(uint32_t fast, uint32_t slow)
{
    RaminateFrameRange ranges[] = { { 0, fast }, { fast, slow } };
    Sizes *sizes = g_new0(Sizes, 1);

    sizes->placement = placement_new(ranges, 2);
    sizes->heat = raminate_heat_new(fast + slow);
    sizes->backoff = raminate_backoff_new();
    return sizes;
}

static void sizes_free(Sizes *sizes)
{
    raminate_placement_free(sizes->placement);
    raminate_heat_free(sizes->heat);
    raminate_backoff_free(sizes->backoff);
    g_free(sizes);
}

/* Makes plans, and gives what they say, until one is empty. */
static void give_all(Sizes *sizes, size_t max)
{
    g_autofree RaminateMove *moves = g_new0(RaminateMove, max);
    unsigned empty = 0;
    unsigned to;
    size_t nr;

    while (empty < 2) {
        nr = raminate_resize_plan(&sizes->resize, sizes->placement,
                                  sizes->heat, sizes->backoff, moves, max,
                                  &to);
        g_assert_cmpuint(nr, <=, max);
        for (size_t i = 0; i < nr; i++) {
            g_assert_cmpuint(moves[i].with, ==, RAMINATE_NO_PAGE);
            g_assert_cmpuint(raminate_placement_tier(sizes->placement,
                                                     moves[i].page), ==,
                             1 - to);
            g_assert_false(raminate_backoff_holds(sizes->backoff,
                                                  moves[i].page));
            raminate_placement_give(sizes->placement, moves[i].page, to);
        }
        empty = nr ? 0 : empty + 1;
    }
}

/* The heat of a page is its number, modulo 256, scattered. */
static unsigned heat_of(uint32_t page)
{
    return page * 37 % 256;
}

static void put_heat(Sizes *sizes, uint32_t first, uint32_t nr)
{
    for (uint32_t page = first; page < first + nr; page++) {
        raminate_heat_put(sizes->heat, page, heat_of(page));
    }
}

/*
 * Checks that whoever went has less heat than whoever stayed, or no more than
 * twice as much, which is a class.
 */
static void check_colder(const Sizes *sizes, uint32_t first, uint32_t nr)
{
    unsigned hottest_slow = 0;
    unsigned coldest_fast = 256;

    for (uint32_t page = first; page < first + nr; page++) {
        if (raminate_placement_tier(sizes->placement, page) == 0) {
            coldest_fast = MIN(coldest_fast, heat_of(page));
        } else {
            hottest_slow = MAX(hottest_slow, heat_of(page));
        }
    }
    g_assert_cmpuint(hottest_slow, <=, 2 * coldest_fast);
}

static void test_coldest_go_down(void)
{
    for (uint32_t wanted = 1; wanted < FAST; wanted += 111) {
        Sizes *sizes = sizes_new(FAST, SLOW);

        put_heat(sizes, 0, FAST);
        raminate_resize_set(&sizes->resize, wanted);
        g_assert_cmpint(raminate_resize_excess(&sizes->resize,
                                               sizes->placement), ==,
                        FAST - wanted);
        give_all(sizes, 64);
        g_assert_cmpuint(raminate_placement_tier_pages(sizes->placement, 0),
                         ==, wanted);
        check_colder(sizes, 0, FAST);
        sizes_free(sizes);
    }
}

static void test_hottest_go_up(void)
{
    for (uint32_t wanted = FAST + 1; wanted < FAST + 700; wanted += 111) {
        Sizes *sizes = sizes_new(FAST, SLOW);

        put_heat(sizes, FAST + 900, 700);
        raminate_resize_set(&sizes->resize, wanted);
        give_all(sizes, 64);
        g_assert_cmpuint(raminate_placement_tier_pages(sizes->placement, 0),
                         ==, wanted);
        check_colder(sizes, FAST + 900, 700);
        sizes_free(sizes);
    }
}

/* Cold ones go up as well if there are no others. */
static void test_all_go_up(void)
{
    Sizes *sizes = sizes_new(FAST, SLOW);

    put_heat(sizes, 2000, 100);
    raminate_resize_set(&sizes->resize, FAST + SLOW - 1);
    give_all(sizes, 1000);
    g_assert_cmpuint(raminate_placement_tier_pages(sizes->placement, 0), ==,
                     FAST + SLOW - 1);
    sizes_free(sizes);
}

/* What can't be moved stays, and is looked at again later. */
static void test_pages_that_stay(void)
{
    Sizes *sizes = sizes_new(FAST, SLOW);

    for (uint32_t page = 0; page < 100; page++) {
        raminate_backoff_add_bad(sizes->backoff, page * 10);
    }
    raminate_resize_set(&sizes->resize, 1);
    give_all(sizes, 128);
    g_assert_cmpuint(raminate_placement_tier_pages(sizes->placement, 0), ==,
                     100);
    g_assert_true(sizes->resize.is_stuck);
    raminate_backoff_clear(sizes->backoff);
    give_all(sizes, 128);
    g_assert_false(sizes->resize.is_stuck);
    g_assert_cmpuint(raminate_placement_tier_pages(sizes->placement, 0), ==,
                     1);
    sizes_free(sizes);
}

/* A plan takes no longer in a large guest, in which there is little to find. */
static void test_large_guest(void)
{
    enum { LARGE = 1 << 24 };
    Sizes *sizes = sizes_new(LARGE / 2, LARGE / 2);
    RaminateMove move;
    unsigned plans = 0;
    unsigned to;

    raminate_heat_put(sizes->heat, LARGE - 1, 1);
    for (uint32_t page = LARGE / 2; page < LARGE;
         page += RAMINATE_REGION_PAGES) {
        raminate_placement_swap(sizes->placement, page, page + 1);
    }
    raminate_resize_set(&sizes->resize, LARGE / 2 + 1);
    while (raminate_resize_plan(&sizes->resize, sizes->placement, sizes->heat,
                                sizes->backoff, &move, 1, &to) == 0) {
        plans++;
        g_assert_false(sizes->resize.is_stuck);
        g_assert_cmpuint(plans, <, 100);
    }
    g_assert_cmpuint(move.page, ==, LARGE - 1);
    g_assert_cmpuint(plans, >, 1);
    sizes_free(sizes);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/resize/given-pages-agree-with-arrays",
                    test_given_agree_with_arrays);
    g_test_add_func("/resize/coldest-go-down", test_coldest_go_down);
    g_test_add_func("/resize/hottest-go-up", test_hottest_go_up);
    g_test_add_func("/resize/all-go-up", test_all_go_up);
    g_test_add_func("/resize/pages-that-stay", test_pages_that_stay);
    g_test_add_func("/resize/large-guest", test_large_guest);
    return g_test_run();
}
