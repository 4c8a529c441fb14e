/*
 * RAMinate: mappings that the host's kernel refuses
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "faults-control.h"
#include "raminate-common.h"

static void write_pages(QTestState *qts)
{
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_write_page(qts, page, 1);
    }
}

/* Returns: QEMU with a kernel that refuses mappings by order. */
static QTestState *start(const char *settings)
{
    QTestState *qts;

    raminate_faults_preload();
    qts = raminate_start(settings, "");
    raminate_faults_end_preload();
    write_pages(qts);
    return qts;
}

/*
 * From now on, @let mappings are made, then @nr are refused.
 * @lose: whether the old mapping is gone then
 */
static void refuse(unsigned let, unsigned nr, bool lose)
{
    if (lose) {
        raminate_faults_order_lose(let, nr);
    } else {
        raminate_faults_order(FAULT_MAP, let, nr, ENOMEM);
    }
}

static void assert_pages(QTestState *qts, uint32_t generation)
{
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_assert_page(qts, page, generation);
    }
}

static QDict *swap(QTestState *qts)
{
    RaminateTestPair pairs[] = { { 3, 100 }, { 4, 101 } };

    return raminate_swap_pages(qts, pairs, ARRAY_SIZE(pairs));
}

/* Checks that as many of the two pairs were exchanged, and frames with them. */
static void assert_done(QTestState *qts, unsigned done)
{
    QDict *response = swap(qts);

    g_assert_cmpuint(qdict_get_int(qdict_get_qdict(response, "return"),
                                   "done"), ==, done);
    qobject_unref(response);
    assert_pages(qts, 1);
    g_assert_cmpuint(raminate_tier_of(qts, 3), ==, done == 2);
    g_assert_cmpuint(raminate_tier_of(qts, 4), ==, 1);
    raminate_assert_frame(done == 2 ? "nvm" : "dram",
                          done == 2 ? SLOW_FIRST + 100 - FAST_PAGES
                                    : FAST_FIRST + 3, 3, 1);
}

/* One refusal is overcome by asking again. */
static void test_once(void)
{
    for (unsigned let = 0; let < 2; let++) {
        QTestState *qts = start(",policy=null");

        raminate_assert_swap(qts, 0, 1);
        refuse(let, 1, false);
        assert_done(qts, 2);
        qtest_quit(qts);
    }
}

/* A pair that is refused stays as it was, the next one is exchanged. */
static void undone(unsigned let, unsigned nr, bool lose)
{
    QTestState *qts = start(",policy=null");

    raminate_assert_swap(qts, 0, 1);
    refuse(let, nr, lose);
    assert_done(qts, 1);
    g_assert_cmpuint(raminate_figure(qts, "swaps-failed"), ==, 1);

    /* All pages lead to where the placement says. */
    raminate_faults_end();
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_write_page(qts, page, 2);
    }
    assert_pages(qts, 2);
    raminate_assert_frame("dram", FAST_FIRST + 3, 3, 2);
    raminate_assert_frame("nvm", SLOW_FIRST + 100 - FAST_PAGES, 100, 2);
    raminate_assert_swap(qts, 3, 100);
    assert_pages(qts, 2);
    raminate_assert_frame("nvm", SLOW_FIRST + 100 - FAST_PAGES, 3, 2);
    qtest_quit(qts);
}

static void test_first_refused(void)
{
    undone(0, 2, false);
}

static void test_second_refused(void)
{
    undone(1, 2, false);
}

static void test_undone_with_spare_mappings(void)
{
    undone(1, 4, false);
}

static void test_first_lost(void)
{
    undone(0, 2, true);
}

static void test_second_lost(void)
{
    undone(1, 2, true);
}

/* Nothing is lost if the kernel takes nothing away. */
static void test_first_refused_for_ever(void)
{
    QTestState *qts = start(",policy=null");
    QDict *response;

    raminate_assert_swap(qts, 0, 1);
    refuse(0, FAULTS_FOR_EVER, false);
    response = swap(qts);
    g_assert_cmpuint(qdict_get_int(qdict_get_qdict(response, "return"),
                                   "done"), ==, 0);
    qobject_unref(response);
    assert_pages(qts, 1);
    raminate_wait_state(qts, "running");
    qtest_quit(qts);
}

