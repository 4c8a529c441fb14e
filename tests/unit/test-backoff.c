/*
 * RAMinate: pages that could not be moved lately
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "hw/raminate/engine/backoff.h"

/* Returns: the number of plans that leave out page 7 from now on. */
static unsigned plans_left_out(RaminateBackoff *backoff)
{
    unsigned nr = 0;

    raminate_backoff_begin_plan(backoff);
    while (raminate_backoff_holds(backoff, 7)) {
        g_assert_false(raminate_backoff_holds(backoff, 8));
        nr++;
        raminate_backoff_begin_plan(backoff);
    }
    return nr;
}

static void test_is_left_out_longer_each_time(void)
{
    RaminateBackoff *backoff = raminate_backoff_new();
    unsigned expected = 1;

    g_assert_cmpuint(plans_left_out(backoff), ==, 0);
    for (int i = 0; i < 10; i++) {
        raminate_backoff_failed(backoff, 7);
        g_assert_cmpuint(plans_left_out(backoff), ==, expected);
        expected = MIN(2 * expected, RAMINATE_BACKOFF_MAX);
    }
    raminate_backoff_free(backoff);
}

static void test_is_forgotten_once_it_moves(void)
{
    RaminateBackoff *backoff = raminate_backoff_new();

    for (int i = 0; i < 3; i++) {
        raminate_backoff_failed(backoff, 7);
    }
    raminate_backoff_moved(backoff, 7);
    g_assert_cmpuint(plans_left_out(backoff), ==, 0);
    raminate_backoff_failed(backoff, 7);
    g_assert_cmpuint(plans_left_out(backoff), ==, 1);
    raminate_backoff_free(backoff);
}

static void test_is_forgotten_after_long(void)
{
    RaminateBackoff *backoff = raminate_backoff_new();

    for (int i = 0; i < 4; i++) {
        raminate_backoff_failed(backoff, 7);
    }
    for (int i = 0; i < 3 * RAMINATE_BACKOFF_MAX; i++) {
        raminate_backoff_begin_plan(backoff);
    }
    raminate_backoff_failed(backoff, 7);
    g_assert_cmpuint(plans_left_out(backoff), ==, 1);
    raminate_backoff_free(backoff);
}

static void assert_reason(const RaminateBackoff *backoff,
                          RaminateBackoffReason reason, uint64_t plans)
{
    uint64_t nr;

    g_assert_cmpint(raminate_backoff_reason(backoff, 7, &nr), ==, reason);
    g_assert_cmpuint(nr, ==, plans);
    g_assert_cmpint(raminate_backoff_reason(backoff, 8, &nr), ==,
                    RAMINATE_BACKOFF_NONE);
}

static void test_says_why(void)
{
    RaminateBackoff *backoff = raminate_backoff_new();

    assert_reason(backoff, RAMINATE_BACKOFF_NONE, 0);
    raminate_backoff_failed(backoff, 7);
    raminate_backoff_failed(backoff, 7);
    assert_reason(backoff, RAMINATE_BACKOFF_FAILED, 2);
    raminate_backoff_begin_plan(backoff);
    assert_reason(backoff, RAMINATE_BACKOFF_FAILED, 1);
    raminate_backoff_begin_plan(backoff);
    assert_reason(backoff, RAMINATE_BACKOFF_NONE, 0);
    raminate_backoff_hold(backoff, 7);
    assert_reason(backoff, RAMINATE_BACKOFF_HELD, RAMINATE_BACKOFF_MAX);
    raminate_backoff_failed(backoff, 7);
    assert_reason(backoff, RAMINATE_BACKOFF_FAILED, RAMINATE_BACKOFF_MAX);
    raminate_backoff_add_bad(backoff, 7);
    assert_reason(backoff, RAMINATE_BACKOFF_BAD, 0);
    raminate_backoff_moved(backoff, 7);
    assert_reason(backoff, RAMINATE_BACKOFF_NONE, 0);
    raminate_backoff_free(backoff);
}

/* At once, and no longer than that */
static void test_is_held(void)
{
    RaminateBackoff *backoff = raminate_backoff_new();

    raminate_backoff_hold(backoff, 7);
    g_assert_cmpuint(plans_left_out(backoff), ==, RAMINATE_BACKOFF_MAX);
    raminate_backoff_failed(backoff, 7);
    g_assert_cmpuint(plans_left_out(backoff), ==, RAMINATE_BACKOFF_MAX);
    raminate_backoff_moved(backoff, 7);
    g_assert_cmpuint(plans_left_out(backoff), ==, 0);
    raminate_backoff_free(backoff);
}

static void test_is_left_out_for_good(void)
{
    RaminateBackoff *backoff = raminate_backoff_new();

    g_assert_true(raminate_backoff_add_bad(backoff, 7));
    g_assert_false(raminate_backoff_add_bad(backoff, 7));
    for (int i = 0; i < 3 * RAMINATE_BACKOFF_MAX; i++) {
        raminate_backoff_begin_plan(backoff);
        g_assert_true(raminate_backoff_holds(backoff, 7));
        g_assert_false(raminate_backoff_holds(backoff, 8));
    }
    g_assert_true(raminate_backoff_is_bad(backoff, 7));
    g_assert_false(raminate_backoff_is_bad(backoff, 8));

    /* A user has found that it can be moved after all. */
    raminate_backoff_moved(backoff, 7);
    g_assert_false(raminate_backoff_is_bad(backoff, 7));
    g_assert_false(raminate_backoff_holds(backoff, 7));
    raminate_backoff_free(backoff);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/backoff/is-left-out-longer-each-time",
                    test_is_left_out_longer_each_time);
    g_test_add_func("/backoff/is-forgotten-once-it-moves",
                    test_is_forgotten_once_it_moves);
    g_test_add_func("/backoff/is-forgotten-after-long",
                    test_is_forgotten_after_long);
    g_test_add_func("/backoff/is-held", test_is_held);
    g_test_add_func("/backoff/is-left-out-for-good",
                    test_is_left_out_for_good);
    g_test_add_func("/backoff/says-why", test_says_why);
    return g_test_run();
}
