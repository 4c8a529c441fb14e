/*
 * RAMinate: files of pools are understood, and mistakes are shown by line
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "backends/pools.h"

#define GIB (UINT64_C(1) << 30)

static RaminatePools *parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    RaminatePools *pools = raminate_pools_parse(text, "f", &error);

    g_assert_no_error(error);
    return pools;
}

static void refuse(const char *text, const char *message)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(raminate_pools_parse(text, "f", &error));
    g_assert_error(error, RAMINATE_POOLS_ERROR, 0);
    g_assert_cmpstr(error->message, ==, message);
}

static void test_file(void)
{
    g_autoptr(RaminatePools) pools = parse(
        "# comment\n"
        "\n"
        "[pool dram]\n"
        "ranges=0x100000000+4G\n"
        "  [pool nvm-1]  \n"
        " ranges = 8G+512M ; 0x100000+4k;\n"
        "path=/dev/dax0.0\r\n"
        "[type small]\n"
        "dram=1G\n"
        "nvm-1=256M\n"
        "[type flat]\n"
        "nvm-1=4096");
    const RaminatePool *nvm = raminate_pools_find(pools, "nvm-1", NULL);
    const RaminateInstance *small =
        raminate_pools_find_instance(pools, "small", NULL);
    const RaminateRange *ranges = (RaminateRange *)nvm->ranges->data;
    const RaminatePoolPart *parts = (RaminatePoolPart *)small->parts->data;

    g_assert_cmpstr(raminate_pools_find(pools, "dram", NULL)->path, ==,
                    "/dev/mem");
    g_assert_cmpstr(nvm->path, ==, "/dev/dax0.0");
    g_assert_cmpuint(nvm->ranges->len, ==, 2);
    g_assert_cmphex(ranges[0].start, ==, 0x100000);
    g_assert_cmphex(ranges[0].size, ==, 4096);
    g_assert_cmphex(ranges[1].start, ==, 8 * GIB);
    g_assert_cmpuint(small->parts->len, ==, 2);
    g_assert_cmpstr(parts[0].pool->name, ==, "dram");
    g_assert_cmphex(parts[0].size, ==, GIB);
    g_assert_true(parts[1].pool == nvm);
}

static void test_empty_file(void)
{
    g_autoptr(RaminatePools) pools = parse("\n# nothing\n");
    g_autoptr(GError) error = NULL;

    g_assert_null(raminate_pools_find(pools, "x", &error));
    g_assert_cmpstr(error->message, ==, "there is no pool 'x', only: ");
}

static void test_unknown_names(void)
{
    g_autoptr(RaminatePools) pools =
        parse("[pool a]\nranges=0+4K\n[pool b]\nranges=4K+4K\n"
              "[type t]\na=4K\n");
    g_autoptr(GError) error = NULL;

    g_assert_null(raminate_pools_find(pools, "c", &error));
    g_assert_cmpstr(error->message, ==, "there is no pool 'c', only: a, b");
    g_clear_error(&error);
    g_assert_null(raminate_pools_find_instance(pools, "a", &error));
    g_assert_cmpstr(error->message, ==, "there is no type 'a', only: t");
}

static void test_nonsense(void)
{
    refuse("ranges=0+4K", "f:1: 'ranges' comes before any [pool NAME]");
    refuse("[pool a]\nranges=0+4K\nnonsense",
           "f:3: 'nonsense' is neither [GROUP] nor KEY=VALUE");
    refuse("\n[pool a", "f:2: '[pool a' has no ']' at the end");
    refuse("[pools a]", "f:1: '[pools a]' is no group; give [pool NAME] or "
           "[type NAME], a NAME of letters, digits, '-' and '_'");
    refuse("[pool a b]", "f:1: '[pool a b]' is no group; give [pool NAME] or "
           "[type NAME], a NAME of letters, digits, '-' and '_'");
    refuse("[]", "f:1: '[]' is no group; give [pool NAME] or [type NAME], a "
           "NAME of letters, digits, '-' and '_'");
    refuse("[", "f:1: '[' has no ']' at the end");
    refuse("[pool a]\nranges=0+4K\nsize=3",
           "f:3: a pool has no 'size'; there are path, ranges and nodes");
    refuse("[pool a]\npath=dev/mem", "f:2: path 'dev/mem' does not begin "
           "with '/'");
    refuse("\377\376", "f:1: this is not UTF-8");
}

static void test_what_is_missing_or_twice(void)
{
    refuse("\n[pool a]\n[pool b]\nranges=0+4K",
           "f:2: pool 'a' has neither ranges nor nodes");
    refuse("[pool a]\nranges=\n",
           "f:1: pool 'a' has neither ranges nor nodes");
    refuse("[pool a]\npath=/x\n\n",
           "f:1: pool 'a' has neither ranges nor nodes");
    refuse("[type t]\n", "f:1: type 't' has no pool");
    refuse("[pool a]\nranges=0+4K\n[pool a]\nranges=8K+4K",
           "f:3: pool 'a' is there already");
    refuse("[pool a]\nranges=0+4K\nranges=8K+4K",
           "f:3: pool 'a' has ranges already, in line 2; put them all in "
           "one, with ';' between");
    refuse("[pool a]\npath=/x\npath=/y", "f:3: pool 'a' has a path already");
    refuse("[type t]\na=1G",
           "f:2: type 't' names pool 'a', which is not in the lines before");
    refuse("[pool a]\nranges=0+4K\n[type t]\na=4K\na=4K",
           "f:5: type 't' names pool 'a' twice");
}

static void test_wrong_ranges(void)
{
    static const char *const no_ranges[] = {
        "0", "+4K", "x+4K", "0x+4K", "-1+4K", "0-4K", "0 +4K", "1G4K",
        "9999999999999999999999+4K", "0xffffffffffffffff+4K", "16E+4K",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(no_ranges); i++) {
        g_autofree char *text = g_strdup_printf("[pool a]\nranges=%s",
                                                no_ranges[i]);
        g_autofree char *message =
            g_strdup_printf("f:2: '%s' is no range; give START+SIZE, like "
                            "0x100000000+4G", no_ranges[i]);

        refuse(text, message);
    }
    refuse("[pool a]\nranges=1+4K",
           "f:2: range '1+4K' does not start at a multiple of 4096");
    refuse("[pool a]\nranges=0+4K;;8K+4K",
           "f:2: '' is no range; give START+SIZE, like 0x100000000+4G");
    refuse("[pool a]\nranges=0x7ffffffffffff000+4K",
           "f:2: range '0x7ffffffffffff000+4K' ends beyond the largest "
           "address");
}

static void test_wrong_sizes(void)
{
    static const char *const no_sizes[] = {
        "", "0", "1", "1000", "4KB", "1.5G", "99999999999T", "-4K",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(no_sizes); i++) {
        g_autofree char *text =
            g_strdup_printf("[pool a]\nranges=0+%s;", no_sizes[i]);
        g_autofree char *message =
            g_strdup_printf("f:2: '%s' is no size; give a multiple of 4096 "
                            "bytes, like 512M or 4G", no_sizes[i]);

        refuse(text, message);
    }
}

static void test_overlaps(void)
{
    refuse("[pool a]\nranges=0+8K;4K+4K",
           "f:2: range 0x1000 of pool 'a' overlaps range 0x0 of pool 'a' in "
           "line 2");
    refuse("[pool a]\nranges=0+8K\n[pool b]\n\nranges=1M+4K;4K+4K",
           "f:5: range 0x1000 of pool 'b' overlaps range 0x0 of pool 'a' in "
           "line 2");
    raminate_pools_free(parse("[pool a]\nranges=0+8K\n"
                              "[pool b]\nranges=8K+8K\n"
                              "[pool c]\npath=/x\nranges=0+8K\n"));
}

/* Nodes */

