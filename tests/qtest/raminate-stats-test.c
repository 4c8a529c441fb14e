/*
 * RAMinate: what the placer shows by statistics, HMP and traces
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/units.h"
#include "qobject/qlist.h"
#include "placing.h"

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
    { "swaps-busy", "swaps-busy" },
    { "swaps-no-room", "swaps-no-room" },
    { "swaps-reversed", "swaps-reversed" },
    { "swaps-held", "swaps-held" },
    { "pages-failed", "pages-failed" },
    { "pages-astray", "pages-astray" },
    { "pages-adopted", "pages-adopted" },
    { "pages-resized", "pages-resized" },
    { "watch-faults", "watch-faults" },
    { "huge-splits", "huge-splits" },
    { "huge-collapses", "huge-collapses" },
    { "huge-moves", "huge-moves" },
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

    g_assert_cmpstr(all, ==, "There is no memory-backend-container and no "
                    "memory-placement\r\n");
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

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/placer/stats/values", test_stats);
    qtest_add_func("raminate/placer/stats/by-name", test_stats_by_name);
    qtest_add_func("raminate/placer/stats/schemas", test_stats_schemas);
    qtest_add_func("raminate/placer/trace", test_trace);
    qtest_add_func("raminate/placer/hmp", test_hmp);
    qtest_add_func("raminate/placer/hmp-without-container",
                   test_hmp_without_container);
    return g_test_run();
}
