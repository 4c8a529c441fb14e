/*
 * RAMinate: what the payback policy moves, and what it leaves alone
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "policy-harness.h"

#define FAST 16
#define SLOW 112
#define NR_PAGES (FAST + SLOW)

/* Scans, with a second look if @look, and moves every 5 s. */
static void scan(Harness *h, int64_t second, const GArray *pages,
                 const GArray *look)
{
    int64_t now = second * 1000;

    if (look) {
        harness_look(h, now - 980, 20, (const uint32_t *)look->data,
                     look->len);
    }
    harness_sample(h, now, (const uint32_t *)pages->data, pages->len);
    if (second % 5 == 0) {
        harness_move(h, now, HARNESS_MAX_PAIRS);
    }
}

static GArray *list_new(void)
{
    return g_array_new(FALSE, FALSE, sizeof(uint32_t));
}

static void test_page_written_once_stays(void)
{
    Harness *h = harness_new(&raminate_policy_payback, 5000, FAST, SLOW);

    for (int64_t second = 1; second < 400; second++) {
        g_autoptr(GArray) pages = list_new();
        uint32_t page = FAST + second % SLOW;

        g_array_append_val(pages, page);
        scan(h, second, pages, NULL);
        g_assert_cmpuint(h->nr_pairs, ==, 0);
    }
    harness_free(h);
}

static void test_even_writes_move_little(void)
{
    Harness *h = harness_new(&raminate_policy_payback, 5000, FAST, SLOW);
    unsigned moves = 0;

    for (int64_t second = 1; second <= 1000; second++) {
        g_autoptr(GArray) pages = list_new();

        for (uint32_t page = 0; page < NR_PAGES; page++) {
            if (g_test_rand_int_range(0, 3) == 0) {
                g_array_append_val(pages, page);
            }
        }
        scan(h, second, pages, NULL);
        moves += second % 5 == 0 ? h->nr_pairs : 0;
    }
    /* Of 200 plans, each of which could have moved all of fast memory */
    g_assert_cmpuint(moves, <, 200 * FAST / 20);
    harness_free(h);
}

static void test_second_look_tells_hot_from_warm(void)
{
    Harness *h = harness_new(&raminate_policy_payback, 5000, FAST, SLOW);

    /* All slow pages are found by all scans, but only some by looks. */
    for (int64_t second = 1; second <= 200; second++) {
        g_autoptr(GArray) pages = list_new();
        g_autoptr(GArray) look = list_new();

        for (uint32_t page = FAST; page < NR_PAGES; page++) {
            g_array_append_val(pages, page);
            if (page % 8 == 0) {
                g_array_append_val(look, page);
            }
        }
        scan(h, second, pages, look);
    }
    for (uint32_t page = FAST; page < NR_PAGES; page++) {
        if (page % 8 == 0) {
            g_assert_cmpuint(raminate_placement_tier(h->placement, page), ==,
                             0);
        }
    }
    harness_free(h);
}

/* How many fast pages are of those written each third scan, in the end? */
static unsigned fast_pages_of_rare(uint32_t often_lines, uint32_t rare_lines)
{
    Harness *h = harness_new(&raminate_policy_payback, 5000, FAST, SLOW);
    unsigned nr = 0;

    for (int64_t second = 1; second <= 300; second++) {
        g_autoptr(GArray) pages = list_new();
        g_autoptr(GArray) lines = list_new();

        for (uint32_t page = FAST; page < NR_PAGES; page++) {
            bool is_rare = page % 2;

            if (!is_rare || (page + second) % 3 == 0) {
                g_array_append_val(pages, page);
                g_array_append_val(lines, *(is_rare ? &rare_lines
                                                    : &often_lines));
            }
        }
        h->ops->gauge(h->policy, (uint32_t *)pages->data,
                      (uint32_t *)lines->data, pages->len);
        scan(h, second, pages, NULL);
    }
    for (uint32_t page = FAST + 1; page < NR_PAGES; page += 2) {
        nr += raminate_placement_tier(h->placement, page) == 0;
    }
    harness_free(h);
    return nr;
}

static void test_lines_count_not_pages(void)
{
    g_assert_cmpuint(fast_pages_of_rare(32, 32), ==, 0);
    g_assert_cmpuint(fast_pages_of_rare(1, 64), ==, FAST);
}

/*
 * @write_cost: of the slow tier; 1 of the fast one
 * Returns: when a page is moved that each scan finds written.
 */
static int64_t second_of_move_at(uint32_t lines, uint32_t write_cost)
{
    static const RaminateFrameRange ranges[] = {
        { 0, FAST }, { FAST, SLOW },
    };
    RaminateLayout layout;
    Harness *h;
    g_autoptr(GArray) pages = list_new();
    uint32_t page = FAST;
    int64_t second = 0;

    raminate_layout_init(&layout, ranges, 2);
    layout.costs[1].write = write_cost;
    h = harness_new_layout(&raminate_policy_payback, 5000, &layout);
    g_array_append_val(pages, page);
    do {
        h->ops->gauge(h->policy, &page, &lines, 1);
        scan(h, ++second, pages, NULL);
    } while (!h->nr_pairs && second < 1000);
    harness_free(h);
    return second;
}

