/*
 * RAMinate: a table by regions agrees with an array, and takes less memory
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

#include "hw/raminate/engine/regions.h"
#include "memory-use.h"

#define REGION(n) ((uint32_t)(n) << RAMINATE_REGION_BITS)

static void test_begins_empty(void)
{
    RaminateRegions *table = raminate_regions_new(REGION(3) + 1, 4);

    g_assert_cmpuint(table->nr_regions, ==, 4);
    g_assert_null(raminate_regions_get(table, 0));
    g_assert_null(raminate_regions_get(table, REGION(3)));
    g_assert_cmpuint(raminate_regions_next(table, 0), ==, RAMINATE_NO_REGION);
    g_assert_cmpuint(raminate_regions_prev(table, 3), ==, RAMINATE_NO_REGION);
    raminate_regions_free(table);
}

static void test_needed_is_zero_and_kept(void)
{
    RaminateRegions *table = raminate_regions_new(REGION(4), 8);
    uint64_t *entry = raminate_regions_need(table, REGION(2) + 7);

    g_assert_cmpuint(*entry, ==, 0);
    *entry = 5;
    g_assert_true(raminate_regions_get(table, REGION(2) + 7) == entry);
    g_assert_true(raminate_regions_need(table, REGION(2) + 7) == entry);
    g_assert_null(raminate_regions_get(table, REGION(2)));
    g_assert_null(raminate_regions_get(table, REGION(1)));
    g_assert_true(raminate_regions_is_live(table, 2));
    g_assert_false(raminate_regions_is_live(table, 1));
    raminate_regions_free(table);
}

static void test_dense(void)
{
    RaminateRegions *table = raminate_regions_new_dense(REGION(4), 8);
    uint64_t *entry = raminate_regions_need(table, REGION(2) + 7);
    unsigned nr;

    g_assert_true((uint64_t *)raminate_regions_get(table, REGION(2)) ==
                  entry - 7);
    g_assert_true(raminate_regions_entries(table, 2, &nr) == entry - 7);
    g_assert_cmpuint(nr, ==, RAMINATE_REGION_PAGES);
    g_assert_null(raminate_regions_entries(table, 1, &nr));
    g_assert_cmpuint(nr, ==, 0);
    g_assert_cmpuint(raminate_regions_memory(table), ==,
                     RAMINATE_REGION_PAGES * 8);
    raminate_regions_free(table);
}

/* Fills an entry with a pattern of its page. */
static void put(uint8_t *entry, size_t size, uint32_t page)
{
    for (size_t i = 0; i < size; i++) {
        entry[i] = page * 7 + i + 1;
    }
}

static void check_entry(const uint8_t *entry, size_t size, uint32_t page)
{
    for (size_t i = 0; i < size; i++) {
        g_assert_cmpuint(entry[i], ==, (uint8_t)(page * 7 + i + 1));
    }
}

/* Numbers all pages of a region at random. */
static void shuffle(uint32_t *pages)
{
    for (uint32_t i = 0; i < RAMINATE_REGION_PAGES; i++) {
        uint32_t j = g_test_rand_int_range(0, i + 1);

        pages[i] = pages[j];
        pages[j] = i;
    }
}

/* Entries keep what is in them while others of their region are made. */
static void test_few_become_many(void)
{
    static const size_t sizes[] = { 1, 4, 20 };
    uint32_t pages[RAMINATE_REGION_PAGES];

    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        size_t size = sizes[i];
        RaminateRegions *table = raminate_regions_new(REGION(3), size);
        unsigned nr;

        shuffle(pages);
        for (unsigned made = 0; made < RAMINATE_REGION_PAGES; made++) {
            uint8_t *entry = raminate_regions_need(table,
                                                   REGION(1) + pages[made]);

            for (size_t at = 0; at < size; at++) {
                g_assert_cmpuint(entry[at], ==, 0);
            }
            put(entry, size, pages[made]);
            for (unsigned j = 0; j <= made; j++) {
                check_entry(raminate_regions_get(table, REGION(1) + pages[j]),
                            size, pages[j]);
            }
            raminate_regions_entries(table, 1, &nr);
            if (made < RAMINATE_FEW_ENTRIES) {
                g_assert_cmpuint(nr, ==, made + 1);
                g_assert_cmpuint(raminate_regions_memory(table), <=,
                                 16 + MAX(6, 2 * (made + 1)) * (size + 2));
            } else {
                g_assert_cmpuint(nr, ==, RAMINATE_REGION_PAGES);
                g_assert_cmpuint(raminate_regions_memory(table), ==,
                                 RAMINATE_REGION_PAGES * size);
            }
        }
        raminate_regions_drop(table, 1);
        g_assert_cmpuint(raminate_regions_memory(table), ==, 0);
        raminate_regions_free(table);
    }
}

