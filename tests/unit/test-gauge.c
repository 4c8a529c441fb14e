/*
 * RAMinate: the pages picked to be gauged
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "hw/raminate/engine/gauge-pick.h"
#include "found.h"

static void heat_pages(RaminateHeat *heat, const uint32_t *pages, size_t nr)
{
    g_autoptr(Found) found = found_written(pages, nr);

    raminate_heat_sample(heat, found);
}

#define NR_PAGES 100000

/* Returns: how many are picked, after a check of what holds for all picks. */
static size_t pick(RaminateHeat *heat, uint64_t *state,
                   const uint32_t *written, size_t nr, uint32_t *picked)
{
    size_t nr_picked = raminate_gauge_pick(state, heat, NR_PAGES, written, nr,
                                           picked);

    g_assert_cmpuint(nr_picked, <=, RAMINATE_GAUGE_PAGES);
    for (size_t i = 0; i < nr_picked; i++) {
        g_assert_cmpuint(picked[i], <, NR_PAGES);
        g_assert_cmpuint(raminate_heat_get(heat, picked[i]), >, 0);
        if (i) {
            g_assert_cmpuint(picked[i], >, picked[i - 1]);
        }
    }
    return nr_picked;
}

static void test_none_written(void)
{
    RaminateHeat *heat = raminate_heat_new(NR_PAGES);
    uint32_t picked[RAMINATE_GAUGE_PAGES];
    uint64_t state = 1;

    heat_pages(heat, NULL, 0);
    g_assert_cmpuint(pick(heat, &state, NULL, 0, picked), ==, 0);
    raminate_heat_free(heat);
}

static void test_few_written(void)
{
    RaminateHeat *heat = raminate_heat_new(NR_PAGES);
    const uint32_t written[] = { 0, 777, NR_PAGES - 1 };
    uint32_t picked[RAMINATE_GAUGE_PAGES];
    uint64_t state = 1;

    heat_pages(heat, written, 3);
    g_assert_cmpuint(pick(heat, &state, written, 3, picked), ==, 3);
    g_assert_cmpmem(picked, sizeof(written), written, sizeof(written));
    raminate_heat_free(heat);
}

/* Pages are picked that were written some scans ago, and others each time. */
static void test_many_written(void)
{
    RaminateHeat *heat = raminate_heat_new(NR_PAGES);
    g_autofree uint32_t *before = g_new(uint32_t, NR_PAGES / 2);
    g_autofree uint32_t *now = g_new(uint32_t, 1000);
    g_autoptr(GHashTable) all = g_hash_table_new(NULL, NULL);
    uint64_t state = 1;
    size_t old = 0;
    size_t nr = 0;

    for (uint32_t i = 0; i < NR_PAGES / 2; i++) {
        before[i] = 2 * i;
    }
    for (uint32_t i = 0; i < 1000; i++) {
        now[i] = 2 * i + 1;
    }
    heat_pages(heat, before, NR_PAGES / 2);
    heat_pages(heat, now, 1000);
    for (unsigned round = 0; round < 100; round++) {
        uint32_t picked[RAMINATE_GAUGE_PAGES];
        size_t nr_picked = pick(heat, &state, now, 1000, picked);

        for (size_t i = 0; i < nr_picked; i++) {
            g_hash_table_add(all, GUINT_TO_POINTER(picked[i]));
            old += picked[i] % 2 == 0;
        }
        nr += nr_picked;
    }
    g_assert_cmpuint(nr, >, 100 * RAMINATE_GAUGE_PAGES * 3 / 4);
    g_assert_cmpuint(old, >, nr / 4);
    g_assert_cmpuint(old, <, nr * 3 / 4);
    g_assert_cmpuint(g_hash_table_size(all), >, 900 + old / 2);
    raminate_heat_free(heat);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gauge/none-is-picked-if-none-is-written",
                    test_none_written);
    g_test_add_func("/gauge/all-are-picked-if-few-are-written",
                    test_few_written);
    g_test_add_func("/gauge/pages-written-before-are-picked-too",
                    test_many_written);
    return g_test_run();
}
