/*
 * RAMinate: nodes of pools are taken, and free again afterwards
 *
 * On a host with two nodes that a library stands in for, each of which has 1
 * GiB, half of it free.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qobject/qjson.h"
#include "nodes-control.h"
#include "raminate-common.h"

#define POOLS "pools.conf"
#define MIB (1024ULL * 1024)

/* Files by which the library takes those of the nodes in /sys */
static const char *const node_files[NR_NODES] = { "node0", "node1" };

static void make_pools(void)
{
    g_autofree char *here = g_get_current_dir();
    g_autofree char *path = g_build_filename(here, POOLS, NULL);

    g_assert_true(g_file_set_contents(
        POOLS,
        "[pool dram]\nnodes=0\n[pool cxl]\nnodes=5,1\n[pool gone]\nnodes=6-7\n"
        "[pool ranges]\npath=/none\nranges=0+1M\n", -1, NULL));
    g_setenv("RAMINATE_POOLS", path, true);
}

static void begin(void)
{
    make_pools();
    raminate_nodes_preload();
    for (unsigned i = 0; i < NR_NODES; i++) {
        raminate_make_file(node_files[i], PAGE_SIZE);
    }
}

/* The pool "both" in place of others. */
static void begin_both(void)
{
    begin();
    g_assert_true(g_file_set_contents(POOLS, "[pool both]\nnodes=1,0\n", -1,
                                      NULL));
}

static void end(void)
{
    raminate_nodes_end_preload();
    g_unsetenv("RAMINATE_POOLS");
}

/* Two that are never complete */
static void add_containers(QTestState *qts)
{
    raminate_assert_object_add(qts, "memory-backend-container,id=c,size=4G");
    raminate_assert_object_add(qts, "memory-backend-container,id=d,size=4G");
}

static QTestState *start(void)
{
    QTestState *qts = qtest_init("-machine none");

    add_containers(qts);
    return qts;
}

static char *options_of(const char *id, const char *parent, uint64_t mib,
                        const char *pool)
{
    static uint64_t offset;

    offset = (offset + 1) % 3;
    return g_strdup_printf("memory-backend-node,id=%s,parent=%s,size=%" PRIu64
                           "M,offset=%" PRIu64 "G,pool=%s", id, parent, mib,
                           offset, pool);
}

static void add(QTestState *qts, const char *id, const char *parent,
                uint64_t mib, const char *pool, unsigned node)
{
    g_autofree char *options = options_of(id, parent, mib, pool);
    g_autofree char *path = g_strdup_printf("/objects/%s", id);

    raminate_assert_object_add(qts, options);
    raminate_assert_qom_uint(qts, path, "node", node);
    raminate_assert_qom_string(qts, path, "pool", pool);
}

static void refuse(QTestState *qts, const char *id, uint64_t mib,
                   const char *pool, const char *message)
{
    g_autofree char *options = options_of(id, "d", mib, pool);

    raminate_assert_error(raminate_object_add(qts, options), message);
}

/* The first that has enough is taken, in the order of the file. */
static void test_first_with_room(void)
{
    QTestState *qts;

    begin_both();
    qts = start();
    add(qts, "a", "c", 256, "both", 1);
    qtest_quit(qts);
    raminate_nodes->others[1] = 257 * MIB;
    qts = start();
    add(qts, "a", "c", 256, "both", 0);
    add(qts, "b", "d", 255, "both", 1);
    qtest_quit(qts);
    end();
}

/* One container has each node once. */
static void test_tiers_of_one_container(void)
{
    QTestState *qts;

    begin_both();
    qts = start();
    add(qts, "a", "c", 1, "both", 1);
    add(qts, "b", "c", 1, "both", 0);
    raminate_assert_error(
        raminate_object_add(qts, "memory-backend-node,id=n,parent=c,size=1M,"
                            "offset=3G,pool=both"),
        "memory-backend-node 'n': no node of pool 'both' has 0x100000 bytes "
        "left: node 1 is a tier already, node 0 is a tier already; make size "
        "smaller, or see by raminate-pool list who uses them");
    qtest_quit(qts);
    end();
}

