/*
 * RAMinate: samples hold runs in order, and their union is right
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include "hw/raminate/engine/sample.h"

#define W RAMINATE_WRITTEN
#define R RAMINATE_READ

static void assert_runs(const RaminateSample *sample,
                        const RaminateRun *expected, size_t nr)
{
    const RaminateRun *next = expected;

    g_assert_cmpuint(sample->nr_runs, ==, nr);
    RAMINATE_SAMPLE_FOREACH(run, sample, RAMINATE_WRITTEN | RAMINATE_READ) {
        g_assert_cmpuint(run->first, ==, next->first);
        g_assert_cmpuint(run->nr, ==, next->nr);
        g_assert_cmpuint(run->kinds, ==, next->kinds);
        next++;
    }
}

#define ASSERT_RUNS(sample, ...) do {                                   \
        static const RaminateRun runs_[] = { __VA_ARGS__ };             \
        assert_runs(sample, runs_, G_N_ELEMENTS(runs_));                \
    } while (0)

static void test_empty(void)
{
    RaminateSample sample = {};
    RaminateSample other = {};
    RaminateSample both = {};

    raminate_sample_add_word(&sample, 0, 0, W);
    assert_runs(&sample, NULL, 0);
    g_assert_cmpuint(raminate_sample_find(&sample, 0), ==, 0);
    raminate_sample_merge(&both, &sample, &other);
    assert_runs(&both, NULL, 0);
    /* Nothing found, nothing taken. */
    g_assert_null(sample.runs);
    g_assert_null(both.runs);
}

static void test_bits_become_runs(void)
{
    RaminateSample sample = {};

    raminate_sample_add_word(&sample, 64, 0xf000000000000071, W);
    ASSERT_RUNS(&sample, { 64, 1, W }, { 68, 3, W }, { 124, 4, W });
    g_assert_cmpuint(sample.nr_pages, ==, 8);
    raminate_sample_destroy(&sample);
}

static void test_touching_words_join(void)
{
    RaminateSample sample = {};

    raminate_sample_add_word(&sample, 0, UINT64_MAX, W);
    raminate_sample_add_word(&sample, 64, UINT64_MAX, W);
    raminate_sample_add_word(&sample, 128, 1, W);
    ASSERT_RUNS(&sample, { 0, 129, W });
    raminate_sample_destroy(&sample);
}

static void test_other_kinds_do_not_join(void)
{
    RaminateSample sample = {};

    raminate_sample_add_word(&sample, 0, UINT64_MAX, W);
    raminate_sample_add_word(&sample, 64, 3, R);
    raminate_sample_add_word(&sample, 66, 1, W | R);
    ASSERT_RUNS(&sample, { 0, 64, W }, { 64, 2, R }, { 66, 1, W | R });
    raminate_sample_destroy(&sample);
}

static void test_no_run_leaves_its_region(void)
{
    RaminateSample sample = {};

    for (uint32_t page = 0; page < 2 * RAMINATE_REGION_PAGES; page += 64) {
        raminate_sample_add_word(&sample, page, UINT64_MAX, W);
    }
    ASSERT_RUNS(&sample, { 0, 512, W }, { 512, 512, W });
    raminate_sample_destroy(&sample);

    /* A word may begin anywhere. */
    raminate_sample_add_word(&sample, 500, 0xff0ff, W);
    ASSERT_RUNS(&sample, { 500, 8, W }, { 512, 8, W });
    raminate_sample_clear(&sample);
    raminate_sample_add_word(&sample, 500, UINT64_MAX, W);
    ASSERT_RUNS(&sample, { 500, 12, W }, { 512, 52, W });
    raminate_sample_destroy(&sample);
}

static void test_last_page_of_all(void)
{
    RaminateSample sample = {};
    RaminateSample nothing = {};
    RaminateSample both = {};

    raminate_sample_add_word(&sample, UINT32_MAX - 63, 1ull << 63 | 1, R);
    ASSERT_RUNS(&sample, { UINT32_MAX - 63, 1, R }, { UINT32_MAX, 1, R });
    raminate_sample_merge(&both, &sample, &nothing);
    ASSERT_RUNS(&both, { UINT32_MAX - 63, 1, R }, { UINT32_MAX, 1, R });
    g_assert_cmpuint(raminate_sample_find(&both, UINT32_MAX), ==, R);
    raminate_sample_destroy(&sample);
    raminate_sample_destroy(&both);
}

