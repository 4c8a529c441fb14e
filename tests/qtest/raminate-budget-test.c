/*
 * RAMinate: fast-budget changes while the guest runs
 *
 * On a host with two nodes that a library stands in for.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qobject/qnum.h"
#include "budget.h"
#include "nodes-control.h"

#define BY_HAND ",policy=null,scan-period=50,swap-period=" ONE_HOUR
#define AT_ONCE ",policy=null,swap-period=10,scan-period=10,max-cpu=0"
#define SLOW_PAGE FAST_PAGES

/* Returns: how many pages the fast node has. */
static uint32_t pages_of_node(void)
{
    uint32_t nr = 0;

    for (uint32_t page = 0; page < NR_PAGES; page++) {
        nr += raminate_nodes->node[page] == 0;
    }
    return nr;
}

static void check_sizes(QTestState *qts)
{
    static const uint32_t sizes[] = {
        10, 201, 1, NR_PAGES - 1, FAST_PAGES, FAST_PAGES,
    };
    uint32_t before = raminate_tier_figure(qts, 0, "pages");
    uint64_t moved = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        set_budget(qts, sizes[i]);
        wait_for_pages(qts, sizes[i]);
        g_assert_cmpuint(pages_of_node(), ==, sizes[i]);
        moved += ABS((int)sizes[i] - (int)before);
        before = sizes[i];
    }
    raminate_nodes_assert_all(qts);
    g_assert_cmpuint(raminate_figure(qts, "pages-resized"), ==, moved);
    g_assert_cmpuint(raminate_figure(qts, "swaps"), ==, 0);
    g_assert_cmpuint(raminate_figure(qts, "swaps-failed"), ==, 0);
    g_assert_cmpuint(raminate_figure(qts, "pages-astray"), ==, 0);
}

static void test_container(void)
{
    QTestState *qts = raminate_nodes_start(BY_HAND);

    check_sizes(qts);
    raminate_nodes_end(qts);
}

static QDict *add_placement(QTestState *qts, const char *policy)
{
    return qtest_qmp(qts, "{ 'execute': 'object-add', 'arguments': {"
                     "  'qom-type': 'memory-placement', 'id': 'c',"
                     "  'memdev': 'ram', 'nodes': [ 0, 1 ],"
                     "  'budgets': [ %u ], 'policy': %s,"
                     "  'scan-period': 10, 'max-cpu': 0, 'swap-period': 10,"
                     "  'life-time': 1 } }", FAST_PAGES * PAGE_SIZE, policy);
}

static QTestState *start_placement(const char *policy)
{
    QTestState *qts;
    QDict *response;

    raminate_nodes_preload();
    qts = qtest_init("-cpu qemu64,apic-id=0 -machine none,memory-backend=ram "
                     "-m 1M -object " RAM);
    raminate_nodes_write_all(qts);
    response = add_placement(qts, policy);
    g_assert_true(qdict_haskey(response, "return"));
    qobject_unref(response);
    return qts;
}

static void test_placement(void)
{
    QTestState *qts = start_placement("null");
    QDict *response;
    QList *budgets;

    check_sizes(qts);
    response = raminate_qom_get(qts, "/objects/c", "budgets");
    budgets = qdict_get_qlist(response, "return");
    g_assert_cmpuint(qlist_size(budgets), ==, 1);
    g_assert_cmpint(qnum_get_int(qobject_to(
                        QNum, qlist_entry_obj(qlist_first(budgets)))), ==,
                    FAST_PAGES * PAGE_SIZE);
    qobject_unref(response);
    raminate_nodes_end(qts);
}

/* In the monitor, too; lists can't be set there, and nothing ends by it. */
static void test_monitor(void)
{
    QTestState *qts = start_placement("null");
    char *text = qtest_hmp(qts, "qom-set /objects/c fast-budget 8K");

    g_assert_cmpstr(text, ==, "");
    g_free(text);
    wait_for_pages(qts, 2);
    text = qtest_hmp(qts, "qom-set /objects/c budgets 8K");
    g_assert_nonnull(strstr(text, "budgets can't be changed"));
    g_free(text);
    text = qtest_hmp(qts, "info raminate c");
    g_assert_nonnull(strstr(text, "pages moved for fast-budget: 62, left: 0"));
    g_free(text);
    raminate_nodes_end(qts);
}

static uint64_t heat_of(QTestState *qts, uint32_t page)
{
    QDict *response = qtest_qmp(qts, "{ 'execute': 'query-raminate-page',"
                                "  'arguments': { 'id': 'c', 'page': %u } }",
                                page);
    uint64_t heat = qdict_get_int(qdict_get_qdict(response, "return"), "heat");

    qobject_unref(response);
    return heat;
}

