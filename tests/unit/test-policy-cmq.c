/*
 * RAMinate: CMQ does what the paper says
 *
 * Queues can't be seen from outside.  What tells them is the order of a plan
 * (the higher queue first, in one queue the latest first) and how long a
 * page that is written no more stays in it: one second a queue.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "policy-harness.h"

#define LIFE 5000

/* Pages 0 to 9 are fast and 10 to 39 slow; the first scan is at 0. */
static Harness *start(void)
{
    Harness *h = harness_new(&raminate_policy_cmq, LIFE, 10, 30);

    harness_scan(h, 0, -1);
    return h;
}

/* The same, at 10000, when all fast pages have become victims */
static Harness *start_with_victims(void)
{
    Harness *h = start();

    harness_scan(h, 10000, -1);
    return h;
}

/* @page is written @times times, in scans a second apart up to @end. */
static void write_until(Harness *h, int page, int times, int64_t end)
{
    for (int i = times - 1; i >= 0; i--) {
        harness_scan(h, end - i * 1000, page, -1);
    }
}

static void test_no_victims_before_life_time(void)
{
    Harness *h = start();

    harness_scan(h, 5000, 20, -1);
    g_assert_cmpstr(harness_plan(h, 5000, 10), ==, "");
    harness_scan(h, 6000, 20, -1);
    g_assert_cmpstr(harness_plan(h, 6000, 10), ==, "20>0");
    harness_free(h);
}

static void test_unwritten_slow_page(void)
{
    Harness *h = start_with_victims();

    g_assert_cmpstr(harness_plan(h, 10000, 10), ==, "");
    harness_free(h);
}

static void test_first_write(void)
{
    Harness *h = start_with_victims();

    harness_scan(h, 10000, 20, -1);
    g_assert_cmpstr(harness_plan(h, 10000, 10), ==, "20>0");
    harness_free(h);
}

static void test_latest_first_in_a_queue(void)
{
    Harness *h = start_with_victims();

    harness_scan(h, 11000, 20, 25, -1);
    harness_scan(h, 12000, 22, -1);
    g_assert_cmpstr(harness_plan(h, 12000, 10), ==, "22>0 25>1 20>2");
    harness_free(h);
}

static void test_highest_queue_first(void)
{
    Harness *h = start_with_victims();

    write_until(h, 20, 4, 14000);
    harness_scan(h, 15000, 21, -1);
    harness_scan(h, 16000, 21, -1);
    harness_scan(h, 17000, 22, -1);
    g_assert_cmpstr(harness_plan(h, 17000, 10), ==, "20>0 21>1 22>2");
    harness_free(h);
}

/*
 * Written last at 1000000, a page is too old at 1006000.  It leaves queue q
 * then, and all queues q seconds later.
 */
static void check_level(int writes, unsigned level)
{
    Harness *before = start();
    Harness *after = start();
    int64_t gone = 1006000 + level * 1000;

    write_until(before, 20, writes, 1000000);
    harness_scan(before, gone - 1000, -1);
    g_assert_cmpstr(harness_plan(before, gone - 1000, 1), ==, "20>0");
    harness_free(before);

    write_until(after, 20, writes, 1000000);
    harness_scan(after, gone, -1);
    g_assert_cmpstr(harness_plan(after, gone, 1), ==, "");
    harness_free(after);
}

static void test_level(const void *data)
{
    unsigned level = GPOINTER_TO_UINT(data);

    check_level(1 << level, level);
    check_level((2 << level) - 1, level);
}

static void test_top_level(void)
{
    check_level(128, 7);
    check_level(255, 7);
    check_level(256, 7);
    check_level(300, 7);
    check_level(70000, 7);
}

static void test_writes_8_and_15_share_a_queue(void)
{
    Harness *h = start_with_victims();

    write_until(h, 20, 15, 99000);
    write_until(h, 21, 16, 99500);
    write_until(h, 22, 8, 99700);
    write_until(h, 23, 7, 99900);
    g_assert_cmpstr(harness_plan(h, 99900, 10), ==,
                    "21>0 22>1 20>2 23>3");
    harness_free(h);
}

static void test_written_page_rises_again(void)
{
    Harness *h = start_with_victims();

    /* 7 writes, then down to queue 1; the 8th lifts it to 3. */
    write_until(h, 20, 7, 20000);
    harness_scan(h, 26000, -1);
    harness_scan(h, 26500, 20, -1);
    write_until(h, 21, 4, 27000);
    g_assert_cmpstr(harness_plan(h, 27000, 10), ==, "20>0 21>1");
    harness_free(h);
}