static void test_union(void)
{
    RaminateSample a = { .kinds = W };
    RaminateSample b = { .kinds = W | R };
    RaminateSample both = {};

    /* Apart, overlapping, within one another, the same, touching */
    raminate_sample_add_word(&a, 0, 0x1, W);
    raminate_sample_add_word(&b, 8, 0x1, W);
    raminate_sample_add_word(&a, 64, 0x0f, W);
    raminate_sample_add_word(&b, 64, 0x3c, R);
    raminate_sample_add_word(&a, 128, 0xff, W);
    raminate_sample_add_word(&b, 128, 0x18, W | R);
    raminate_sample_add_word(&a, 192, 0xff, W);
    raminate_sample_add_word(&b, 192, 0xff, W);
    raminate_sample_add_word(&a, 256, 0x3, R);
    raminate_sample_add_word(&b, 256, 0xc, R);
    raminate_sample_merge(&both, &a, &b);
    ASSERT_RUNS(&both,
                { 0, 1, W }, { 8, 1, W },
                { 64, 2, W }, { 66, 2, W | R }, { 68, 2, R },
                { 128, 3, W }, { 131, 2, W | R }, { 133, 3, W },
                { 192, 8, W },
                { 256, 4, R });
    g_assert_cmpuint(both.nr_pages, ==, 28);
    g_assert_cmpuint(both.kinds, ==, W | R);
    raminate_sample_destroy(&a);
    raminate_sample_destroy(&b);
    raminate_sample_destroy(&both);
}

#define RANDOM_PAGES 4096

/* Fills @sample at random, and notes in @kinds what is in it. */
static void fill_at_random(RaminateSample *sample, GRand *rand,
                           uint8_t *kinds)
{
    raminate_sample_clear(sample);
    for (uint32_t page = 0; page < RANDOM_PAGES; page += 64) {
        uint64_t bits = (uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand);
        unsigned kind = g_rand_int_range(rand, 1, 4);

        switch (g_rand_int_range(rand, 0, 4)) {
        case 0:
            bits = 0;
            break;
        case 1:
            bits = UINT64_MAX;
            break;
        case 2:
            bits &= bits << 1 & bits << 2;
            break;
        }
        raminate_sample_add_word(sample, page, bits, kind);
        for (unsigned i = 0; i < 64; i++) {
            kinds[page + i] |= bits >> i & 1 ? kind : 0;
        }
    }
}

static void assert_found(const RaminateSample *sample, const uint8_t *kinds)
{
    size_t nr_pages = 0;

    for (uint32_t page = 0; page < RANDOM_PAGES; page++) {
        g_assert_cmpuint(raminate_sample_find(sample, page), ==, kinds[page]);
        nr_pages += kinds[page] != 0;
    }
    g_assert_cmpuint(sample->nr_pages, ==, nr_pages);
    for (size_t i = 0; i < sample->nr_runs; i++) {
        const RaminateRun *run = &sample->runs[i];

        g_assert_cmpuint(run->first % RAMINATE_REGION_PAGES + run->nr, <=,
                         RAMINATE_REGION_PAGES);
        if (i && run->first % RAMINATE_REGION_PAGES &&
            run->first == run[-1].first + run[-1].nr) {
            g_assert_cmpuint(run->kinds, !=, run[-1].kinds);
        }
    }
}

static void test_random(void)
{
    GRand *rand = g_rand_new_with_seed(1);
    RaminateSample a = {};
    RaminateSample b = {};
    RaminateSample both = {};

    for (unsigned round = 0; round < 100; round++) {
        uint8_t kinds_a[RANDOM_PAGES] = {};
        uint8_t kinds_b[RANDOM_PAGES] = {};

        fill_at_random(&a, rand, kinds_a);
        fill_at_random(&b, rand, kinds_b);
        assert_found(&a, kinds_a);
        for (uint32_t page = 0; page < RANDOM_PAGES; page++) {
            kinds_b[page] |= kinds_a[page];
        }
        raminate_sample_merge(&both, &a, &b);
        assert_found(&both, kinds_b);
    }
    raminate_sample_destroy(&a);
    raminate_sample_destroy(&b);
    raminate_sample_destroy(&both);
    g_rand_free(rand);
}

