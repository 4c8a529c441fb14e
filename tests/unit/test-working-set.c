/*
 * RAMinate: how much of the guest's memory is used, and how evenly
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "found.h"
#include "hw/raminate/engine/working-set.h"

#define MINUTE 60000
#define ALL 1000

static RaminateWorkingSet *new_set(void)
{
    return raminate_working_set_new(ALL, RAMINATE_WRITTEN);
}

/* A scan finds @nr pages from @first on. */
static void find(RaminateWorkingSet *set, int64_t now, uint32_t first,
                 uint32_t nr)
{
    g_autofree uint32_t *pages = g_new(uint32_t, nr);
    g_autoptr(Found) found = NULL;

    for (uint32_t i = 0; i < nr; i++) {
        pages[i] = first + i;
    }
    found = found_written(pages, nr);
    raminate_working_set_add(set, now, found);
}

static void test_windows(void)
{
    RaminateWorkingSet *set = new_set();
    int64_t start = 12345678;

    g_assert_cmpint(raminate_working_set_age(set, start), ==, 0);
    g_assert_cmpuint(raminate_working_set_pages(set, start, MINUTE), ==, 0);
    g_assert_cmpuint(raminate_working_set_each(set), ==, 1);
    find(set, start, 0, 100);
    find(set, start + 50 * 1000, 50, 100);
    g_assert_cmpint(raminate_working_set_age(set, start + 500), ==, 500);
    g_assert_cmpuint(raminate_working_set_pages(set, start + 59 * 1000,
                                                MINUTE), ==, 150);
    g_assert_cmpuint(raminate_working_set_pages(set, start + MINUTE, MINUTE),
                     ==, 100);
    g_assert_cmpuint(raminate_working_set_pages(set, start + 5 * MINUTE,
                                                MINUTE), ==, 0);
    g_assert_cmpuint(raminate_working_set_pages(set, start + 5 * MINUTE,
                                                10 * MINUTE), ==, 150);
    raminate_working_set_free(set);
}

static void test_only_what_counts(void)
{
    RaminateWorkingSet *set = new_set();
    const uint32_t pages[] = { 1, 2, 3 };
    RaminateSample read = { .kinds = RAMINATE_ACCESSED };

    raminate_sample_add_pages(&read, pages, G_N_ELEMENTS(pages),
                              RAMINATE_READ);
    raminate_working_set_add(set, 0, &read);
    g_assert_cmpuint(raminate_working_set_pages(set, 0, MINUTE), ==, 0);
    raminate_working_set_free(set);
    set = raminate_working_set_new(ALL, RAMINATE_ACCESSED);
    raminate_working_set_add(set, 0, &read);
    g_assert_cmpuint(raminate_working_set_pages(set, 0, MINUTE), ==, 3);
    raminate_working_set_free(set);
    raminate_sample_destroy(&read);
}

static void assert_enough(const RaminateWorkingSet *set, int64_t now,
                          uint64_t half, uint64_t most, uint64_t all)
{
    static const unsigned shares[] = { 50, 90, 100 };
    uint64_t pages[G_N_ELEMENTS(shares)];

    raminate_working_set_enough(set, now, shares, G_N_ELEMENTS(shares), pages);
    g_assert_cmpuint(pages[0], ==, half);
    g_assert_cmpuint(pages[1], ==, most);
    g_assert_cmpuint(pages[2], ==, all);
}

static void test_enough(void)
{
    RaminateWorkingSet *set = new_set();

    assert_enough(set, 0, 0, 0, 0);
    /* 10 pages have 100 finds each at once, and 100 more have one. */
    for (int i = 0; i < 100; i++) {
        find(set, 0, 0, 10);
    }
    assert_enough(set, 0, 5, 9, 10);
    find(set, 0, 200, 100);
    assert_enough(set, 0, 6, 10, 110);
    /* Nine half-lives on, others are found as often as those were. */
    for (int i = 0; i < 100; i++) {
        find(set, 90 * MINUTE, 500, 10);
    }
    assert_enough(set, 90 * MINUTE, 6, 10, 120);
    find(set, 90 * MINUTE, 0, 10);
    assert_enough(set, 90 * MINUTE, 6, 10, 120);
    raminate_working_set_free(set);
}

static void test_granules(void)
{
    static const struct {
        uint32_t pages;
        uint32_t each;
    } sizes[] = {
        { 1, 1 }, { 32768, 1 }, { 32769, 2 }, { 1 << 28, 8192 },
        { UINT32_MAX, 131072 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        RaminateWorkingSet *set = raminate_working_set_new(sizes[i].pages,
                                                           RAMINATE_WRITTEN);

        g_assert_cmpuint(raminate_working_set_each(set), ==, sizes[i].each);
        raminate_working_set_free(set);
    }
}

/* Sizes of guests, and runs that go over blocks */
static void test_some_stand_for_all(void)
{
    for (unsigned bits = 14; bits <= 31; bits++) {
        uint32_t nr_pages = (UINT32_C(1) << bits) + 12345;
        RaminateWorkingSet *set = raminate_working_set_new(nr_pages,
                                                           RAMINATE_WRITTEN);
        uint32_t each = raminate_working_set_each(set);
        RaminateSample sample = { .kinds = RAMINATE_WRITTEN };
        /* A quarter of memory in one piece, but no more than can be listed */
        uint32_t nr = MIN(nr_pages / 4, 1 << 22) & ~63;

        for (uint32_t page = 0; page < nr; page += 64) {
            raminate_sample_add_word(&sample, nr_pages / 2 / 64 * 64 + page,
                                     UINT64_MAX, RAMINATE_WRITTEN);
        }
        raminate_working_set_add(set, 0, &sample);
        g_assert_cmpfloat_with_epsilon(
            raminate_working_set_pages(set, 0, MINUTE), nr, 2.0 * each);
        raminate_sample_destroy(&sample);
        raminate_working_set_free(set);
    }
}

/* What is at the same place of each block is found as often as it is there. */
static void test_patterns_are_no_trap(void)
{
    uint32_t nr_pages = 1 << 25;
    RaminateWorkingSet *set = raminate_working_set_new(nr_pages,
                                                       RAMINATE_WRITTEN);
    RaminateSample sample = { .kinds = RAMINATE_WRITTEN };

    for (uint32_t page = 0; page < nr_pages; page += 512) {
        for (uint32_t word = 0; word < 128; word += 64) {
            raminate_sample_add_word(&sample, page + word, UINT64_MAX,
                                     RAMINATE_WRITTEN);
        }
    }
    raminate_working_set_add(set, 0, &sample);
    g_assert_cmpfloat_with_epsilon(
        raminate_working_set_pages(set, 0, MINUTE) / (double)nr_pages, 0.25,
        0.01);
    raminate_sample_destroy(&sample);
    raminate_working_set_free(set);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/working-set/windows", test_windows);
    g_test_add_func("/working-set/only-what-counts", test_only_what_counts);
    g_test_add_func("/working-set/enough", test_enough);
    g_test_add_func("/working-set/granules", test_granules);
    g_test_add_func("/working-set/some-stand-for-all",
                    test_some_stand_for_all);
    g_test_add_func("/working-set/patterns-are-no-trap",
                    test_patterns_are_no_trap);
    return g_test_run();
}
