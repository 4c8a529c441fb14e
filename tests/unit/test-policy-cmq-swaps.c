/*
 * RAMinate: what exchanges, and those that fail, do to CMQ's queues
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "cmq-start.h"

static void test_promoted_page_is_kept(void)
{
    Harness *h = start_with_victims();

    harness_scan(h, 11000, 20, -1);
    g_assert_cmpstr(harness_move(h, 11000, 10), ==, "20>0");
    g_assert_cmpstr(harness_plan(h, 12000, 10), ==, "");
    /* It ages like a fast page: the last of the victims at 17 s. */
    harness_scan(h, 17000, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, -1);
    g_assert_cmpstr(harness_plan(h, 17000, 10), ==,
                    "19>1 18>2 17>3 16>4 15>5 14>6 13>7 12>8 11>9 10>20");
    harness_free(h);
}

static void test_demoted_page_begins_anew(void)
{
    Harness *h = start();

    /* Page 0 has 15 writes on its account when it becomes a victim. */
    write_until(h, 0, 15, 15000);
    harness_scan(h, 29000, -1);
    harness_scan(h, 30000, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, -1);
    g_assert_nonnull(g_strrstr(harness_move(h, 30000, 10), "10>0"));
    harness_scan(h, 40000, -1);
    g_assert_cmpstr(harness_plan(h, 40000, 10), ==, "");
    /* Its next write is its first: behind two writes */
    harness_scan(h, 41000, 25, -1);
    harness_scan(h, 42000, 25, -1);
    harness_scan(h, 43000, 0, -1);
    g_assert_cmpstr(harness_plan(h, 43000, 2), ==, "25>10 0>11");
    harness_free(h);
}

static void test_max(void)
{
    Harness *h = start_with_victims();

    harness_scan(h, 11000, 20, 21, 22, 23, -1);
    g_assert_cmpstr(harness_plan(h, 11000, 0), ==, "");
    g_assert_cmpstr(harness_move(h, 11000, 3), ==, "23>0 22>1 21>2");
    g_assert_cmpstr(harness_move(h, 11000, 3), ==, "20>3");
    harness_free(h);
}

static void test_more_candidates_than_victims(void)
{
    Harness *h = harness_new(&raminate_policy_cmq, LIFE, 2, 10);

    harness_scan(h, 0, -1);
    harness_scan(h, 10000, 5, 6, 7, -1);
    g_assert_cmpstr(harness_move(h, 10000, 10), ==, "7>0 6>1");
    g_assert_cmpstr(harness_plan(h, 10000, 10), ==, "");
    harness_free(h);
}

static void test_failed_pair_is_passed_over_once(void)
{
    Harness *h = start_with_victims();

    harness_scan(h, 11000, 20, 21, 22, -1);
    g_assert_cmpstr(harness_plan(h, 11000, 2), ==, "22>0 21>1");
    g_assert_cmpstr(harness_plan(h, 11000, 2), ==, "20>2");
    g_assert_cmpstr(harness_plan(h, 11000, 2), ==, "22>0 21>1");
    harness_free(h);
}

static void test_failing_hot_pages_do_not_starve_others(void)
{
    Harness *h = start_with_victims();

    /* 20 and 21 are hotter than 22, and can never be moved. */
    for (int64_t now = 11000; now <= 20000; now += 1000) {
        harness_scan(h, now, 20, 21, -1);
    }
    for (int i = 0; i < 2; i++) {
        int64_t now = 21000 + i * 1000;

        harness_scan(h, now, 20, 21, 22, -1);
        harness_plan(h, now, 2);
        for (size_t j = 0; j < h->nr_pairs; j++) {
            if (h->pairs[j].page == 22) {
                harness_swap(h, now, 22, h->pairs[j].with);
            }
        }
    }
    g_assert_cmpuint(raminate_placement_tier(h->placement, 22), ==, 0);
    harness_free(h);
}

static void test_three_tiers(void)
{
    RaminateFrameRange ranges[] = { { 4, 4 }, { 0, 4 }, { 8, 4 } };
    Harness *h = harness_new_tiers(&raminate_policy_cmq, LIFE, ranges, 3);

    harness_scan(h, 0, -1);
    harness_scan(h, 10000, 1, 9, -1);
    g_assert_cmpstr(harness_plan(h, 10000, 10), ==, "9>4 1>5");
    harness_free(h);
}

static void test_swap_below_the_fastest_tier(void)
{
    RaminateFrameRange ranges[] = { { 0, 4 }, { 4, 4 }, { 8, 4 } };
    Harness *h = harness_new_tiers(&raminate_policy_cmq, LIFE, ranges, 3);

    harness_scan(h, 0, -1);
    harness_scan(h, 10000, 5, 9, -1);
    harness_swap(h, 10000, 5, 8);
    harness_swap(h, 10000, 9, 5);
    g_assert_cmpstr(harness_plan(h, 10000, 10), ==, "9>0 5>1");
    harness_free(h);
}

