/*
 * RAMinate: the placement stays a permutation and counts its runs right
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <stdio.h>

#include "hw/raminate/engine/placement.h"
#include "memory-use.h"
#include "new-placement.h"

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
    RaminatePlacement *p = placement_new(ranges, 2);

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
    RaminatePlacement *p = placement_new(ranges, 3);

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
    RaminatePlacement *p = placement_new(ranges, 2);

    g_assert_true(raminate_placement_joined(p, 4));
    g_assert_false(raminate_placement_joined(p, 5));
    g_assert_true(raminate_placement_joined(p, 6));
    raminate_placement_free(p);
}

static void test_first_page_and_end_are_not_joined(void)
{
    RaminateFrameRange ranges[] = { { 0, 4 } };
    RaminatePlacement *p = placement_new(ranges, 1);

    g_assert_false(raminate_placement_joined(p, 0));
    g_assert_true(raminate_placement_joined(p, 3));
    g_assert_false(raminate_placement_joined(p, 4));
    g_assert_false(raminate_placement_joined(p, 5));
    raminate_placement_free(p);
}

static void test_swap_moves_frame_and_tier(void)
{
    RaminateFrameRange ranges[] = { { 0, 4 }, { 4, 8 } };
    RaminatePlacement *p = placement_new(ranges, 2);

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
    RaminatePlacement *p = placement_new(ranges, 1);

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
    RaminatePlacement *p = placement_new(ranges, 1);

    g_assert_cmpint(raminate_placement_swap_runs(p, 3, 3), ==, 0);
    raminate_placement_swap(p, 3, 3);
    g_assert_cmpuint(check(p, ranges, 1), ==, 1);
    raminate_placement_free(p);
}

static void test_asking_changes_nothing(void)
{
    RaminateFrameRange ranges[] = { { 0, 2 }, { 2, 4 } };
    RaminatePlacement *p = placement_new(ranges, 2);

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
    RaminatePlacement *p = placement_new(ranges, 4);

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

/* What an array of frames says of page @from and of those around it */
static void check_model(const RaminatePlacement *p, const uint32_t *frames,
                        const RaminateFrameRange *ranges, unsigned nr_tiers,
                        uint32_t from)
{
    uint32_t nr_pages = raminate_placement_pages(p);
    uint32_t first = from < nr_pages ? from / 2 : 0;
    uint32_t end = MIN(from, nr_pages);
    uint32_t counts[RAMINATE_MAX_TIERS] = { 0 };
    uint32_t first_of_region;
    bool identity = true;

    raminate_placement_count(p, first, end, counts);
    for (unsigned tier = 0; tier < nr_tiers; tier++) {
        uint32_t next = from, prev = MIN(from, nr_pages - 1), nr = 0;

        while (next < nr_pages &&
               frames[next] - ranges[tier].first >= ranges[tier].count) {
            next++;
        }
        while (prev != UINT32_MAX &&
               frames[prev] - ranges[tier].first >= ranges[tier].count) {
            prev--;
        }
        for (uint32_t page = first; page < end; page++) {
            nr += frames[page] - ranges[tier].first < ranges[tier].count;
        }
        g_assert_cmpuint(raminate_placement_next_in_tier(p, tier, from), ==,
                         next < nr_pages ? next : RAMINATE_NO_PAGE);
        g_assert_cmpuint(raminate_placement_prev_in_tier(p, tier, from), ==,
                         prev);
        g_assert_cmpuint(counts[tier], ==, nr);
    }
    if (from < nr_pages) {
        g_assert_cmpuint(raminate_placement_frame(p, from), ==, frames[from]);
        first_of_region = from / RAMINATE_REGION_PAGES *
                          RAMINATE_REGION_PAGES;
        for (uint32_t i = first_of_region;
             i < MIN(first_of_region + RAMINATE_REGION_PAGES, nr_pages);
             i++) {
            identity &= frames[i] == i;
        }
        g_assert_cmpint(raminate_placement_next_changed(
                            p, from / RAMINATE_REGION_PAGES) !=
                        from / RAMINATE_REGION_PAGES, ==, identity);
    }
}