static void test_exactly_life_time_is_not_too_old(void)
{
    Harness *h = start_with_victims();

    harness_scan(h, 11000, 20, -1);
    harness_scan(h, 16000, -1);
    g_assert_cmpstr(harness_plan(h, 16000, 1), ==, "20>0");
    harness_scan(h, 17000, -1);
    g_assert_cmpstr(harness_plan(h, 17000, 1), ==, "");
    harness_free(h);
}

static void test_dropped_page_loses_its_writes(void)
{
    Harness *h = start_with_victims();

    /* Queue 3, then gone, then written once: behind two writes */
    write_until(h, 20, 15, 30000);
    harness_scan(h, 60000, -1);
    g_assert_cmpstr(harness_plan(h, 60000, 10), ==, "");
    harness_scan(h, 61000, 21, -1);
    harness_scan(h, 62000, 21, -1);
    harness_scan(h, 63000, 20, -1);
    g_assert_cmpstr(harness_plan(h, 63000, 10), ==, "21>0 20>1");
    harness_free(h);
}

static void test_victim_keeps_its_writes(void)
{
    Harness *h = harness_new(&raminate_policy_cmq, LIFE, 1, 30);

    /*
     * Page 0 sinks from queue 3 to the victims.  Its 16th write puts it into
     * queue 4, which is five seconds of sinking away from the victims.
     */
    harness_scan(h, 0, -1);
    write_until(h, 0, 15, 15000);
    harness_scan(h, 29000, -1);
    harness_scan(h, 30000, 0, -1);
    for (int i = 0; i < 32; i++) {
        /* A candidate in queue 5, where it is in nobody's way */
        harness_scan(h, 30000, 20, -1);
    }
    harness_scan(h, 39000, -1);
    g_assert_cmpstr(harness_plan(h, 39000, 1), ==, "");
    harness_scan(h, 40000, -1);
    g_assert_cmpstr(harness_plan(h, 40000, 1), ==, "20>0");
    harness_free(h);
}

static void test_fast_page_written_is_no_victim(void)
{
    Harness *h = start_with_victims();

    harness_scan(h, 11000, 0, 2, 20, 21, 22, -1);
    g_assert_cmpstr(harness_plan(h, 11000, 10), ==, "22>1 21>3 20>4");
    harness_free(h);
}

static void test_victims_in_order_of_arrival(void)
{
    Harness *h = start();

    harness_scan(h, 2000, 0, 1, -1);
    harness_scan(h, 3000, 0, -1);
    harness_scan(h, 9000, -1);
    /* 2 to 9 came at 6 s, 1 at 8 s, and 0, a queue higher, at 10 s. */
    harness_scan(h, 10000, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, -1);
    g_assert_cmpstr(harness_plan(h, 10000, 10), ==,
                    "19>2 18>3 17>4 16>5 15>6 14>7 13>8 12>9 11>1 10>0");
    harness_free(h);
}

static void test_young_head_corks_the_queue(void)
{
    Harness *h = start_with_victims();

    /* 20 sinks to queue 0 behind the younger 21, and waits for it. */
    write_until(h, 20, 2, 11000);
    harness_scan(h, 16000, 21, -1);
    harness_scan(h, 17000, -1);
    harness_scan(h, 21000, -1);
    g_assert_cmpstr(harness_plan(h, 21000, 10), ==, "20>0 21>1");
    harness_scan(h, 22000, -1);
    g_assert_cmpstr(harness_plan(h, 22000, 10), ==, "");
    harness_free(h);
}

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

static void test_time_jumps(void)
{
    Harness *h = start_with_victims();
    int64_t year = INT64_C(365) * 24 * 3600 * 1000;

    write_until(h, 20, 128, 200000);
    harness_scan(h, 40 * year, -1);
    g_assert_cmpstr(harness_plan(h, 40 * year, 10), ==, "");
    harness_free(h);

    h = start_with_victims();
    write_until(h, 20, 128, 200000);
    harness_scan(h, 30 * year, 21, -1);
    harness_scan(h, 30 * year + 5000, -1);
    g_assert_cmpstr(harness_plan(h, 30 * year + 5000, 10), ==, "21>0");
    harness_scan(h, 30 * year + 6000, -1);
    g_assert_cmpstr(harness_plan(h, 30 * year + 6000, 10), ==, "");
    harness_free(h);
}

