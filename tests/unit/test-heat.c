/*
 * RAMinate: heat follows the share of recent scans that found a page written
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "hw/raminate/engine/heat.h"
#include "hw/raminate/engine/layout.h"
#include "found.h"
#include "memory-use.h"

static void heat_pages(RaminateHeat *heat, const uint32_t *pages, size_t nr)
{
    g_autoptr(Found) found = found_written(pages, nr);

    raminate_heat_sample(heat, found);
}

/* What is told in parts is as hot in between, and afterwards, as at once. */
static void test_parts(void)
{
    enum { PAGES = 3 * RAMINATE_REGION_PAGES };
    RaminateHeat *once = raminate_heat_new(PAGES);
    RaminateHeat *parts = raminate_heat_new(PAGES);
    uint32_t pages[] = { 1, 5, RAMINATE_REGION_PAGES + 2, PAGES - 1 };
    g_autoptr(Found) found = found_written(pages, G_N_ELEMENTS(pages));

    for (unsigned i = 0; i < 3 * RAMINATE_HEAT_HALF_LIFE; i++) {
        size_t run = 0;

        raminate_heat_sample(once, found);
        raminate_heat_begin_scan(parts);
        while (run < found->nr_runs) {
            RaminateSample part = raminate_sample_part(found, &run, 1);

            raminate_heat_add(parts, &part);
            g_assert_cmpuint(raminate_heat_get(parts, part.runs->first), ==,
                             raminate_heat_get(once, part.runs->first));
        }
        raminate_heat_end_scan(parts);
        for (uint32_t page = 0; page < PAGES; page++) {
            g_assert_cmpuint(raminate_heat_get(parts, page), ==,
                             raminate_heat_get(once, page));
        }
    }
    raminate_heat_free(once);
    raminate_heat_free(parts);
}

static void scan(RaminateHeat *heat, uint32_t page)
{
    heat_pages(heat, &page, 1);
}

static void idle(RaminateHeat *heat, unsigned scans)
{
    while (scans--) {
        heat_pages(heat, NULL, 0);
    }
}

static void test_begins_cold(void)
{
    RaminateHeat *heat = raminate_heat_new(4);

    g_assert_cmpuint(raminate_heat_get(heat, 0), ==, 0);
    idle(heat, 3);
    g_assert_cmpuint(raminate_heat_get(heat, 3), ==, 0);
    raminate_heat_free(heat);
}

static void test_one_write(void)
{
    RaminateHeat *heat = raminate_heat_new(4);

    scan(heat, 2);
    /* 255 * (1 - 2 ^ (-1 / 8)) = 21.2 */
    g_assert_cmpuint(raminate_heat_get(heat, 2), ==, 21);
    g_assert_cmpuint(raminate_heat_get(heat, 1), ==, 0);
    g_assert_cmpuint(raminate_heat_get(heat, 3), ==, 0);
    raminate_heat_free(heat);
}

static void test_reads_count_where_they_cost(void)
{
    RaminateHeat *heat = raminate_heat_new(4);
    RaminateSample found = { .kinds = RAMINATE_ACCESSED };

    raminate_sample_add_word(&found, 0, 1 << 2, RAMINATE_READ);
    raminate_heat_sample(heat, &found);
    g_assert_cmpuint(raminate_heat_get(heat, 2), ==, 0);
    raminate_heat_set_counted(heat, RAMINATE_ACCESSED);
    raminate_heat_sample(heat, &found);
    g_assert_cmpuint(raminate_heat_get(heat, 2), ==, 21);
    g_assert_cmpuint(raminate_heat_get(heat, 1), ==, 0);
    raminate_sample_destroy(&found);
    raminate_heat_free(heat);
}

static void test_always_written(void)
{
    RaminateHeat *heat = raminate_heat_new(2);
    unsigned last = 0;

    for (int i = 0; i < 10 * RAMINATE_HEAT_HALF_LIFE; i++) {
        scan(heat, 1);
        g_assert_cmpuint(raminate_heat_get(heat, 1), >=, last);
        last = raminate_heat_get(heat, 1);
        if (i == RAMINATE_HEAT_HALF_LIFE - 1) {
            g_assert_cmpuint(last, ==, (RAMINATE_HEAT_MAX + 1) / 2);
        }
    }
    g_assert_cmpuint(last, ==, RAMINATE_HEAT_MAX);
    raminate_heat_free(heat);
}