/* What a VM has taken is not given to another, though it is free as yet. */
static void test_vms_share_nothing(void)
{
    QTestState *one, *other;

    begin();
    one = start();
    other = start();
    add(one, "a", "c", 400, "cxl", 1);
    add(other, "a", "c", 400, "cxl", 1);
    refuse(one, "b", 400, "cxl",
           "memory-backend-node 'b': no node of pool 'cxl' has 0x19000000 "
           "bytes left: node 5 can't be used, node 1 has 0xe000000; make size "
           "smaller, or see by raminate-pool list who uses them");
    add(one, "b", "d", 224, "cxl", 1);
    refuse(other, "b", 1, "cxl",
           "memory-backend-node 'b': no node of pool 'cxl' has 0x100000 bytes "
           "left: node 5 can't be used, node 1 has 0x0; make size smaller, or "
           "see by raminate-pool list who uses them");
    /* Of what one that ends gives back, and of what is left, all is taken. */
    qtest_quit(one);
    add(other, "b", "d", 512, "cxl", 1);
    qtest_quit(other);
    end();
}

/* Claims are counts: that they are in pieces is no hindrance. */
static void test_pieces(void)
{
    QTestState *vms[4];

    begin();
    for (unsigned i = 0; i < ARRAY_SIZE(vms); i++) {
        vms[i] = start();
        add(vms[i], "a", "c", 256, "dram", 0);
    }
    qtest_quit(vms[0]);
    qtest_quit(vms[2]);
    add(vms[1], "b", "d", 500, "dram", 0);
    refuse(vms[3], "b", 13, "dram",
           "memory-backend-node 'b': no node of pool 'dram' has 0xd00000 bytes "
           "left: node 0 has 0xc00000; make size smaller, or see by "
           "raminate-pool list who uses them");
    add(vms[3], "b", "d", 12, "dram", 0);
    qtest_quit(vms[1]);
    qtest_quit(vms[3]);
    end();
}

/* What others than VMs use of the node counts, too. */
static void test_node_in_use(void)
{
    QTestState *qts;

    begin();
    raminate_nodes->others[0] = 500 * MIB;
    qts = start();
    refuse(qts, "a", 13, "dram",
           "memory-backend-node 'a': no node of pool 'dram' has 0xd00000 bytes "
           "left: node 0 has 0xc00000; make size smaller, or see by "
           "raminate-pool list who uses them");
    add(qts, "a", "d", 12, "dram", 0);
    qtest_quit(qts);
    end();
}

static void test_deleted_object(void)
{
    QTestState *qts;

    begin();
    qts = start();
    for (unsigned i = 0; i < 5; i++) {
        add(qts, "a", "c", 500, "dram", 0);
        add(qts, "b", "d", 500, "dram", 0);
        raminate_assert_object_del(qts, "c");
        raminate_assert_object_del(qts, "a");
        raminate_assert_object_del(qts, "d");
        raminate_assert_object_del(qts, "b");
        add_containers(qts);
    }
    qtest_quit(qts);
    end();
}

/* A guest whose tiers are of pools, and one node of a pool is not there. */
static void test_guest(void)
{
    static const char args[] =
        MACHINE " -object " CONTAINER
        " -object memory-backend-node,id=fast,parent=c,size=256K,pool=dram"
        " -object memory-backend-node,id=slow,parent=c,size=768K,offset=256K,"
        "pool=cxl";
    g_autofree char *fails = g_strdup_printf("%s -device x", args);
    g_autofree char *err = NULL;
    QTestState *qts;

    begin();
    qts = qtest_init(args);
    g_assert_cmpuint(raminate_tier_figure(qts, 0, "node"), ==, 0);
    g_assert_cmpuint(raminate_tier_figure(qts, 1, "node"), ==, 1);
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_write_page(qts, page, 0);
    }
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_assert_page(qts, page, 0);
    }
    qtest_quit(qts);
    err = raminate_run_fails(fails);
    g_assert_nonnull(strstr(err, "memory-backend-node 'slow': pool 'cxl' has a "
                            "node that is passed over: the host has no memory "
                            "that is online on node 5; nodes with memory are "
                            "0, 1\n"));
    g_assert_null(strstr(err, "can't lock"));
    end();
}

/* Memory that a guest has already */

static QTestState *start_placeable(void)
{
    return qtest_init("-cpu qemu64,apic-id=0 -machine none,memory-backend=ram "
                      "-m 600M -object memory-backend-ram,id=ram,size=600M");
}

