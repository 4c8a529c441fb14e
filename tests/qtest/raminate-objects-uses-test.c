/*
 * RAMinate: what containers are used for, and objects that go
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/units.h"
#include "hw/pci/pci.h"
#include "qobject/qlist.h"
#include "standard-headers/linux/virtio_pci.h"
#include "tiers.h"

/* Uses */

static void test_numa_memdev(void)
{
    QTestState *qts;

    raminate_make_tier_files();
    qts = qtest_init("-machine pc -m 1M -object " CONTAINER " -object " FAST
                     " -object " SLOW " -numa node,nodeid=0,memdev=c");
    assert_shows(qts, 2 * PAGE_SIZE, "dram", FAST_FIRST + 2);
    assert_shows(qts, 70 * PAGE_SIZE, "nvm", SLOW_FIRST + 6);
    qtest_quit(qts);
}

/* Another backend, then a container; both are nodes of their own. */
static void test_one_of_two_nodes(void)
{
    QTestState *qts;
    g_autofree char *nodes = NULL;

    raminate_make_tier_files();
    qts = qtest_init("-machine pc -smp 2 -m 9M -object " CONTAINER
                     " -object " FAST " -object " SLOW
                     " -object memory-backend-ram,id=r,size=8M"
                     " -numa node,nodeid=0,memdev=r"
                     " -numa node,nodeid=1,memdev=c");
    nodes = qtest_hmp(qts, "info numa");
    g_assert_nonnull(strstr(nodes, "node 0 size: 8 MB"));
    g_assert_nonnull(strstr(nodes, "node 1 size: 1 MB"));
    assert_shows(qts, 8 * MiB, "dram", FAST_FIRST);
    assert_shows(qts, 8 * MiB + 256 * KiB, "nvm", SLOW_FIRST);
    qtest_quit(qts);
}

static void test_two_containers(void)
{
    QTestState *qts;
    QDict *info;

    raminate_make_tier_files();
    raminate_make_file("other", 4 * MiB);
    qts = qtest_init("-machine pc -smp 2 -m 5M"
                     " -object memory-backend-container,id=big,size=4M,"
                     "policy=lru"
                     " -object memory-backend-devmem,id=b0,parent=big,size=1M,"
                     "mem-path=other"
                     " -object memory-backend-devmem,id=b1,parent=big,size=3M,"
                     "offset=1M,mem-path=other,phy-offset=1M"
                     " -object " CONTAINER " -object " FAST " -object " SLOW
                     " -numa node,nodeid=0,memdev=big"
                     " -numa node,nodeid=1,memdev=c");
    info = raminate_query(qts, "big");
    g_assert_cmpuint(qdict_get_int(info, "size"), ==, 4 * MiB);
    g_assert_cmpstr(qdict_get_str(info, "policy"), ==, "lru");
    qobject_unref(info);
    info = raminate_query(qts, "c");
    g_assert_cmpuint(qdict_get_int(info, "size"), ==, 1 * MiB);
    g_assert_cmpstr(qdict_get_str(info, "policy"), ==, "payback");
    qobject_unref(info);
    assert_shows(qts, 2 * MiB, "other", 512);
    assert_shows(qts, 4 * MiB, "dram", FAST_FIRST);

    /* A swap in one leaves the other alone. */
    raminate_assert_swap(qts, 0, FAST_PAGES);
    raminate_assert_frame("nvm", SLOW_FIRST, 4 * MiB / PAGE_SIZE,
                          ARBITRARY_CONTENTS);
    raminate_assert_page(qts, 4 * MiB / PAGE_SIZE, ARBITRARY_CONTENTS);
    raminate_assert_page(qts, 2 * MiB / PAGE_SIZE, ARBITRARY_CONTENTS);
    raminate_assert_frame("other", 512, 2 * MiB / PAGE_SIZE,
                          ARBITRARY_CONTENTS);
    qtest_quit(qts);
}