/* The VM has stopped for good, and says so. */
static void assert_stopped(QTestState *qts)
{
    QDict *response;
    QDict *info;

    qtest_qmp_eventwait(qts, "STOP");
    response = qtest_qmp(qts, "{ 'execute': 'query-status' }");
    g_assert_cmpstr(qdict_get_str(qdict_get_qdict(response, "return"),
                                  "status"), ==, "internal-error");
    qobject_unref(response);
    response = qtest_qmp(qts, "{ 'execute': 'cont' }");
    g_assert_nonnull(qdict_get_qdict(response, "error"));
    qobject_unref(response);

    /* A reset doesn't help. */
    qtest_qmp_assert_success(qts, "{ 'execute': 'system_reset' }");
    qtest_qmp_eventwait(qts, "RESET");
    qtest_qmp_assert_success(qts, "{ 'execute': 'cont' }");
    qtest_qmp_eventwait(qts, "STOP");

    info = raminate_query(qts, "c");
    g_assert_cmpstr(qdict_get_str(info, "state"), ==, "held");
    g_assert_cmpuint(qdict_get_int(info, "swaps-failed"), ==, 1);
    qobject_unref(info);
}

static void test_lost(void)
{
    QTestState *qts = start(",policy=null");
    QDict *response;

    raminate_assert_swap(qts, 0, 1);
    refuse(1, FAULTS_FOR_EVER, false);
    response = swap(qts);
    raminate_assert_error(response,
                          "memory-backend-container 'c': can't map page 3 or "
                          "100 of guest RAM any more; the VM can't go on, "
                          "start it anew: Cannot allocate memory");
    assert_stopped(qts);
    /* The pair behind it was left alone. */
    raminate_assert_frame("dram", FAST_FIRST + 4, 4, 1);
    raminate_assert_page(qts, 4, 1);
    qtest_quit(qts);
}

static void test_lost_by_plan(void)
{
    QTestState *qts = start(",policy=lru,scan-period=10,swap-period=10");
    unsigned rounds = 0;

    refuse(1, FAULTS_FOR_EVER, false);
    while (!raminate_figure(qts, "swaps-failed")) {
        raminate_write_page(qts, NR_PAGES - 1, 1);
        raminate_wait(&rounds, "a swap");
    }
    assert_stopped(qts);
    qtest_quit(qts);
}

static bool has_failed(QTestState *qts, uint32_t page)
{
    QDict *info = qtest_qmp_assert_success_ref(
        qts, "{ 'execute': 'query-raminate-page',"
        "  'arguments': { 'id': 'c', 'page': %u } }", page);
    bool failed = qdict_get_bool(info, "failed");
    const char *why = strstr(qdict_get_str(info, "why"),
                             " because its memory has failed, or its file is "
                             "too short; ");

    g_assert_cmpint(why != NULL, ==, failed);
    qobject_unref(info);
    return failed;
}