static QDict *add_placement(QTestState *qts, const char *nodes, uint64_t mib)
{
    g_autofree char *text =
        g_strdup_printf("{ 'qom-type': 'memory-placement', 'id': 'p',"
                        "  'memdev': 'ram', 'policy': 'null', %s,"
                        "  'budgets': [ %llu ] }", nodes, mib * MIB);

    return qtest_qmp(qts, "{ 'execute': 'object-add', 'arguments': %p }",
                     qobject_from_json(text, &error_abort));
}

static void place(QTestState *qts, const char *nodes, uint64_t mib)
{
    QDict *response = add_placement(qts, nodes, mib);

    g_assert_true(qdict_haskey(response, "return"));
    qobject_unref(response);
}

static void set_budget(QTestState *qts, uint64_t mib)
{
    qtest_qmp_assert_success(qts, "{ 'execute': 'qom-set', 'arguments': {"
                             "  'path': '/objects/p',"
                             "  'property': 'fast-budget',"
                             "  'value': %" PRIu64 " } }",
                             (uint64_t)(mib * MIB));
}

/* It lets go of what was deleted before it refuses. */
static void let_go(QTestState *qts)
{
    raminate_assert_error(
        add_placement(qts, "'pools': [ 'gone', 'cxl' ]", 1),
        "memory-placement 'p': pool 'gone' has no node that can be used: the "
        "host has no memory that is online on node 6; nodes with memory are 0, "
        "1");
}

static void remove_placement(QTestState *qts)
{
    raminate_assert_object_del(qts, "p");
    let_go(qts);
}

#define POOLS_OF_BOTH "'pools': [ 'dram', 'cxl' ]"

/* Nodes are of pools, and claimed while the object is there. */
static void test_placement(void)
{
    QTestState *qts, *other;

    begin();
    qts = start_placeable();
    other = start();
    for (unsigned i = 0; i < 3; i++) {
        place(qts, POOLS_OF_BOTH, 550);
        refuse(other, "b", 475, "dram",
               "memory-backend-node 'b': no node of pool 'dram' has "
               "0x1db00000 bytes left: node 0 has 0x1da00000; make size "
               "smaller, or see by raminate-pool list who uses them");
        set_budget(qts, 20);
        refuse(other, "b", 445, "cxl",
               "memory-backend-node 'b': no node of pool 'cxl' has 0x1bd00000 "
               "bytes left: node 5 can't be used, node 1 has 0x1bc00000; make "
               "size smaller, or see by raminate-pool list who uses them");
        remove_placement(qts);
    }
    /* Nothing is left of them. */
    place(qts, "'nodes': [ 0, 1 ]", 300);
    set_budget(qts, 200);
    add(other, "b", "c", 512, "dram", 0);
    add(other, "d1", "d", 512, "dram", 0);
    remove_placement(qts);
    raminate_assert_error(
        add_placement(qts, POOLS_OF_BOTH, 1),
        "memory-placement 'p': no node of pool 'dram' has 0x100000 bytes left: "
        "node 0 has 0x0; make the budget smaller, or see by raminate-pool list "
        "who uses them");
    qtest_quit(other);
    /* What is not free may be its own. */
    raminate_nodes->others[0] = 512 * MIB;
    place(qts, POOLS_OF_BOTH, 300);
    qtest_quit(qts);
    end();
}

static void test_placement_errors(void)
{
    static const struct {
        const char *nodes;
        const char *message;
    } errors[] = {
        { POOLS_OF_BOTH ", 'nodes': [ 0, 1 ]",
          "memory-placement 'p': pools say which nodes they are; leave out "
          "nodes, or pools" },
        { "'pools': [ 'dram', 'ranges' ]",
          "memory-placement 'p': pool 'ranges' is made of ranges; use a pool "
          "of NUMA nodes" },
        { "'pools': [ 'dram', 'dram' ]",
          "memory-placement 'p': no node of pool 'dram' has 0x24800000 bytes "
          "left: node 0 is a tier already; make the budget smaller, or see by "
          "raminate-pool list who uses them" },
        { "'pools': [ 'dram' ]",
          "memory-placement 'p': two or more nodes are needed, the fastest "
          "first, and a budget for each but the last, which has the rest" },
        { "'mover': 'auto'",
          "memory-placement 'p': two or more nodes are needed, the fastest "
          "first, and a budget for each but the last, which has the rest" },
    };
    QTestState *qts, *other;

    begin();
    qts = start_placeable();
    other = start();
    for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
        raminate_assert_error(add_placement(qts, errors[i].nodes, 16),
                              errors[i].message);
    }
    raminate_assert_error(
        add_placement(qts, POOLS_OF_BOTH, 600),
        "memory-placement 'p': budget 0x25800000 of pool 'dram' must be a "
        "multiple of the page size, 0x1000, and less than 0x25800000, what is "
        "left of memdev 'ram'");
    /* Nothing is kept by any of them. */
    let_go(qts);
    add(other, "b", "c", 512, "dram", 0);
    add(other, "d1", "d", 512, "dram", 0);
    qtest_quit(other);
    qtest_quit(qts);
    end();
}

