/*
 * The traffic plugin's options, and what it counts for pools and pages
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <string.h>

#include "tools/traffic/memory.h"
#include "tools/traffic/options.h"

#define MIB ((uint64_t)1 << 20)

static Options *parse(const char *text, GError **error)
{
    g_auto(GStrv) words = g_strsplit(text, ",", -1);

    return options_parse(g_strv_length(words), words, error);
}

static void test_options(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Options) options = parse("dram=0+1M,csv=x", &error);
    g_autoptr(Options) others = NULL;

    g_assert_no_error(error);
    g_assert_cmpuint(options->cache_size, ==, 20 * MIB);
    g_assert_cmpuint(options_nr_sets(options), ==, 16384);
    g_assert_cmpuint(options->period_ms, ==, 1000);
    g_assert_false(options->swaps || options->flush || options->accesses);

    others = parse("cache=0x80000,ways=16,line=128,a=1G+4K;2G+1M,b=0+64K,"
                   "instructions=5M,swaps=on,flush=on,accesses=on,record=y", &error);
    g_assert_no_error(error);
    g_assert_cmpuint(options_nr_sets(others), ==, 256);
    g_assert_cmpuint(others->instructions, ==, 5 * MIB);
    g_assert_true(others->swaps && others->flush && others->accesses &&
                  !others->csv);
    g_assert_cmpuint(others->pools->pools->len, ==, 2);
}

static void test_bad_options(void)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        { "csv=x", "there is no pool" },
        { "a=0+1M", "there is no file to write to" },
        { "a=0+1M,csv=x,accesses=on", "accesses=on is for recordings" },
        { "a=0+1M,csv=x,ways=0", "ways=0 is no number from 1 to 64" },
        { "a=0+1M,csv=x,ways=65", "ways=65 is no number" },
        { "a=0+1M,csv=x,ways=16", "power of two" },
        { "a=0+1M,csv=x,cache=20M,line=96", "line=96 is no power of two" },
        { "a=0+1M,csv=x,cache=2T", "cache=2T is no number" },
        { "a=0+1M,csv=x,cache=", "cache= is no number" },
        { "a=0+1M,csv=x,cache=99999999999G", "is no number" },
        { "a=0+1M,csv=x,period=0", "period=0 is no number" },
        { "a=0+1M,csv=x,swaps=maybe", "swaps=maybe is neither on nor off" },
        { "a=0+1M,csv=x,perod=100", "perod=100 is neither" },
        { "a=0+1M,csv=x,perod=100", "nor a pool: '100' is no range" },
        { "a=0+1M,b=512K+1M,csv=x", "overlaps range 0x0 of pool 'a'" },
        { "a=0+1M,a=2M+1M,csv=x", "'a' is there already" },
        { "other=0+1M,csv=x", "can't be called other" },
        { "a=0+1000,csv=x", "'1000' is no size" },
        { "a,csv=x", "nor a pool: pool 'a' has neither ranges nor nodes" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(parse(cases[i].text, &error));
        g_test_message("%s: %s", cases[i].text, error->message);
        g_assert_nonnull(strstr(error->message, cases[i].message));
    }
}

static void test_pools(void)
{
    g_autoptr(Options) options = parse("b=8M+1M;1M+1M,a=4M+2M,csv=x", NULL);
    Memory *memory = memory_new(options->pools, 2, false, false);
    MemoryTraffic traffic[3];

    memory_count_read(memory, 0, 1 * MIB);
    memory_count_read(memory, 1, 2 * MIB - 1);
    memory_count_read(memory, 1, 2 * MIB);
    memory_count_written(memory, 0, 8 * MIB, false);
    memory_count_written(memory, 1, 9 * MIB - 1, true);
    memory_count_written(memory, 1, 6 * MIB - 1, true);
    memory_count_written(memory, 1, 1 * MIB - 1, false);
    memory_sum(memory, traffic);
    g_assert_cmpuint(memory_nr_pools(memory), ==, 2);
    g_assert_cmpuint(traffic[0].read, ==, 2);
    g_assert_cmpuint(traffic[0].written, ==, 2);
    g_assert_cmpuint(traffic[0].swap_written, ==, 1);
    g_assert_cmpuint(traffic[1].read, ==, 0);
    g_assert_cmpuint(traffic[1].written, ==, 1);
    g_assert_cmpuint(traffic[1].swap_written, ==, 1);
    g_assert_cmpuint(traffic[2].read, ==, 1);
    g_assert_cmpuint(traffic[2].written, ==, 1);
    g_assert_cmpuint(traffic[2].swap_written, ==, 0);
    memory_free(memory);
}

static void check_page(Memory *memory, uint64_t address, uint32_t page)
{
    g_autoptr(GArray) pages = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    g_autoptr(GArray) written = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    g_autoptr(GArray) read = g_array_new(FALSE, FALSE, sizeof(uint32_t));

    memory_count_written(memory, 0, address, false);
    memory_count_written(memory, 0, address, false);
    memory_count_read(memory, 0, address + 64);
    memory_take_pages(memory, pages, written, read);
    g_assert_cmpuint(pages->len, ==, 1);
    g_assert_cmpuint(g_array_index(pages, uint32_t, 0), ==, page);
    g_assert_cmpuint(g_array_index(written, uint32_t, 0), ==, 2);
    g_assert_cmpuint(g_array_index(read, uint32_t, 0), ==, 1);

    g_array_set_size(pages, 0);
    memory_take_pages(memory, pages, written, read);
    g_assert_cmpuint(pages->len, ==, 0);
}

static void test_pages(void)
{
    g_autoptr(Options) options = parse("b=8M+1M;1M+1M,a=4M+2M,csv=x", NULL);
    Memory *memory = memory_new(options->pools, 1, true, true);

    g_assert_cmpuint(memory_first_page(memory, 0), ==, 0);
    g_assert_cmpuint(memory_first_page(memory, 1), ==, 512);
    g_assert_cmpuint(memory_first_page(memory, 2), ==, 1024);
    check_page(memory, 1 * MIB, 0);
    check_page(memory, 2 * MIB - 100, 255);
    check_page(memory, 8 * MIB, 256);
    check_page(memory, 4 * MIB + 4096, 513);
    check_page(memory, 6 * MIB - 100, 1023);
    memory_free(memory);
}

static void accessed_are(Memory *memory, uint32_t first, uint32_t second)
{
    g_autoptr(GArray) pages = g_array_new(FALSE, FALSE, sizeof(uint32_t));

    memory_take_accessed(memory, pages);
    g_assert_cmpuint(pages->len, ==, 2);
    g_assert_cmpuint(g_array_index(pages, uint32_t, 0), ==, first);
    g_assert_cmpuint(g_array_index(pages, uint32_t, 1), ==, second);
    g_array_set_size(pages, 0);
    memory_take_accessed(memory, pages);
    g_assert_cmpuint(pages->len, ==, 0);
}

static void test_accesses(void)
{
    g_autoptr(Options) options = parse("b=8M+1M;1M+1M,a=4M+2M,record=x", NULL);
    Memory *memory = memory_new(options->pools, 1, true, true);

    memory_note_access(memory, 4 * MIB + 4096);
    memory_note_access(memory, 2 * MIB - 100);
    memory_note_access(memory, 2 * MIB - 200);
    /* In no pool */
    memory_note_access(memory, 2 * MIB);
    accessed_are(memory, 255, 513);
    memory_note_access(memory, 1 * MIB);
    memory_note_access(memory, 6 * MIB - 1);
    accessed_are(memory, 0, 1023);
    memory_free(memory);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/traffic/options-are-taken", test_options);
    g_test_add_func("/traffic/bad-options-are-refused", test_bad_options);
    g_test_add_func("/traffic/counts-by-pool", test_pools);
    g_test_add_func("/traffic/counts-by-page", test_pages);
    g_test_add_func("/traffic/accesses-are-noted-by-page", test_accesses);
    return g_test_run();
}