/* Writes pages until scans have found them; then there are no more scans. */
static void make_hot(QTestState *qts, const uint32_t *pages, unsigned nr)
{
    unsigned rounds = 0;
    unsigned hot;

    do {
        uint64_t end = raminate_figure(qts, "scans") + 5;

        raminate_set_uint(qts, "scan-period", 1);
        while (raminate_figure(qts, "scans") < end) {
            for (unsigned i = 0; i < nr; i++) {
                raminate_write_page(qts, pages[i], 0);
            }
        }
        raminate_set_uint(qts, "scan-period", 3600000);
        raminate_wait(&rounds, "pages to be hot");
        hot = 0;
        for (unsigned i = 0; i < nr; i++) {
            hot += heat_of(qts, pages[i]) > 0;
        }
    } while (hot < nr);
}

/* Of a fast tier that becomes smaller, what is hot stays. */
static void test_hot_pages(void)
{
    static const uint32_t hot[] = { 3, 17, 40, 63 };
    static const uint32_t slow[] = { 77, 150, 255 };
    QTestState *qts = raminate_nodes_start(AT_ONCE ",sampler=dirty-log");

    make_hot(qts, hot, ARRAY_SIZE(hot));
    set_budget(qts, ARRAY_SIZE(hot));
    wait_for_pages(qts, ARRAY_SIZE(hot));
    for (unsigned i = 0; i < ARRAY_SIZE(hot); i++) {
        g_assert_cmpuint(raminate_tier_of(qts, hot[i]), ==, 0);
    }
    make_hot(qts, slow, ARRAY_SIZE(slow));
    set_budget(qts, ARRAY_SIZE(hot) + ARRAY_SIZE(slow));
    wait_for_pages(qts, ARRAY_SIZE(hot) + ARRAY_SIZE(slow));
    for (unsigned i = 0; i < ARRAY_SIZE(slow); i++) {
        g_assert_cmpuint(raminate_tier_of(qts, slow[i]), ==, 0);
    }
    raminate_nodes_assert_all(qts);
    raminate_nodes_end(qts);
}

/* The policy goes on: what becomes hot goes up. */
static void test_policy(void)
{
    QTestState *qts = start_placement("lru");

    assert_promotes(qts, SLOW_PAGE + 7);
    set_budget(qts, 2);
    wait_for_pages(qts, 2);
    for (unsigned rounds = 0; raminate_tier_of(qts, SLOW_PAGE + 9) != 0;) {
        raminate_write_page(qts, SLOW_PAGE + 9, 0);
        raminate_wait(&rounds, "a page to be promoted");
    }
    set_budget(qts, FAST_PAGES);
    wait_for_pages(qts, FAST_PAGES);
    assert_promotes(qts, SLOW_PAGE + 11);
    /* What is under way is not where it is to be. */
    raminate_set_string(qts, "policy", "null");
    raminate_nodes_wait_all(qts);
    raminate_nodes_end(qts);
}

/* Pages that can't be moved stay until they can, and others go for them. */
static void test_pages_that_stay(void)
{
    QTestState *qts = raminate_nodes_start(AT_ONCE);

    raminate_nodes->fails[0] = EBUSY;
    raminate_nodes->fails[5] = EBUSY;
    set_budget(qts, 2);
    wait_for_pages(qts, 2);
    g_assert_cmpuint(raminate_tier_of(qts, 0), ==, 0);
    g_assert_cmpuint(raminate_tier_of(qts, 5), ==, 0);
    g_assert_cmpuint(raminate_figure(qts, "swaps-busy"), >, 0);
    set_budget(qts, 1);
    raminate_wait_figure(qts, "swaps-busy",
                         raminate_figure(qts, "swaps-busy") + 4);
    g_assert_cmpuint(raminate_figure(qts, "pages-to-resize"), ==, 1);
    raminate_nodes->fails[5] = 0;
    wait_for_pages(qts, 1);
    raminate_nodes_assert_all(qts);
    raminate_nodes_end(qts);
}

/* The slow node takes no more: what is left waits. */
static void test_full_node(void)
{
    QTestState *qts = raminate_nodes_start(AT_ONCE);

    raminate_nodes->room[1] = SLOW_PAGES + 10;
    set_budget(qts, 1);
    raminate_wait_figure(qts, "swaps-no-room", 10);
    g_assert_cmpuint(raminate_figure(qts, "pages-to-resize"), ==,
                     FAST_PAGES - 11);
    raminate_nodes->room[1] = 0;
    wait_for_pages(qts, 1);
    raminate_nodes_assert_all(qts);
    raminate_nodes_end(qts);
}

/* Of a batch, as many as of exchanges. */
static void test_max_swaps(void)
{
    QTestState *qts = raminate_nodes_start(BY_HAND ",max-swaps=5");

    set_budget(qts, 1);
    raminate_wait_figure(qts, "pages-resized", 1);
    g_assert_cmpuint(raminate_figure(qts, "pages-resized") % 5, ==, 0);
    g_assert_cmpuint(raminate_figure(qts, "pages-to-resize"), >, 0);
    raminate_set_uint(qts, "max-swaps", 1000);
    wait_for_pages(qts, 1);
    raminate_nodes_end(qts);
}

