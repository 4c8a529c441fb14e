/*
 * RAMinate: the placer at work, and what it shows
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/units.h"
#include "qobject/qlist.h"
#include "qobject/qnum.h"
#include "qobject/qstring.h"
#include "raminate-common.h"

/* As fast as it goes, so that a test need not wait. */
#define FAST_SCANS ",scan-period=1,max-cpu=0"
#define FAST_MOVES FAST_SCANS ",swap-period=1,life-time=1"
#define ONE_HOUR "3600000"

/* What query-raminate shows */

static const char *get_str(QDict *info, const char *key)
{
    g_assert_true(qdict_haskey(info, key));
    return qdict_get_str(info, key);
}

static double get_double(QDict *info, const char *key)
{
    g_assert_true(qdict_haskey(info, key));
    return qdict_get_double(info, key);
}

static uint64_t get_uint(QDict *info, const char *key)
{
    g_assert_true(qdict_haskey(info, key));
    return qdict_get_int(info, key);
}

static QDict *get_tier(QDict *info, unsigned rank)
{
    const QListEntry *entry = qlist_first(qdict_get_qlist(info, "tiers"));

    while (rank--) {
        entry = qlist_next(entry);
    }
    return qobject_to(QDict, entry->value);
}

static void test_settings_shown(void)
{
    QTestState *qts = raminate_start(",policy=lru,sampler=dirty-log,"
                                     "mover=mmap,scan-period=11,"
                                     "swap-period=12,life-time=13,"
                                     "max-swaps=14,reverse-window=15,"
                                     "max-cpu=16", "");
    QDict *info = raminate_query(qts, "c");

    g_assert_cmpstr(get_str(info, "id"), ==, "c");
    g_assert_cmpuint(get_uint(info, "size"), ==, 1 * MiB);
    g_assert_cmpuint(get_uint(info, "page-size"), ==, PAGE_SIZE);
    g_assert_cmpstr(get_str(info, "state"), ==, "running");
    g_assert_false(qdict_haskey(info, "held-because"));
    g_assert_cmpstr(get_str(info, "policy"), ==, "lru");
    g_assert_cmpstr(get_str(info, "sampler"), ==, "dirty-log");
    g_assert_cmpstr(get_str(info, "mover"), ==, "mmap");
    g_assert_false(qdict_haskey(info, "sampler-reason"));
    g_assert_false(qdict_haskey(info, "mover-reason"));
    g_assert_cmpuint(get_uint(info, "scan-period"), ==, 11);
    g_assert_cmpuint(get_uint(info, "swap-period"), ==, 12);
    g_assert_cmpuint(get_uint(info, "life-time"), ==, 13);
    g_assert_cmpuint(get_uint(info, "max-swaps"), ==, 14);
    g_assert_cmpuint(get_uint(info, "reverse-window"), ==, 15);
    g_assert_cmpuint(get_uint(info, "max-cpu"), ==, 16);
    g_assert_cmpuint(get_uint(info, "bytes-per-page"), >, 0);
    g_assert_cmpuint(get_uint(info, "bytes-per-page"), <=, 33);
    qobject_unref(info);
    qtest_quit(qts);
}

static void test_tiers_shown(void)
{
    QTestState *qts = raminate_start("", "");
    QDict *info = raminate_query(qts, "c");
    QDict *fast = get_tier(info, 0);
    QDict *slow = get_tier(info, 1);

    g_assert_cmpuint(qlist_size(qdict_get_qlist(info, "tiers")), ==, 2);
    g_assert_cmpstr(get_str(fast, "id"), ==, "fast");
    g_assert_cmpuint(get_uint(fast, "rank"), ==, 0);
    g_assert_cmpstr(get_str(fast, "mem-path"), ==, "dram");
    g_assert_cmpuint(get_uint(fast, "phy-offset"), ==,
                     FAST_FIRST * PAGE_SIZE);
    g_assert_cmpuint(get_uint(fast, "offset"), ==, 0);
    g_assert_cmpuint(get_uint(fast, "size"), ==, FAST_PAGES * PAGE_SIZE);
    g_assert_cmpuint(get_uint(fast, "pages"), ==, FAST_PAGES);
    g_assert_cmpstr(get_str(slow, "id"), ==, "slow");
    g_assert_cmpuint(get_uint(slow, "rank"), ==, 1);
    g_assert_cmpstr(get_str(slow, "mem-path"), ==, "nvm");
    g_assert_cmpuint(get_uint(slow, "phy-offset"), ==,
                     SLOW_FIRST * PAGE_SIZE);
    g_assert_cmpuint(get_uint(slow, "offset"), ==, FAST_PAGES * PAGE_SIZE);
    g_assert_cmpuint(get_uint(slow, "size"), ==, SLOW_PAGES * PAGE_SIZE);
    g_assert_cmpuint(get_uint(slow, "pages"), ==, SLOW_PAGES);
    qobject_unref(info);
    qtest_quit(qts);
}