/* Returns: the guest's physical address of DIMM @id. */
static uint64_t dimm_address(QTestState *qts, const char *id)
{
    QDict *response = qtest_qmp(qts, "{ 'execute': 'query-memory-devices' }");
    const QListEntry *entry;
    uint64_t addr = 0;

    QLIST_FOREACH_ENTRY(qdict_get_qlist(response, "return"), entry) {
        QDict *data = qdict_get_qdict(qobject_to(QDict, entry->value), "data");

        if (g_str_equal(qdict_get_str(data, "id"), id)) {
            addr = qdict_get_int(data, "addr");
        }
    }
    qobject_unref(response);
    g_assert_cmphex(addr, !=, 0);
    return addr;
}

/* A DIMM is made of whole 2 MiB. */
#define DIMM_MACHINE "-machine pc -m 128M,slots=2,maxmem=1G"
#define DIMM_CONTAINER "memory-backend-container,id=c,size=4M"
#define DIMM_FAST \
    "memory-backend-devmem,id=fast,parent=c,size=1M,mem-path=dram"
#define DIMM_SLOW \
    "memory-backend-devmem,id=slow,parent=c,size=3M,mem-path=nvm,offset=1M"

static void make_dimm_files(void)
{
    raminate_make_file("dram", 1 * MiB);
    raminate_make_file("nvm", 3 * MiB);
}

static void assert_dimm_works(QTestState *qts)
{
    uint64_t addr = dimm_address(qts, "dimm");
    uint32_t first = addr / PAGE_SIZE;

    g_assert_true(QEMU_IS_ALIGNED(addr, 2 * MiB));
    assert_shows(qts, addr, "dram", 0);
    assert_shows(qts, addr + 1 * MiB, "nvm", 0);
    raminate_assert_swap(qts, 0, 256);
    raminate_assert_page(qts, first, ARBITRARY_CONTENTS);
    raminate_assert_page(qts, first + 256, ARBITRARY_CONTENTS);
    raminate_assert_frame("nvm", 0, first, ARBITRARY_CONTENTS);
}

static void test_pc_dimm(void)
{
    QTestState *qts;

    make_dimm_files();
    qts = qtest_init(DIMM_MACHINE " -object " DIMM_CONTAINER
                     " -object " DIMM_FAST " -object " DIMM_SLOW
                     " -device pc-dimm,id=dimm,memdev=c");
    assert_dimm_works(qts);
    qtest_quit(qts);
}

static void test_pc_dimm_hot_plug(void)
{
    QTestState *qts = qtest_init(DIMM_MACHINE);

    make_dimm_files();
    raminate_assert_object_add(qts, DIMM_CONTAINER);
    raminate_assert_object_add(qts, DIMM_FAST);
    raminate_assert_object_add(qts, DIMM_SLOW);
    qtest_qmp_device_add(qts, "pc-dimm", "dimm", "{'memdev': 'c'}");
    assert_dimm_works(qts);
    qtest_quit(qts);
}

static void test_devmem_alone(void)
{
    QTestState *qts;

    raminate_make_tier_files();
    qts = qtest_init("-cpu qemu64,apic-id=0"
                     " -machine none,memory-backend=d -m 256K"
                     " -object memory-backend-devmem,id=d,size=256K,"
                     "mem-path=dram,phy-offset=64K");
    assert_shows(qts, 9 * PAGE_SIZE, "dram", FAST_FIRST + 9);
    qtest_quit(qts);
}

/* query-memdev must work for a backend without a NUMA policy. */
static void test_query_memdev(void)
{
    QTestState *qts = raminate_start("", "");
    QDict *response = qtest_qmp(qts, "{ 'execute': 'query-memdev' }");
    QList *list = qdict_get_qlist(response, "return");

    g_assert_nonnull(list);
    g_assert_cmpuint(qlist_size(list), ==, 3);
    qobject_unref(response);
    qtest_quit(qts);
}

