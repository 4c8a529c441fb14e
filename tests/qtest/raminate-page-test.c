/*
 * RAMinate: what is known of one page, and what moving pages has brought
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qobject/qlist.h"
#include "raminate-common.h"

#define BY_HAND ",policy=null,scan-period=1"
#define JOULES_PER_PAGE (PAGE_SIZE * 0.244e-9)

static QDict *query_page(QTestState *qts, uint32_t page)
{
    return qtest_qmp_assert_success_ref(
        qts, "{ 'execute': 'query-raminate-page',"
        "  'arguments': { 'id': 'c', 'page': %u } }", page);
}

static void test_not_moved(void)
{
    QTestState *qts = raminate_start(BY_HAND, "");
    QDict *page = query_page(qts, FAST_PAGES + 3);

    g_assert_cmpint(qdict_get_int(page, "page"), ==, FAST_PAGES + 3);
    g_assert_cmpstr(qdict_get_str(page, "tier"), ==, "slow");
    g_assert_cmpint(qdict_get_int(page, "phy-offset"), ==,
                    (SLOW_FIRST + 3) * PAGE_SIZE);
    g_assert_cmpint(qdict_get_int(page, "heat"), ==, 0);
    g_assert_false(qdict_haskey(page, "last-move"));
    qobject_unref(page);
    qtest_quit(qts);
}

static void test_moved_by_command(void)
{
    QTestState *qts = raminate_start(BY_HAND, "");
    QDict *page, *move;

    raminate_assert_swap(qts, 5, FAST_PAGES + 3);
    page = query_page(qts, FAST_PAGES + 3);
    g_assert_cmpstr(qdict_get_str(page, "tier"), ==, "fast");
    g_assert_cmpint(qdict_get_int(page, "phy-offset"), ==,
                    (FAST_FIRST + 5) * PAGE_SIZE);
    move = qdict_get_qdict(page, "last-move");
    g_assert_cmpstr(qdict_get_str(move, "reason"), ==, "command");
    g_assert_false(qdict_haskey(move, "policy"));
    g_assert_cmpstr(qdict_get_str(move, "from"), ==, "slow");
    g_assert_cmpstr(qdict_get_str(move, "to"), ==, "fast");
    g_assert_cmpint(qdict_get_int(move, "with"), ==, 5);
    g_assert_cmpint(qdict_get_int(move, "ms-ago"), >=, 0);
    g_assert_cmpint(qdict_get_int(move, "heat"), ==, 0);
    qobject_unref(page);
    qtest_quit(qts);
}

static void test_moved_by_policy(void)
{
    QTestState *qts = raminate_start(",policy=lru,scan-period=1,swap-period=1",
                                     "");
    QDict *page, *move;
    unsigned rounds = 0;
    uint32_t with;

    while (raminate_tier_of(qts, FAST_PAGES + 3) != 0) {
        raminate_write_page(qts, FAST_PAGES + 3, rounds);
        raminate_wait(&rounds, "promotion");
    }
    page = query_page(qts, FAST_PAGES + 3);
    move = qdict_get_qdict(page, "last-move");
    g_assert_cmpstr(qdict_get_str(move, "reason"), ==, "promote");
    g_assert_cmpstr(qdict_get_str(move, "policy"), ==, "lru");
    g_assert_cmpint(qdict_get_int(move, "heat"), >, 0);
    with = qdict_get_int(move, "with");
    qobject_unref(page);

    page = query_page(qts, with);
    g_assert_cmpstr(qdict_get_str(page, "tier"), ==, "slow");
    move = qdict_get_qdict(page, "last-move");
    g_assert_cmpstr(qdict_get_str(move, "reason"), ==, "demote");
    g_assert_cmpint(qdict_get_int(move, "with"), ==, FAST_PAGES + 3);
    qobject_unref(page);
    qtest_quit(qts);
}

/* @text: part of the sentence that says why @page is where it is */
static void assert_why(QDict *page, const char *text)
{
    const char *why = qdict_get_str(page, "why");

    if (!strstr(why, text)) {
        g_error("'%s' is not in '%s'", text, why);
    }
}

static void assert_policy(QDict *reasons, const char *policy)
{
    g_assert_cmpstr(qdict_get_str(reasons, "policy"), ==, policy);
}

