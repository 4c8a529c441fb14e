/*
 * RAMinate: what the policies say of a page
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "hw/raminate/policy/reasons.h"
#include "policy-harness.h"

#define FAST 4
#define SLOW 12

static const char *const tier_names[] = { "dram0", "mram0" };

/* What was said last */
static RaminateReasons reasons;

static void ask(Harness *h, int64_t now_ms, uint32_t page)
{
    if (reasons.why) {
        g_string_free(reasons.why, TRUE);
    }
    memset(&reasons, 0, sizeof(reasons));
    reasons.tiers = tier_names;
    reasons.why = g_string_new(NULL);
    h->ops->explain(h->policy, now_ms, page, &reasons);
    g_assert_cmpuint(reasons.why->len, >, 0);
}

static void assert_says(const char *text)
{
    if (!strstr(reasons.why->str, text)) {
        g_error("'%s' is not in '%s'", text, reasons.why->str);
    }
}

/* payback */

static void test_payback(void)
{
    Harness *h = harness_new(&raminate_policy_payback, 5000, FAST, SLOW);
    const RaminatePaybackFigures *figures = &reasons.payback;
    g_autofree char *text = NULL;
    int64_t now = 1000;

    ask(h, now, FAST);
    g_assert_false(figures->planned);
    assert_says("has not planned yet");

    /* Page 4 is written all the time, page 5 was once, page 6 never. */
    harness_scan(h, now, 4, 5, -1);
    for (int i = 0; i < 99; i++) {
        now += 1000;
        harness_scan(h, now, 4, -1);
        g_assert_cmpstr(harness_plan(h, now, 0), ==, "");
    }
    ask(h, now, 4);
    g_assert_true(figures->planned && figures->has_tier);
    g_assert_cmpuint(figures->tier, ==, 0);
    g_assert_true(figures->has_scans_ago);
    g_assert_cmpuint(figures->scans_ago, ==, 0);
    g_assert_cmpfloat(figures->chance, >, 0.9);
    /* Half of the 64 lines, since none was gauged, 1.5 times */
    g_assert_cmpfloat(figures->lines, >, 40);
    g_assert_cmpfloat(figures->lines, <, 60);
    g_assert_cmpfloat(figures->move_cost, ==, 128);
    g_assert_cmpfloat(figures->worth, >, figures->move_cost);
    g_assert_cmpfloat_with_epsilon(figures->horizon, 200, 0.1);
    assert_says("in dram0 it would keep");
    assert_says("more than the 128 that a move costs");
    text = g_strdup_printf("%.4g lines a scan from being written",
                           figures->lines);
    assert_says(text);
    g_free(text);
    text = g_strdup_printf("worth %.4g a scan to other pages; %.4g lines",
                           figures->price, figures->worth);
    assert_says(text);

    ask(h, now, 5);
    g_assert_cmpuint(figures->scans_ago, ==, 99);
    g_assert_cmpfloat(figures->chance, <, 0.1);
    g_assert_cmpfloat(figures->worth, <, figures->move_cost);
    assert_says("no more than the 128 that a move costs, so that it stays");
    ask(h, now, 6);
    g_assert_false(figures->has_scans_ago);
    assert_says("no more than the 128 that a move costs, so that it stays");

    harness_move(h, now, 1);
    g_assert_cmpuint(raminate_placement_tier(h->placement, 4), ==, 0);
    ask(h, now, 4);
    g_assert_cmpuint(figures->tier, ==, 0);
    assert_says("in dram0 it keeps");
    assert_says("until another page is worth 128 more, the cost of a move");
    harness_free(h);
}

/* Costs that leave a page nowhere to go, and borders between three tiers */
static void test_payback_tiers(void)
{
    static const RaminateFrameRange ranges[] = { { 0, 4 }, { 4, 4 }, { 8, 4 } };
    const RaminatePaybackFigures *figures = &reasons.payback;
    RaminateLayout layout;
    Harness *h;

    raminate_layout_init(&layout, ranges, 2);
    layout.costs[1] = layout.costs[0];
    h = harness_new_layout(&raminate_policy_payback, 5000, &layout);
    ask(h, 0, 5);
    g_assert_false(figures->has_tier);
    assert_says("costs the same as the others");
    harness_free(h);

    raminate_layout_init(&layout, ranges, 3);
    layout.costs[1] = layout.costs[0];
    h = harness_new_layout(&raminate_policy_payback, 5000, &layout);
    ask(h, 0, 9);
    g_assert_cmpuint(figures->tier, ==, 0);
    ask(h, 0, 5);
    g_assert_cmpuint(figures->tier, ==, 1);
    ask(h, 0, 0);
    g_assert_cmpuint(figures->tier, ==, 0);
    harness_free(h);
}