/* A tier is mapped by its container, and not by itself as well. */
static void test_mapped_once(void)
{
    QTestState *qts = raminate_start("", "");
    g_auto(GStrv) lines = raminate_host_mappings(qts);
    unsigned count[2] = { 0 };

    for (char **line = lines; *line; line++) {
        count[0] += g_str_has_suffix(*line, "/dram");
        count[1] += g_str_has_suffix(*line, "/nvm");
    }
    g_assert_cmpuint(count[0], ==, 1);
    g_assert_cmpuint(count[1], ==, 1);
    qtest_quit(qts);
}

/* Objects that go */

static void test_delete_unused(void)
{
    QTestState *qts = qtest_init("-machine none");

    raminate_make_tier_files();
    for (unsigned i = 0; i < 3; i++) {
        QDict *response;

        raminate_assert_object_add(qts, CONTAINER ",scan-period=1");
        raminate_assert_object_add(qts, FAST);
        raminate_assert_object_add(qts, SLOW);
        raminate_wait_figure(qts, "scans", 1);
        raminate_assert_object_del(qts, "c");
        raminate_assert_object_del(qts, "slow");
        raminate_assert_object_del(qts, "fast");
        response = qtest_qmp(qts, "{ 'execute': 'query-raminate' }");
        g_assert_true(qlist_empty(qdict_get_qlist(response, "return")));
        qobject_unref(response);
    }
    qtest_quit(qts);
}

/* Nobody can use it, so that it need not be complete to be deleted. */
static void test_delete_incomplete(void)
{
    QTestState *qts = qtest_init("-machine none");

    raminate_make_tier_files();
    raminate_assert_object_add(qts, CONTAINER);
    raminate_assert_object_add(qts, SLOW);
    raminate_assert_object_del(qts, "c");
    raminate_assert_object_del(qts, "slow");
    qtest_quit(qts);
}

/* The last tier completes the container, or leaves nothing behind. */
static void test_last_tier_again(void)
{
    QTestState *qts = qtest_init("-machine none");
    QDict *response;

    raminate_make_tier_files();
    raminate_assert_object_add(qts, CONTAINER ",record=late/recording");
    raminate_assert_object_add(qts, FAST);
    for (unsigned i = 0; i < 2; i++) {
        response = raminate_object_add(qts, SLOW);
        raminate_assert_error(response, "memory-backend-container 'c': can't "
                              "create the recording late/recording: No such "
                              "file or directory");
    }
    g_assert_cmpint(mkdir("late", 0700), ==, 0);
    raminate_assert_object_add(qts, SLOW);
    assert_tier(qts, 1, "slow", 1, FAST_PAGES * PAGE_SIZE,
                SLOW_PAGES * PAGE_SIZE);
    raminate_assert_object_del(qts, "c");
    raminate_assert_object_del(qts, "slow");
    raminate_assert_object_del(qts, "fast");
    qtest_quit(qts);
    g_assert_cmpint(unlink("late/recording"), ==, 0);
    g_assert_cmpint(rmdir("late"), ==, 0);
}

/* A virtio device of the old kind, and what a driver does to its ring */
#define VIRTIO \
    " -drive if=none,id=d,driver=null-co,size=1M" \
    " -device virtio-blk-pci,drive=d,addr=5,disable-modern=on"
#define VIRTIO_IO 0xc000

static void write_config(QTestState *qts, uint32_t at, uint32_t value)
{
    qtest_outl(qts, 0xcf8, 1U << 31 | PCI_DEVFN(5, 0) << 8 | at);
    qtest_outl(qts, 0xcfc, value);
}

/* Until the machine's end, it keeps the view of memory that it sees it in. */
static void set_ring(QTestState *qts)
{
    write_config(qts, PCI_BASE_ADDRESS_0, VIRTIO_IO);
    write_config(qts, PCI_COMMAND, PCI_COMMAND_IO);
    qtest_outw(qts, VIRTIO_IO + VIRTIO_PCI_QUEUE_SEL, 0);
    qtest_outl(qts, VIRTIO_IO + VIRTIO_PCI_QUEUE_PFN, 16);
    g_assert_cmpuint(qtest_inl(qts, VIRTIO_IO + VIRTIO_PCI_QUEUE_PFN), ==, 16);
}

