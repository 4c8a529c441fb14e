/*
 * RAMinate: LRU keeps the pages written last in the fastest tier
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "policy-harness.h"

/* Pages 0 to 3 are fast and 4 to 19 slow. */
static Harness *start(void)
{
    return harness_new(&raminate_policy_lru, 5000, 4, 16);
}

static void test_unwritten(void)
{
    Harness *h = start();

    g_assert_cmpstr(harness_plan(h, 1000, 10), ==, "");
    harness_free(h);
}

static void test_clock_may_start_anywhere(void)
{
    Harness *h = start();

    harness_scan(h, -5000, 10, -1);
    g_assert_cmpstr(harness_plan(h, -5000, 10), ==, "10>0");
    harness_free(h);
}

static void test_latest_candidate_for_oldest_victim(void)
{
    Harness *h = start();

    harness_scan(h, 1000, 0, 10, -1);
    harness_scan(h, 2000, 2, 11, -1);
    harness_scan(h, 3000, 12, -1);
    g_assert_cmpstr(harness_plan(h, 3000, 2), ==, "12>1 11>3");
    harness_free(h);
}

static void test_pairs_end_where_the_victim_is_later(void)
{
    Harness *h = start();

    harness_scan(h, 1000, 0, 1, 2, 10, -1);
    harness_scan(h, 2000, 3, 11, -1);
    harness_scan(h, 3000, 12, -1);
    /* 10 was written no later than 2 or 3. */
    g_assert_cmpstr(harness_plan(h, 3000, 10), ==, "12>0 11>1");
    harness_free(h);
}

static void test_written_at_the_same_time(void)
{
    Harness *h = start();

    harness_scan(h, 1000, 0, 1, 2, 3, 10, 11, -1);
    g_assert_cmpstr(harness_plan(h, 1000, 10), ==, "");
    harness_free(h);
}

static void test_rewritten_page_is_latest(void)
{
    Harness *h = start();

    harness_scan(h, 1000, 10, 11, -1);
    harness_scan(h, 2000, 10, -1);
    g_assert_cmpstr(harness_plan(h, 2000, 10), ==, "10>0 11>1");
    harness_free(h);
}

static void test_promoted_page_is_latest(void)
{
    Harness *h = start();

    harness_scan(h, 1000, 10, -1);
    g_assert_cmpstr(harness_move(h, 3000, 10), ==, "10>0");
    harness_scan(h, 2000, 11, 12, 13, 14, -1);
    g_assert_cmpstr(harness_plan(h, 3000, 10), ==, "14>1 13>2 12>3");
    harness_scan(h, 4000, 15, -1);
    g_assert_cmpstr(harness_plan(h, 4000, 10), ==, "15>10");
    harness_free(h);
}

static void test_demoted_page_waits_for_a_write(void)
{
    Harness *h = start();

    harness_scan(h, 1000, 0, 1, 2, 3, -1);
    harness_scan(h, 2000, 10, -1);
    g_assert_cmpstr(harness_move(h, 2000, 10), ==, "10>0");
    g_assert_cmpstr(harness_plan(h, 3000, 10), ==, "");
    harness_scan(h, 3000, 0, -1);
    g_assert_cmpstr(harness_plan(h, 3000, 10), ==, "0>1");
    harness_free(h);
}

static void test_max(void)
{
    Harness *h = start();

    harness_scan(h, 1000, 10, 11, 12, -1);
    g_assert_cmpstr(harness_plan(h, 1000, 0), ==, "");
    g_assert_cmpstr(harness_move(h, 1000, 2), ==, "12>0 11>1");
    g_assert_cmpstr(harness_move(h, 1000, 2), ==, "10>2");
    harness_free(h);
}

static void test_failed_pair_is_passed_over_once(void)
{
    Harness *h = start();

    harness_scan(h, 1000, 10, 11, 12, -1);
    g_assert_cmpstr(harness_plan(h, 1000, 2), ==, "12>0 11>1");
    g_assert_cmpstr(harness_plan(h, 1000, 2), ==, "10>2");
    g_assert_cmpstr(harness_plan(h, 1000, 2), ==, "12>0 11>1");
    harness_free(h);
}

static void test_life_time_plays_no_part(void)
{
    Harness *h = start();

    harness_scan(h, 1000, 10, -1);
    harness_set_life_time(h, 1);
    g_assert_cmpstr(harness_plan(h, INT64_C(1) << 60, 10), ==, "10>0");
    harness_free(h);
}

