/*
 * RAMinate: what is refused, or warned of, with tiers that are NUMA nodes
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "nodes-control.h"
#include "raminate-common.h"

/* Settings of the host that work against us are named. */
static void test_host_settings(void)
{
    static const struct {
        const char *file;
        const char *text;
        const char *warning;    /* NULL for none */
    } settings[] = {
        { "demotion_enabled", "false\n", NULL },
        { "demotion_enabled", "true\n",
          "the host's kernel moves pages to slower nodes when memory is short "
          "(/sys/kernel/mm/numa/demotion_enabled)" },
        { "run", "0\n", NULL },
        { "run", "1\n",
          "the host's kernel merges pages that are alike "
          "(/sys/kernel/mm/ksm/run)" },
    };

    raminate_nodes_preload();
    for (unsigned i = 0; i < ARRAY_SIZE(settings); i++) {
        g_autofree char *err = NULL;

        g_assert_true(g_file_set_contents(settings[i].file, settings[i].text,
                                          -1, NULL));
        /* It warns, and then the recording can't be written. */
        err = raminate_run_fails(
            MACHINE " -object " CONTAINER ",record=/ -object " NODE_FAST
            " -object " NODE_SLOW);
        if (settings[i].warning) {
            g_assert_nonnull(strstr(err, settings[i].warning));
        } else {
            g_assert_null(strstr(err, "the host's kernel"));
        }
        g_assert_cmpint(unlink(settings[i].file), ==, 0);
    }
    raminate_nodes_end_preload();
}

/* What is refused */

#define OBJECT " -object "
#define IN_C MACHINE OBJECT CONTAINER OBJECT
#define PLACED \
    "-cpu qemu64,apic-id=0 -machine none,memory-backend=ram -m 1M" OBJECT RAM \
    OBJECT "memory-placement,id=p,memdev=ram"

typedef struct Refusal {
    const char *name;
    const char *args;
    const char *message;
} Refusal;

static const Refusal refusals[] = {
    { "no-such-node", IN_C "memory-backend-node,id=n,parent=c,size=1M,node=2",
      "memory-backend-node 'n': the host has no memory that is online on node "
      "2; nodes with memory are 0, 1" },
    { "larger-than-node",
      IN_C "memory-backend-node,id=n,parent=c,size=2G,node=1",
      "memory-backend-node 'n': size 0x80000000 is more than node 1 of the "
      "host "
      "has, 0x40000000, of which 0x20000000 are free; make it smaller" },
    { "no-size", IN_C "memory-backend-node,id=n,parent=c,size=0,node=1",
      "memory-backend-node 'n': size must not be 0; give as much as is to be "
      "on "
      "the node" },
    { "part-of-a-page", IN_C "memory-backend-node,id=n,parent=c,size=5K,node=1",
      "memory-backend-node 'n': size 0x1400 is not a multiple of the page "
      "size, "
      "0x1000" },
    { "no-parent", OBJECT "memory-backend-node,id=n,parent=x,size=1M,node=1",
      "memory-backend-node 'n': there is no parent 'x'; create the "
      "memory-backend-container before its tiers" },
    { "same-node", IN_C NODE_FAST OBJECT
      "memory-backend-node,id=n,parent=c,size=768K,offset=256K,node=0",
      "memory-backend-node 'n': node 0 is the tier 'fast' of container 'c' "
      "already; give it another node, or make that tier larger" },
    { "range-and-node", IN_C NODE_FAST OBJECT SLOW,
      "memory-backend-devmem 'slow': container 'c' has 'fast', a "
      "memory-backend-node; its tiers must all be ranges or all be NUMA "
      "nodes" },
    { "mover-of-ranges", MACHINE OBJECT CONTAINER ",mover=mmap" OBJECT
      NODE_FAST OBJECT NODE_SLOW,
      "memory-backend-container 'c': mover=mmap can't be used, choose auto: it "
      "is for tiers that are ranges (memory-backend-devmem), and 'fast' is a "
      "memory-backend-node" },
    { "mover-of-nodes", MACHINE OBJECT CONTAINER ",mover=migrate" OBJECT
      FAST OBJECT SLOW,
      "memory-backend-container 'c': mover=migrate can't be used, choose auto: "
      "it is for tiers that are NUMA nodes (memory-backend-node), and 'fast' "
      "is "
      "a memory-backend-devmem" },
    { "cost-order", IN_C NODE_FAST ",write-cost=7" OBJECT
      NODE_SLOW ",write-cost=6",
      "memory-backend-node 'slow': write-cost 6 is less than 7, that of the "
      "faster tier 'fast'; raise it, or change the order by tier" },
    { "placement/no-memory", PLACED "x,nodes=0-1,budgets=4K",
      "memory-placement 'p': there is no memory backend 'ramx'; query-memdev "
      "shows those there are" },
    { "placement/one-node", PLACED ",nodes=0,budgets=4K",
      "memory-placement 'p': two or more nodes are needed, the fastest first, "
      "and a budget for each but the last, which has the rest" },
    { "placement/node-twice", PLACED ",nodes=1,nodes=1,budgets=4K",
      "memory-placement 'p': node 1 is named twice; name each once, the "
      "fastest "
      "first" },
    { "placement/all-of-it", PLACED ",nodes=0-1,budgets=1M",
      "memory-placement 'p': budget 0x100000 of node 0 must be a multiple of "
      "the page size, 0x1000, and less than 0x100000, what is left of memdev "
      "'ram'" },
    { "placement/no-such-node", PLACED ",nodes=0,nodes=5,budgets=4K",
      "memory-placement 'p': the host has no memory that is online on node 5; "
      "nodes with memory are 0, 1" },
    { "placement/container", IN_C NODE_FAST OBJECT NODE_SLOW OBJECT
      "memory-placement,id=p,memdev=c,nodes=0-1,budgets=4K",
      "memory-placement 'p': memdev 'c' is a memory-backend-container, whose "
      "pages the container places; set the container's properties instead" },
    { "placement/number", PLACED ",nodes=0-1,budgets=4K,max-cpu=101",
      "memory-placement 'p': max-cpu must be 0 to 100, not 101" },
};