/* Once its container is deleted, a tier can be, at once. */
static void test_delete_after_dimm(void)
{
    QTestState *qts = qtest_init(DIMM_MACHINE VIRTIO);

    set_ring(qts);
    make_dimm_files();
    for (unsigned i = 0; i < 30; i++) {
        raminate_assert_object_add(qts, DIMM_CONTAINER);
        raminate_assert_object_add(qts, DIMM_FAST);
        raminate_assert_object_add(qts, DIMM_SLOW);
        qtest_qmp_device_add(qts, "pc-dimm", "dimm", "{'memdev': 'c'}");
        raminate_eject_dimm(qts);
        raminate_assert_object_del(qts, "c");
        raminate_assert_object_del(qts, "slow");
        raminate_assert_object_del(qts, "fast");
    }
    qtest_quit(qts);
}

/* It has no mapping of its own any more, and would show the guest nothing. */
static void test_tier_is_no_dimm(void)
{
    QTestState *qts = qtest_init(DIMM_MACHINE);

    make_dimm_files();
    raminate_assert_object_add(qts, DIMM_CONTAINER);
    raminate_assert_object_add(qts, DIMM_FAST);
    raminate_assert_object_add(qts, DIMM_SLOW);
    raminate_assert_object_del(qts, "c");
    raminate_assert_error(
        qtest_qmp(qts, "{ 'execute': 'device_add', 'arguments':"
                  " { 'driver': 'pc-dimm', 'id': 'dimm',"
                  " 'memdev': 'slow' } }"),
        "memory-backend-devmem 'slow' was a tier of container 'c'; delete it "
        "and create it again without parent");
    qtest_quit(qts);
}

#define UNUSED "-object " DIMM_CONTAINER " -object " DIMM_FAST \
    " -object " DIMM_SLOW

/* The guest starts, and whoever looks sees why nothing moves. */
static void test_unused(void)
{
    g_autofree char *err = NULL;
    QTestState *qts;

    make_dimm_files();
    err = raminate_run_warns(DIMM_MACHINE " " UNUSED);
    g_assert_nonnull(strstr(err, "warning: memory-backend-container 'c' is "
                            "not used, since the guest has other RAM; give it "
                            "this by -machine memory-backend=c\n"));
    g_free(err);
    err = raminate_run_warns(DIMM_MACHINE " " UNUSED
                             " -device pc-dimm,id=dimm,memdev=c");
    g_assert_cmpstr(err, ==, "");

    qts = qtest_init(DIMM_MACHINE " " UNUSED);
    raminate_wait_state(qts, "unused");
    qtest_qmp_device_add(qts, "pc-dimm", "dimm", "{'memdev': 'c'}");
    raminate_wait_state(qts, "running");
    raminate_eject_dimm(qts);
    raminate_wait_state(qts, "unused");
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/objects/mapped-once", test_mapped_once);
    qtest_add_func("raminate/objects/tier-is-no-dimm", test_tier_is_no_dimm);
    qtest_add_func("raminate/objects/devmem/alone", test_devmem_alone);
    qtest_add_func("raminate/objects/numa-memdev", test_numa_memdev);
    qtest_add_func("raminate/objects/one-of-two-nodes",
                   test_one_of_two_nodes);
    qtest_add_func("raminate/objects/two-containers", test_two_containers);
    qtest_add_func("raminate/objects/unused", test_unused);
    qtest_add_func("raminate/objects/pc-dimm", test_pc_dimm);
    qtest_add_func("raminate/objects/pc-dimm-hot-plug",
                   test_pc_dimm_hot_plug);
    qtest_add_func("raminate/objects/query-memdev", test_query_memdev);
    qtest_add_func("raminate/objects/delete-unused", test_delete_unused);
    qtest_add_func("raminate/objects/delete-after-dimm",
                   test_delete_after_dimm);
    qtest_add_func("raminate/objects/delete-incomplete",
                   test_delete_incomplete);
    qtest_add_func("raminate/objects/last-tier-again", test_last_tier_again);
    return g_test_run();
}