/* The best that works with this accelerator, and why none is better */
static void test_auto_shown(void)
{
    QTestState *qts = raminate_start("", "");
    QDict *info = raminate_query(qts, "c");

    g_assert_cmpstr(get_str(info, "sampler"), ==, "dirty-log");
    g_assert_cmpstr(get_str(info, "sampler-reason"), ==,
                    "the accelerator is not KVM");
    g_assert_cmpstr(get_str(info, "mover"), ==, "mmap");
    g_assert_cmpstr(get_str(info, "mover-reason"), ==,
                    "the accelerator is not KVM");
    qobject_unref(info);
    qtest_quit(qts);
}

/* Heat of the one region, and what the last scans found, until both are cold */
static void test_memory_shown(void)
{
    QTestState *qts = raminate_start(",policy=null,second-look=0,"
                                     "scan-period=100", "");
    const uint64_t heat = 512 * sizeof(uint32_t);
    unsigned rounds = 0;

    raminate_wait_state(qts, "running");
    while (raminate_figure(qts, "memory") <= heat) {
        for (uint32_t page = 0; page < NR_PAGES; page += 2) {
            raminate_write_page(qts, page, rounds);
        }
        raminate_wait(&rounds, "a scan's memory");
    }
    g_assert_cmpuint(raminate_figure(qts, "memory"), <,
                     heat + 8 * NR_PAGES * sizeof(uint64_t));
    raminate_set_uint(qts, "scan-period", 1);
    while (raminate_figure(qts, "memory")) {
        raminate_wait(&rounds, "memory to be given back");
    }
    qtest_quit(qts);
}

static void test_all_containers_shown(void)
{
    QTestState *qts = qtest_init("-machine none");
    QDict *response = qtest_qmp(qts, "{ 'execute': 'query-raminate' }");

    g_assert_true(qlist_empty(qdict_get_qlist(response, "return")));
    qobject_unref(response);

    raminate_make_tier_files();
    raminate_assert_object_add(qts, CONTAINER);
    raminate_assert_object_add(qts, FAST);
    raminate_assert_object_add(qts, SLOW);
    raminate_assert_object_add(qts, "memory-backend-container,id=c2,"
                               "size=64K");
    raminate_assert_object_add(qts, "memory-backend-devmem,id=only,parent=c2,"
                               "size=64K,mem-path=nvm");
    response = qtest_qmp(qts, "{ 'execute': 'query-raminate' }");
    g_assert_cmpuint(qlist_size(qdict_get_qlist(response, "return")), ==, 2);
    qobject_unref(response);
    qtest_quit(qts);
}

static void assert_times(QDict *info, const char *key, uint64_t count)
{
    QDict *times = qdict_get_qdict(info, key);

    g_assert_cmpuint(get_uint(times, "count"), ==, count);
    if (count) {
        g_assert_cmpuint(get_uint(times, "max"), >, 0);
    }
    g_assert_cmpuint(get_uint(times, "last"), <=, get_uint(times, "max"));
    g_assert_cmpuint(get_uint(times, "mean"), <=, get_uint(times, "max"));
    g_assert_cmpuint(get_uint(times, "p50"), <=, get_uint(times, "p90"));
    g_assert_cmpuint(get_uint(times, "p90"), <=, get_uint(times, "p99"));
    g_assert_cmpuint(get_uint(times, "p99"), <=, get_uint(times, "max"));
}

static void test_times_shown(void)
{
    QTestState *qts = raminate_start(",policy=null" FAST_SCANS, "");
    QDict *info;

    info = raminate_query(qts, "c");
    assert_times(info, "batch-time", 0);
    assert_times(info, "pause-time", 0);
    qobject_unref(info);

    raminate_wait_scans(qts, 5);
    raminate_assert_swap(qts, 0, FAST_PAGES);
    raminate_assert_swap(qts, 0, FAST_PAGES);
    info = raminate_query(qts, "c");
    assert_times(info, "scan-time", get_uint(info, "scans"));
    g_assert_cmpuint(get_uint(info, "batches"), ==, 2);
    assert_times(info, "batch-time", 2);
    assert_times(info, "pause-time", 2);
    g_assert_cmpuint(get_uint(qdict_get_qdict(info, "main-loop-time"),
                              "count"), >=, get_uint(info, "scans") + 2);
    g_assert_cmpuint(get_uint(info, "batches-given-up"), ==, 0);
    qobject_unref(info);
    qtest_quit(qts);
}

/* The map */

static QDict *query_map(QTestState *qts, unsigned buckets)
{
    QDict *response = qtest_qmp(qts, "{ 'execute': 'query-raminate-map',"
                                "  'arguments': { 'id': 'c',"
                                "                 'buckets': %u } }", buckets);
    QDict *map = qdict_get_qdict(response, "return");

    g_assert_nonnull(map);
    qobject_ref(map);
    qobject_unref(response);
    return map;
}

static QDict *get_bucket(QDict *map, unsigned index)
{
    const QListEntry *entry = qlist_first(qdict_get_qlist(map, "buckets"));

    while (index--) {
        entry = qlist_next(entry);
    }
    return qobject_to(QDict, entry->value);
}