/* Of regions with no entries, with some, and with one for each page */
static void test_next_page(void)
{
    enum { PAGES = REGION(40) + 5 };
    RaminateRegions *table = raminate_regions_new(PAGES, 4);
    g_autofree bool *has = g_new0(bool, PAGES);
    uint32_t next = RAMINATE_NO_PAGE;

    for (unsigned i = 0; i < 300; i++) {
        uint32_t page = g_test_rand_int_range(0, PAGES);

        if (page % 3) {
            page %= REGION(2);
        }
        raminate_regions_need(table, page);
    }
    for (uint32_t page = 0; page < PAGES; page++) {
        has[page] = raminate_regions_get(table, page);
    }
    g_assert_true(has[0] && has[REGION(1) - 1]);
    for (uint32_t page = PAGES; page-- > 0;) {
        next = has[page] ? page : next;
        g_assert_cmpuint(raminate_regions_next_page(table, page), ==, next);
    }
    g_assert_cmpuint(raminate_regions_next_page(table, PAGES), ==,
                     RAMINATE_NO_PAGE);
    g_assert_cmpuint(raminate_regions_next_page(table, UINT64_MAX), ==,
                     RAMINATE_NO_PAGE);
    raminate_regions_free(table);
}

static void test_last_page_of_all(void)
{
    uint32_t last = UINT32_MAX - 2;
    RaminateRegions *table = raminate_regions_new(last + 1, 1);

    raminate_regions_need(table, last);
    g_assert_cmpuint(raminate_regions_next_page(table, 0), ==, last);
    g_assert_cmpuint(raminate_regions_next_page(table, last), ==, last);
    g_assert_cmpuint(raminate_regions_next_page(table, last + 1), ==,
                     RAMINATE_NO_PAGE);
    g_assert_cmpuint(raminate_regions_next_page(table, UINT64_C(1) << 32), ==,
                     RAMINATE_NO_PAGE);
    raminate_regions_free(table);
}

static void test_last_release_gives_back(void)
{
    RaminateRegions *table = raminate_regions_new(REGION(2), 4);

    *(uint32_t *)raminate_regions_need(table, 3) = 1;
    raminate_regions_hold(table, 3);
    *(uint32_t *)raminate_regions_need(table, 4) = 1;
    raminate_regions_hold(table, 4);
    raminate_regions_release(table, 3);
    g_assert_nonnull(raminate_regions_get(table, 3));
    raminate_regions_release(table, 4);
    g_assert_null(raminate_regions_get(table, 3));
    g_assert_cmpuint(table->nr_live, ==, 0);
    /* And comes to life anew as zero. */
    g_assert_cmpuint(*(uint32_t *)raminate_regions_need(table, 4), ==, 0);
    raminate_regions_free(table);
}

static void test_drop_of_nothing(void)
{
    RaminateRegions *table = raminate_regions_new(REGION(2), 4);

    raminate_regions_drop(table, 1);
    g_assert_cmpuint(table->nr_live, ==, 0);
    raminate_regions_free(table);
}

static void check_order(const RaminateRegions *table, const bool *live,
                        uint32_t from)
{
    uint32_t next = from, prev = MIN(from, table->nr_regions - 1);

    while (next < table->nr_regions && !live[next]) {
        next++;
    }
    while (prev != UINT32_MAX && !live[prev]) {
        prev--;
    }
    g_assert_cmpuint(raminate_regions_next(table, from), ==,
                     next < table->nr_regions ? next : RAMINATE_NO_REGION);
    g_assert_cmpuint(raminate_regions_prev(table, from), ==,
                     prev != UINT32_MAX ? prev : RAMINATE_NO_REGION);
}