/* Waits until the policy has planned, and tells of it. */
static QDict *query_planned(QTestState *qts, uint32_t page, const char *member)
{
    QDict *info = query_page(qts, page);
    unsigned rounds = 0;

    while (!qdict_haskey(info, "reasons") ||
           !qdict_haskey(qdict_get_qdict(info, "reasons"), member)) {
        qobject_unref(info);
        raminate_wait(&rounds, member);
        info = query_page(qts, page);
    }
    return info;
}

static void test_why_payback(void)
{
    QTestState *qts = raminate_start(",policy=payback,scan-period=1,"
                                     "swap-period=1", "");
    QDict *page = query_planned(qts, FAST_PAGES + 3, "worth");
    QDict *reasons = qdict_get_qdict(page, "reasons");

    assert_policy(reasons, "payback");
    g_assert_cmpstr(qdict_get_str(reasons, "tier"), ==, "fast");
    g_assert_cmpfloat(qdict_get_double(reasons, "move-cost"), ==, 128);
    g_assert_cmpfloat(qdict_get_double(reasons, "price"), ==, 0);
    g_assert_cmpfloat(qdict_get_double(reasons, "chance"), <, 0.01);
    g_assert_cmpfloat(qdict_get_double(reasons, "horizon"), >=, 9.9);
    g_assert_false(qdict_haskey(reasons, "scans-ago"));
    assert_why(page, "It is in slow because in fast it would keep ");
    assert_why(page, "no more than the 128 that a move costs, so that it "
               "stays; it has not moved lately.");
    qobject_unref(page);

    raminate_assert_swap(qts, 5, FAST_PAGES + 3);
    page = query_planned(qts, FAST_PAGES + 3, "worth");
    assert_why(page, "It is in fast because in fast it keeps ");
    assert_why(page, " s ago, from slow.");
    qobject_unref(page);
    qtest_quit(qts);
}

/* With each policy, for a page that was written once */
static void assert_why_policy(const char *policy, const char *member,
                              const char *text)
{
    g_autofree char *settings = g_strdup_printf(
        ",policy=%s,scan-period=1,swap-period=3600000,life-time=3600000",
        policy);
    QTestState *qts = raminate_start(settings, "");
    QDict *page;

    raminate_wait_scans(qts, 1);
    raminate_write_page(qts, FAST_PAGES + 3, 1);
    raminate_wait_figure(qts, "pages-written", 1);
    raminate_wait_scans(qts, 1);
    page = query_planned(qts, FAST_PAGES + 3, member);
    assert_policy(qdict_get_qdict(page, "reasons"), policy);
    assert_why(page, text);
    qobject_unref(page);
    qtest_quit(qts);
}

static void test_why_others(void)
{
    assert_why_policy("cmq", "idle", "found it written 1 time, last ");
    assert_why_policy("lru", "idle", " s ago, after the page of fast memory ");
    assert_why_policy("hemem", "hot-count", "its count of scans that found it "
                      "is 1, and a page is hot from 8 on, so that it stays");
    assert_why_policy("memtis", "hot-count", ", and a page is hot from 1 on, ");
    assert_why_policy("age", "active-until", "which makes it active");
    assert_why_policy("null", "policy", "the policy null moves nothing");
}

static void test_why_nothing_moves(void)
{
    QTestState *qts = raminate_start(BY_HAND, "");
    QDict *page;

    qobject_unref(qtest_qmp(qts, "{ 'execute': 'stop' }"));
    page = query_page(qts, 3);
    assert_why(page, "It is in fast because the placer is held: the VM is not "
               "running; it has not moved lately.");
    qobject_unref(page);
    qtest_qmp_assert_success(
        qts, "{ 'execute': 'qom-set', 'arguments': {"
        "  'path': '/objects/c', 'property': 'monitor', 'value': false } }");
    page = query_page(qts, 3);
    assert_why(page, "It is in fast because monitor is off; ");
    qobject_unref(page);
    qtest_quit(qts);
}

static void test_page_errors(void)
{
    QTestState *qts = raminate_start(BY_HAND, "");

    raminate_assert_error(
        qtest_qmp(qts, "{ 'execute': 'query-raminate-page',"
                  "  'arguments': { 'id': 'c', 'page': 256 } }"),
        "memory-backend-container 'c': page 256 is out of range; its pages "
        "are 0 to 255");
    raminate_assert_error(
        qtest_qmp(qts, "{ 'execute': 'query-raminate-page',"
                  "  'arguments': { 'id': 'x', 'page': 0 } }"),
        "'x' is not a memory-backend-container with all of its tiers, "
        "nor a memory-placement; query-raminate shows those there are");
    qtest_quit(qts);
}

