/*
 * RAMinate: the placer at work: scans, and pages that move
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "placing.h"

/* Scans */

/* A written page is found once, and in the tier where it is. */
static void test_writes_found(void)
{
    QTestState *qts = raminate_start(",policy=null" FAST_SCANS, "");
    QDict *info;

    raminate_wait_scans(qts, 1);
    for (uint32_t page = 0; page < 3; page++) {
        raminate_write_page(qts, page, 1);
    }
    for (uint32_t page = FAST_PAGES; page < FAST_PAGES + 5; page++) {
        raminate_write_page(qts, page, 1);
    }
    raminate_wait_figure(qts, "pages-written", 8);
    raminate_wait_scans(qts, 3);
    info = raminate_query(qts, "c");
    g_assert_cmpuint(get_uint(info, "pages-written"), ==, 8);
    g_assert_cmpuint(get_uint(get_tier(info, 0), "total-written"), ==, 3);
    g_assert_cmpuint(get_uint(get_tier(info, 1), "total-written"), ==, 5);
    g_assert_cmpuint(get_uint(get_tier(info, 0), "written"), ==, 0);
    g_assert_cmpuint(get_uint(get_tier(info, 1), "written"), ==, 0);
    g_assert_cmpfloat(get_double(info, "slow-share"), ==, 62.5);
    g_assert_false(qdict_haskey(info, "slow-share-last"));
    qobject_unref(info);
    qtest_quit(qts);
}

static void test_nothing_written(void)
{
    QTestState *qts = raminate_start(",policy=null" FAST_SCANS, "");
    QDict *info;

    raminate_wait_scans(qts, 3);
    info = raminate_query(qts, "c");
    g_assert_cmpuint(get_uint(info, "pages-written"), ==, 0);
    g_assert_false(qdict_haskey(info, "slow-share"));
    g_assert_false(qdict_haskey(info, "slow-share-last"));
    qobject_unref(info);
    qtest_quit(qts);
}

static void test_reads_not_found(void)
{
    QTestState *qts = raminate_start(",policy=null" FAST_SCANS, "");

    raminate_wait_scans(qts, 1);
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        qtest_readb(qts, (uint64_t)page * PAGE_SIZE);
    }
    raminate_wait_scans(qts, 3);
    g_assert_cmpuint(raminate_figure(qts, "pages-written"), ==, 0);
    qtest_quit(qts);
}

/* The last scan alone: all its pages were slow, but not all before. */
static void test_last_scan(void)
{
    QTestState *qts = raminate_start(",policy=null" FAST_SCANS, "");
    unsigned rounds = 0;
    QDict *info;
    bool seen = false;

    raminate_wait_scans(qts, 1);
    raminate_write_page(qts, 0, 1);
    raminate_wait_figure(qts, "pages-written", 1);
    raminate_set_uint(qts, "scan-period", 200);
    while (!seen) {
        raminate_write_page(qts, FAST_PAGES, rounds);
        info = raminate_query(qts, "c");
        if (qdict_haskey(info, "slow-share-last") &&
            get_uint(info, "pages-written") > 1) {
            g_assert_cmpfloat(get_double(info, "slow-share-last"), ==, 100);
            g_assert_cmpfloat(get_double(info, "slow-share"), <, 100);
            g_assert_cmpuint(get_uint(get_tier(info, 1), "written"), ==, 1);
            g_assert_cmpuint(get_uint(get_tier(info, 0), "written"), ==, 0);
            seen = true;
        }
        qobject_unref(info);
        raminate_wait(&rounds, "a scan that finds a slow page");
    }
    qtest_quit(qts);
}

/* A page counts where it is, not where it was at first. */
static void test_writes_after_swap(void)
{
    QTestState *qts = raminate_start(",policy=null" FAST_SCANS, "");

    raminate_assert_swap(qts, 0, FAST_PAGES);
    raminate_wait_scans(qts, 1);
    g_assert_cmpuint(raminate_figure(qts, "pages-written"), ==, 0);
    raminate_write_page(qts, 0, 1);
    raminate_wait_figure(qts, "pages-written", 1);
    g_assert_cmpuint(raminate_tier_figure(qts, 0, "total-written"), ==, 0);
    g_assert_cmpuint(raminate_tier_figure(qts, 1, "total-written"), ==, 1);
    qtest_quit(qts);
}

/* Devices, here the one that hands out firmware files, write as well. */

#define FW_CFG_DMA_HIGH 0x514
#define FW_CFG_DMA_LOW 0x518
#define FW_CFG_DMA_SELECT_AND_READ 0x0a

typedef struct QEMU_PACKED FwCfgDma {
    uint32_t control;
    uint32_t length;
    uint64_t address;
} FwCfgDma;

static void test_device_writes_found(void)
{
    const uint64_t request_at = 1 * PAGE_SIZE;
    const uint64_t target = (FAST_PAGES + 9) * PAGE_SIZE;
    FwCfgDma request = {
        .control = cpu_to_be32(FW_CFG_DMA_SELECT_AND_READ),
        .length = cpu_to_be32(4),
        .address = cpu_to_be64(target),
    };
    char signature[5] = "";
    uint64_t before;
    QTestState *qts;
    unsigned rounds = 0;

    raminate_make_tier_files();
    qts = qtest_init("-machine pc,memory-backend=c -m 1M -nodefaults"
                     " -vga none -object " CONTAINER ",policy=null" FAST_SCANS
                     " -object " FAST " -object " SLOW);
    raminate_wait_scans(qts, 1);
    before = raminate_tier_figure(qts, 1, "total-written");
    qtest_memwrite(qts, request_at, &request, sizeof(request));
    qtest_outl(qts, FW_CFG_DMA_HIGH, 0);
    qtest_outl(qts, FW_CFG_DMA_LOW, cpu_to_be32(request_at));
    qtest_memread(qts, target, signature, 4);
    g_assert_cmpstr(signature, ==, "QEMU");
    while (raminate_tier_figure(qts, 1, "total-written") == before) {
        raminate_wait(&rounds, "a device's write to be found");
    }
    qtest_quit(qts);
}