static void expect_nodes(const char *list, const unsigned *expected,
                         unsigned nr)
{
    g_autofree char *text = g_strdup_printf("[pool a]\nnodes=%s\n", list);
    g_autoptr(RaminatePools) pools = parse(text);
    const RaminatePool *pool = raminate_pools_find(pools, "a", NULL);

    g_assert_true(raminate_pool_has_nodes(pool));
    g_assert_cmpuint(pool->ranges->len, ==, 0);
    g_assert_cmpuint(pool->nodes->len, ==, nr);
    g_assert_cmpmem(pool->nodes->data, nr * sizeof(unsigned), expected,
                    nr * sizeof(unsigned));
}

/* They are taken in the order in which they are given. */
static void test_nodes(void)
{
    static const unsigned nodes[] = { 2, 3, 7, 0, 1023 };
    g_autoptr(RaminatePools) pools = parse(
        "[pool dram]\nnodes=0\n[pool cxl]\nnodes=2-3\n"
        "[pool nvm]\nranges=0+4K\n[type t]\ndram=4K\ncxl=8K\n");
    const RaminatePool *nvm = raminate_pools_find(pools, "nvm", NULL);

    g_assert_false(raminate_pool_has_nodes(nvm));
    expect_nodes("2", nodes, 1);
    expect_nodes("2,3", nodes, 2);
    expect_nodes("2-3", nodes, 2);
    expect_nodes(" 2-2 , 3,7,0 , 1023", nodes, 5);
}