/* Seven regions, the last one cut short, with ends of tiers within some */
static const RaminateFrameRange uneven[] = {
    { 2000, 1100 }, { 0, 700 }, { 700, 1300 }, { 3100, 0 }, { 3100, 100 },
};

static void test_random_against_array(void)
{
    enum { PAGES = 3200, SWAPS = 3000 };
    unsigned nr_tiers = G_N_ELEMENTS(uneven);
    RaminatePlacement *p = placement_new(uneven, nr_tiers);
    uint32_t frames[PAGES];
    uint32_t done[SWAPS][2];

    for (uint32_t page = 0; page < PAGES; page++) {
        frames[page] = page;
    }
    for (int i = 0; i < 2 * SWAPS; i++) {
        /* Few at first, so that most regions are at the identity */
        uint32_t a = g_test_rand_int_range(0, MIN(10 + i, PAGES));
        uint32_t b = g_test_rand_int_range(0, PAGES);
        uint32_t frame;

        if (i < SWAPS) {
            done[i][0] = a;
            done[i][1] = b;
        } else {
            /* And back again, to the identity */
            a = done[2 * SWAPS - 1 - i][0];
            b = done[2 * SWAPS - 1 - i][1];
        }
        raminate_placement_swap(p, a, b);
        frame = frames[a];
        frames[a] = frames[b];
        frames[b] = frame;
        check_model(p, frames, uneven, nr_tiers, a);
        check_model(p, frames, uneven, nr_tiers, b);
        check_model(p, frames, uneven, nr_tiers,
                    g_test_rand_int_range(0, PAGES + 10));
        if (i % 100 == 0) {
            check(p, uneven, nr_tiers);
        }
    }
    check(p, uneven, nr_tiers);
    g_assert_cmpuint(raminate_placement_next_changed(p, 0), ==,
                     RAMINATE_NO_PAGE);
    g_assert_cmpuint(raminate_placement_next_in_tier(p, 0, UINT32_MAX), ==,
                     RAMINATE_NO_PAGE);
    g_assert_cmpuint(raminate_placement_prev_in_tier(p, 0, UINT32_MAX), ==,
                     3099);
    raminate_placement_free(p);
}

static void test_terabyte(void)
{
    RaminateFrameRange ranges[] = {
        { 1u << 27, 1u << 25 }, { 0, 1u << 27 },
        { (1u << 27) + (1u << 25), 3u << 25 },
    };
    size_t before;
    RaminatePlacement *p;
    uint32_t counts[3] = { 0 };

    if (!memory_use_is_known()) {
        return;
    }
    before = memory_resident();
    p = placement_new(ranges, 3);
    g_assert_cmpuint(raminate_placement_runs(p), ==, 3);
    raminate_placement_swap(p, 5, 1u << 27);
    g_assert_cmpuint(raminate_placement_next_in_tier(p, 0, 0), ==, 5);
    g_assert_cmpuint(raminate_placement_next_in_tier(p, 0, 6), ==,
                     (1u << 27) + 1);
    g_assert_cmpuint(raminate_placement_prev_in_tier(p, 1, UINT32_MAX), ==,
                     1u << 27);
    raminate_placement_count(p, 0, 1u << 28, counts);
    for (unsigned tier = 0; tier < 3; tier++) {
        g_assert_cmpuint(counts[tier], ==, ranges[tier].count);
    }
    g_assert_cmpuint(memory_resident() - before, <, 1 << 20);
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
    g_test_add_func("/placement/random-swaps-agree-with-an-array",
                    test_random_against_array);
    g_test_add_func("/placement/a-terabyte-takes-next-to-no-memory",
                    test_terabyte);
    return g_test_run();
}