static void test_rare_scans(void)
{
    Harness *h = start_with_victims();

    /* Found by every scan, though older than the life time before each */
    for (int i = 2; i <= 9; i++) {
        harness_scan(h, i * 20000, 20, -1);
    }
    write_until(h, 21, 4, 180000);
    g_assert_cmpstr(harness_plan(h, 180000, 10), ==, "20>0 21>1");
    harness_free(h);
}

static void test_clock_may_start_anywhere(void)
{
    int64_t starts[] = { -1000000, 123, INT64_C(1) << 60 };

    for (unsigned i = 0; i < G_N_ELEMENTS(starts); i++) {
        Harness *h = harness_new(&raminate_policy_cmq, LIFE, 10, 30);

        harness_scan(h, starts[i], -1);
        harness_scan(h, starts[i] + 5999, 20, -1);
        g_assert_cmpstr(harness_plan(h, starts[i] + 5999, 10), ==, "");
        harness_scan(h, starts[i] + 6000, 20, -1);
        g_assert_cmpstr(harness_plan(h, starts[i] + 6000, 10), ==, "20>0");
        harness_free(h);
    }
}

static void test_scan_period_does_not_speed_up_aging(void)
{
    Harness *h = start_with_victims();

    write_until(h, 20, 4, 20000);
    for (int64_t now = 20100; now <= 27900; now += 100) {
        harness_scan(h, now, -1);
    }
    g_assert_cmpstr(harness_plan(h, 27900, 1), ==, "20>0");
    harness_scan(h, 28000, -1);
    g_assert_cmpstr(harness_plan(h, 28000, 1), ==, "");
    harness_free(h);
}

static void test_plan_ages_too(void)
{
    Harness *h = start();

    harness_scan(h, 5000, 20, -1);
    g_assert_cmpstr(harness_plan(h, 6000, 1), ==, "20>0");
    harness_free(h);
}