/* With the usual costs */
static int64_t second_of_move(uint32_t lines)
{
    return second_of_move_at(lines, 5);
}

/* Once more is known of the page, half the time that a swap takes to pay. */
static void test_slow_payback_has_to_wait(void)
{
    g_assert_cmpint(second_of_move(64), <=, 10);
    /* 128 lines a swap, 1.5 written for each that changes: 21 scans, and 85 */
    g_assert_cmpint(second_of_move(4), >, 20);
    g_assert_cmpint(second_of_move(4), <=, 60);
    g_assert_cmpint(second_of_move(1), >, 80);
    g_assert_cmpint(second_of_move(1), <=, 250);
}

/* dd if=/dev/zero in a loop: memory is written, whatever it held before. */
static void test_what_does_not_change_is_written(void)
{
    g_assert_cmpint(second_of_move(0), <=, 60);
    g_assert_cmpint(second_of_move(0), >=, second_of_move(16));
}

static void test_costs_say_what_pays(void)
{
    /* 64 * (3 + 101) / 100, 128 and 64 * (3 + 2) / 1 lines a swap */
    g_assert_cmpint(second_of_move_at(4, 101), <, second_of_move_at(4, 5));
    g_assert_cmpint(second_of_move_at(4, 5), <, second_of_move_at(4, 2));
    /* Nothing is saved where writes cost the same: not within 1000 s */
    g_assert_cmpint(second_of_move_at(64, 1), ==, 1000);
}

static void test_tiers_alike_are_one(void)
{
    RaminateFrameRange ranges[] = { { 0, 4 }, { 4, 4 }, { 8, 100 } };
    RaminateLayout layout;
    Harness *h;

    raminate_layout_init(&layout, ranges, 3);
    layout.costs[1] = layout.costs[0];
    h = harness_new_layout(&raminate_policy_payback, 5000, &layout);
    for (int64_t second = 1; second <= 100; second++) {
        /* A page of the second tier, and six of the third */
        harness_scan(h, second * 1000, 5, 20, 30, 40, 50, 60, 70, -1);
        harness_move(h, second * 1000, 8);
    }
    g_assert_cmpuint(raminate_placement_tier(h->placement, 5), ==, 1);
    for (uint32_t page = 20; page <= 70; page += 10) {
        g_assert_cmpuint(raminate_placement_tier(h->placement, page), <, 2);
    }
    harness_free(h);
}

static void test_fastest_tier_is_filled_first(void)
{
    RaminateFrameRange ranges[] = { { 0, 4 }, { 4, 4 }, { 8, 100 } };
    Harness *h = harness_new_tiers(&raminate_policy_payback, 5000, ranges, 3);

    for (int64_t second = 1; second <= 100; second++) {
        harness_scan(h, second * 1000, 20, 30, 40, 50, -1);
        harness_move(h, second * 1000, 8);
    }
    g_assert_cmpuint(raminate_placement_tier(h->placement, 20), ==, 0);
    g_assert_cmpuint(raminate_placement_tier(h->placement, 30), ==, 0);
    g_assert_cmpuint(raminate_placement_tier(h->placement, 40), ==, 0);
    g_assert_cmpuint(raminate_placement_tier(h->placement, 50), ==, 0);
    harness_free(h);
}

/* Returns: how many of pages 20, 30, ... 70 are fast after another 100 s. */
static unsigned fast_after(Harness *h, int64_t second, unsigned kinds)
{
    static const uint32_t pages[] = { 20, 30, 40, 50, 60, 70 };
    unsigned fast = 0;

    for (int64_t end = second + 100; second < end; second++) {
        RaminateSample found = { .kinds = kinds };

        raminate_sample_add_pages(&found, pages, G_N_ELEMENTS(pages), kinds);
        h->ops->sample(h->policy, second * 1000, &found);
        harness_move(h, second * 1000, 8);
        raminate_sample_destroy(&found);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(pages); i++) {
        fast += raminate_placement_tier(h->placement, pages[i]) == 0;
    }
    return fast;
}

/* Accesses cost what reads do: here more in slow memory, unlike writes. */
static void test_accesses_count_as_reads(void)
{
    RaminateFrameRange ranges[] = { { 0, FAST }, { FAST, SLOW } };
    RaminateLayout layout;
    Harness *h;

    raminate_layout_init(&layout, ranges, 2);
    layout.costs[0] = (RaminateCosts) { 1, 1, 0 };
    layout.costs[1] = (RaminateCosts) { 3, 1, 0 };
    h = harness_new_layout(&raminate_policy_payback, 5000, &layout);
    g_assert_cmpuint(fast_after(h, 1, RAMINATE_WRITTEN), ==, 0);
    g_assert_cmpuint(fast_after(h, 101, RAMINATE_ACCESSED), ==, 6);
    harness_swap(h, 201000, 20, 0);
    g_assert_cmpuint(fast_after(h, 201, RAMINATE_WRITTEN), ==, 5);
    harness_free(h);
}

