/*
 * RAMinate: what holds for every policy, whatever the workload
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "policy-harness.h"

static void test_names(void)
{
    const RaminatePolicyOps *const *list = raminate_policy_list();
    unsigned nr = 0;

    for (; list[nr]; nr++) {
        g_assert_true(raminate_policy_find(list[nr]->name) == list[nr]);
        g_assert_cmpuint(strlen(list[nr]->summary), >, 0);
    }
    g_assert_cmpuint(nr, >=, 7);
    g_assert_true(raminate_policy_find("cmq") == &raminate_policy_cmq);
    g_assert_true(raminate_policy_find("lru") == &raminate_policy_lru);
    g_assert_true(raminate_policy_find("null") == &raminate_policy_null);
}

static void test_unknown_names(void)
{
    g_assert_null(raminate_policy_find(""));
    g_assert_null(raminate_policy_find("CMQ"));
    g_assert_null(raminate_policy_find("cmq2"));
}

static void test_null_moves_nothing(void)
{
    Harness *h = harness_new(&raminate_policy_null, 5000, 4, 16);

    for (int64_t now = 0; now < 100000; now += 1000) {
        harness_scan(h, now, 10, 11, -1);
        g_assert_cmpstr(harness_plan(h, now, 10), ==, "");
    }
    harness_set_life_time(h, 1);
    harness_swap(h, 100000, 0, 10);
    g_assert_cmpstr(harness_plan(h, 100000, 10), ==, "");
    harness_free(h);
}

/* Returns: a copy of all frames, each of which has one page. */
static uint32_t *frames(const RaminatePlacement *placement)
{
    uint32_t nr = raminate_placement_pages(placement);
    g_autofree bool *seen = g_new0(bool, nr);
    uint32_t *copy = g_new(uint32_t, nr);

    for (uint32_t page = 0; page < nr; page++) {
        copy[page] = raminate_placement_frame(placement, page);
        g_assert_cmpuint(copy[page], <, nr);
        g_assert_false(seen[copy[page]]);
        seen[copy[page]] = true;
    }
    return copy;
}

static uint32_t write_cost(const Harness *h, uint32_t page)
{
    return raminate_placement_layout(h->placement)
           ->costs[raminate_placement_tier(h->placement, page)].write;
}

static void check_plan(const Harness *h, uint32_t nr_pages)
{
    g_autofree bool *seen = g_new0(bool, nr_pages);

    for (size_t i = 0; i < h->nr_pairs; i++) {
        uint32_t up = h->pairs[i].page;
        uint32_t down = h->pairs[i].with;

        g_assert_cmpuint(up, <, nr_pages);
        g_assert_cmpuint(down, <, nr_pages);
        g_assert_cmpuint(write_cost(h, up), >, write_cost(h, down));
        g_assert_false(seen[up]);
        seen[up] = true;
        g_assert_false(seen[down]);
        seen[down] = true;
    }
}

/* Tiers of random sizes, whose rank is in no relation to the offset */
static Harness *random_tiers(const RaminatePolicyOps *ops)
{
    RaminateFrameRange ranges[4];
    unsigned nr_tiers = g_test_rand_int_range(1, 5);
    uint32_t nr_pages = 0;
    RaminateLayout layout;

    for (unsigned i = nr_tiers; i-- > 0;) {
        unsigned tier = (i + nr_tiers / 2) % nr_tiers;

        ranges[tier].first = nr_pages;
        ranges[tier].count = g_test_rand_int_range(1, 25);
        nr_pages += ranges[tier].count;
    }
    raminate_layout_init(&layout, ranges, nr_tiers);
    for (unsigned tier = 1; tier < nr_tiers; tier++) {
        if (g_test_rand_int_range(0, 3) == 0) {
            layout.costs[tier].write = layout.costs[tier - 1].write;
        }
    }
    return harness_new_layout(ops, g_test_rand_int_range(0, 8000), &layout);
}