/* Sparse enough for words and words of words that are empty */
static void test_random_order(void)
{
    uint32_t sizes[] = { 1, 63, 64, 65, 4096, 4097, 20000 };

    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        uint32_t nr = sizes[i];
        RaminateRegions *table = raminate_regions_new(REGION(nr), 1);
        g_autofree bool *live = g_new0(bool, nr);

        for (int step = 0; step < 1000; step++) {
            uint32_t region = g_test_rand_int_range(0, nr);

            if (table->nr_live > 3 || live[region]) {
                region = raminate_regions_next(table, region);
                region = region == RAMINATE_NO_REGION
                         ? raminate_regions_next(table, 0) : region;
                raminate_regions_drop(table, region);
                live[region] = false;
            } else {
                raminate_regions_need(table, REGION(region));
                live[region] = true;
            }
            check_order(table, live, g_test_rand_int_range(0, nr));
            check_order(table, live, 0);
            check_order(table, live, nr - 1);
        }
        check_order(table, live, nr + 1000);
        check_order(table, live, UINT32_MAX);
        raminate_regions_free(table);
    }
}

static void test_random_against_array(void)
{
    enum { PAGES = 5000 };
    RaminateRegions *table = raminate_regions_new(PAGES, sizeof(uint32_t));
    uint32_t model[PAGES] = { 0 };

    for (int i = 0; i < 100000; i++) {
        uint32_t page = g_test_rand_int_range(0, PAGES);
        uint32_t *entry;

        /* Less and less, so that regions die */
        if (g_test_rand_int_range(0, 100000) > i) {
            entry = raminate_regions_need(table, page);
            g_assert_cmpuint(*entry, ==, model[page]);
            if (!model[page]) {
                raminate_regions_hold(table, page);
            }
            *entry = model[page] = i + 1;
            continue;
        }
        entry = raminate_regions_get(table, page);
        g_assert_cmpuint(entry ? *entry : 0, ==, model[page]);
        if (model[page]) {
            *entry = model[page] = 0;
            raminate_regions_release(table, page);
        }
    }
    for (uint32_t page = 0; page < PAGES; page++) {
        if (model[page]) {
            *(uint32_t *)raminate_regions_get(table, page) = 0;
            raminate_regions_release(table, page);
        }
    }
    g_assert_cmpuint(table->nr_live, ==, 0);
    raminate_regions_free(table);
}

static void test_terabyte(void)
{
    RaminateRegions *table;
    size_t before;

    if (!memory_use_is_known()) {
        return;
    }
    before = memory_resident();
    table = raminate_regions_new(1u << 28, 20);
    raminate_regions_need(table, (1u << 28) - 1);
    g_assert_cmpuint(raminate_regions_next(table, 0), ==, (1u << 19) - 1);
    g_assert_cmpuint(raminate_regions_prev(table, UINT32_MAX), ==,
                     (1u << 19) - 1);
    g_assert_cmpuint(memory_resident() - before, <, 1 << 20);
    raminate_regions_free(table);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/regions/begins-empty", test_begins_empty);
    g_test_add_func("/regions/needed-entry-is-zero-and-stays",
                    test_needed_is_zero_and_kept);
    g_test_add_func("/regions/dense-table-has-arrays", test_dense);
    g_test_add_func("/regions/entries-stay-while-few-become-many",
                    test_few_become_many);
    g_test_add_func("/regions/next-page-with-an-entry", test_next_page);
    g_test_add_func("/regions/last-page-of-all", test_last_page_of_all);
    g_test_add_func("/regions/last-release-gives-the-chunk-back",
                    test_last_release_gives_back);
    g_test_add_func("/regions/dropping-a-dead-region-is-fine",
                    test_drop_of_nothing);
    g_test_add_func("/regions/next-and-previous-agree-with-an-array",
                    test_random_order);
    g_test_add_func("/regions/random-entries-agree-with-an-array",
                    test_random_against_array);
    g_test_add_func("/regions/a-terabyte-takes-next-to-no-memory",
                    test_terabyte);
    return g_test_run();
}