/* Writes a page, and waits until a scan has found it. */
static void write_and_scan(QTestState *qts, uint32_t page)
{
    uint64_t written = raminate_figure(qts, "pages-written");

    raminate_write_page(qts, page, written);
    raminate_wait_figure(qts, "pages-written", written + 1);
    raminate_wait_scans(qts, 1);
}

static void test_slow_writes_saved(void)
{
    QTestState *qts = raminate_start(BY_HAND, "");
    QDict *info;

    raminate_wait_scans(qts, 1);
    write_and_scan(qts, FAST_PAGES);
    info = raminate_query(qts, "c");
    g_assert_cmpint(qdict_get_int(info, "slow-writes-saved"), ==, 0);
    g_assert_cmpint(qdict_get_int(info, "slow-writes-by-swaps"), ==, 0);
    qobject_unref(info);

    raminate_assert_swap(qts, 0, FAST_PAGES);
    write_and_scan(qts, FAST_PAGES);
    write_and_scan(qts, FAST_PAGES);
    write_and_scan(qts, FAST_PAGES);
    info = raminate_query(qts, "c");
    g_assert_cmpint(qdict_get_int(info, "slow-writes-saved"), ==, 3);
    g_assert_cmpint(qdict_get_int(info, "slow-writes-by-swaps"), ==, 1);
    qobject_unref(info);

    write_and_scan(qts, 0);
    info = raminate_query(qts, "c");
    g_assert_cmpint(qdict_get_int(info, "slow-writes-saved"), ==, 2);
    qobject_unref(info);

    /* Within the slow tier, a swap writes two of its pages. */
    raminate_assert_swap(qts, 100, 101);
    info = raminate_query(qts, "c");
    g_assert_cmpint(qdict_get_int(info, "slow-writes-by-swaps"), ==, 3);
    qobject_unref(info);
    qtest_quit(qts);
}

static void test_energy(void)
{
    static const unsigned costs[] = { 10, 100, 1000 };
    QTestState *qts = raminate_start(BY_HAND, "");
    const QListEntry *entry;
    double idle = 0;
    QDict *info;
    unsigned i = 0;

    raminate_wait_scans(qts, 1);
    raminate_assert_swap(qts, 0, FAST_PAGES);
    write_and_scan(qts, FAST_PAGES);
    write_and_scan(qts, FAST_PAGES + 1);
    info = raminate_query(qts, "c");
    QLIST_FOREACH_ENTRY(qdict_get_qlist(info, "energy"), entry) {
        QDict *energy = qobject_to(QDict, entry->value);
        double unmoved = qdict_get_double(energy, "unmoved");
        double placed = qdict_get_double(energy, "placed");

        g_assert_cmpint(qdict_get_int(energy, "slow-write-cost"), ==,
                        costs[i]);
        /* Unmoved, both writes would have been slow. */
        unmoved -= 2 * costs[i] * JOULES_PER_PAGE;
        /* So was one of two, and one of the two pages that a swap writes. */
        placed -= (2 * costs[i] + 4) * JOULES_PER_PAGE;
        g_assert_cmpfloat_with_epsilon(placed, unmoved, 1e-9);
        idle = i ? idle : unmoved;
        g_assert_cmpfloat(idle, >=, 0);
        g_assert_cmpfloat_with_epsilon(idle, unmoved, 1e-9);
        g_assert_cmpfloat_with_epsilon(
            qdict_get_double(energy, "dram-only"),
            2 * JOULES_PER_PAGE + idle * NR_PAGES / FAST_PAGES, 1e-9);
        i++;
    }
    g_assert_cmpuint(i, ==, ARRAY_SIZE(costs));
    qobject_unref(info);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/page/not-moved", test_not_moved);
    qtest_add_func("raminate/page/moved-by-command", test_moved_by_command);
    qtest_add_func("raminate/page/moved-by-policy", test_moved_by_policy);
    qtest_add_func("raminate/page/why-payback", test_why_payback);
    qtest_add_func("raminate/page/why-others", test_why_others);
    qtest_add_func("raminate/page/why-nothing-moves", test_why_nothing_moves);
    qtest_add_func("raminate/page/errors", test_page_errors);
    qtest_add_func("raminate/page/slow-writes-saved",
                   test_slow_writes_saved);
    qtest_add_func("raminate/page/energy", test_energy);
    return g_test_run();
}