static uint64_t bucket_pages(QDict *map, unsigned index, unsigned tier)
{
    const QListEntry *entry =
        qlist_first(qdict_get_qlist(get_bucket(map, index), "tiers"));

    while (tier--) {
        entry = qlist_next(entry);
    }
    return qnum_get_uint(qobject_to(QNum, entry->value));
}

static void assert_map(QTestState *qts, unsigned asked, unsigned buckets,
                       unsigned per_bucket)
{
    QDict *map = query_map(qts, asked);
    const QListEntry *tier = qlist_first(qdict_get_qlist(map, "tiers"));
    unsigned fast = 0, slow = 0;

    g_assert_cmpstr(get_str(map, "id"), ==, "c");
    g_assert_cmpuint(get_uint(map, "pages"), ==, NR_PAGES);
    g_assert_cmpuint(get_uint(map, "pages-per-bucket"), ==, per_bucket);
    g_assert_cmpuint(qlist_size(qdict_get_qlist(map, "buckets")), ==,
                     buckets);
    g_assert_cmpstr(qstring_get_str(qobject_to(QString, tier->value)), ==,
                    "fast");
    tier = qlist_next(tier);
    g_assert_cmpstr(qstring_get_str(qobject_to(QString, tier->value)), ==,
                    "slow");

    /* Every page of each tier is in its bucket. */
    for (unsigned i = 0; i < buckets; i++) {
        unsigned first = i * per_bucket;
        unsigned end = MIN(first + per_bucket, NR_PAGES);

        fast = MIN(end, FAST_PAGES) - MIN(first, FAST_PAGES);
        slow = end - first - fast;
        g_assert_cmpuint(bucket_pages(map, i, 0), ==, fast);
        g_assert_cmpuint(bucket_pages(map, i, 1), ==, slow);
        g_assert_cmpuint(get_uint(get_bucket(map, i), "heat"), ==, 0);
        g_assert_cmpuint(get_uint(get_bucket(map, i), "hottest"), ==, 0);
    }
    qobject_unref(map);
}

static void test_map_buckets(void)
{
    QTestState *qts = raminate_start("", "");

    assert_map(qts, 1, 1, 256);
    assert_map(qts, 2, 2, 128);
    assert_map(qts, 3, 3, 86);
    assert_map(qts, 4, 4, 64);
    /* As many as are needed, if all are to have as many pages. */
    assert_map(qts, 100, 86, 3);
    assert_map(qts, 255, 128, 2);
    assert_map(qts, 256, 256, 1);
    assert_map(qts, 65536, 256, 1);
    qtest_quit(qts);
}

static void test_map_default(void)
{
    QTestState *qts = raminate_start("", "");
    QDict *response = qtest_qmp(qts, "{ 'execute': 'query-raminate-map',"
                                "  'arguments': { 'id': 'c' } }");
    QDict *map = qdict_get_qdict(response, "return");

    g_assert_cmpuint(qlist_size(qdict_get_qlist(map, "buckets")), ==, 256);
    qobject_unref(response);
    qtest_quit(qts);
}

static void test_map_follows_swaps(void)
{
    QTestState *qts = raminate_start(",policy=null", "");
    QDict *map;

    raminate_assert_swap(qts, 5, FAST_PAGES + 5);
    map = query_map(qts, 256);
    g_assert_cmpuint(bucket_pages(map, 5, 0), ==, 0);
    g_assert_cmpuint(bucket_pages(map, 5, 1), ==, 1);
    g_assert_cmpuint(bucket_pages(map, FAST_PAGES + 5, 0), ==, 1);
    g_assert_cmpuint(bucket_pages(map, FAST_PAGES + 5, 1), ==, 0);
    qobject_unref(map);
    map = query_map(qts, 4);
    g_assert_cmpuint(bucket_pages(map, 0, 0), ==, FAST_PAGES - 1);
    g_assert_cmpuint(bucket_pages(map, 0, 1), ==, 1);
    qobject_unref(map);
    qtest_quit(qts);
}

/* Written over and over, a page gets hot; left alone, it cools down. */
static void test_map_heat(void)
{
    QTestState *qts = raminate_start(",policy=null,scan-period=100", "");
    unsigned rounds = 0;
    uint64_t hottest = 0;
    QDict *map;

    while (hottest < 40) {
        raminate_write_page(qts, 7, rounds);
        raminate_wait(&rounds, "a page to get hot");
        map = query_map(qts, 256);
        hottest = get_uint(get_bucket(map, 7), "hottest");
        g_assert_cmpuint(get_uint(get_bucket(map, 7), "heat"), ==, hottest);
        g_assert_cmpuint(get_uint(get_bucket(map, 6), "hottest"), ==, 0);
        g_assert_cmpuint(get_uint(get_bucket(map, 8), "hottest"), ==, 0);
        qobject_unref(map);
    }
    map = query_map(qts, 2);
    g_assert_cmpuint(get_uint(get_bucket(map, 0), "hottest"), >,
                     get_uint(get_bucket(map, 0), "heat"));
    qobject_unref(map);
    raminate_set_uint(qts, "scan-period", 1);
    while (hottest > 0) {
        raminate_wait(&rounds, "a page to cool down");
        map = query_map(qts, 256);
        hottest = get_uint(get_bucket(map, 7), "hottest");
        qobject_unref(map);
    }
    qtest_quit(qts);
}

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

