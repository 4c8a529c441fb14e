/*
 * RAMinate: which pages have moved lately, and how much memory was used
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qobject/qlist.h"
#include "raminate-common.h"

#define BY_HAND ",policy=null,scan-period=1"

static QList *query_moves(QTestState *qts, const char *more)
{
    g_autofree char *command = g_strdup_printf(
        "{ 'execute': 'query-raminate-moves',"
        "  'arguments': { 'id': 'c'%s } }", more);
    QDict *response = qtest_qmp(qts, command, NULL);
    QList *moves = qobject_ref(qdict_get_qlist(response, "return"));

    qobject_unref(response);
    return moves;
}

/* The first of @moves is that of @page, and is dropped. */
static void assert_next_move(QList *moves, uint32_t page, const char *from,
                             const char *to, uint32_t with)
{
    QDict *move = qobject_to(QDict, qlist_pop(moves));

    g_assert_cmpint(qdict_get_int(move, "page"), ==, page);
    g_assert_cmpstr(qdict_get_str(move, "from"), ==, from);
    g_assert_cmpstr(qdict_get_str(move, "to"), ==, to);
    g_assert_cmpint(qdict_get_int(move, "with"), ==, with);
    g_assert_cmpstr(qdict_get_str(move, "reason"), ==, "command");
    g_assert_cmpint(qdict_get_int(move, "ms-ago"), >=, 0);
    g_assert_cmpint(qdict_get_int(move, "heat"), ==, 0);
    qobject_unref(move);
}

static void test_moves(void)
{
    QTestState *qts = raminate_start(BY_HAND, "");
    QList *moves = query_moves(qts, "");

    g_assert_cmpuint(qlist_size(moves), ==, 0);
    qobject_unref(moves);

    raminate_assert_swap(qts, 5, FAST_PAGES + 3);
    raminate_assert_swap(qts, 6, FAST_PAGES + 4);
    raminate_assert_swap(qts, 5, 6);
    moves = query_moves(qts, "");
    /* Of what 5 and 6 did within the slow tier, nothing is known. */
    g_assert_cmpuint(qlist_size(moves), ==, 4);
    assert_next_move(moves, FAST_PAGES + 4, "slow", "fast", 6);
    assert_next_move(moves, 6, "fast", "slow", FAST_PAGES + 4);
    assert_next_move(moves, FAST_PAGES + 3, "slow", "fast", 5);
    assert_next_move(moves, 5, "fast", "slow", FAST_PAGES + 3);
    qobject_unref(moves);

    raminate_assert_swap(qts, 5, FAST_PAGES + 4);
    moves = query_moves(qts, ", 'max': 2");
    g_assert_cmpuint(qlist_size(moves), ==, 2);
    assert_next_move(moves, FAST_PAGES + 4, "fast", "slow", 5);
    assert_next_move(moves, 5, "slow", "fast", FAST_PAGES + 4);
    qobject_unref(moves);
    qtest_quit(qts);
}

static void assert_moves_error(QTestState *qts, const char *arguments,
                               const char *message)
{
    g_autofree char *command = g_strdup_printf(
        "{ 'execute': 'query-raminate-moves', 'arguments': { %s } }",
        arguments);

    raminate_assert_error(qtest_qmp(qts, command, NULL), message);
}

#define NOBODY \
    "'x' is not a memory-backend-container with all of its tiers, nor a " \
    "memory-placement; query-raminate shows those there are"

static void test_errors(void)
{
    QTestState *qts = raminate_start(BY_HAND, "");

    assert_moves_error(qts, "'id': 'c', 'max': 0", "memory-backend-container "
                       "'c': max must be 1 to 1000, not 0");
    assert_moves_error(qts, "'id': 'c', 'max': 1001",
                       "memory-backend-container 'c': max must be 1 to 1000, "
                       "not 1001");
    assert_moves_error(qts, "'id': 'x'", NOBODY);
    raminate_assert_error(
        qtest_qmp(qts, "{ 'execute': 'query-raminate-working-set',"
                  "  'arguments': { 'id': 'x' } }"), NOBODY);
    qtest_quit(qts);
}

static QDict *query_working_set(QTestState *qts)
{
    return qtest_qmp_assert_success_ref(
        qts, "{ 'execute': 'query-raminate-working-set',"
        "  'arguments': { 'id': 'c' } }");
}

static void assert_enough(QDict *set, const uint64_t *pages)
{
    static const unsigned shares[] = { 50, 75, 90, 95, 99, 100 };
    const QListEntry *entry;
    unsigned i = 0;

    QLIST_FOREACH_ENTRY(qdict_get_qlist(set, "enough"), entry) {
        QDict *enough = qobject_to(QDict, entry->value);

        g_assert_cmpint(qdict_get_int(enough, "share"), ==, shares[i]);
        g_assert_cmpint(qdict_get_int(enough, "size"), ==,
                        pages[i] * PAGE_SIZE);
        i++;
    }
    g_assert_cmpuint(i, ==, ARRAY_SIZE(shares));
}

static void test_working_set(void)
{
    static const uint64_t none[6], two[] = { 1, 2, 2, 2, 2, 2 };
    QTestState *qts = raminate_start(BY_HAND, "");
    QDict *set = query_working_set(qts);

    g_assert_cmpstr(qdict_get_str(set, "id"), ==, "c");
    g_assert_cmpint(qdict_get_int(set, "granule"), ==, PAGE_SIZE);
    g_assert_cmpint(qdict_get_int(set, "hour"), ==, 0);
    assert_enough(set, none);
    qobject_unref(set);

    raminate_wait_scans(qts, 1);
    raminate_write_page(qts, 7, 1);
    raminate_wait_figure(qts, "pages-written", 1);
    raminate_write_page(qts, FAST_PAGES + 7, 1);
    raminate_wait_figure(qts, "pages-written", 2);
    set = query_working_set(qts);
    g_assert_cmpint(qdict_get_int(set, "since"), >, 0);
    g_assert_cmpint(qdict_get_int(set, "minute"), ==, 2 * PAGE_SIZE);
    g_assert_cmpint(qdict_get_int(set, "ten-minutes"), ==, 2 * PAGE_SIZE);
    g_assert_cmpint(qdict_get_int(set, "hour"), ==, 2 * PAGE_SIZE);
    assert_enough(set, two);
    qobject_unref(set);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/lately/moves", test_moves);
    qtest_add_func("raminate/lately/errors", test_errors);
    qtest_add_func("raminate/lately/working-set", test_working_set);
    return g_test_run();
}