/* A random scan, with all that may be told before it */
static void scan_at_random(Harness *h, int64_t now)
{
    uint32_t nr_pages = raminate_placement_pages(h->placement);
    g_autofree uint32_t *written = g_new(uint32_t, nr_pages);
    int share = g_test_rand_int_range(0, 100);
    size_t nr = 0;

    for (uint32_t page = 0; page < nr_pages; page++) {
        if (g_test_rand_int_range(0, 100) < share) {
            written[nr++] = page;
        }
    }
    if (h->ops->look && g_test_rand_bit()) {
        /* Any first part of what the scan will find */
        harness_look(h, now, g_test_rand_int_range(1, 1000), written,
                     nr ? g_test_rand_int_range(0, nr + 1) : 0);
    }
    if (h->ops->gauge && g_test_rand_bit()) {
        g_autofree uint32_t *lines = g_new(uint32_t, nr_pages);

        for (size_t j = 0; j < nr; j++) {
            lines[j] = g_test_rand_int_range(0, 65);
        }
        h->ops->gauge(h->policy, written, lines,
                      nr ? g_test_rand_int_range(0, nr + 1) : 0);
    }
    harness_sample(h, now, written, nr);
}

/* A plan keeps the rules, and moves nothing by itself. */
static void plan_at_random(Harness *h, int64_t now)
{
    uint32_t nr_pages = raminate_placement_pages(h->placement);
    g_autofree uint32_t *before = frames(h->placement);
    g_autofree uint32_t *after = NULL;

    memset(h->pairs, 0xff, sizeof(h->pairs));
    harness_plan(h, now, g_test_rand_int_range(0, HARNESS_MAX_PAIRS));
    after = frames(h->placement);
    g_assert_cmpmem(before, nr_pages * sizeof(before[0]),
                    after, nr_pages * sizeof(after[0]));
    for (size_t j = h->nr_pairs; j < HARNESS_MAX_PAIRS; j++) {
        g_assert_cmpuint(h->pairs[j].page, ==, UINT32_MAX);
        g_assert_cmpuint(h->pairs[j].with, ==, UINT32_MAX);
    }
    check_plan(h, nr_pages);
}

/* @fail: percent of the plan's pairs that fail */
static void move_at_random(Harness *h, int64_t now, int fail)
{
    uint32_t nr_pages = raminate_placement_pages(h->placement);

    for (size_t j = 0; j < h->nr_pairs; j++) {
        if (g_test_rand_int_range(0, 100) >= fail) {
            /* Either page may be named first. */
            if (g_test_rand_bit()) {
                harness_swap(h, now, h->pairs[j].page, h->pairs[j].with);
            } else {
                harness_swap(h, now, h->pairs[j].with, h->pairs[j].page);
            }
        }
    }
    if (nr_pages > 1 && g_test_rand_int_range(0, 5) == 0) {
        uint32_t a = g_test_rand_int_range(0, nr_pages);
        uint32_t b = (a + g_test_rand_int_range(1, nr_pages)) % nr_pages;

        harness_swap(h, now, a, b);
    }
}

/* One random life of a policy, among random tiers */
static void live(const RaminatePolicyOps *ops)
{
    int64_t now = g_test_rand_int_range(-100000, 100000);
    int fail = g_test_rand_int_range(0, 101);
    Harness *h = random_tiers(ops);

    for (int i = 0; i < 500; i++) {
        now += g_test_rand_int_range(0, 50) ?
               g_test_rand_int_range(0, 3000) :
               g_test_rand_int_range(0, G_MAXINT32);

        scan_at_random(h, now);
        plan_at_random(h, now);
        move_at_random(h, now, fail);
        if (g_test_rand_int_range(0, 50) == 0) {
            harness_set_life_time(h, g_test_rand_int_range(0, 8000));
        }
    }
    harness_free(h);
}

static void test_random_lives(const void *data)
{
    for (int i = 0; i < 40; i++) {
        live(data);
    }
}

static void test_hot_set_becomes_fast(const void *data)
{
    Harness *h = harness_new(data, 5000, 8, 100);

    for (int64_t now = 0; now <= 120000; now += 1000) {
        harness_scan(h, now, 20, 33, 40, 41, 77, 107, -1);
        if (now % 5000 == 0) {
            harness_move(h, now, 2);
        }
    }
    g_assert_cmpuint(raminate_placement_tier(h->placement, 20), ==, 0);
    g_assert_cmpuint(raminate_placement_tier(h->placement, 33), ==, 0);
    g_assert_cmpuint(raminate_placement_tier(h->placement, 40), ==, 0);
    g_assert_cmpuint(raminate_placement_tier(h->placement, 41), ==, 0);
    g_assert_cmpuint(raminate_placement_tier(h->placement, 77), ==, 0);
    g_assert_cmpuint(raminate_placement_tier(h->placement, 107), ==, 0);

    /* And nothing more is to be done. */
    g_assert_cmpstr(harness_plan(h, 120000, 10), ==, "");
    harness_free(h);
}