/* Writes a slow page until it is fast; nothing may be lost meanwhile. */
static void assert_promotes(QTestState *qts, uint32_t page)
{
    unsigned rounds = 0;

    for (uint32_t other = 0; other < NR_PAGES; other++) {
        raminate_write_page(qts, other, 0);
    }
    while (raminate_tier_of(qts, page) != 0) {
        raminate_write_page(qts, page, rounds);
        raminate_wait(&rounds, "a page to be promoted");
    }
    raminate_write_page(qts, page, 0);
    for (uint32_t other = 0; other < NR_PAGES; other++) {
        raminate_assert_page(qts, other, 0);
    }
    g_assert_cmpuint(raminate_figure(qts, "swaps"), >, 0);
    g_assert_cmpuint(raminate_tier_figure(qts, 0, "pages"), ==, FAST_PAGES);
    g_assert_cmpuint(raminate_tier_figure(qts, 1, "pages"), ==, SLOW_PAGES);
}

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

/* Writes slow pages again and again, until the figure is @value at least. */
static void write_until_figure(QTestState *qts, const char *name,
                               uint64_t value)
{
    for (unsigned rounds = 0; raminate_figure(qts, name) < value;) {
        for (uint32_t page = FAST_PAGES; page < FAST_PAGES + 20; page++) {
            raminate_write_page(qts, page, 0);
        }
        raminate_wait(&rounds, name);
    }
}

static void write_for_scans(QTestState *qts, unsigned scans)
{
    write_until_figure(qts, "scans", raminate_figure(qts, "scans") + scans);
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

/* Settings that change while it runs */

static void test_set_all(void)
{
    static const char *const numbers[] = {
        "scan-period", "swap-period", "life-time", "max-swaps",
        "reverse-window", "max-cpu",
    };
    QTestState *qts = raminate_start("", "");

    for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
        raminate_set_uint(qts, numbers[i], 70 + i);
        g_assert_cmpuint(raminate_figure(qts, numbers[i]), ==, 70 + i);
        raminate_assert_qom_uint(qts, "/objects/c", numbers[i], 70 + i);
    }
    raminate_set_string(qts, "policy", "null");
    raminate_assert_qom_string(qts, "/objects/c", "policy", "null");
    raminate_set_string(qts, "sampler", "dirty-log");
    raminate_assert_qom_string(qts, "/objects/c", "sampler", "dirty-log");
    raminate_set_string(qts, "mover", "mmap");
    raminate_assert_qom_string(qts, "/objects/c", "mover", "mmap");
    raminate_assert_swap(qts, 0, FAST_PAGES);
    raminate_set_string(qts, "sampler", "auto");
    raminate_set_string(qts, "mover", "auto");
    raminate_assert_swap(qts, 0, FAST_PAGES);
    qtest_quit(qts);
}

/* A part that the host lacks is refused, and the old one works on. */
static void test_set_unusable_part(void)
{
    QTestState *qts = raminate_start(",policy=null" FAST_SCANS, "");

    raminate_assert_error(
        qtest_qmp(qts, "{ 'execute': 'qom-set', 'arguments': { 'path':"
                  "  '/objects/c', 'property': 'sampler', 'value': 'kvm' } }"),
        "memory-backend-container 'c': sampler=kvm can't be used, choose "
        "auto: the accelerator is not KVM");
    raminate_assert_error(
        qtest_qmp(qts, "{ 'execute': 'qom-set', 'arguments': { 'path':"
                  "  '/objects/c', 'property': 'mover', 'value': 'kvm' } }"),
        "memory-backend-container 'c': mover=kvm can't be used, choose auto: "
        "the accelerator is not KVM");
    raminate_assert_qom_string(qts, "/objects/c", "sampler", "auto");
    raminate_assert_qom_string(qts, "/objects/c", "mover", "auto");
    raminate_wait_scans(qts, 3);
    raminate_assert_swap(qts, 0, FAST_PAGES);
    qtest_quit(qts);
}

static void test_set_scan_period(void)
{
    QTestState *qts = raminate_start(",scan-period=" ONE_HOUR, "");

    raminate_set_uint(qts, "scan-period", 1);
    raminate_wait_scans(qts, 10);
    qtest_quit(qts);
}

static void test_set_swap_period(void)
{
    QTestState *qts = raminate_start(",policy=lru,swap-period=" ONE_HOUR
                                     FAST_SCANS, "");

    write_for_scans(qts, 20);
    g_assert_cmpuint(raminate_figure(qts, "batches"), ==, 0);
    raminate_set_uint(qts, "swap-period", 1);
    write_until_figure(qts, "batches", 1);
    qtest_quit(qts);
}