/* Promotion */

static void test_cmq_promotes(void)
{
    QTestState *qts = raminate_start(",policy=cmq" FAST_MOVES, "");

    assert_promotes(qts, NR_PAGES - 1);
    qtest_quit(qts);
}

static void test_lru_promotes(void)
{
    QTestState *qts = raminate_start(",policy=lru" FAST_MOVES, "");

    assert_promotes(qts, NR_PAGES - 1);
    qtest_quit(qts);
}

/* From the last of three tiers to the first */
static void test_three_tiers(void)
{
    QTestState *qts;

    raminate_make_tier_files();
    qts = qtest_init(MACHINE " -object " CONTAINER ",policy=lru" FAST_MOVES
                     " -object " FAST
                     " -object memory-backend-devmem,id=middle,parent=c,"
                     "size=256K,offset=256K,mem-path=nvm"
                     " -object memory-backend-devmem,id=slow,parent=c,"
                     "size=512K,offset=512K,mem-path=nvm,phy-offset=256K");
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_write_page(qts, page, 0);
    }
    for (unsigned rounds = 0; raminate_tier_of(qts, NR_PAGES - 1) != 0;) {
        raminate_write_page(qts, NR_PAGES - 1, 0);
        raminate_wait(&rounds, "a page to be promoted");
    }
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_assert_page(qts, page, 0);
    }
    qtest_quit(qts);
}

static void test_null_never_promotes(void)
{
    QTestState *qts = raminate_start(",policy=null" FAST_MOVES, "");

    write_for_scans(qts, 100);
    g_assert_cmpuint(raminate_figure(qts, "pages-written"), >, 20);
    g_assert_cmpuint(raminate_figure(qts, "batches"), ==, 0);
    g_assert_cmpuint(raminate_figure(qts, "swaps"), ==, 0);
    qtest_quit(qts);
}

static void test_most_swaps(void)
{
    QTestState *qts = raminate_start(",policy=lru,max-swaps=1" FAST_MOVES,
                                     "");
    QDict *info;

    write_until_figure(qts, "swaps", 10);
    info = raminate_query(qts, "c");
    g_assert_cmpuint(get_uint(info, "batches"), >=, get_uint(info, "swaps"));
    qobject_unref(info);
    qtest_quit(qts);
}

/* The last half of the pages is fast, the first is written. */
#define CUT_PAGES 16384
#define CUT_SWAPS 8000

/* A batch that takes long is cut, and what is left follows soon. */
static void test_long_batch_is_cut(void)
{
    unsigned rounds = 0;
    QTestState *qts;

    raminate_make_file("dram", (uint64_t)CUT_PAGES * PAGE_SIZE);
    raminate_make_file("nvm", (uint64_t)CUT_PAGES * PAGE_SIZE);
    qts = qtest_init("-cpu qemu64,apic-id=0 -machine none,memory-backend=c"
                     " -m 128M -object memory-backend-container,id=c,"
                     "size=128M,policy=lru,scan-period=200,swap-period=5000,"
                     "max-swaps=8000,max-cpu=0"
                     " -object memory-backend-devmem,id=slow,parent=c,"
                     "size=64M,mem-path=nvm,tier=1"
                     " -object memory-backend-devmem,id=fast,parent=c,"
                     "size=64M,offset=64M,mem-path=dram,tier=0");
    /* Again and again: what is left too long is not hot any more. */
    do {
        for (uint32_t page = 0; page < CUT_SWAPS; page++) {
            qtest_writeq(qts, (uint64_t)page * PAGE_SIZE, page + 1);
        }
        raminate_wait(&rounds, "swaps");
    } while (raminate_figure(qts, "swaps") < CUT_SWAPS);
    /* In one, it would be 8000 times what a pair takes, ten and more us. */
    g_assert_cmpuint(raminate_figure(qts, "batches"), >, 1);
    for (uint32_t page = 0; page < CUT_SWAPS; page++) {
        g_assert_cmphex(qtest_readq(qts, (uint64_t)page * PAGE_SIZE), ==,
                        page + 1);
    }
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/placer/scan/writes", test_writes_found);
    qtest_add_func("raminate/placer/scan/nothing-written",
                   test_nothing_written);
    qtest_add_func("raminate/placer/scan/reads", test_reads_not_found);
    qtest_add_func("raminate/placer/scan/last", test_last_scan);
    qtest_add_func("raminate/placer/scan/after-swap",
                   test_writes_after_swap);
    qtest_add_func("raminate/placer/scan/device-writes",
                   test_device_writes_found);
    qtest_add_func("raminate/placer/policy/cmq-promotes",
                   test_cmq_promotes);
    qtest_add_func("raminate/placer/policy/lru-promotes",
                   test_lru_promotes);
    qtest_add_func("raminate/placer/policy/null-never-promotes",
                   test_null_never_promotes);
    qtest_add_func("raminate/placer/policy/three-tiers", test_three_tiers);
    qtest_add_func("raminate/placer/policy/most-swaps", test_most_swaps);
    qtest_add_func("raminate/placer/long-batch-is-cut",
                   test_long_batch_is_cut);
    return g_test_run();
}