static void test_swap_within_the_fastest_tier(void)
{
    Harness *h = start_with_victims();

    harness_swap(h, 10000, 0, 1);
    harness_scan(h, 11000, 20, 21, -1);
    g_assert_cmpstr(harness_plan(h, 11000, 10), ==, "21>0 20>1");
    harness_free(h);
}

static void test_user_promotes(void)
{
    Harness *h = start_with_victims();

    /* 20 was in no queue: now a fast page, a victim after its life time */
    harness_swap(h, 10000, 20, 0);
    harness_scan(h, 11000, 0, -1);
    g_assert_cmpstr(harness_plan(h, 11000, 10), ==, "0>1");
    harness_scan(h, 16000, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, -1);
    g_assert_cmpstr(harness_plan(h, 16000, 20), ==,
                    "19>2 18>3 17>4 16>5 15>6 14>7 13>8 12>9 11>20");
    harness_free(h);
}

static void test_user_demotes_hot_page(void)
{
    Harness *h = start_with_victims();

    write_until(h, 0, 4, 14000);
    harness_swap(h, 14000, 0, 20);
    g_assert_cmpstr(harness_plan(h, 14000, 10), ==, "0>1");
    harness_free(h);
}

static void test_victim_written_between_plan_and_swap(void)
{
    Harness *h = start_with_victims();

    harness_scan(h, 11000, 20, -1);
    g_assert_cmpstr(harness_plan(h, 11000, 10), ==, "20>0");
    harness_scan(h, 12000, 0, -1);
    harness_swap(h, 12000, 20, 0);
    g_assert_cmpstr(harness_plan(h, 12000, 10), ==, "0>1");
    harness_free(h);
}

static void test_one_tier(void)
{
    RaminateFrameRange range = { 0, 8 };
    Harness *h = harness_new_tiers(&raminate_policy_cmq, LIFE, &range, 1);

    harness_scan(h, 0, 1, 2, 3, -1);
    harness_scan(h, 10000, 5, -1);
    g_assert_cmpstr(harness_plan(h, 10000, 10), ==, "");
    harness_free(h);
}

/* Room that a user brought up, and then down, holds nothing to come up for. */
static void test_room_is_no_candidate(void)
{
    RaminateFrameRange ranges[] = { { 30, 10 }, { 0, 30 } };
    RaminateLayout layout;
    Harness *h;

    raminate_layout_init(&layout, ranges, 2);
    layout.nr_pages = 30;
    h = harness_new_layout(&raminate_policy_cmq, LIFE, &layout);
    harness_scan(h, 0, -1);
    harness_scan(h, 10000, -1);
    harness_swap(h, 11000, 5, 30);
    harness_swap(h, 11000, 5, 30);
    harness_swap(h, 11000, 6, 30);
    g_assert_cmpstr(harness_plan(h, 11000, 10), ==, "5>31");
    harness_free(h);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/cmq/promoted-page-stays-in-its-queue",
                    test_promoted_page_is_kept);
    g_test_add_func("/cmq/demoted-page-begins-anew",
                    test_demoted_page_begins_anew);
    g_test_add_func("/cmq/plan-ends-at-the-maximum", test_max);
    g_test_add_func("/cmq/plan-ends-when-victims-run-out",
                    test_more_candidates_than_victims);
    g_test_add_func("/cmq/failed-pair-is-passed-over-once",
                    test_failed_pair_is_passed_over_once);
    g_test_add_func("/cmq/failing-hot-pages-do-not-starve-others",
                    test_failing_hot_pages_do_not_starve_others);
    g_test_add_func("/cmq/all-but-the-fastest-of-three-tiers-are-slow",
                    test_three_tiers);
    g_test_add_func("/cmq/swap-between-slow-tiers-changes-no-queue",
                    test_swap_below_the_fastest_tier);
    g_test_add_func("/cmq/swap-within-the-fastest-tier-changes-no-queue",
                    test_swap_within_the_fastest_tier);
    g_test_add_func("/cmq/page-promoted-by-the-user-is-kept-a-life-time",
                    test_user_promotes);
    g_test_add_func("/cmq/hot-page-demoted-by-the-user-is-a-candidate",
                    test_user_demotes_hot_page);
    g_test_add_func("/cmq/victim-written-after-the-plan-is-a-candidate",
                    test_victim_written_between_plan_and_swap);
    g_test_add_func("/cmq/room-is-no-candidate", test_room_is_no_candidate);
    g_test_add_func("/cmq/nothing-to-plan-in-one-tier", test_one_tier);
    return g_test_run();
}