/* While pages live on, none is a victim. */
static void test_set_life_time(void)
{
    QTestState *qts = raminate_start(",policy=cmq,swap-period=1,life-time="
                                     ONE_HOUR FAST_SCANS, "");

    write_for_scans(qts, 100);
    g_assert_cmpuint(raminate_figure(qts, "swaps"), ==, 0);
    raminate_set_uint(qts, "life-time", 1);
    assert_promotes(qts, NR_PAGES - 1);
    qtest_quit(qts);
}

static void test_set_policy(void)
{
    QTestState *qts = raminate_start(",policy=null" FAST_MOVES, "");
    uint64_t swaps;

    write_for_scans(qts, 20);
    g_assert_cmpuint(raminate_figure(qts, "swaps"), ==, 0);
    raminate_set_string(qts, "policy", "lru");
    assert_promotes(qts, NR_PAGES - 1);
    raminate_set_string(qts, "policy", "cmq");
    assert_promotes(qts, NR_PAGES - 2);
    raminate_set_string(qts, "policy", "null");

    /* A plan made before may still be carried out. */
    raminate_wait_scans(qts, 2);
    swaps = raminate_figure(qts, "swaps");
    write_for_scans(qts, 50);
    g_assert_cmpuint(raminate_figure(qts, "swaps"), ==, swaps);
    qtest_quit(qts);
}

/* On and off */

/* The limit is the mover's, which is closed with the placer. */
static void wait_for_parts_closed(QTestState *qts)
{
    unsigned rounds = 0;
    bool closed = false;

    while (!closed) {
        QDict *info = raminate_query(qts, "c");

        closed = !qdict_haskey(info, "mappings-limit");
        qobject_unref(info);
        raminate_wait(&rounds, "the placer to be off");
    }
}

static void test_off_and_on(void)
{
    QTestState *qts = raminate_start(",policy=null" FAST_SCANS, "");
    uint64_t scans;

    raminate_wait_scans(qts, 1);
    raminate_write_page(qts, FAST_PAGES, 1);
    raminate_assert_swap(qts, 0, FAST_PAGES);
    raminate_wait_figure(qts, "pages-written", 1);

    qtest_qom_set_bool(qts, "/objects/c", "monitor", false);
    raminate_wait_state(qts, "off");
    wait_for_parts_closed(qts);
    scans = raminate_figure(qts, "scans");
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_write_page(qts, page, 2);
    }
    g_assert_cmpuint(raminate_figure(qts, "scans"), ==, scans);

    /* What was written in between isn't news. */
    qtest_qom_set_bool(qts, "/objects/c", "monitor", true);
    raminate_wait_state(qts, "running");
    raminate_wait_scans(qts, 3);
    g_assert_cmpuint(raminate_figure(qts, "pages-written"), ==, 1);
    g_assert_cmpuint(raminate_tier_of(qts, 0), ==, 1);
    raminate_assert_swap(qts, 0, FAST_PAGES);
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_assert_page(qts, page, 2);
    }
    qtest_quit(qts);
}

static void test_on_later(void)
{
    QTestState *qts = raminate_start(",monitor=off" FAST_SCANS, "");

    raminate_wait_state(qts, "off");
    qtest_qom_set_bool(qts, "/objects/c", "monitor", true);
    raminate_wait_state(qts, "running");
    raminate_wait_scans(qts, 3);
    raminate_assert_swap(qts, 0, FAST_PAGES);
    qtest_quit(qts);
}

static void test_waiting(void)
{
    QTestState *qts = raminate_start(",policy=null" FAST_SCANS, "-S");

    raminate_wait_state(qts, "waiting");
    g_assert_cmpuint(raminate_figure(qts, "scans"), ==, 0);
    qtest_qmp_assert_success(qts, "{ 'execute': 'cont' }");
    raminate_wait_state(qts, "running");
    raminate_wait_scans(qts, 3);
    qtest_quit(qts);
}

/* Returns: the number of scans, once there are no more. */
static uint64_t wait_until_quiet(QTestState *qts)
{
    uint64_t scans = raminate_figure(qts, "scans");
    unsigned rounds = 0;

    for (unsigned quiet = 0; quiet < 100; quiet++) {
        raminate_wait(&rounds, "scans to end");
        if (raminate_figure(qts, "scans") != scans) {
            scans = raminate_figure(qts, "scans");
            quiet = 0;
        }
    }
    return scans;
}

