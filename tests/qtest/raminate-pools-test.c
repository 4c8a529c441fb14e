/*
 * RAMinate: ranges of pools are taken, and free again afterwards
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "raminate-common.h"

#define POOLS "pools.conf"
#define MACHINE_ARGS "-machine none"

/* A pool "p" of two ranges, with 3 and 2 MiB; "q" has one of the first's. */
static void make_pools(void)
{
    g_autofree char *here = g_get_current_dir();
    g_autofree char *text =
        g_strdup_printf("[pool p]\npath=%s/pool\nranges=1M+3M;8M+2M\n"
                        "[pool q]\npath=%s/pool\nranges=5M+1M\n"
                        "[pool gone]\npath=%s/none\nranges=0+1M\n"
                        "[pool short]\npath=%s/pool\nranges=64M+1M\n"
                        "[pool nodes]\nnodes=0\n",
                        here, here, here, here);
    g_autofree char *path = g_build_filename(here, POOLS, NULL);

    raminate_make_file("pool", 16 * 1024 * 1024);
    g_assert_true(g_file_set_contents(POOLS, text, -1, NULL));
    g_setenv("RAMINATE_POOLS", path, TRUE);
}

static QTestState *start(void)
{
    make_pools();
    return qtest_init(MACHINE_ARGS);
}

static void add(QTestState *qts, const char *id, const char *size,
                const char *pool)
{
    g_autofree char *options =
        g_strdup_printf("memory-backend-devmem,id=%s,size=%s,pool=%s", id,
                        size, pool);

    raminate_assert_object_add(qts, options);
}

static void expect_at(QTestState *qts, const char *id, uint64_t mib)
{
    g_autofree char *path = g_strdup_printf("/objects/%s", id);

    raminate_assert_qom_uint(qts, path, "phy-offset", mib * 1024 * 1024);
}

static void refuse(QTestState *qts, const char *options, const char *message)
{
    raminate_assert_error(raminate_object_add(qts, options), message);
}

static void test_first_fit(void)
{
    QTestState *qts = start();

    add(qts, "a", "2M", "p");
    add(qts, "b", "2M", "p");
    add(qts, "c", "1M", "p");
    add(qts, "d", "1M", "q");
    expect_at(qts, "a", 1);
    expect_at(qts, "b", 8);
    expect_at(qts, "c", 3);
    expect_at(qts, "d", 5);
    raminate_assert_qom_string(qts, "/objects/a", "pool", "p");
    qtest_quit(qts);
}

static void test_vms_share_nothing(void)
{
    QTestState *one = start();
    QTestState *other = qtest_init(MACHINE_ARGS);

    add(one, "a", "1M", "p");
    add(other, "a", "1M", "p");
    add(one, "b", "1M", "p");
    add(other, "b", "1M", "p");
    expect_at(one, "a", 1);
    expect_at(other, "a", 2);
    expect_at(one, "b", 3);
    expect_at(other, "b", 8);
    qtest_quit(other);
    qtest_quit(one);
}

static void test_full_pool(void)
{
    QTestState *qts = start();

    add(qts, "a", "3M", "p");
    refuse(qts, "memory-backend-devmem,id=b,size=3M,pool=p",
           "memory-backend-devmem 'b': pool 'p' has no free range of "
           "0x300000 bytes; raminate-pool list shows who uses it");
    add(qts, "b", "2M", "p");
    refuse(qts, "memory-backend-devmem,id=c,size=4K,pool=p",
           "memory-backend-devmem 'c': pool 'p' has no free range of "
           "0x1000 bytes; raminate-pool list shows who uses it");
    raminate_assert_object_del(qts, "a");
    add(qts, "c", "3M", "p");
    expect_at(qts, "c", 1);
    qtest_quit(qts);
}

static void test_beside_other_ranges(void)
{
    QTestState *qts = start();

    raminate_assert_object_add(qts, "memory-backend-devmem,id=own,size=1M,"
                               "phy-offset=2M,mem-path=pool");
    add(qts, "a", "1M", "p");
    add(qts, "b", "1M", "p");
    expect_at(qts, "a", 1);
    expect_at(qts, "b", 3);
    qtest_quit(qts);
}

