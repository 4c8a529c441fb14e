/*
 * RAMinate: what goes on as before is looked at less often
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "hw/raminate/engine/steady.h"

#define REGION 1
#define FOUND 0xffff0

/* Returns: whether the region is watched anew by a scan that finds @groups. */
static bool scan_finds(RaminateSteady *steady, uint32_t scan, uint64_t groups)
{
    if (raminate_steady_rests(steady, REGION, scan)) {
        return false;
    }
    raminate_steady_watched(steady, REGION, scan, groups);
    return true;
}

/* Returns: how often it is watched anew in @nr scans from @first on. */
static unsigned times_watched(RaminateSteady *steady, uint32_t first,
                              unsigned nr, uint64_t groups)
{
    unsigned times = 0;

    for (unsigned i = 0; i < nr; i++) {
        times += scan_finds(steady, first + i, groups);
    }
    return times;
}

static void test_steady(void)
{
    static const uint32_t watched[] = { 1, 2, 4, 8, 16, 24, 32 };
    RaminateSteady *steady = raminate_steady_new(3);
    unsigned next = 0;

    for (uint32_t scan = 1; scan <= 32; scan++) {
        g_assert_cmpint(scan_finds(steady, scan, FOUND), ==,
                        scan == watched[next]);
        next += scan == watched[next];
        /* Others have nothing to do with it. */
        g_assert_false(raminate_steady_rests(steady, 0, scan));
    }
    g_assert_cmpuint(next, ==, G_N_ELEMENTS(watched));
    raminate_steady_free(steady);
}

/* The number of a scan starts over. */
static void test_overflow(void)
{
    RaminateSteady *steady = raminate_steady_new(3);

    g_assert_cmpuint(times_watched(steady, UINT32_MAX - 31, 64, FOUND), ==,
                     7 + 4);
    raminate_steady_free(steady);
}

/* A quarter of what is found may differ. */
static void test_changes(void)
{
    RaminateSteady *steady = raminate_steady_new(3);

    g_assert_cmpuint(times_watched(steady, 1, 32, FOUND), ==, 7);
    g_assert_cmpuint(times_watched(steady, 33, 8, 0xfff0), ==, 1);
    /* Found in eight scans: the last one of these watches it anew. */
    g_assert_cmpuint(times_watched(steady, 41, 8, 0xfff0), ==, 1);
    g_assert_true(scan_finds(steady, 56, 0xff0));
    g_assert_true(scan_finds(steady, 57, 0xff0));
    raminate_steady_free(steady);

    steady = raminate_steady_new(3);
    for (uint32_t scan = 1; scan <= 100; scan++) {
        g_assert_true(scan_finds(steady, scan, scan % 2 ? 0xff : 0xff00));
    }
    raminate_steady_free(steady);
}

/* What is not found once has to prove itself anew. */
static void test_gaps(void)
{
    RaminateSteady *steady = raminate_steady_new(3);

    for (uint32_t scan = 2; scan <= 100; scan += 2) {
        g_assert_true(scan_finds(steady, scan, FOUND));
    }
    g_assert_cmpuint(times_watched(steady, 101, 6, FOUND), ==, 2);
    g_assert_true(scan_finds(steady, 108, FOUND));
    g_assert_true(scan_finds(steady, 109, FOUND));
    raminate_steady_free(steady);
}

/* One that could not be watched anew was found all the same. */
static void test_left(void)
{
    RaminateSteady *steady = raminate_steady_new(3);

    raminate_steady_watched(steady, REGION, 1, FOUND);
    raminate_steady_left(steady, REGION, 2);
    raminate_steady_left(steady, REGION, 3);
    raminate_steady_watched(steady, REGION, 4, FOUND);
    g_assert_true(raminate_steady_rests(steady, REGION, 5));
    /* In scan 6 nothing was found. */
    raminate_steady_left(steady, REGION, 7);
    raminate_steady_watched(steady, REGION, 8, FOUND);
    g_assert_false(raminate_steady_rests(steady, REGION, 9));
    raminate_steady_free(steady);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/steady/steady", test_steady);
    g_test_add_func("/steady/overflow", test_overflow);
    g_test_add_func("/steady/changes", test_changes);
    g_test_add_func("/steady/gaps", test_gaps);
    g_test_add_func("/steady/left", test_left);
    return g_test_run();
}