static void test_stop_and_cont(void)
{
    QTestState *qts = raminate_start(",policy=null" FAST_SCANS, "");
    uint64_t scans;
    QDict *info;

    raminate_wait_scans(qts, 1);
    qtest_qmp_assert_success(qts, "{ 'execute': 'stop' }");
    info = raminate_query(qts, "c");
    g_assert_cmpstr(get_str(info, "state"), ==, "held");
    g_assert_cmpstr(get_str(info, "held-because"), ==,
                    "the VM is not running");
    qobject_unref(info);

    scans = wait_until_quiet(qts);
    raminate_write_page(qts, 0, 1);
    g_assert_cmpuint(raminate_figure(qts, "scans"), ==, scans);
    qtest_qmp_assert_success(qts, "{ 'execute': 'cont' }");
    raminate_wait_state(qts, "running");
    raminate_wait_scans(qts, 3);

    /* Whoever writes while the guest stands still, it isn't the guest. */
    g_assert_cmpuint(raminate_figure(qts, "pages-written"), ==, 0);
    raminate_write_page(qts, 0, 2);
    raminate_wait_figure(qts, "pages-written", 1);
    qtest_quit(qts);
}

static void test_reset(void)
{
    QTestState *qts = raminate_start(",policy=null" FAST_SCANS, "");

    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_write_page(qts, page, 1);
    }
    raminate_assert_swap(qts, 0, NR_PAGES - 1);
    qtest_system_reset(qts);
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_assert_page(qts, page, 1);
    }
    g_assert_cmpuint(raminate_tier_of(qts, NR_PAGES - 1), ==, 0);
    raminate_wait_state(qts, "running");
    raminate_wait_scans(qts, 3);
    raminate_assert_swap(qts, 0, NR_PAGES - 1);
    raminate_assert_page(qts, 0, 1);
    qtest_quit(qts);
}

/* All at once, with the placer in the midst of it */
static void test_quit_while_busy(void)
{
    for (unsigned i = 0; i < 5; i++) {
        QTestState *qts = raminate_start(",policy=lru" FAST_MOVES, "");

        write_for_scans(qts, 10);
        qtest_quit(qts);
    }
}

/* Others that show it */

typedef struct StatName {
    const char *stat;
    const char *figure;         /* NULL: compared by the test itself */
    bool is_time;
} StatName;

static const StatName stat_names[] = {
    { "scans", "scans" },
    { "scans-put-off", "scans-put-off" },
    { "pages-written", "pages-written" },
    { "pages-written-slow" },
    { "batches", "batches" },
    { "batches-given-up", "batches-given-up" },
    { "swaps", "swaps" },
    { "swaps-failed", "swaps-failed" },
    { "swaps-reversed", "swaps-reversed" },
    { "swaps-held", "swaps-held" },
    { "pages-failed", "pages-failed" },
    { "slow-writes-by-swaps", "slow-writes-by-swaps" },
    { "scan-time", .is_time = true },
    { "batch-time", .is_time = true },
    { "pause-time", .is_time = true },
    { "main-loop-time", .is_time = true },
    { "cpu-time", .is_time = true },
};

/* Returns: the entry whose name is @name, or NULL. */
static QDict *find_named(QList *list, const char *name)
{
    const QListEntry *entry;

    QLIST_FOREACH_ENTRY(list, entry) {
        QDict *dict = qobject_to(QDict, entry->value);

        if (g_str_equal(qdict_get_str(dict, "name"), name)) {
            return dict;
        }
    }
    return NULL;
}

static void test_stats(void)
{
    QTestState *qts = raminate_start(",policy=null" FAST_SCANS, "");
    QDict *response, *result, *info;
    QList *stats;

    raminate_wait_scans(qts, 1);
    raminate_write_page(qts, 0, 1);
    raminate_write_page(qts, FAST_PAGES, 1);
    raminate_wait_figure(qts, "pages-written", 2);
    raminate_assert_swap(qts, 0, FAST_PAGES);
    raminate_assert_swap(qts, 0, FAST_PAGES);
    qtest_qmp_assert_success(qts, "{ 'execute': 'stop' }");
    wait_until_quiet(qts);

    info = raminate_query(qts, "c");
    response = qtest_qmp(qts, "{ 'execute': 'query-stats', 'arguments':"
                         "  { 'target': 'vm',"
                         "    'providers': [ { 'provider': 'raminate' } ] } }");
    g_assert_cmpuint(qlist_size(qdict_get_qlist(response, "return")), ==, 1);
    result = qobject_to(QDict,
                        qlist_peek(qdict_get_qlist(response, "return")));
    g_assert_cmpstr(get_str(result, "provider"), ==, "raminate");
    g_assert_cmpstr(get_str(result, "qom-path"), ==, "/objects/c");
    stats = qdict_get_qlist(result, "stats");
    g_assert_cmpuint(qlist_size(stats), ==, ARRAY_SIZE(stat_names));
    for (unsigned i = 0; i < ARRAY_SIZE(stat_names); i++) {
        const StatName *name = &stat_names[i];
        QDict *stat = find_named(stats, name->stat);
        uint64_t expected;

        g_assert_nonnull(stat);
        if (name->is_time) {
            QDict *times = qdict_get_qdict(info, name->stat);

            expected = get_uint(times, "total");
        } else if (name->figure) {
            expected = get_uint(info, name->figure);
        } else {
            expected = 1;
        }
        g_assert_cmpuint(get_uint(stat, "value"), ==, expected);
    }
    qobject_unref(response);
    qobject_unref(info);
    qtest_quit(qts);
}

