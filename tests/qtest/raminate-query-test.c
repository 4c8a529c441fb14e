/*
 * RAMinate: what the placer shows by QMP: settings, figures, the map
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/units.h"
#include "qobject/qlist.h"
#include "qobject/qnum.h"
#include "qobject/qstring.h"
#include "placing.h"

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
    return g_test_run();
}
