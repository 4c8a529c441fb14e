/*
 * RAMinate: what a fast-budget claims of pools, and when it is refused
 *
 * On a host with two nodes that a library stands in for, each of which has 1
 * GiB, half of it free.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "budget.h"
#include "nodes-control.h"

#define POOLS "pools.conf"
#define MIB (1024ULL * 1024)

#define BY_HAND ",policy=null,scan-period=50,swap-period=" ONE_HOUR

/* Pools */

static const char *const node_files[NR_NODES] = { "node0", "node1" };

static void begin_pools(void)
{
    g_autofree char *here = g_get_current_dir();
    g_autofree char *path = g_build_filename(here, POOLS, NULL);

    g_assert_true(g_file_set_contents(
        POOLS, "[pool dram]\nnodes=0\n[pool cxl]\nnodes=1\n", -1, NULL));
    g_setenv("RAMINATE_POOLS", path, true);
    raminate_nodes_preload();
    for (unsigned i = 0; i < NR_NODES; i++) {
        raminate_make_file(node_files[i], PAGE_SIZE);
    }
}

static void end_pools(void)
{
    raminate_nodes_end_preload();
    g_unsetenv("RAMINATE_POOLS");
}

/* A machine of 600 MiB, of which 200 are fast */
static QTestState *start_pools(void)
{
    return qtest_init(
        "-cpu qemu64,apic-id=0 -machine none,memory-backend=c -m 600M"
        " -object memory-backend-container,id=c,size=600M,policy=null"
        " -object memory-backend-node,id=fast,parent=c,size=200M,pool=dram"
        " -object memory-backend-node,id=slow,parent=c,size=400M,offset=200M,"
        "pool=cxl");
}

/* A tier that is never part of anything, but takes what is left */
static void assert_left(QTestState *qts, const char *pool, uint64_t mib)
{
    g_autofree char *fits =
        g_strdup_printf("memory-backend-node,id=n,parent=d,size=%" PRIu64
                        "M,pool=%s", mib, pool);
    g_autofree char *more =
        g_strdup_printf("memory-backend-node,id=n,parent=d,size=%" PRIu64
                        "M,pool=%s", mib + 1, pool);
    QDict *response = raminate_object_add(qts, more);

    g_assert_true(qdict_haskey(response, "error"));
    qobject_unref(response);
    raminate_assert_object_add(qts, fits);
    raminate_assert_object_del(qts, "d");
    raminate_assert_object_del(qts, "n");
    raminate_assert_object_add(qts,
                               "memory-backend-container,id=d,size=4G");
    /* It lets go of what was deleted before it refuses. */
    response = raminate_object_add(qts, more);
    g_assert_true(qdict_haskey(response, "error"));
    qobject_unref(response);
}

static void set_mib(QTestState *qts, uint64_t mib)
{
    assert_budget(qts, mib * MIB);
    raminate_assert_qom_uint(qts, "/objects/fast", "size", mib * MIB);
    raminate_assert_qom_uint(qts, "/objects/slow", "size", (600 - mib) * MIB);
}

/* Claims follow: of each node, 512 MiB are free. */
static void test_claims(void)
{
    QTestState *qts, *other;

    begin_pools();
    qts = start_pools();
    other = qtest_init("-machine none");
    raminate_assert_object_add(other,
                               "memory-backend-container,id=d,size=4G");
    /* Each node has 1 GiB; what is free bounds what can be had. */
    for (unsigned i = 0; i < 3; i++) {
        assert_left(other, "dram", 512);
        set_mib(qts, 550);
        assert_left(other, "dram", 474);
        assert_left(other, "cxl", 512);
        set_mib(qts, 20);
        assert_left(other, "dram", 512);
        assert_left(other, "cxl", 444);
        set_mib(qts, 200);
    }
    /* What another has taken is not to be had. */
    raminate_assert_object_add(
        other, "memory-backend-node,id=n,parent=d,size=500M,pool=dram");
    raminate_assert_object_add(other,
                               "memory-backend-container,id=e,size=4G");
    raminate_assert_object_add(
        other, "memory-backend-node,id=m,parent=e,size=300M,pool=dram");
    raminate_assert_error(
        set_budget_of(qts, "c", 300 * MIB),
        "memory-backend-node 'fast': can't claim 0x6400000 bytes more of node "
        "0, of which VMs have left 0x1800000; see by raminate-pool list who "
        "uses it: No space left on device");
    raminate_assert_qom_uint(qts, "/objects/fast", "size", 200 * MIB);
    raminate_assert_qom_uint(qts, "/objects/slow", "size", 400 * MIB);
    set_mib(qts, 224);
    set_mib(qts, 100);
    qtest_quit(other);
    set_mib(qts, 500);
    qtest_quit(qts);
    end_pools();
}