static void test_stats_by_name(void)
{
    QTestState *qts = raminate_start("", "");
    QDict *response, *result;
    QList *stats;

    response = qtest_qmp(qts, "{ 'execute': 'query-stats', 'arguments':"
                         "  { 'target': 'vm',"
                         "    'providers': [ { 'provider': 'raminate',"
                         "                     'names': [ 'swaps' ] } ] } }");
    result = qobject_to(QDict,
                        qlist_peek(qdict_get_qlist(response, "return")));
    stats = qdict_get_qlist(result, "stats");
    g_assert_cmpuint(qlist_size(stats), ==, 1);
    g_assert_nonnull(find_named(stats, "swaps"));
    qobject_unref(response);

    /* vCPUs have none. */
    response = qtest_qmp(qts, "{ 'execute': 'query-stats', 'arguments':"
                         "  { 'target': 'vcpu',"
                         "    'providers': [ { 'provider': 'raminate' } ] } }");
    g_assert_true(qlist_empty(qdict_get_qlist(response, "return")));
    qobject_unref(response);
    qtest_quit(qts);
}

static void test_stats_schemas(void)
{
    QTestState *qts = raminate_start("", "");
    QDict *response = qtest_qmp(qts, "{ 'execute': 'query-stats-schemas',"
                                "  'arguments': {"
                                "    'provider': 'raminate' } }");
    QList *list = qdict_get_qlist(response, "return");
    QDict *schema;

    g_assert_cmpuint(qlist_size(list), ==, 1);
    schema = qobject_to(QDict, qlist_peek(list));
    g_assert_cmpstr(get_str(schema, "target"), ==, "vm");
    list = qdict_get_qlist(schema, "stats");
    g_assert_cmpuint(qlist_size(list), ==, ARRAY_SIZE(stat_names));
    for (unsigned i = 0; i < ARRAY_SIZE(stat_names); i++) {
        QDict *value = find_named(list, stat_names[i].stat);

        g_assert_nonnull(value);
        g_assert_cmpstr(get_str(value, "type"), ==, "cumulative");
        if (stat_names[i].is_time) {
            g_assert_cmpstr(get_str(value, "unit"), ==, "seconds");
            g_assert_cmpint(qdict_get_int(value, "base"), ==, 10);
            g_assert_cmpint(qdict_get_int(value, "exponent"), ==, -9);
        } else {
            g_assert_false(qdict_haskey(value, "unit"));
        }
    }
    qobject_unref(response);
    qtest_quit(qts);
}

static void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part)) {
        g_assert_cmpstr(text, ==, part);
    }
}

static void test_hmp(void)
{
    QTestState *qts = raminate_start(",policy=null" FAST_SCANS, "");
    g_autofree char *one = NULL;
    g_autofree char *all = NULL;

    raminate_wait_scans(qts, 1);
    raminate_write_page(qts, FAST_PAGES, 1);
    raminate_wait_figure(qts, "pages-written", 1);
    raminate_assert_swap(qts, 0, FAST_PAGES);
    raminate_wait_scans(qts, 1);
    qtest_qmp_assert_success(qts, "{ 'execute': 'stop' }");
    wait_until_quiet(qts);
    all = qtest_hmp(qts, "info raminate");
    one = qtest_hmp(qts, "info raminate c");
    g_assert_cmpstr(all, ==, one);
    assert_contains(all, "c: 1 MiB, held: the VM is not running\r\n");
    assert_contains(all, "  policy: null\r\n");
    assert_contains(all, "  sampler: dirty-log (the accelerator is not KVM)");
    assert_contains(all, "  mover: mmap (the accelerator is not KVM)");
    assert_contains(all, "  periods: scan 1 ms, swap 2000 ms, life time "
                    "5000 ms, at most 1000 swaps\r\n");
    assert_contains(all, "  processor time: at most 0% of one; 0 scans put "
                    "off\r\n");
    assert_contains(all, "  tier 0 fast: 64 pages, 0 written by the last "
                    "scan, 0 by all; dram from 0x10000; costs: read 1, "
                    "write 1, idle 125 mW/GiB\r\n");
    assert_contains(all, "  tier 1 slow: 192 pages, 0 written by the last "
                    "scan, 1 by all; nvm from 0x20000; costs: read 1, "
                    "write 5, idle 0 mW/GiB\r\n");
    assert_contains(all, "  written pages in slow memory: 100.0%");
    assert_contains(all, "  swaps: 1 in 1 batches, 0 failed, 0 reversed, 0 "
                    "held; 0 batches given up\r\n");
    assert_contains(all, "  pages written to slow memory: 0 saved, 1 by "
                    "swaps\r\n");
    assert_contains(all, "  energy, a slow write costing 100: ");
    assert_contains(all, "  mappings: 4 of at most ");
    assert_contains(all, "  scans: ");
    assert_contains(all, "  batches: 1 times, in us: ");
    assert_contains(all, "  pauses: 1 times, in us: ");
    assert_contains(all, "  main loop: ");
    assert_contains(all, "  processor: ");
    qtest_quit(qts);
}