/* cmq */

static void test_cmq(void)
{
    Harness *h = harness_new(&raminate_policy_cmq, 5000, FAST, SLOW);
    const RaminateCmqFigures *figures = &reasons.cmq;

    /* At first, fast pages are in queue 0. */
    harness_scan(h, 1000, 4, 5, -1);
    ask(h, 1000, 0);
    g_assert_true(figures->has_queue && !figures->is_victim);
    g_assert_cmpuint(figures->queue, ==, 0);
    g_assert_cmpuint(figures->victims, ==, 0);
    assert_says("queue 0 of 0 to 7, and stays");

    for (int64_t now = 2000; now <= 4000; now += 1000) {
        harness_scan(h, now, 4, -1);
    }
    ask(h, 4500, 4);
    g_assert_true(figures->has_queue);
    g_assert_cmpuint(figures->queue, ==, 2);
    g_assert_cmpuint(figures->found, ==, 4);
    g_assert_cmpint(figures->idle_ms, ==, 500);
    g_assert_cmpuint(figures->ahead, ==, 0);
    assert_says("found it written 4 times, last 0.5 s ago, so that it is in "
                "queue 2 of 0 to 7, and goes up after 0 pages");
    ask(h, 4500, 5);
    g_assert_cmpuint(figures->queue, ==, 0);
    g_assert_cmpuint(figures->ahead, ==, 1);
    g_assert_cmpint(figures->idle_ms, ==, 3500);
    ask(h, 4500, 6);
    g_assert_false(figures->has_queue || figures->is_victim ||
                   figures->has_idle);
    assert_says("in no queue, and stays");

    /* Fast pages have sunk; one goes down, so that there is one less. */
    harness_scan(h, 8000, 4, -1);
    ask(h, 8000, 0);
    g_assert_true(figures->is_victim && !figures->has_queue);
    g_assert_cmpuint(figures->victims, ==, FAST);
    assert_says("out of all queues");
    g_assert_cmpstr(harness_move(h, 8000, 1), ==, "4>0");
    ask(h, 8000, 4);
    g_assert_cmpuint(figures->victims, ==, FAST - 1);
    assert_says("to 7, and stays");
    ask(h, 8000, 0);
    g_assert_false(figures->has_queue || figures->is_victim);

    /* And one comes back by itself, in the queue that it has sunk to. */
    harness_scan(h, 9000, 1, -1);
    ask(h, 9000, 1);
    g_assert_cmpuint(figures->victims, ==, FAST - 2);
    g_assert_true(figures->has_queue);
    harness_free(h);
}

static void test_cmq_counts_to_128(void)
{
    Harness *h = harness_new(&raminate_policy_cmq, 5000, FAST, SLOW);

    for (int64_t now = 1000; now <= 150000; now += 1000) {
        harness_scan(h, now, 4, -1);
    }
    ask(h, 150000, 4);
    g_assert_cmpuint(reasons.cmq.found, ==, 128);
    g_assert_cmpuint(reasons.cmq.queue, ==, 7);
    assert_says("128 times or more, last 0.0 s ago");
    harness_free(h);
}

/* lru */

static void test_lru(void)
{
    Harness *h = harness_new(&raminate_policy_lru, 5000, 2, SLOW);
    const RaminateLruFigures *figures = &reasons.lru;

    harness_scan(h, 1000, 3, -1);
    ask(h, 1500, 3);
    g_assert_true(figures->has_idle && !figures->has_fast_idle);
    g_assert_cmpint(figures->idle_ms, ==, 500);
    assert_says("longer than is known, so that it goes up");
    ask(h, 1500, 0);
    g_assert_false(figures->has_idle);
    assert_says("goes once a page of slow memory is found");
    ask(h, 1500, 4);
    g_assert_false(figures->has_idle);
    assert_says("no scan has found it since");

    harness_scan(h, 2000, 0, -1);
    harness_scan(h, 3000, 1, -1);
    harness_scan(h, 4000, 4, -1);
    ask(h, 5000, 4);
    g_assert_cmpint(figures->idle_ms, ==, 1000);
    g_assert_cmpint(figures->fast_idle_ms, ==, 3000);
    assert_says("1.0 s ago, after the page of fast memory that was not for the "
                "longest time, 3.0 s, so that it goes up");
    ask(h, 5000, 1);
    g_assert_cmpint(figures->idle_ms, ==, 2000);
    assert_says("2.0 s ago, and pages of fast memory go in turn, the longest "
                "now 3.0 s");
    harness_free(h);
}

/* hemem and memtis */