static void test_wrong_nodes(void)
{
    static const char *const no_nodes[] = {
        "", ",", "2,", ",2", "2,,3", "x", "-1", "+1", "2-", "2-x", "3-2", "2 3",
        "2;3", "1024", "0-1024", "99999999999999999999", "0x2", "2-3-4", "all",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(no_nodes); i++) {
        g_autofree char *text = g_strdup_printf("[pool a]\nnodes=%s",
                                                no_nodes[i]);
        g_autofree char *message =
            g_strdup_printf("f:2: '%s' is no list of nodes; give numbers from "
                            "0 to 1023, like 2,3 or 2-5", no_nodes[i]);

        refuse(text, message);
    }
}

static void test_nodes_twice(void)
{
    refuse("[pool a]\nnodes=2,1-3",
           "f:2: node 2 of pool 'a' is in pool 'a' already, in line 2");
    refuse("[pool a]\nnodes=0,2\n[pool b]\nnodes=1\n[pool c]\n\nnodes=3,2",
           "f:7: node 2 of pool 'c' is in pool 'a' already, in line 2");
    refuse("[pool a]\nnodes=0\nnodes=1",
           "f:3: pool 'a' has nodes already, in line 2; put them all in one, "
           "with ',' between");
}

static void test_ranges_and_nodes(void)
{
    refuse("[pool a]\nranges=0+4K\nnodes=2",
           "f:3: pool 'a' is made of ranges, so it can't have nodes; make two "
           "pools of it");
    refuse("[pool a]\npath=/x\nnodes=2",
           "f:3: pool 'a' is made of ranges, so it can't have nodes; make two "
           "pools of it");
    refuse("[pool a]\nnodes=2\nranges=0+4K",
           "f:3: pool 'a' is made of nodes, so it can't have ranges; make two "
           "pools of it");
    refuse("[pool a]\nnodes=2\npath=/x",
           "f:3: pool 'a' is made of nodes, so it can't have path; make two "
           "pools of it");
    refuse("[pool a]\nnodes=2\n[pool b]\nranges=0+4K\n[type t]\na=4K\nb=4K",
           "f:7: one of the pools 'a' and 'b' of type 't' is made of nodes, "
           "the other of ranges; take pools of one kind");
}

static void test_file_is_read(void)
{
    g_autofree char *path = g_strdup_printf("%s/raminate-pools-%d",
                                            g_get_tmp_dir(), (int)getpid());
    g_autofree char *wrong = g_strdup_printf("%s:1: '1' is neither [GROUP] "
                                             "nor KEY=VALUE", path);
    g_autoptr(GError) error = NULL;

    g_setenv(RAMINATE_POOLS_VARIABLE, path, TRUE);
    g_assert_null(raminate_pools_load(&error));
    g_assert_error(error, RAMINATE_POOLS_ERROR, 0);
    g_clear_error(&error);

    g_assert_true(g_file_set_contents(path, "1", -1, NULL));
    g_assert_null(raminate_pools_load(&error));
    g_assert_cmpstr(error->message, ==, wrong);
    g_clear_error(&error);

    g_assert_true(g_file_set_contents(path, "\0[", 2, NULL));
    g_assert_null(raminate_pools_load(&error));
    g_assert_nonnull(strstr(error->message, "no text"));
    g_unlink(path);
}