static void test_half_life(void)
{
    RaminateHeat *heat = raminate_heat_new(1);

    for (int i = 0; i < 1000; i++) {
        scan(heat, 0);
    }
    for (unsigned shown = RAMINATE_HEAT_MAX; shown > 0; shown /= 2) {
        g_assert_cmpuint(raminate_heat_get(heat, 0), ==, shown);
        idle(heat, RAMINATE_HEAT_HALF_LIFE);
    }
    g_assert_cmpuint(raminate_heat_get(heat, 0), ==, 0);
    raminate_heat_free(heat);
}

static void test_decays_every_scan(void)
{
    RaminateHeat *heat = raminate_heat_new(1);
    double expected = RAMINATE_HEAT_MAX;

    for (int i = 0; i < 1000; i++) {
        scan(heat, 0);
    }
    for (int i = 0; i < 100; i++) {
        g_assert_cmpfloat_with_epsilon(raminate_heat_get(heat, 0), expected,
                                       1.5);
        idle(heat, 1);
        expected *= 0.917004;   /* 2 ^ (-1 / 8) */
    }
    raminate_heat_free(heat);
}

static void test_every_second_scan(void)
{
    RaminateHeat *heat = raminate_heat_new(1);

    for (int i = 0; i < 200; i++) {
        scan(heat, 0);
        idle(heat, 1);
    }
    /* About half: 255 / 2, just before the next write */
    g_assert_cmpuint(raminate_heat_get(heat, 0), >=, 118);
    g_assert_cmpuint(raminate_heat_get(heat, 0), <=, 128);
    raminate_heat_free(heat);
}

static void test_random_against_doubles(void)
{
    enum { PAGES = 16 };
    RaminateHeat *heat = raminate_heat_new(PAGES);
    double expected[PAGES] = { 0 };

    for (int i = 0; i < 5000; i++) {
        uint32_t written[PAGES];
        size_t nr = 0;

        for (uint32_t page = 0; page < PAGES; page++) {
            expected[page] *= 0.917004;
            if ((uint32_t)g_test_rand_int_range(0, PAGES) < page) {
                written[nr++] = page;
                expected[page] += 255 * (1 - 0.917004);
            }
        }
        heat_pages(heat, written, nr);
        for (uint32_t page = 0; page < PAGES; page++) {
            g_assert_cmpfloat_with_epsilon(raminate_heat_get(heat, page),
                                           expected[page], 1.5);
        }
    }
    raminate_heat_free(heat);
}

static void test_stays_cold_when_stamps_wrap(void)
{
    RaminateHeat *heat = raminate_heat_new(3);

    for (int i = 0; i < 100; i++) {
        scan(heat, 1);
    }
    idle(heat, 200);
    for (int i = 0; i < 3 * 65536; i++) {
        idle(heat, 1);
        g_assert_cmpuint(raminate_heat_get(heat, 1), ==, 0);
    }
    raminate_heat_free(heat);
}

static void test_warm_page_survives_the_wrap(void)
{
    RaminateHeat *heat = raminate_heat_new(1);

    for (int i = 0; i < 2 * 65536 + 100; i++) {
        scan(heat, 0);
        if (i > 1000) {
            g_assert_cmpuint(raminate_heat_get(heat, 0), ==,
                             RAMINATE_HEAT_MAX);
        }
    }
    raminate_heat_free(heat);
}

/* Heat of a page by the scans that found it written, an age ago each */
typedef struct Model {
    uint32_t heat;
    uint32_t last;
} Model;

/* As heat.c has it, without an end to how old a stamp may be */
static uint32_t decay(uint32_t heat, uint32_t age)
{
    static const uint32_t factor[] = {
        65536, 60097, 55109, 50535, 46341, 42495, 38968, 35734,
    };

    return age < 128 ? (heat * factor[age % 8] >> 16) >> (age / 8) : 0;
}

/*
 * Bursts over some regions with long silence between them, through two wraps
 * of the stamps
 */