static void test_three_tiers(void)
{
    RaminateFrameRange ranges[] = { { 4, 2 }, { 0, 4 }, { 6, 4 } };
    Harness *h = harness_new_tiers(&raminate_policy_lru, 5000, ranges, 3);

    harness_scan(h, 1000, 1, 9, -1);
    g_assert_cmpstr(harness_plan(h, 1000, 10), ==, "9>4 1>5");
    harness_swap(h, 1000, 1, 8);
    harness_swap(h, 1000, 9, 8);
    harness_swap(h, 1000, 4, 5);
    harness_scan(h, 2000, 1, -1);
    g_assert_cmpstr(harness_plan(h, 2000, 10), ==, "1>4 9>5");
    harness_free(h);
}

static void test_swaps_by_the_user(void)
{
    Harness *h = start();

    harness_scan(h, 1000, 0, 1, 2, 3, -1);
    /* Down: waits for a write.  Up: counts as a write. */
    harness_swap(h, 2000, 3, 15);
    g_assert_cmpstr(harness_plan(h, 2000, 10), ==, "");
    harness_scan(h, 3000, 3, 10, 11, 12, -1);
    g_assert_cmpstr(harness_plan(h, 3000, 10), ==, "12>0 11>1 10>2 3>15");
    harness_free(h);
}

/*
 * The same by sorting: a time for each page, LRU order by time and, in one
 * scan, by page.
 */
static void test_against_sorting(void)
{
    enum { FAST = 4, PAGES = 20 };
    Harness *h = start();
    int64_t stamp[PAGES];   /* grows with each write; 0 for not in question */
    int64_t last[PAGES] = { 0 };
    int64_t count = 1;

    for (int page = 0; page < PAGES; page++) {
        stamp[page] = page < FAST ? count++ : 0;
    }
    for (int64_t now = 1000; now < 3000000; now += 1000) {
        uint32_t written[PAGES];
        size_t nr = 0;
        bool used[PAGES] = { false };

        for (int page = 0; page < PAGES; page++) {
            if (g_test_rand_int_range(0, 8) == 0) {
                written[nr++] = page;
                stamp[page] = count++;
                last[page] = now;
            }
        }
        harness_sample(h, now, written, nr);
        harness_plan(h, now, HARNESS_MAX_PAIRS);
        for (size_t i = 0; i <= h->nr_pairs; i++) {
            int up = -1, down = -1;

            for (int page = 0; page < PAGES; page++) {
                if (used[page] || stamp[page] == 0) {
                    continue;
                }
                if (raminate_placement_tier(h->placement, page) == 0) {
                    if (down < 0 || stamp[page] < stamp[down]) {
                        down = page;
                    }
                } else if (up < 0 || stamp[page] > stamp[up]) {
                    up = page;
                }
            }
            if (i == h->nr_pairs) {
                g_assert_true(up < 0 || down < 0 || last[up] <= last[down]);
                break;
            }
            g_assert_cmpint(h->pairs[i].page, ==, up);
            g_assert_cmpint(h->pairs[i].with, ==, down);
            g_assert_cmpint(last[up], >, last[down]);
            used[up] = true;
            used[down] = true;
        }
        for (size_t i = 0; i < h->nr_pairs; i++) {
            uint32_t up = h->pairs[i].page;

            harness_swap(h, now, up, h->pairs[i].with);
            stamp[up] = count++;
            last[up] = now;
            stamp[h->pairs[i].with] = 0;
        }
    }
    harness_free(h);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lru/slow-page-never-written-is-no-candidate",
                    test_unwritten);
    g_test_add_func("/lru/clock-may-start-anywhere",
                    test_clock_may_start_anywhere);
    g_test_add_func("/lru/latest-candidate-goes-for-oldest-victim",
                    test_latest_candidate_for_oldest_victim);
    g_test_add_func("/lru/pairs-end-where-the-victim-is-later",
                    test_pairs_end_where_the_victim_is_later);
    g_test_add_func("/lru/pages-written-at-the-same-time-stay",
                    test_written_at_the_same_time);
    g_test_add_func("/lru/rewritten-page-is-latest",
                    test_rewritten_page_is_latest);
    g_test_add_func("/lru/promoted-page-is-latest",
                    test_promoted_page_is_latest);
    g_test_add_func("/lru/demoted-page-waits-for-a-write",
                    test_demoted_page_waits_for_a_write);
    g_test_add_func("/lru/plan-ends-at-the-maximum", test_max);
    g_test_add_func("/lru/failed-pair-is-passed-over-once",
                    test_failed_pair_is_passed_over_once);
    g_test_add_func("/lru/life-time-plays-no-part",
                    test_life_time_plays_no_part);
    g_test_add_func("/lru/all-but-the-fastest-of-three-tiers-are-slow",
                    test_three_tiers);
    g_test_add_func("/lru/swaps-by-the-user-are-followed",
                    test_swaps_by_the_user);
    g_test_add_func("/lru/random-plans-agree-with-sorting",
                    test_against_sorting);
    return g_test_run();
}