static void test_refused(const void *opaque)
{
    const Refusal *refusal = opaque;

    raminate_make_tier_files();
    raminate_nodes_preload();
    raminate_assert_run_fails(refusal->args, refusal->message);
    raminate_nodes_end_preload();
}

/* Memory that goes before what places its pages */

static bool is_mapped(QTestState *qts)
{
    g_auto(GStrv) lines = raminate_host_mappings(qts);

    for (char **line = lines; *line; line++) {
        if (strstr(*line, "/memfd:memory-backend-memfd")) {
            return true;
        }
    }
    return false;
}

static void wait_unmapped(QTestState *qts)
{
    for (unsigned rounds = 0; is_mapped(qts);) {
        raminate_wait(&rounds, "memory to be given back");
    }
}

/* Nothing ends by it, and all is given back in the end. */
static void test_memory_deleted_first(void)
{
    QTestState *qts;

    raminate_nodes_preload();
    qts = qtest_init("-cpu qemu64,apic-id=0 -machine none");
    for (unsigned i = 0; i < 3; i++) {
        raminate_assert_object_add(qts, "memory-backend-memfd,id=m,size=1M");
        qtest_qmp_assert_success(
            qts, "{ 'execute': 'object-add', 'arguments': {"
            "  'qom-type': 'memory-placement', 'id': 'c', 'memdev': 'm',"
            "  'nodes': [ 0, 1 ], 'budgets': [ 4096 ], 'scan-period': 1,"
            "  'swap-period': 1, 'max-cpu': 0 } }");
        raminate_assert_object_del(qts, "m");
        raminate_wait_scans(qts, 3);
        raminate_assert_swap(qts, 0, 1);
        g_assert_true(is_mapped(qts));
        raminate_assert_object_del(qts, "c");
        wait_unmapped(qts);
    }
    raminate_nodes_end(qts);
}

/* It places the pages of memory that the guest hasn't. */
static void test_unused_memory(void)
{
    g_autofree char *err = NULL;

    raminate_nodes_preload();
    err = raminate_run_warns("-machine none" OBJECT RAM OBJECT
                             "memory-placement,id=p,memdev=ram,nodes=0-1,"
                             "budgets=4K");
    g_assert_nonnull(strstr(err, "warning: memory-placement 'p' is not used, "
                            "since the guest has other RAM; give it this by "
                            "-machine memory-backend=ram\n"));
    raminate_nodes_end_preload();
}

/* No tier is in use any more once its container is deleted. */
static void test_tiers_deleted(void)
{
    QTestState *qts;

    raminate_nodes_preload();
    qts = qtest_init("-machine pc -m 128M,slots=2,maxmem=1G");
    for (unsigned i = 0; i < 10; i++) {
        raminate_assert_object_add(qts,
                                   "memory-backend-container,id=c,size=4M");
        raminate_assert_object_add(qts, "memory-backend-node,id=fast,parent=c,"
                                   "size=1M,node=0");
        raminate_assert_object_add(qts, "memory-backend-node,id=slow,parent=c,"
                                   "size=3M,offset=1M,node=1");
        qtest_qmp_device_add(qts, "pc-dimm", "dimm", "{'memdev': 'c'}");
        raminate_eject_dimm(qts);
        raminate_assert_object_del(qts, "c");
        raminate_assert_object_del(qts, "slow");
        raminate_assert_object_del(qts, "fast");
    }
    raminate_nodes_end(qts);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);

    qtest_add_func("raminate/nodes-errors/host-settings", test_host_settings);
    qtest_add_func("raminate/nodes-errors/unused-memory", test_unused_memory);
    qtest_add_func("raminate/nodes-errors/tiers-deleted", test_tiers_deleted);
    qtest_add_func("raminate/nodes-errors/memory-deleted-first",
                   test_memory_deleted_first);
    for (unsigned i = 0; i < ARRAY_SIZE(refusals); i++) {
        g_autofree char *name = g_strdup_printf("raminate/nodes-errors/%s",
                                                refusals[i].name);

        qtest_add_data_func(name, &refusals[i], test_refused);
    }
    return g_test_run();
}