static void test_random_against_array(void)
{
    enum { PAGES = 3000, SCANS = 140000 };
    RaminateHeat *heat = raminate_heat_new(PAGES);
    g_autofree Model *model = g_new0(Model, PAGES);
    g_autofree uint32_t *written = g_new(uint32_t, PAGES);

    for (uint32_t scan = 1; scan <= SCANS; scan++) {
        uint32_t first = scan / 300 % 12 * 250;
        uint32_t page;
        size_t nr = 0;

        for (page = first; scan % 300 < 20 && page < first + 250; page++) {
            if (g_test_rand_int_range(0, 4) == 0) {
                Model *m = &model[page];
                uint32_t now = decay(m->heat, scan - 1 - m->last);

                m->heat = 65535 - decay(65535 - now, 1);
                m->last = scan;
                written[nr++] = page;
            }
        }
        heat_pages(heat, written, nr);
        for (int i = 0; i < 20; i++) {
            uint32_t region;

            page = g_test_rand_int_range(0, PAGES);
            region = page / RAMINATE_REGION_PAGES;
            g_assert_cmpuint(raminate_heat_get(heat, page), ==,
                             decay(model[page].heat,
                                   scan - model[page].last) >> 8);
            if (raminate_heat_is_cold(heat, region)) {
                g_assert_cmpuint(raminate_heat_get(heat, page), ==, 0);
            }
        }
    }
    raminate_heat_free(heat);
}

static void test_region_is_cold(void)
{
    RaminateHeat *heat = raminate_heat_new(2 * RAMINATE_REGION_PAGES);

    g_assert_true(raminate_heat_is_cold(heat, 0));
    scan(heat, RAMINATE_REGION_PAGES);
    g_assert_true(raminate_heat_is_cold(heat, 0));
    g_assert_false(raminate_heat_is_cold(heat, 1));
    idle(heat, RAMINATE_HEAT_LINGER);
    g_assert_true(raminate_heat_is_cold(heat, 1));
    raminate_heat_free(heat);
}

static void test_memory(void)
{
    /* 64 GiB, of which 1 GiB is written here and there */
    uint32_t nr_pages = 1u << 24;
    uint32_t written = 1u << 18;
    uint32_t chunk = RAMINATE_HEAT_BYTES_PER_PAGE * RAMINATE_REGION_PAGES;
    g_autofree uint32_t *pages = g_new(uint32_t, written);
    RaminateHeat *heat;
    size_t before;

    if (!memory_use_is_known()) {
        return;
    }
    for (uint32_t i = 0; i < written; i++) {
        pages[i] = i / RAMINATE_REGION_PAGES * 64 * RAMINATE_REGION_PAGES +
                   i % RAMINATE_REGION_PAGES;
    }
    heat = raminate_heat_new(nr_pages);
    before = memory_allocated();
    heat_pages(heat, pages, written);
    g_assert_cmpuint(memory_allocated() - before, >=,
                     written / RAMINATE_REGION_PAGES * chunk);
    g_assert_cmpuint(memory_allocated() - before, <,
                     written / RAMINATE_REGION_PAGES * (chunk + 64) +
                     MEMORY_USE_SLACK);
    idle(heat, RAMINATE_HEAT_LINGER);
    g_assert_cmpuint(memory_allocated(), <, before + MEMORY_USE_SLACK);
    raminate_heat_free(heat);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/heat/parts", test_parts);
    g_test_add_func("/heat/begins-cold", test_begins_cold);
    g_test_add_func("/heat/one-write-warms-only-its-page", test_one_write);
    g_test_add_func("/heat/reads-count-where-they-cost",
                    test_reads_count_where_they_cost);
    g_test_add_func("/heat/page-written-in-every-scan-is-hottest",
                    test_always_written);
    g_test_add_func("/heat/halves-every-half-life", test_half_life);
    g_test_add_func("/heat/decays-every-scan", test_decays_every_scan);
    g_test_add_func("/heat/page-written-in-every-second-scan-is-half-hot",
                    test_every_second_scan);
    g_test_add_func("/heat/random-writes-agree-with-floating-point",
                    test_random_against_doubles);
    g_test_add_func("/heat/cold-page-stays-cold-when-stamps-wrap",
                    test_stays_cold_when_stamps_wrap);
    g_test_add_func("/heat/warm-page-stays-warm-when-stamps-wrap",
                    test_warm_page_survives_the_wrap);
    g_test_add_func("/heat/random-bursts-agree-with-an-array",
                    test_random_against_array);
    g_test_add_func("/heat/region-not-written-lately-is-cold",
                    test_region_is_cold);
    g_test_add_func("/heat/memory-of-cold-regions-is-given-back",
                    test_memory);
    return g_test_run();
}