/* While the placer is off, nothing moves. */
static void test_monitor_off(void)
{
    QTestState *qts = raminate_nodes_start(AT_ONCE ",monitor=off");

    set_budget(qts, 1);
    g_usleep(50000);
    g_assert_cmpuint(raminate_figure(qts, "pages-to-resize"), ==,
                     FAST_PAGES - 1);
    qtest_qmp_assert_success(qts, "{ 'execute': 'qom-set', 'arguments': {"
                             "  'path': '/objects/c', 'property': 'monitor',"
                             "  'value': true } }");
    wait_for_pages(qts, 1);
    raminate_nodes_end(qts);
}

/* The last move of a page says why it went, and map and page agree. */
static void test_page_and_map(void)
{
    QTestState *qts = raminate_nodes_start(AT_ONCE);
    QDict *response, *move, *bucket;
    QList *tiers;

    /* So that page 1 is not the one that stays */
    raminate_nodes->fails[0] = EBUSY;
    set_budget(qts, 1);
    wait_for_pages(qts, 1);
    response = qtest_qmp(qts, "{ 'execute': 'query-raminate-page',"
                         "  'arguments': { 'id': 'c', 'page': 1 } }");
    move = qdict_get_qdict(qdict_get_qdict(response, "return"), "last-move");
    g_assert_nonnull(move);
    g_assert_cmpstr(qdict_get_str(move, "reason"), ==, "resize");
    g_assert_cmpstr(qdict_get_str(move, "from"), ==, "fast");
    g_assert_cmpstr(qdict_get_str(move, "to"), ==, "slow");
    g_assert_false(qdict_haskey(move, "with"));
    g_assert_false(qdict_haskey(move, "policy"));
    qobject_unref(response);
    response = qtest_qmp(qts, "{ 'execute': 'query-raminate-map',"
                         "  'arguments': { 'id': 'c', 'buckets': 1 } }");
    bucket = qobject_to(QDict, qlist_entry_obj(qlist_first(
        qdict_get_qlist(qdict_get_qdict(response, "return"), "buckets"))));
    tiers = qdict_get_qlist(bucket, "tiers");
    g_assert_cmpint(qnum_get_int(qobject_to(
                        QNum, qlist_entry_obj(qlist_first(tiers)))), ==, 1);
    qobject_unref(response);
    raminate_nodes_end(qts);
}

/* A recording has the tiers as they were at its start, so it ends. */
static void test_recording(void)
{
    QTestState *qts = raminate_nodes_start(BY_HAND ",record=one");
    QDict *event, *data, *response;
    uint32_t counts[2];

    set_budget(qts, 5);
    event = qtest_qmp_eventwait_ref(qts, "RAMINATE_RECORD_ENDED");
    data = qdict_get_qdict(event, "data");
    g_assert_cmpstr(qdict_get_str(data, "file"), ==, "one");
    g_assert_cmpstr(qdict_get_str(data, "reason"), ==,
                    "the size of the fastest tier is changed");
    qobject_unref(event);
    wait_for_pages(qts, 5);
    raminate_set_string(qts, "record", "two");
    raminate_set_string(qts, "record", "");
    /* Its header has them as they have become. */
    raminate_read_file("two", 8 + 4 + 5 + 24 + 4, &counts[0], 4);
    g_assert_cmpuint(counts[0], ==, 5);
    qtest_qmp_assert_success(qts, "{ 'execute': 'stop' }");
    set_budget(qts, 1);
    response = qtest_qmp(qts, "{ 'execute': 'qom-set', 'arguments': {"
                         "  'path': '/objects/c', 'property': 'record',"
                         "  'value': 'three' } }");
    raminate_assert_error(response, "memory-backend-container 'c': the size "
                          "of the fastest tier is being changed; record once "
                          "pages-to-resize is 0");
    raminate_nodes_end(qts);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);

    qtest_add_func("raminate/budget/container", test_container);
    qtest_add_func("raminate/budget/placement", test_placement);
    qtest_add_func("raminate/budget/monitor", test_monitor);
    qtest_add_func("raminate/budget/hot-pages", test_hot_pages);
    qtest_add_func("raminate/budget/policy", test_policy);
    qtest_add_func("raminate/budget/pages-that-stay", test_pages_that_stay);
    qtest_add_func("raminate/budget/full-node", test_full_node);
    qtest_add_func("raminate/budget/max-swaps", test_max_swaps);
    qtest_add_func("raminate/budget/monitor-off", test_monitor_off);
    qtest_add_func("raminate/budget/page-and-map", test_page_and_map);
    qtest_add_func("raminate/budget/recording", test_recording);
    return g_test_run();
}