/* What is refused */

static void test_errors(void)
{
    QTestState *qts = raminate_nodes_start(BY_HAND);

    raminate_assert_error(
        set_budget_of(qts, "c", 0),
        "memory-backend-container 'c': fast-budget 0x0 must be a multiple of "
        "the page size, 0x1000, and 0xff000 at most, as the slowest tier keeps "
        "a page");
    raminate_assert_error(
        set_budget_of(qts, "c", NR_PAGES * PAGE_SIZE),
        "memory-backend-container 'c': fast-budget 0x100000 must be a multiple "
        "of the page size, 0x1000, and 0xff000 at most, as the slowest tier "
        "keeps a page");
    raminate_assert_error(
        set_budget_of(qts, "c", PAGE_SIZE + 1),
        "memory-backend-container 'c': fast-budget 0x1001 must be a multiple "
        "of the page size, 0x1000, and 0xff000 at most, as the slowest tier "
        "keeps a page");
    raminate_nodes->others[0] = NODE_SIZE / 2 - 0x20000;
    raminate_assert_error(
        set_budget_of(qts, "c", 0x80000),
        "memory-backend-container 'c': fast-budget 0x80000 needs 0x40000 bytes "
        "more of node 0, which has 0x20000 free; make it smaller");
    /* Nothing of it was done. */
    raminate_assert_qom_uint(qts, "/objects/c", "fast-budget",
                             FAST_PAGES * PAGE_SIZE);
    raminate_assert_qom_uint(qts, "/objects/fast", "size",
                             FAST_PAGES * PAGE_SIZE);
    g_assert_cmpuint(raminate_figure(qts, "pages-to-resize"), ==, 0);
    /* As much as there is is enough. */
    set_budget(qts, FAST_PAGES + 0x20);
    raminate_nodes->others[0] = 0;
    set_budget(qts, FAST_PAGES + 0x40);
    wait_for_pages(qts, FAST_PAGES + 0x40);
    raminate_nodes_end(qts);
}

static void test_early(void)
{
    QTestState *qts = qtest_init("-machine none");

    raminate_assert_object_add(qts, "memory-backend-container,id=c,size=1M");
    raminate_assert_qom_uint(qts, "/objects/c", "fast-budget", 0);
    raminate_assert_error(
        set_budget_of(qts, "c", PAGE_SIZE),
        "memory-backend-container 'c': fast-budget is for changes while the "
        "memory is there; until then, size says what is to be on a "
        "memory-backend-node, and budgets on the nodes of a memory-placement");
    qtest_quit(qts);
}

static void test_ranges(void)
{
    QTestState *qts = raminate_start(BY_HAND, "");

    raminate_assert_error(
        set_budget_of(qts, "c", PAGE_SIZE),
        "memory-backend-container 'c': its tiers are ranges, whose sizes are "
        "fixed; fast-budget is for tiers that are NUMA nodes");
    raminate_assert_qom_uint(qts, "/objects/c", "fast-budget",
                             FAST_PAGES * PAGE_SIZE);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);

    qtest_add_func("raminate/budget-errors/claims", test_claims);
    qtest_add_func("raminate/budget-errors/errors", test_errors);
    qtest_add_func("raminate/budget-errors/early", test_early);
    qtest_add_func("raminate/budget-errors/ranges", test_ranges);
    return g_test_run();
}