static void test_life_time_changes(void)
{
    Harness *h = start_with_victims();

    harness_scan(h, 11000, 20, -1);
    harness_set_life_time(h, 20000);
    harness_scan(h, 31000, -1);
    g_assert_cmpstr(harness_plan(h, 31000, 1), ==, "20>0");
    harness_set_life_time(h, 1000);
    harness_scan(h, 32000, -1);
    g_assert_cmpstr(harness_plan(h, 32000, 1), ==, "");
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

/*
 * The paper's rules once more, with plain lists and no thought of cost.  It
 * shares nothing with cmq.c but the choices at the top of that file.
 */
enum { MODEL_VICTIMS = 8, MODEL_QUEUES = 9 };

typedef struct ModelPage {
    uint64_t n;
    int64_t last;
} ModelPage;

typedef struct Model {
    const RaminatePlacement *placement;
    const RaminateBackoff *backoff;
    int64_t life_time;
    int64_t second;             /* when the queues were aged last */
    ModelPage *pages;
    GQueue queues[MODEL_QUEUES];
} Model;

static bool model_is_dram(const Model *m, uint32_t page)
{
    return raminate_placement_tier(m->placement, page) == 0;
}

static int model_queue_of(Model *m, uint32_t page)
{
    for (int i = 0; i < MODEL_QUEUES; i++) {
        if (g_queue_find(&m->queues[i], GUINT_TO_POINTER(page))) {
            return i;
        }
    }
    return -1;
}

static void model_move(Model *m, uint32_t page, int queue)
{
    for (int i = 0; i < MODEL_QUEUES; i++) {
        g_queue_remove(&m->queues[i], GUINT_TO_POINTER(page));
    }
    if (queue >= 0) {
        g_queue_push_tail(&m->queues[queue], GUINT_TO_POINTER(page));
    }
}

static void model_age(Model *m, int64_t now)
{
    for (; m->second + 1000 <= now; m->second += 1000) {
        int64_t second = m->second + 1000;

        for (int i = 0; i < 8; i++) {
            GQueue *queue = &m->queues[i];

            while (!g_queue_is_empty(queue)) {
                uint32_t head = GPOINTER_TO_UINT(g_queue_peek_head(queue));

                if (second - m->pages[head].last <= m->life_time) {
                    break;
                }
                if (i > 0) {
                    model_move(m, head, i - 1);
                } else if (model_is_dram(m, head)) {
                    model_move(m, head, MODEL_VICTIMS);
                } else {
                    model_move(m, head, -1);
                    m->pages[head].n = 0;
                }
            }
        }
    }
}

static void model_sample(Model *m, int64_t now, const uint32_t *pages,
                         size_t nr)
{
    for (size_t i = 0; i < nr; i++) {
        m->pages[pages[i]].last = now;
        m->pages[pages[i]].n++;
        model_move(m, pages[i], -1);
    }
    model_age(m, now);
    for (size_t i = 0; i < nr; i++) {
        int queue = 0;

        while (queue < 7 && m->pages[pages[i]].n >> (queue + 1)) {
            queue++;
        }
        model_move(m, pages[i], queue);
    }
}

static size_t model_plan(Model *m, int64_t now, RaminateMove *pairs,
                         size_t max)
{
    GList *victim;
    size_t nr = 0;

    model_age(m, now);
    victim = m->queues[MODEL_VICTIMS].head;
    for (int i = 7; i >= 0; i--) {
        for (GList *l = m->queues[i].tail; l; l = l->prev) {
            uint32_t page = GPOINTER_TO_UINT(l->data);

            if (nr == max) {
                return nr;
            }
            if (model_is_dram(m, page)) {
                continue;
            }
            if (raminate_backoff_holds(m->backoff, page)) {
                continue;
            }
            while (victim &&
                   raminate_backoff_holds(m->backoff,
                                          GPOINTER_TO_UINT(victim->data))) {
                victim = victim->next;
            }
            if (!victim) {
                return nr;
            }
            pairs[nr].page = page;
            pairs[nr].with = GPOINTER_TO_UINT(victim->data);
            victim = victim->next;
            nr++;
        }
    }
    return nr;
}

/* Before the placement changes: the roles are still what they were. */
static void model_swap(Model *m, int64_t now, uint32_t a, uint32_t b)
{
    uint32_t up = model_is_dram(m, a) ? b : a;
    uint32_t down = up == a ? b : a;
    int queue = model_queue_of(m, down);

    if (model_is_dram(m, a) == model_is_dram(m, b)) {
        return;
    }
    if (model_queue_of(m, up) < 0) {
        model_move(m, up, 0);
        m->pages[up].last = now;
    }
    if (queue == MODEL_VICTIMS) {
        model_move(m, down, -1);
        m->pages[down].n = 0;
    } else {
        model_move(m, down, queue);
    }
}

static void exchange(Harness *h, Model *m, int64_t now, uint32_t a,
                     uint32_t b)
{
    model_swap(m, now, a, b);
    harness_swap(h, now, a, b);
}

static void compare_with_model(int steps, int64_t longest_step)
{
    RaminateFrameRange ranges[] = { { 30, 10 }, { 0, 18 }, { 18, 12 } };
    Harness *h = harness_new_tiers(&raminate_policy_cmq, LIFE, ranges, 3);
    int64_t now = g_test_rand_int_range(0, 100000);
    Model m = {
        .placement = h->placement, .backoff = h->backoff, .life_time = LIFE,
        .second = now,
        .pages = g_new0(ModelPage, 40),
    };
    int hot = 0;

    for (uint32_t page = 0; page < 40; page++) {
        m.pages[page].last = now;
        if (model_is_dram(&m, page)) {
            model_move(&m, page, 0);
        }
    }
    harness_scan(h, now, -1);

    for (int i = 0; i < steps; i++) {
        uint32_t written[40];
        RaminateMove pairs[HARNESS_MAX_PAIRS];
        size_t nr = 0;

        /* Mostly a scan a second, at times a longer or a shorter wait */
        now += g_test_rand_int_range(0, 4) ? 1000 :
               g_test_rand_int_range(0, longest_step);

        /* Eight pages are written often, and others take over at times. */
        if (g_test_rand_int_range(0, 200) == 0) {
            hot = g_test_rand_int_range(0, 40);
        }
        for (int page = 0; page < 40; page++) {
            int chance = (page + 40 - hot) % 40 < 8 ? 80 : 3;

            if (g_test_rand_int_range(0, 100) < chance) {
                written[nr++] = page;
            }
        }
        harness_sample(h, now, written, nr);
        model_sample(&m, now, written, nr);

        if (g_test_rand_int_range(0, 3) == 0) {
            size_t max = g_test_rand_int_range(0, 12);

            now += g_test_rand_int_range(0, 3) * 700;
            harness_plan(h, now, max);
            nr = model_plan(&m, now, pairs, max);
            g_assert_cmpuint(h->nr_pairs, ==, nr);
            for (size_t j = 0; j < nr; j++) {
                g_assert_cmpuint(h->pairs[j].page, ==, pairs[j].page);
                g_assert_cmpuint(h->pairs[j].with, ==, pairs[j].with);
            }
            for (size_t j = 0; j < nr; j++) {
                if (g_test_rand_int_range(0, 5)) {
                    exchange(h, &m, now, pairs[j].page, pairs[j].with);
                }
            }
        }
        if (g_test_rand_int_range(0, 20) == 0) {
            uint32_t a = g_test_rand_int_range(0, 40);

            exchange(h, &m, now, a,
                     (a + g_test_rand_int_range(1, 40)) % 40);
        }
        if (g_test_rand_int_range(0, 300) == 0) {
            m.life_time = g_test_rand_int_range(0, 10000);
            harness_set_life_time(h, m.life_time);
        }
    }

    for (int i = 0; i < MODEL_QUEUES; i++) {
        g_queue_clear(&m.queues[i]);
    }
    g_free(m.pages);
    harness_free(h);
}

static void test_model_steady(void)
{
    for (int i = 0; i < 20; i++) {
        compare_with_model(2000, 2000);
    }
}

static void test_model_jumps(void)
{
    for (int i = 0; i < 20; i++) {
        compare_with_model(1000, 100000);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/cmq/no-victims-before-the-life-time-is-over",
                    test_no_victims_before_life_time);
    g_test_add_func("/cmq/slow-page-never-written-is-no-candidate",
                    test_unwritten_slow_page);
    g_test_add_func("/cmq/slow-page-written-once-is-a-candidate",
                    test_first_write);
    g_test_add_func("/cmq/latest-page-of-a-queue-goes-first",
                    test_latest_first_in_a_queue);
    g_test_add_func("/cmq/highest-queue-goes-first",
                    test_highest_queue_first);
    for (unsigned level = 0; level < 8; level++) {
        g_autofree char *name = g_strdup_printf(
            "/cmq/page-written-%u-times-is-in-queue-%u", 1u << level, level);

        g_test_add_data_func(name, GUINT_TO_POINTER(level), test_level);
    }
    g_test_add_func("/cmq/more-writes-stay-in-queue-7", test_top_level);
    g_test_add_func("/cmq/pages-written-8-and-15-times-share-a-queue",
                    test_writes_8_and_15_share_a_queue);
    g_test_add_func("/cmq/sunken-page-rises-by-all-its-writes",
                    test_written_page_rises_again);
    g_test_add_func("/cmq/page-is-not-too-old-at-exactly-the-life-time",
                    test_exactly_life_time_is_not_too_old);
    g_test_add_func("/cmq/dropped-page-loses-its-writes",
                    test_dropped_page_loses_its_writes);
    g_test_add_func("/cmq/victim-keeps-its-writes",
                    test_victim_keeps_its_writes);
    g_test_add_func("/cmq/fast-page-just-written-is-no-victim",
                    test_fast_page_written_is_no_victim);
    g_test_add_func("/cmq/victims-go-in-order-of-arrival",
                    test_victims_in_order_of_arrival);
    g_test_add_func("/cmq/young-head-corks-the-queue",
                    test_young_head_corks_the_queue);
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
    g_test_add_func("/cmq/time-may-jump-ahead-by-years", test_time_jumps);
    g_test_add_func("/cmq/page-found-by-every-rare-scan-is-not-dropped",
                    test_rare_scans);
    g_test_add_func("/cmq/clock-may-start-anywhere",
                    test_clock_may_start_anywhere);
    g_test_add_func("/cmq/short-scan-period-does-not-speed-up-aging",
                    test_scan_period_does_not_speed_up_aging);
    g_test_add_func("/cmq/plan-ages-the-queues-first", test_plan_ages_too);
    g_test_add_func("/cmq/life-time-changes-for-all-pages",
                    test_life_time_changes);
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
    g_test_add_func("/cmq/nothing-to-plan-in-one-tier", test_one_tier);
    g_test_add_func("/cmq/plans-equal-the-model-scan-by-scan",
                    test_model_steady);
    g_test_add_func("/cmq/plans-equal-the-model-when-time-jumps",
                    test_model_jumps);
    return g_test_run();
}
