/*
 * RAMinate: CMQ does what the paper says
 *
 * Queues can't be seen from outside.  What tells them is the order of a plan
 * (the higher queue first, in one queue the latest first) and how long a
 * page that is written no more stays in it: one second a queue.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "cmq-start.h"

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
    return g_test_run();
}