/* A policy that goes by writes must not take a page that was read for one. */
static void test_reads_are_not_writes(const void *data)
{
    Harness *h = harness_new(data, 5000, 8, 100);
    RaminateSample found = { 0 };
    const uint32_t pages[] = { 20, 33, 40, 41, 77 };

    for (int64_t now = 0; now <= 120000; now += 1000) {
        raminate_sample_clear(&found);
        raminate_sample_add_pages(&found, pages, G_N_ELEMENTS(pages),
                                  RAMINATE_READ);
        h->ops->sample(h->policy, now, &found);
        g_assert_cmpstr(harness_plan(h, now, 10), ==, "");
    }
    raminate_sample_destroy(&found);
    harness_free(h);
}

/* Tiers of 4, 4 and 100 pages, the first two as fast to write */
static Harness *new_with_tiers_alike(const RaminatePolicyOps *ops,
                                     bool slow_too)
{
    static const RaminateFrameRange ranges[] = { { 0, 4 }, { 4, 4 },
                                                 { 8, 100 } };
    RaminateLayout layout;

    raminate_layout_init(&layout, ranges, 3);
    layout.costs[1].write = layout.costs[0].write;
    if (slow_too) {
        layout.costs[2].write = layout.costs[0].write;
    }
    return harness_new_layout(ops, 5000, &layout);
}

static void test_tiers_alike_are_filled_alike(const void *data)
{
    static const uint32_t hot[] = { 20, 33, 40, 41, 77, 107 };
    Harness *h = new_with_tiers_alike(data, false);

    for (int64_t now = 0; now <= 120000; now += 1000) {
        harness_sample(h, now, hot, G_N_ELEMENTS(hot));
        if (now % 5000 == 0) {
            harness_move(h, now, 2);
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(hot); i++) {
        g_assert_cmpuint(raminate_placement_tier(h->placement, hot[i]), <, 2);
    }
    g_assert_cmpstr(harness_plan(h, 120000, 10), ==, "");
    harness_free(h);
}

static void test_tiers_alike_exchange_nothing(const void *data)
{
    Harness *h = new_with_tiers_alike(data, true);

    for (int64_t now = 0; now <= 120000; now += 1000) {
        harness_scan(h, now, 5, 6, 20, 33, 40, 41, 77, 107, -1);
        g_assert_cmpstr(harness_plan(h, now, 10), ==, "");
    }
    harness_free(h);
}

static void test_starts_in_mid_flight(const void *data)
{
    Harness *h = harness_new(data, 1000, 2, 60);

    /* A policy that takes over finds pages where the last one left them. */
    harness_swap(h, 0, 0, 6);
    harness_swap(h, 0, 1, 7);
    harness_start_policy(h, 1000);

    harness_scan(h, 0, -1);
    for (int64_t now = 10000; now < 60000; now += 1000) {
        harness_scan(h, now, 0, 1, -1);
        harness_move(h, now, 10);
    }
    g_assert_cmpuint(raminate_placement_tier(h->placement, 0), ==, 0);
    g_assert_cmpuint(raminate_placement_tier(h->placement, 1), ==, 0);
    harness_free(h);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/policy/every-policy-is-found-by-name", test_names);
    g_test_add_func("/policy/unknown-name-is-not-found",
                    test_unknown_names);
    g_test_add_func("/policy/null/moves-nothing", test_null_moves_nothing);
    for (unsigned i = 0; raminate_policy_list()[i]; i++) {
        const RaminatePolicyOps *ops = raminate_policy_list()[i];

        harness_add_test("/policy/NAME/random-plans-keep-the-rules", ops,
                         test_random_lives);
        harness_add_test("/policy/NAME/tiers-alike-exchange-nothing", ops,
                         test_tiers_alike_exchange_nothing);
        if (ops->kinds == RAMINATE_WRITTEN) {
            harness_add_test("/policy/NAME/reads-are-not-writes", ops,
                             test_reads_are_not_writes);
        }
        if (ops != &raminate_policy_null) {
            harness_add_test("/policy/NAME/steady-hot-set-becomes-fast", ops,
                             test_hot_set_becomes_fast);
            harness_add_test("/policy/NAME/takes-over-from-another", ops,
                             test_starts_in_mid_flight);
            harness_add_test("/policy/NAME/tiers-alike-are-filled-alike", ops,
                             test_tiers_alike_are_filled_alike);
        }
    }
    return g_test_run();
}
