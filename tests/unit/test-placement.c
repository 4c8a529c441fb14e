/*
 * RAMinate: the placement stays a permutation and counts its runs right
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "hw/raminate/engine/placement.h"

/* Runs counted anew, and every page's tier and frame looked at. */
static uint32_t check(const RaminatePlacement *p,
                      const RaminateFrameRange *ranges, unsigned nr_tiers)
{
    uint32_t nr_pages = raminate_placement_pages(p);
    g_autofree bool *seen = g_new0(bool, nr_pages);
    uint32_t tier_pages[RAMINATE_MAX_TIERS] = { 0 };
    uint32_t runs = 0;

    for (uint32_t page = 0; page < nr_pages; page++) {
        uint32_t frame = raminate_placement_frame(p, page);
        unsigned tier = raminate_placement_tier(p, page);
        bool joined = page > 0 &&
                      raminate_placement_frame(p, page - 1) + 1 == frame &&
                      raminate_placement_tier(p, page - 1) == tier;

        g_assert_cmpuint(frame, <, nr_pages);
        g_assert_false(seen[frame]);
        seen[frame] = true;

        g_assert_cmpuint(tier, <, nr_tiers);
        g_assert_cmpuint(frame, >=, ranges[tier].first);
        g_assert_cmpuint(frame - ranges[tier].first, <, ranges[tier].count);
        tier_pages[tier]++;

        tier = raminate_placement_first_tier(p, page);
        g_assert_cmpuint(page - ranges[tier].first, <, ranges[tier].count);

        g_assert_cmpint(raminate_placement_joined(p, page), ==, joined);
        runs += !joined;
    }
    for (unsigned tier = 0; tier < nr_tiers; tier++) {
        g_assert_cmpuint(tier_pages[tier], ==, ranges[tier].count);
        g_assert_cmpuint(raminate_placement_tier_pages(p, tier), ==,
                         ranges[tier].count);
    }
    g_assert_cmpuint(raminate_placement_runs(p), ==, runs);
    return runs;
}

static void test_identity(void)
{
    RaminateFrameRange ranges[] = { { 0, 3 }, { 3, 7 } };
    RaminatePlacement *p = raminate_placement_new(ranges, 2);

    g_assert_cmpuint(raminate_placement_pages(p), ==, 10);
    g_assert_cmpuint(raminate_placement_tiers(p), ==, 2);
    for (uint32_t page = 0; page < 10; page++) {
        g_assert_cmpuint(raminate_placement_frame(p, page), ==, page);
    }
    g_assert_cmpuint(check(p, ranges, 2), ==, 2);
    raminate_placement_free(p);
}

static void test_any_order_of_offset(void)
{
    RaminateFrameRange ranges[] = { { 6, 4 }, { 0, 1 }, { 1, 5 } };
    RaminatePlacement *p = raminate_placement_new(ranges, 3);

    g_assert_cmpuint(raminate_placement_tier(p, 0), ==, 1);
    g_assert_cmpuint(raminate_placement_tier(p, 1), ==, 2);
    g_assert_cmpuint(raminate_placement_tier(p, 5), ==, 2);
    g_assert_cmpuint(raminate_placement_tier(p, 6), ==, 0);
    g_assert_cmpuint(check(p, ranges, 3), ==, 3);
    raminate_placement_free(p);
}

static void test_tiers_never_join(void)
{
    RaminateFrameRange ranges[] = { { 0, 5 }, { 5, 5 } };
    RaminatePlacement *p = raminate_placement_new(ranges, 2);

    g_assert_true(raminate_placement_joined(p, 4));
    g_assert_false(raminate_placement_joined(p, 5));
    g_assert_true(raminate_placement_joined(p, 6));
    raminate_placement_free(p);
}

static void test_first_page_and_end_are_not_joined(void)
{
    RaminateFrameRange ranges[] = { { 0, 4 } };
    RaminatePlacement *p = raminate_placement_new(ranges, 1);

    g_assert_false(raminate_placement_joined(p, 0));
    g_assert_true(raminate_placement_joined(p, 3));
    g_assert_false(raminate_placement_joined(p, 4));
    g_assert_false(raminate_placement_joined(p, 5));
    raminate_placement_free(p);
}