/* Parts make up the whole, in its order, none much larger than asked for. */
static void test_parts(void)
{
    RaminateSample sample = { .kinds = RAMINATE_WRITTEN };
    const RaminateRun *next;
    size_t run = 0;
    size_t pages = 0;
    RaminateSample part = raminate_sample_part(&sample, &run, 8);

    g_assert_cmpuint(part.nr_runs, ==, 0);
    for (uint32_t first = 0; first < 100 * RAMINATE_REGION_PAGES;
         first += 3 * 64) {
        raminate_sample_add_word(&sample, first, UINT64_C(0xffff00ff),
                                 RAMINATE_WRITTEN);
    }
    next = sample.runs;
    while (run < sample.nr_runs) {
        part = raminate_sample_part(&sample, &run, 100);
        g_assert_true(part.runs == next);
        g_assert_cmpuint(part.kinds, ==, RAMINATE_WRITTEN);
        g_assert_cmpuint(part.nr_pages, >, 0);
        g_assert_cmpuint(part.nr_pages, <, 100 + RAMINATE_REGION_PAGES);
        next += part.nr_runs;
        pages += part.nr_pages;
    }
    g_assert_true(next == raminate_sample_end(&sample));
    g_assert_cmpuint(pages, ==, sample.nr_pages);
    raminate_sample_destroy(&sample);
}

/* Adds so many runs of one page. */
static void add_runs(RaminateSample *sample, uint32_t nr)
{
    for (uint32_t i = 0; i < nr; i++) {
        raminate_sample_add_word(sample, 2 * i, 1, W);
    }
}

static void test_memory_follows_what_was_in_it_lately(void)
{
    RaminateSample sample = { 0 };
    size_t most;

    g_assert_cmpuint(raminate_sample_memory(&sample), ==, 0);
    add_runs(&sample, 100000);
    most = raminate_sample_memory(&sample);
    g_assert_cmpuint(most, >=, 100000 * sizeof(RaminateRun));
    /* What comes back now and then finds its memory. */
    for (unsigned i = 1; i <= 100; i++) {
        raminate_sample_clear(&sample);
        if (i % 8 == 0) {
            add_runs(&sample, 100000);
        }
        g_assert_cmpuint(raminate_sample_memory(&sample), ==, most);
    }
    for (unsigned i = 0; i < 100; i++) {
        raminate_sample_clear(&sample);
        add_runs(&sample, 1000);
    }
    g_assert_cmpuint(raminate_sample_memory(&sample), <=,
                     2 * 1000 * sizeof(RaminateRun));
    for (unsigned i = 0; i < 100; i++) {
        raminate_sample_clear(&sample);
    }
    g_assert_cmpuint(raminate_sample_memory(&sample), ==, 0);
    add_runs(&sample, 5);
    g_assert_cmpuint(sample.nr_runs, ==, 5);
    raminate_sample_destroy(&sample);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sample/empty", test_empty);
    g_test_add_func("/sample/bits-become-runs", test_bits_become_runs);
    g_test_add_func("/sample/touching-words-join", test_touching_words_join);
    g_test_add_func("/sample/other-kinds-do-not-join",
                    test_other_kinds_do_not_join);
    g_test_add_func("/sample/no-run-leaves-its-region",
                    test_no_run_leaves_its_region);
    g_test_add_func("/sample/last-page-of-all", test_last_page_of_all);
    g_test_add_func("/sample/union", test_union);
    g_test_add_func("/sample/random", test_random);
    g_test_add_func("/sample/parts", test_parts);
    g_test_add_func("/sample/memory-follows-what-was-in-it-lately",
                    test_memory_follows_what_was_in_it_lately);
    return g_test_run();
}