/*
 * Pages 20 to 25 are written, and pages 30 to 35 only read, as scans tell.
 * Returns: how many of those read are fast in the end.
 */
static unsigned fast_of_read(RaminateCosts slow, unsigned written_fast)
{
    static const uint32_t written[] = { 20, 21, 22, 23, 24, 25 };
    static const uint32_t read[] = { 30, 31, 32, 33, 34, 35 };
    RaminateFrameRange ranges[] = { { 0, FAST }, { FAST, SLOW } };
    unsigned nr_written = 0;
    unsigned nr_read = 0;
    RaminateLayout layout;
    Harness *h;

    raminate_layout_init(&layout, ranges, 2);
    layout.costs[1] = slow;
    h = harness_new_layout(&raminate_policy_payback, 5000, &layout);
    for (int64_t second = 1; second <= 200; second++) {
        RaminateSample found = { .kinds = RAMINATE_ACCESSED };

        raminate_sample_add_pages(&found, written, G_N_ELEMENTS(written),
                                  RAMINATE_ACCESSED);
        raminate_sample_add_pages(&found, read, G_N_ELEMENTS(read),
                                  RAMINATE_READ);
        h->ops->sample(h->policy, second * 1000, &found);
        harness_move(h, second * 1000, 16);
        raminate_sample_destroy(&found);
    }
    for (unsigned i = 0; i < 6; i++) {
        nr_written += raminate_placement_tier(h->placement, written[i]) == 0;
        nr_read += raminate_placement_tier(h->placement, read[i]) == 0;
    }
    g_assert_cmpuint(nr_written, ==, written_fast);
    harness_free(h);
    return nr_read;
}

static void test_costs_say_what_reads_are_worth(void)
{
    g_assert_cmpuint(fast_of_read((RaminateCosts) { 3, 3, 0 }, 6), ==, 6);
    g_assert_cmpuint(fast_of_read((RaminateCosts) { 3, 1, 0 }, 6), ==, 6);
    g_assert_cmpuint(fast_of_read((RaminateCosts) { 1, 5, 0 }, 6), ==, 0);
    g_assert_cmpuint(fast_of_read((RaminateCosts) { 1, 1, 0 }, 0), ==, 0);
}

/* The scan after a look may be dropped, since the VM stopped. */
static void test_look_without_scan_is_forgotten(void)
{
    Harness *h = harness_new(&raminate_policy_payback, 5000, FAST, SLOW);
    const uint32_t pages[] = { FAST + 1, FAST + 2, FAST + 9 };

    harness_look(h, 20, 20, pages, G_N_ELEMENTS(pages));
    g_assert_cmpuint(h->ops->memory(h->policy), >, 0);
    harness_look(h, 5020, 20, NULL, 0);
    g_assert_cmpuint(h->ops->memory(h->policy), ==, 0);
    harness_look(h, 6020, 20, pages, G_N_ELEMENTS(pages));
    harness_sample(h, 7000, NULL, 0);
    g_assert_cmpuint(h->ops->memory(h->policy), ==, 0);
    /* Nor does one tell anything that came at the time of the scan. */
    harness_look(h, 7000, 0, pages, G_N_ELEMENTS(pages));
    harness_sample(h, 8000, NULL, 0);
    g_assert_cmpuint(h->ops->memory(h->policy), ==, 0);
    harness_free(h);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/payback/page-written-once-stays",
                    test_page_written_once_stays);
    g_test_add_func("/payback/even-writes-move-little",
                    test_even_writes_move_little);
    g_test_add_func("/payback/second-look-tells-hot-from-warm",
                    test_second_look_tells_hot_from_warm);
    g_test_add_func("/payback/look-without-scan-is-forgotten",
                    test_look_without_scan_is_forgotten);
    g_test_add_func("/payback/lines-count-not-pages",
                    test_lines_count_not_pages);
    g_test_add_func("/payback/slow-payback-has-to-wait",
                    test_slow_payback_has_to_wait);
    g_test_add_func("/payback/what-does-not-change-is-written",
                    test_what_does_not_change_is_written);
    g_test_add_func("/payback/costs-say-what-pays", test_costs_say_what_pays);
    g_test_add_func("/payback/accesses-count-as-reads",
                    test_accesses_count_as_reads);
    g_test_add_func("/payback/costs-say-what-reads-are-worth",
                    test_costs_say_what_reads_are_worth);
    g_test_add_func("/payback/tiers-alike-are-one", test_tiers_alike_are_one);
    g_test_add_func("/payback/fastest-tier-is-filled-first",
                    test_fastest_tier_is_filled_first);
    return g_test_run();
}