/* First fit, in a pool of pages 0-9 and 20-24 */

typedef struct Taken {
    bool pages[32];
    unsigned tries;
    bool says_next;
} Taken;

static bool claim(uint64_t start, uint64_t size, uint64_t *next, void *opaque)
{
    Taken *taken = opaque;

    taken->tries++;
    for (uint64_t page = start / 4096; page < (start + size) / 4096; page++) {
        g_assert_true(page < 10 || (page >= 20 && page < 25));
        if (taken->pages[page]) {
            if (taken->says_next) {
                *next = (page + 1) * 4096;
            }
            return false;
        }
    }
    for (uint64_t page = start / 4096; page < (start + size) / 4096; page++) {
        taken->pages[page] = true;
    }
    return true;
}

/* Returns: the page that was taken, or -1. */
static int take(const RaminatePool *pool, unsigned pages, Taken *taken)
{
    uint64_t start;

    return raminate_pool_take(pool, pages * 4096, &start, claim, taken)
           ? (int)(start / 4096) : -1;
}

static void test_first_fit(void)
{
    g_autoptr(RaminatePools) pools = parse("[pool a]\nranges=80K+20K;0+40K");
    const RaminatePool *pool = raminate_pools_find(pools, "a", NULL);

    for (int says_next = 0; says_next < 2; says_next++) {
        Taken taken = { .says_next = says_next };

        g_assert_cmpint(take(pool, 4, &taken), ==, 0);
        g_assert_cmpint(take(pool, 3, &taken), ==, 4);
        g_assert_cmpint(take(pool, 4, &taken), ==, 20);
        g_assert_cmpint(take(pool, 4, &taken), ==, -1);
        g_assert_cmpint(take(pool, 3, &taken), ==, 7);
        g_assert_cmpint(take(pool, 1, &taken), ==, 24);
        g_assert_cmpint(take(pool, 1, &taken), ==, -1);
        memset(taken.pages + 2, 0, 3);
        g_assert_cmpint(take(pool, 4, &taken), ==, -1);
        g_assert_cmpint(take(pool, 3, &taken), ==, 2);
        g_assert_cmpint(take(pool, 11, &taken), ==, -1);
    }
}

static void test_no_wrap(void)
{
    g_autoptr(RaminatePools) pools = parse("[pool a]\nranges=0+40K");
    const RaminatePool *pool = raminate_pools_find(pools, "a", NULL);
    Taken taken = { .tries = 0 };
    uint64_t start;

    g_assert_false(raminate_pool_take(pool, UINT64_MAX - 4095, &start, claim,
                                      &taken));
    g_assert_cmpuint(taken.tries, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pools/file", test_file);
    g_test_add_func("/pools/empty-file", test_empty_file);
    g_test_add_func("/pools/unknown-names", test_unknown_names);
    g_test_add_func("/pools/nonsense-is-shown-by-line", test_nonsense);
    g_test_add_func("/pools/what-is-missing-or-twice",
                    test_what_is_missing_or_twice);
    g_test_add_func("/pools/wrong-ranges", test_wrong_ranges);
    g_test_add_func("/pools/wrong-sizes", test_wrong_sizes);
    g_test_add_func("/pools/overlaps-are-refused", test_overlaps);
    g_test_add_func("/pools/nodes", test_nodes);
    g_test_add_func("/pools/wrong-nodes", test_wrong_nodes);
    g_test_add_func("/pools/nodes-twice-are-refused", test_nodes_twice);
    g_test_add_func("/pools/ranges-and-nodes-are-apart",
                    test_ranges_and_nodes);
    g_test_add_func("/pools/file-is-read", test_file_is_read);
    g_test_add_func("/pools/first-fit", test_first_fit);
    g_test_add_func("/pools/size-does-not-wrap", test_no_wrap);
    return g_test_run();
}
