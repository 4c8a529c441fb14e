/*
 * RAMinate: LRU keeps the pages written last in the fastest tier
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "policy-harness.h"

/* As lru.c has it */
#define FORGET_MS (4 * 3600 * 1000)

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
#define FAST 4
#define PAGES 20

typedef struct Sorting {
    Harness *h;
    int64_t now;
    int64_t stamp[PAGES];   /* grows with each write; 0 for not in question */
    int64_t last[PAGES];    /* time of it; 0 for none */
    int64_t count;
} Sorting;

static bool is_fast(const Sorting *s, uint32_t page)
{
    return raminate_placement_tier(s->h->placement, page) == 0;
}

static void set_written(Sorting *s, uint32_t page)
{
    s->stamp[page] = ++s->count;
    s->last[page] = s->now;
}

/* What was never written, or is forgotten: fast pages come before all others */
static void set_untouched(Sorting *s, uint32_t page)
{
    s->stamp[page] = is_fast(s, page) ? (int64_t)page - PAGES : 0;
    s->last[page] = 0;
}

/* @one_in: of so many pages, one is written */
static void sorting_scan(Sorting *s, int one_in)
{
    uint32_t written[PAGES];
    size_t nr = 0;

    for (uint32_t page = 0; page < PAGES; page++) {
        if (g_test_rand_int_range(0, one_in) == 0) {
            written[nr++] = page;
            set_written(s, page);
        }
    }
    harness_sample(s->h, s->now, written, nr);
    for (uint32_t page = 0; page < PAGES; page++) {
        if (s->now - s->last[page] >= FORGET_MS) {
            set_untouched(s, page);
        }
    }
}

static void sorting_swap(Sorting *s, uint32_t a, uint32_t b)
{
    harness_swap(s->h, s->now, a, b);
    if (is_fast(s, a) != is_fast(s, b)) {
        set_written(s, is_fast(s, a) ? a : b);
        set_untouched(s, is_fast(s, a) ? b : a);
    }
}

/* Returns: the page to be moved next, or -1. */
static int sorted_first(const Sorting *s, const bool *used, bool fast)
{
    int first = -1;

    for (int page = 0; page < PAGES; page++) {
        if (!used[page] && s->stamp[page] && is_fast(s, page) == fast &&
            (first < 0 || (fast ? s->stamp[page] < s->stamp[first]
                                : s->stamp[page] > s->stamp[first]))) {
            first = page;
        }
    }
    return first;
}

static void check_plan(const Sorting *s)
{
    const Harness *h = s->h;
    bool used[PAGES] = { false };

    for (size_t i = 0; i <= h->nr_pairs; i++) {
        int up = sorted_first(s, used, false);
        int down = sorted_first(s, used, true);

        if (i == h->nr_pairs) {
            g_assert_true(up < 0 || down < 0 || s->last[up] <= s->last[down]);
            break;
        }
        g_assert_cmpint(h->pairs[i].page, ==, up);
        g_assert_cmpint(h->pairs[i].with, ==, down);
        g_assert_cmpint(s->last[up], >, s->last[down]);
        used[up] = true;
        used[down] = true;
    }
}

/* @long_rest: the longest time between scans */
static void live(int64_t long_rest, bool swaps_by_user)
{
    static const RaminateFrameRange ranges[] = {
        { 3, FAST }, { 0, 3 }, { 3 + FAST, PAGES - 3 - FAST },
    };
    Sorting s = {
        .h = harness_new_tiers(&raminate_policy_lru, 5000, ranges, 3),
    };

    for (uint32_t page = 0; page < PAGES; page++) {
        set_untouched(&s, page);
    }
    for (int i = 0; i < 3000; i++) {
        s.now += i % 20 ? 1000 : g_test_rand_int_range(0, long_rest) + 1;
        sorting_scan(&s, g_test_rand_bit() ? 8 : 50);
        harness_plan(s.h, s.now, HARNESS_MAX_PAIRS);
        check_plan(&s);
        for (size_t j = 0; j < s.h->nr_pairs; j++) {
            sorting_swap(&s, s.h->pairs[j].page, s.h->pairs[j].with);
        }
        while (swaps_by_user && g_test_rand_bit()) {
            uint32_t a = g_test_rand_int_range(0, PAGES);

            sorting_swap(&s, a, (a + g_test_rand_int_range(1, PAGES)) % PAGES);
        }
    }
    harness_free(s.h);
}

static void test_against_sorting(void)
{
    live(1, false);
    live(1, true);
}

static void test_forgotten_against_sorting(void)
{
    live(FORGET_MS, false);
    live(FORGET_MS, true);
    live(2 * FORGET_MS, true);
}

static size_t memory(const Harness *h)
{
    return h->ops->memory(h->policy);
}

/* Three regions; which of them something is kept of shows in the memory. */
static void test_page_that_cant_go_up_is_forgotten(void)
{
    const uint32_t region = RAMINATE_REGION_PAGES;
    Harness *h = harness_new(&raminate_policy_lru, 5000, 2, 3 * region);
    size_t one;

    harness_scan(h, 1000, 0, 1, -1);
    one = memory(h);
    harness_scan(h, 2000, region, -1);
    harness_scan(h, 3000, 0, 2 * region, -1);
    g_assert_cmpuint(memory(h), ==, 3 * one);
    /* Page 1 was written before both, then after one, then after both. */
    g_assert_cmpstr(harness_plan(h, 3000, 10), ==, "1024>1");
    harness_scan(h, 3000, 1, -1);
    g_assert_cmpuint(memory(h), ==, one);

    /* What goes up by command counts as written, so that nothing is left. */
    harness_scan(h, 4000, region, -1);
    harness_swap(h, 5000, 0, 2 * region);
    harness_scan(h, 5000, -1);
    g_assert_cmpuint(memory(h), ==, 3 * one);
    harness_swap(h, 6000, 3, 1);
    harness_scan(h, 6000, -1);
    g_assert_cmpuint(memory(h), ==, 2 * one);
    g_assert_cmpstr(harness_plan(h, 6000, 10), ==, "");
    harness_free(h);
}

static void test_all_is_forgotten(void)
{
    Harness *h = start();

    harness_scan(h, 1000, 2, 10, -1);
    harness_scan(h, 2000, 0, 11, -1);
    harness_scan(h, FORGET_MS + 999, 12, -1);
    g_assert_cmpstr(harness_plan(h, FORGET_MS + 999, 10), ==, "12>1 11>3");
    /* Pages 2 and 10 are. */
    harness_scan(h, FORGET_MS + 1000, -1);
    g_assert_cmpstr(harness_plan(h, FORGET_MS + 1000, 10), ==, "");
    g_assert_cmpstr(harness_move(h, FORGET_MS + 1000, 10), ==, "12>1 11>2");
    /* And so is 0. */
    harness_scan(h, FORGET_MS + 2000, 13, 14, -1);
    g_assert_cmpstr(harness_move(h, FORGET_MS + 2000, 10), ==, "14>0 13>3");
    harness_scan(h, 2 * FORGET_MS + 2000, -1);
    g_assert_cmpuint(memory(h), ==, 0);
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
    g_test_add_func("/lru/plans-agree-with-sorting-what-is-not-forgotten",
                    test_forgotten_against_sorting);
    g_test_add_func("/lru/page-that-cant-go-up-is-forgotten",
                    test_page_that_cant_go_up_is_forgotten);
    g_test_add_func("/lru/all-is-forgotten-after-a-long-time",
                    test_all_is_forgotten);
    return g_test_run();
}