/* A file that is cut short stands in for memory that has failed. */
static void test_page_out_of_reach(void)
{
    QTestState *qts = raminate_start(",policy=null", "");
    RaminateTestPair pairs[] = { { 3, 200 }, { 201, 4 }, { 5, 100 } };
    uint64_t end = (SLOW_FIRST + 190 - FAST_PAGES) * PAGE_SIZE;
    QDict *response;

    write_pages(qts);
    raminate_assert_swap(qts, 0, 1);
    g_assert_cmpint(truncate("nvm", end), ==, 0);
    response = raminate_swap_pages(qts, pairs, ARRAY_SIZE(pairs));
    g_assert_cmpuint(qdict_get_int(qdict_get_qdict(response, "return"),
                                   "done"), ==, 1);
    qobject_unref(response);
    g_assert_cmpuint(raminate_figure(qts, "swaps-failed"), ==, 2);
    g_assert_cmpuint(raminate_figure(qts, "pages-failed"), ==, 2);
    g_assert_true(has_failed(qts, 200) && has_failed(qts, 201));
    g_assert_false(has_failed(qts, 3) || has_failed(qts, 4) ||
                   has_failed(qts, 202));
    g_assert_cmpuint(raminate_tier_of(qts, 3), ==, 0);
    g_assert_cmpuint(raminate_tier_of(qts, 200), ==, 1);
    g_assert_cmpuint(raminate_tier_of(qts, 4), ==, 0);
    g_assert_cmpuint(raminate_tier_of(qts, 201), ==, 1);
    g_assert_cmpuint(raminate_tier_of(qts, 5), ==, 1);
    for (uint32_t page = 0; page < 190; page++) {
        raminate_assert_page(qts, page, 1);
    }

    /* Once it is within reach, all works. */
    g_assert_cmpint(truncate("nvm", end + 100 * PAGE_SIZE), ==, 0);
    raminate_write_page(qts, 200, 1);
    raminate_assert_swap(qts, 3, 200);
    raminate_assert_page(qts, 3, 1);
    raminate_assert_page(qts, 200, 1);
    g_assert_cmpuint(raminate_tier_of(qts, 200), ==, 0);
    g_assert_false(has_failed(qts, 200));
    g_assert_true(has_failed(qts, 201));
    qtest_quit(qts);
}

/* Returns: QEMU whose pages all are hot, and whose slow ones have failed. */
static QTestState *start_failed(const char *settings)
{
    QTestState *qts = raminate_start(settings, "");

    write_pages(qts);
    raminate_wait_scans(qts, 2);
    g_assert_cmpint(truncate("nvm", SLOW_FIRST * PAGE_SIZE), ==, 0);
    return qts;
}

/* A policy tries once, and only once, to move it. */
static void test_failed_page_is_not_planned(void)
{
    QTestState *qts = start_failed(",policy=lru,scan-period=1,second-look=0,"
                                   "swap-period=3600000,life-time=600000");

    raminate_set_uint(qts, "swap-period", 1);
    raminate_wait_figure(qts, "pages-failed", SLOW_PAGES);
    raminate_wait_scans(qts, 200);
    g_assert_cmpuint(raminate_figure(qts, "pages-failed"), ==, SLOW_PAGES);
    g_assert_cmpuint(raminate_figure(qts, "swaps-failed"), ==, SLOW_PAGES);
    g_assert_cmpuint(raminate_figure(qts, "swaps"), ==, 0);
    qtest_quit(qts);
}

/* The gauge reads pages that are hot. */
static void test_gauge_finds_failed_pages(void)
{
    QTestState *qts = start_failed(",policy=null,scan-period=20,second-look=0,"
                                   "record=failed.rec");

    raminate_wait_figure(qts, "pages-failed", 1);
    raminate_wait_scans(qts, 20);
    g_assert_cmpuint(raminate_figure(qts, "pages-failed"), <=, SLOW_PAGES);
    g_assert_false(has_failed(qts, 0));
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/refused/once", test_once);
    qtest_add_func("raminate/refused/first", test_first_refused);
    qtest_add_func("raminate/refused/second", test_second_refused);
    qtest_add_func("raminate/refused/with-spare-mappings",
                   test_undone_with_spare_mappings);
    qtest_add_func("raminate/refused/first-lost", test_first_lost);
    qtest_add_func("raminate/refused/second-lost", test_second_lost);
    qtest_add_func("raminate/refused/for-ever", test_first_refused_for_ever);
    qtest_add_func("raminate/refused/lost", test_lost);
    qtest_add_func("raminate/refused/lost-by-plan", test_lost_by_plan);
    qtest_add_func("raminate/refused/page-out-of-reach",
                   test_page_out_of_reach);
    qtest_add_func("raminate/refused/failed-page-is-not-planned",
                   test_failed_page_is_not_planned);
    qtest_add_func("raminate/refused/gauge-finds-failed-pages",
                   test_gauge_finds_failed_pages);
    return g_test_run();
}