static void test_tiers_of_pools(void)
{
    QTestState *qts;

    make_pools();
    qts = qtest_init("-cpu qemu64,apic-id=0 -machine none,memory-backend=c "
                     "-m 4M -object memory-backend-container,id=c,size=4M "
                     "-object memory-backend-devmem,id=f,size=1M,pool=q,"
                     "parent=c -object memory-backend-devmem,id=s,size=3M,"
                     "pool=p,offset=1M,parent=c");
    g_assert_cmphex(raminate_tier_figure(qts, 0, "phy-offset"), ==, 0x500000);
    g_assert_cmphex(raminate_tier_figure(qts, 1, "phy-offset"), ==, 0x100000);
    qtest_quit(qts);
}

static void test_errors(void)
{
    QTestState *qts = start();

    refuse(qts, "memory-backend-devmem,id=a,size=1M,pool=x",
           "memory-backend-devmem 'a': there is no pool 'x', only: p, q, "
           "gone, short, nodes");
    refuse(qts, "memory-backend-devmem,id=a,size=1M,pool=nodes",
           "memory-backend-devmem 'a': pool 'nodes' is made of NUMA nodes; "
           "use memory-backend-node");
    refuse(qts, "memory-backend-devmem,id=a,size=1M,pool=p,phy-offset=1M",
           "memory-backend-devmem 'a': pool 'p' says what mem-path and "
           "phy-offset are; leave them out, or pool");
    refuse(qts, "memory-backend-devmem,id=a,size=1M,pool=p,mem-path=pool",
           "memory-backend-devmem 'a': pool 'p' says what mem-path and "
           "phy-offset are; leave them out, or pool");
    qtest_quit(qts);
}

static void test_file_and_pool_disagree(void)
{
    g_autofree char *here = g_get_current_dir();
    g_autofree char *none = NULL;
    g_autofree char *beyond = NULL;
    QTestState *qts = start();

    none = g_strdup_printf("memory-backend-devmem 'a': mem-path must name a "
                           "file or device that exists and can be written: "
                           "Could not open '%s/none': No such file or "
                           "directory", here);
    beyond = g_strdup_printf("memory-backend-devmem 'a': %s/pool has "
                             "0x1000000 bytes, too short for the range "
                             "0x4000000 to 0x40fffff; make the file longer "
                             "or the range smaller", here);
    refuse(qts, "memory-backend-devmem,id=a,size=1M,pool=gone", none);
    refuse(qts, "memory-backend-devmem,id=a,size=1M,pool=short", beyond);
    qtest_quit(qts);
}

static void test_wrong_file(void)
{
    g_autofree char *here = g_get_current_dir();
    g_autofree char *message = NULL;
    QTestState *qts = start();

    message = g_strdup_printf("memory-backend-devmem 'a': %s/" POOLS ":2: "
                              "'1M' is no range; give START+SIZE, like "
                              "0x100000000+4G", here);
    g_assert_true(g_file_set_contents(POOLS, "[pool p]\nranges=1M\n", -1,
                                      NULL));
    refuse(qts, "memory-backend-devmem,id=a,size=1M,pool=p", message);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/pools/first-fit", test_first_fit);
    qtest_add_func("raminate/pools/vms-share-nothing",
                   test_vms_share_nothing);
    qtest_add_func("raminate/pools/full-pool", test_full_pool);
    qtest_add_func("raminate/pools/beside-other-ranges",
                   test_beside_other_ranges);
    qtest_add_func("raminate/pools/tiers-of-pools", test_tiers_of_pools);
    qtest_add_func("raminate/pools/errors", test_errors);
    qtest_add_func("raminate/pools/file-and-pool-disagree",
                   test_file_and_pool_disagree);
    qtest_add_func("raminate/pools/wrong-file", test_wrong_file);
    return g_test_run();
}