static void test_swap_moves_frame_and_tier(void)
{
    RaminateFrameRange ranges[] = { { 0, 4 }, { 4, 8 } };
    RaminatePlacement *p = raminate_placement_new(ranges, 2);

    raminate_placement_swap(p, 9, 2);
    g_assert_cmpuint(raminate_placement_frame(p, 9), ==, 2);
    g_assert_cmpuint(raminate_placement_tier(p, 9), ==, 0);
    g_assert_cmpuint(raminate_placement_frame(p, 2), ==, 9);
    g_assert_cmpuint(raminate_placement_tier(p, 2), ==, 1);
    /* 0-1 | 2 | 3 | 4-8 | 9 | 10-11 */
    g_assert_cmpuint(check(p, ranges, 2), ==, 6);

    raminate_placement_swap(p, 2, 9);
    g_assert_cmpuint(check(p, ranges, 2), ==, 2);
    raminate_placement_free(p);
}

static void test_swap_runs_of_neighbours(void)
{
    RaminateFrameRange ranges[] = { { 0, 6 } };
    RaminatePlacement *p = raminate_placement_new(ranges, 1);

    /* 0 1 | 3 | 2 | 4 5 */
    g_assert_cmpint(raminate_placement_swap_runs(p, 2, 3), ==, 3);
    g_assert_cmpint(raminate_placement_swap_runs(p, 3, 2), ==, 3);
    /* At the ends, there is one edge less: 1 | 0 | 2 3 4 5 */
    g_assert_cmpint(raminate_placement_swap_runs(p, 0, 1), ==, 2);
    g_assert_cmpint(raminate_placement_swap_runs(p, 5, 4), ==, 2);

    raminate_placement_swap(p, 2, 3);
    g_assert_cmpint(raminate_placement_swap_runs(p, 2, 3), ==, -3);
    check(p, ranges, 1);
    raminate_placement_free(p);
}

static void test_swap_with_itself_changes_nothing(void)
{
    RaminateFrameRange ranges[] = { { 0, 6 } };
    RaminatePlacement *p = raminate_placement_new(ranges, 1);

    g_assert_cmpint(raminate_placement_swap_runs(p, 3, 3), ==, 0);
    raminate_placement_swap(p, 3, 3);
    g_assert_cmpuint(check(p, ranges, 1), ==, 1);
    raminate_placement_free(p);
}

static void test_asking_changes_nothing(void)
{
    RaminateFrameRange ranges[] = { { 0, 2 }, { 2, 4 } };
    RaminatePlacement *p = raminate_placement_new(ranges, 2);

    raminate_placement_swap_runs(p, 1, 5);
    for (uint32_t page = 0; page < 6; page++) {
        g_assert_cmpuint(raminate_placement_frame(p, page), ==, page);
    }
    g_assert_cmpuint(check(p, ranges, 2), ==, 2);
    raminate_placement_free(p);
}

static void test_random_swaps(void)
{
    RaminateFrameRange ranges[] = { { 9, 3 }, { 0, 1 }, { 1, 8 }, { 12, 0 } };
    RaminatePlacement *p = raminate_placement_new(ranges, 4);

    for (int i = 0; i < 20000; i++) {
        uint32_t a = g_test_rand_int_range(0, 12);
        uint32_t b = (a + g_test_rand_int_range(1, 12)) % 12;
        int change = raminate_placement_swap_runs(p, a, b);
        int before = raminate_placement_runs(p);

        raminate_placement_swap(p, a, b);
        g_assert_cmpint(check(p, ranges, 4), ==, before + change);
    }
    raminate_placement_free(p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/placement/begins-as-identity", test_identity);
    g_test_add_func("/placement/tiers-in-any-order-of-offset",
                    test_any_order_of_offset);
    g_test_add_func("/placement/runs-never-join-across-tiers",
                    test_tiers_never_join);
    g_test_add_func("/placement/first-page-and-end-are-not-joined",
                    test_first_page_and_end_are_not_joined);
    g_test_add_func("/placement/swap-moves-frame-and-tier",
                    test_swap_moves_frame_and_tier);
    g_test_add_func("/placement/swap-runs-is-right-for-neighbours",
                    test_swap_runs_of_neighbours);
    g_test_add_func("/placement/swap-with-itself-changes-nothing",
                    test_swap_with_itself_changes_nothing);
    g_test_add_func("/placement/asking-for-swap-runs-changes-nothing",
                    test_asking_changes_nothing);
    g_test_add_func("/placement/random-swaps-keep-a-permutation",
                    test_random_swaps);
    return g_test_run();
}