static void test_hemem(void)
{
    Harness *h = harness_new(&raminate_policy_hemem, 5000, FAST, SLOW);

    for (int i = 0; i < 7; i++) {
        harness_scan(h, i * 1000, 4, 0, -1);
    }
    ask(h, 7000, 4);
    g_assert_cmpuint(reasons.counts.count, ==, 7);
    g_assert_cmpuint(reasons.counts.hot_count, ==, 8);
    assert_says("is 7, and a page is hot from 8 on, so that it stays");
    harness_scan(h, 8000, 4, -1);
    ask(h, 8000, 4);
    g_assert_cmpuint(reasons.counts.count, ==, 8);
    assert_says("goes up once there is a colder page");
    ask(h, 8000, 0);
    assert_says("stays until a hot page needs its frame");
    g_assert_cmpstr(harness_move(h, 8000, 1), ==, "4>0");
    ask(h, 8000, 4);
    g_assert_true(g_str_has_suffix(reasons.why->str, "so that it stays"));
    harness_free(h);
}

static void test_memtis(void)
{
    Harness *h = harness_new(&raminate_policy_memtis, 5000, FAST, SLOW);

    /* Fast memory has room for the three that were found 5 times, not for 6. */
    for (int i = 0; i < 5; i++) {
        harness_scan(h, i * 1000, 4, 5, 6, -1);
    }
    harness_scan(h, 5000, 7, 8, 9, -1);
    ask(h, 5000, 4);
    g_assert_cmpuint(reasons.counts.count, ==, 5);
    g_assert_cmpuint(reasons.counts.hot_count, ==, 2);
    assert_says("goes up");
    ask(h, 5000, 7);
    g_assert_cmpuint(reasons.counts.count, ==, 1);
    assert_says("is 1, and a page is hot from 2 on, so that it stays");
    harness_free(h);
}

/* age */

static void test_age(void)
{
    Harness *h = harness_new(&raminate_policy_age, 5000, FAST, SLOW);
    const RaminateAgeFigures *figures = &reasons.age;

    harness_scan(h, 1000, 4, 0, -1);
    ask(h, 3500, 4);
    g_assert_true(figures->has_idle);
    g_assert_cmpint(figures->idle_ms, ==, 2000);
    g_assert_cmpint(figures->active_ms, ==, 5000);
    g_assert_cmpint(figures->idle_from_ms, ==, 60000);
    assert_says("written 2.0 s ago, which makes it active, so that it goes up");
    ask(h, 3500, 0);
    assert_says("which makes it active, so that it stays");
    ask(h, 3500, 1);
    g_assert_false(figures->has_idle);
    assert_says("not found written for 60.0 s, which makes it idle, so that it "
                "goes once an active page needs its frame");
    harness_scan(h, 10000, -1);
    ask(h, 10000, 4);
    assert_says("neither active nor idle, so that it stays");
    ask(h, 10000, 5);
    assert_says("which makes it idle, so that it stays");
    harness_free(h);
}

/* All of them */

static void test_null(void)
{
    Harness *h = harness_new(&raminate_policy_null, 5000, FAST, SLOW);

    ask(h, 0, 0);
    g_assert_cmpstr(reasons.why->str, ==, "the policy null moves nothing");
    harness_free(h);
}

/* Whoever is asked plans the same as one who is not. */
static void test_asking_changes_nothing(gconstpointer opaque)
{
    Harness *asked = harness_new(opaque, 2000, FAST, SLOW);
    Harness *left = harness_new(opaque, 2000, FAST, SLOW);

    for (int64_t now = 1000; now <= 300000; now += 1000) {
        uint32_t pages[] = { now / 30000 % 8, 8 + now / 50000 % 8 };

        harness_sample(asked, now, pages, G_N_ELEMENTS(pages));
        harness_sample(left, now, pages, G_N_ELEMENTS(pages));
        for (uint32_t page = 0; page < FAST + SLOW; page++) {
            ask(asked, now, page);
        }
        g_assert_cmpstr(harness_move(asked, now, 2), ==,
                        harness_move(left, now, 2));
    }
    harness_free(asked);
    harness_free(left);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/why/payback", test_payback);
    g_test_add_func("/why/payback-tiers", test_payback_tiers);
    g_test_add_func("/why/cmq", test_cmq);
    g_test_add_func("/why/cmq-counts-to-128", test_cmq_counts_to_128);
    g_test_add_func("/why/lru", test_lru);
    g_test_add_func("/why/hemem", test_hemem);
    g_test_add_func("/why/memtis", test_memtis);
    g_test_add_func("/why/age", test_age);
    g_test_add_func("/why/null", test_null);
    for (unsigned i = 0; raminate_policy_list()[i]; i++) {
        harness_add_test("/why/asking-changes-nothing/NAME",
                         raminate_policy_list()[i],
                         test_asking_changes_nothing);
    }
    return g_test_run();
}