/* Without a file in /sys, VMs start; there is a warning. */
static void test_nothing_to_lock(void)
{
    static const char args[] =
        MACHINE " -object " CONTAINER
        " -object memory-backend-node,id=fast,parent=c,size=1M,pool=dram"
        " -device x";
    g_autofree char *err = NULL;

    begin();
    g_assert_cmpint(unlink(node_files[0]), ==, 0);
    err = raminate_run_fails(args);
    g_assert_nonnull(strstr(err, "memory-backend-node 'fast': can't lock "
                            "/sys/devices/system/node/node0/meminfo (No such "
                            "file or directory): make sure that VMs don't take "
                            "more of the node than it has"));
    g_assert_null(strstr(err, "memory-backend-node 'fast': no node"));
    end();
}

/* What is refused */

#define NODE "memory-backend-node,id=n,parent=d,size=1M"

static void test_errors(void)
{
    static const struct {
        const char *options;
        const char *message;
    } errors[] = {
        { NODE ",pool=x",
          "memory-backend-node 'n': there is no pool 'x', only: dram, cxl, "
          "gone, ranges" },
        { NODE ",pool=ranges",
          "memory-backend-node 'n': pool 'ranges' is made of ranges; use "
          "memory-backend-devmem" },
        { NODE ",pool=dram,node=0",
          "memory-backend-node 'n': pool 'dram' says which node it is; leave "
          "out node, or pool" },
        { NODE,
          "memory-backend-node 'n': node is missing; give the number of a NUMA "
          "node of the host, or a pool" },
        { NODE ",pool=gone",
          "memory-backend-node 'n': pool 'gone' has no node that can be used: "
          "the host has no memory that is online on node 6; nodes with memory "
          "are 0, 1" },
        { "memory-backend-node,id=n,parent=d,size=2G,pool=dram",
          "memory-backend-node 'n': no node of pool 'dram' has 0x80000000 "
          "bytes left: node 0 has 0x20000000; make size smaller, or see by "
          "raminate-pool list who uses them" },
        { "memory-backend-devmem,id=n,size=1M,pool=dram",
          "memory-backend-devmem 'n': pool 'dram' is made of NUMA nodes; use "
          "memory-backend-node" },
    };
    QTestState *qts;

    begin();
    qts = start();
    for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
        raminate_assert_error(raminate_object_add(qts, errors[i].options),
                              errors[i].message);
    }
    /* Nothing was taken by any of them. */
    add(qts, "n", "d", 512, "dram", 0);
    add(qts, "m", "c", 512, "dram", 0);
    qtest_quit(qts);
    end();
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);

    qtest_add_func("raminate/nodes-pools/first-with-room",
                   test_first_with_room);
    qtest_add_func("raminate/nodes-pools/tiers-of-one-container",
                   test_tiers_of_one_container);
    qtest_add_func("raminate/nodes-pools/vms-share-nothing",
                   test_vms_share_nothing);
    qtest_add_func("raminate/nodes-pools/pieces", test_pieces);
    qtest_add_func("raminate/nodes-pools/node-in-use", test_node_in_use);
    qtest_add_func("raminate/nodes-pools/deleted-object", test_deleted_object);
    qtest_add_func("raminate/nodes-pools/guest", test_guest);
    qtest_add_func("raminate/nodes-pools/placement", test_placement);
    qtest_add_func("raminate/nodes-pools/placement-errors",
                   test_placement_errors);
    qtest_add_func("raminate/nodes-pools/nothing-to-lock",
                   test_nothing_to_lock);
    qtest_add_func("raminate/nodes-pools/errors", test_errors);
    return g_test_run();
}
