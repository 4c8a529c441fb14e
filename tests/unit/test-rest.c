/*
 * RAMinate: a region that rests is watched anew, and has to prove itself
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "hw/raminate/engine/rest.h"

/* Has a region that is written all the time rest; it does so for @scans. */
static void assert_rests(RaminateRest *rest, uint32_t region, unsigned scans)
{
    for (unsigned i = 0; i < scans; i++) {
        /* Whoever asks again does not make it longer. */
        g_assert_true(raminate_rest_begin(rest, region, RAMINATE_MAX_REST));
        g_assert_true(raminate_rest_found(rest, region, false));
    }
    g_assert_false(raminate_rest_begin(rest, region, scans));
    g_assert_false(raminate_rest_found(rest, region, false));
}

static void test_rest(void)
{
    static const unsigned lengths[] = { 1, 2, 32, RAMINATE_MAX_REST };
    RaminateRest *rest = raminate_rest_new(3);

    for (unsigned i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_assert_false(raminate_rest_found(rest, 1, false));
        g_assert_true(raminate_rest_begin(rest, 1, lengths[i]));
        assert_rests(rest, 1, lengths[i]);
        /* No budget is left to watch it, then there is. */
        g_assert_false(raminate_rest_found(rest, 1, false));
        g_assert_false(raminate_rest_begin(rest, 1, 1));
        raminate_rest_watched(rest, 1);
        g_assert_false(raminate_rest_begin(rest, 1, 1));
        g_assert_false(raminate_rest_found(rest, 1, false));
        /* Others have nothing to do with it. */
        g_assert_false(raminate_rest_found(rest, 0, false));
        g_assert_false(raminate_rest_found(rest, 2, false));
    }
    raminate_rest_free(rest);
}

/* One that was never found again after it was watched does not rest again. */
static void test_cold(void)
{
    RaminateRest *rest = raminate_rest_new(1);

    g_assert_true(raminate_rest_begin(rest, 0, 1));
    g_assert_true(raminate_rest_found(rest, 0, false));
    raminate_rest_watched(rest, 0);
    for (unsigned i = 0; i < 10; i++) {
        g_assert_false(raminate_rest_begin(rest, 0, 1));
        raminate_rest_watched(rest, 0);
    }
    g_assert_false(raminate_rest_found(rest, 0, false));
    g_assert_true(raminate_rest_begin(rest, 0, 1));
    raminate_rest_free(rest);
}

/* After a stop, nobody knows whether it is still written. */
static void test_drop(void)
{
    RaminateRest *rest = raminate_rest_new(1);

    g_assert_true(raminate_rest_begin(rest, 0, 10));
    g_assert_true(raminate_rest_found(rest, 0, false));
    g_assert_false(raminate_rest_found(rest, 0, true));
    g_assert_false(raminate_rest_found(rest, 0, false));
    g_assert_false(raminate_rest_begin(rest, 0, 10));
    raminate_rest_free(rest);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rest/rest", test_rest);
    g_test_add_func("/rest/cold", test_cold);
    g_test_add_func("/rest/drop", test_drop);
    return g_test_run();
}