static void test_hmp_without_container(void)
{
    QTestState *qts = qtest_init("-machine none");
    g_autofree char *all = qtest_hmp(qts, "info raminate");

    g_assert_cmpstr(all, ==, "There is no memory-backend-container\r\n");
    qtest_quit(qts);
}

static void test_trace(void)
{
    QTestState *qts = raminate_start(",policy=null" FAST_SCANS,
                                     "-trace raminate_* -D trace");
    g_autofree char *log = NULL;

    raminate_wait_scans(qts, 1);
    raminate_write_page(qts, FAST_PAGES, 1);
    raminate_wait_figure(qts, "pages-written", 1);
    raminate_assert_swap(qts, 0, FAST_PAGES);
    qtest_qmp_assert_success(qts, "{ 'execute': 'stop' }");
    wait_until_quiet(qts);
    qtest_quit(qts);
    g_assert_true(g_file_get_contents("trace", &log, NULL, NULL));
    assert_contains(log, "raminate_scan c: 1 pages written, 1 of them in slow "
                    "memory, took ");
    assert_contains(log, "raminate_swap c: page 0 now in tier 1, page 64 in "
                    "tier 0\n");
    assert_contains(log, "raminate_batch c: 1 pairs, took ");
}

/* The last half of the pages is fast, the first is written. */
#define CUT_PAGES 16384
#define CUT_SWAPS 8000

/* A batch that takes long is cut, and what is left follows soon. */
static void test_long_batch_is_cut(void)
{
    QTestState *qts;

    raminate_make_file("dram", (uint64_t)CUT_PAGES * PAGE_SIZE);
    raminate_make_file("nvm", (uint64_t)CUT_PAGES * PAGE_SIZE);
    qts = qtest_init("-cpu qemu64,apic-id=0 -machine none,memory-backend=c"
                     " -m 128M -object memory-backend-container,id=c,"
                     "size=128M,policy=lru,scan-period=200,swap-period=5000,"
                     "max-swaps=8000"
                     " -object memory-backend-devmem,id=slow,parent=c,"
                     "size=64M,mem-path=nvm,tier=1"
                     " -object memory-backend-devmem,id=fast,parent=c,"
                     "size=64M,offset=64M,mem-path=dram,tier=0");
    for (uint32_t page = 0; page < CUT_SWAPS; page++) {
        qtest_writeq(qts, (uint64_t)page * PAGE_SIZE, page + 1);
    }
    raminate_wait_figure(qts, "swaps", CUT_SWAPS);
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
    qtest_add_func("raminate/placer/query/settings", test_settings_shown);
    qtest_add_func("raminate/placer/query/tiers", test_tiers_shown);
    qtest_add_func("raminate/placer/query/auto", test_auto_shown);
    qtest_add_func("raminate/placer/query/memory", test_memory_shown);
    qtest_add_func("raminate/placer/query/all-containers",
                   test_all_containers_shown);
    qtest_add_func("raminate/placer/query/times", test_times_shown);
    qtest_add_func("raminate/placer/map/buckets", test_map_buckets);
    qtest_add_func("raminate/placer/map/default", test_map_default);
    qtest_add_func("raminate/placer/map/follows-swaps",
                   test_map_follows_swaps);
    qtest_add_func("raminate/placer/map/heat", test_map_heat);
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
    qtest_add_func("raminate/placer/set/all", test_set_all);
    qtest_add_func("raminate/placer/set/unusable-part",
                   test_set_unusable_part);
    qtest_add_func("raminate/placer/set/scan-period", test_set_scan_period);
    qtest_add_func("raminate/placer/set/swap-period", test_set_swap_period);
    qtest_add_func("raminate/placer/set/life-time", test_set_life_time);
    qtest_add_func("raminate/placer/set/policy", test_set_policy);
    qtest_add_func("raminate/placer/off-and-on", test_off_and_on);
    qtest_add_func("raminate/placer/on-later", test_on_later);
    qtest_add_func("raminate/placer/waiting", test_waiting);
    qtest_add_func("raminate/placer/stop-and-cont", test_stop_and_cont);
    qtest_add_func("raminate/placer/reset", test_reset);
    qtest_add_func("raminate/placer/quit-while-busy", test_quit_while_busy);
    qtest_add_func("raminate/placer/stats/values", test_stats);
    qtest_add_func("raminate/placer/stats/by-name", test_stats_by_name);
    qtest_add_func("raminate/placer/stats/schemas", test_stats_schemas);
    qtest_add_func("raminate/placer/trace", test_trace);
    qtest_add_func("raminate/placer/hmp", test_hmp);
    qtest_add_func("raminate/placer/hmp-without-container",
                   test_hmp_without_container);
    qtest_add_func("raminate/placer/long-batch-is-cut",
                   test_long_batch_is_cut);
    return g_test_run();
}
