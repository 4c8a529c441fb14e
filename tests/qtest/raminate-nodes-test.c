/*
 * RAMinate: tiers that are NUMA nodes, and what the kernel does to their pages
 *
 * On a host with two nodes that a library stands in for; on one that has them
 * really, tests/nested/test_nodes.py runs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "placing.h"
#include "hw/raminate/engine/steady.h"
#include "nodes-control.h"

#define BY_HAND ",policy=null,scan-period=1,swap-period=" ONE_HOUR
#define BY_DIRTY_LOG ",sampler=dirty-log"
#define SLOW_PAGE FAST_PAGES

static void test_query(void)
{
    QTestState *qts = raminate_nodes_start(BY_HAND);
    QDict *info = raminate_query(qts, "c");

    g_assert_cmpstr(get_str(info, "mover"), ==, "migrate");
    g_assert_false(qdict_haskey(info, "mover-reason"));
    for (unsigned i = 0; i < NR_NODES; i++) {
        QDict *tier = get_tier(info, i);

        g_assert_cmpuint(get_uint(tier, "node"), ==, i);
        g_assert_cmpuint(get_uint(tier, "read-cost"), ==, i ? 3 : 1);
        g_assert_cmpuint(get_uint(tier, "write-cost"), ==, i ? 3 : 1);
        g_assert_false(qdict_haskey(tier, "mem-path"));
        g_assert_false(qdict_haskey(tier, "phy-offset"));
    }
    qobject_unref(info);
    raminate_nodes_assert_all(qts);
    raminate_nodes_end(qts);
}

/* An exchange moves both pages, the one that makes room first. */
static void test_swap(void)
{
    QTestState *qts = raminate_nodes_start(BY_HAND);

    raminate_nodes->room[0] = FAST_PAGES;
    raminate_nodes->room[1] = SLOW_PAGES + 1;
    for (unsigned i = 0; i < 10; i++) {
        raminate_assert_swap(qts, i, SLOW_PAGE + i);
        g_assert_cmpint(raminate_nodes->node[i], ==, 1);
        g_assert_cmpint(raminate_nodes->node[SLOW_PAGE + i], ==, 0);
        raminate_assert_swap(qts, SLOW_PAGE + 20 + i, i + 20);
        g_assert_cmpint(raminate_nodes->node[SLOW_PAGE + 20 + i], ==, 0);
    }
    g_assert_cmpuint(raminate_nodes->moves, ==, 40);
    /* Of one node, there is nothing to move. */
    raminate_assert_swap(qts, 50, 51);
    g_assert_cmpuint(raminate_nodes->moves, ==, 40);
    raminate_nodes_assert_all(qts);
    g_assert_cmpuint(raminate_figure(qts, "swaps"), ==, 21);
    raminate_nodes_end(qts);
}

/* Returns: the error of an exchange that is made in part at most. */
static char *swap_error(QTestState *qts, uint32_t a, uint32_t b)
{
    RaminateTestPair pair = { a, b };
    QDict *response = raminate_swap_pages(qts, &pair, 1);
    QDict *result = qdict_get_qdict(response, "return");
    const QListEntry *entry;
    char *error;

    g_assert_nonnull(result);
    g_assert_cmpuint(qdict_get_int(result, "done"), ==, 0);
    entry = qlist_first(qdict_get_qlist(result, "results"));
    error = g_strdup(qdict_get_str(qobject_to(QDict, entry->value), "error"));
    qobject_unref(response);
    return error;
}

/* Whichever of the two can't be moved, both stay, and the figures say so. */
static void test_page_that_stays(void)
{
    static const struct {
        int error;
        const char *message;
    } errors[] = {
        { EBUSY, "the host's kernel can't move a page: it is in use, or a "
          "device has it pinned" },
        { ENOMEM, "the node that a page is to go to has no room" },
        { EACCES, "a page is shared with another process; QEMU would need the "
          "capability CAP_SYS_NICE to move it" },
        { EPERM, "the host's kernel can't move a page: Operation not "
          "permitted" },
    };
    QTestState *qts = raminate_nodes_start(BY_HAND);
    unsigned failed = 0;

    raminate_assert_swap(qts, 1, SLOW_PAGE + 1);
    for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
        for (unsigned up = 0; up < 2; up++) {
            uint32_t page = up ? SLOW_PAGE : 0;
            g_autofree char *error = NULL;

            raminate_nodes->fails[page] = errors[i].error;
            error = swap_error(qts, 0, SLOW_PAGE);
            g_assert_cmpstr(error, ==, errors[i].message);
            raminate_nodes->fails[page] = 0;
            g_assert_cmpint(raminate_nodes->node[0], ==, 0);
            g_assert_cmpint(raminate_nodes->node[SLOW_PAGE], ==, 1);
            g_assert_cmpuint(raminate_figure(qts, "swaps-failed"), ==,
                             ++failed);
        }
    }
    raminate_nodes_assert_all(qts);
    g_assert_cmpuint(raminate_figure(qts, "swaps-busy"), ==, 2);
    g_assert_cmpuint(raminate_figure(qts, "swaps-no-room"), ==, 2);
    raminate_assert_swap(qts, 0, SLOW_PAGE);
    raminate_nodes_assert_all(qts);
    raminate_nodes_end(qts);
}

/* A page that the kernel has under way at the time is asked for again. */
static void test_page_under_way(void)
{
    QTestState *qts = raminate_nodes_start(BY_HAND);

    raminate_nodes->fails_once[0] = EBUSY;
    raminate_nodes->fails_once[SLOW_PAGE] = EAGAIN;
    raminate_assert_swap(qts, 0, SLOW_PAGE);
    raminate_nodes_assert_all(qts);
    g_assert_cmpuint(raminate_figure(qts, "swaps-failed"), ==, 0);
    raminate_nodes_end(qts);
}

static void test_full_node(void)
{
    QTestState *qts = raminate_nodes_start(BY_HAND);
    g_autofree char *error = NULL;

    /* A page of somebody else's has come in between. */
    raminate_assert_swap(qts, 1, SLOW_PAGE + 1);
    raminate_nodes->room[0] = FAST_PAGES - 1;
    error = swap_error(qts, 0, SLOW_PAGE);
    g_assert_cmpstr(error, ==, "the node that a page is to go to has no room");
    /* There is no room for the page that went, either. */
    g_assert_cmpint(raminate_nodes->node[0], ==, 1);
    g_assert_cmpuint(raminate_tier_of(qts, 0), ==, 0);
    raminate_nodes->room[0] = 0;
    raminate_set_uint(qts, "swap-period", 1);
    raminate_wait_figure(qts, "pages-astray", 1);
    for (unsigned rounds = 0; raminate_nodes->node[0] != 0;) {
        raminate_wait(&rounds, "a page to be brought back");
    }
    raminate_nodes_assert_all(qts);
    raminate_nodes_end(qts);
}

/*
 * Calls that fail as a whole.  For want of room on the node, Linux ends the
 * call, and if it has gone offline, does not begin; else the placer says so,
 * and holds.
 */
static void test_call_fails(void)
{
    QTestState *qts = raminate_nodes_start(BY_HAND);
    RaminateTestPair pair = { 0, SLOW_PAGE };
    static const int no_room[] = { ENOMEM, ENODEV };

    raminate_assert_swap(qts, 1, SLOW_PAGE + 1);
    for (unsigned i = 0; i < ARRAY_SIZE(no_room); i++) {
        g_autofree char *error = NULL;

        raminate_nodes->call_fails = no_room[i];
        error = swap_error(qts, 0, SLOW_PAGE);
        g_assert_cmpstr(error, ==,
                        "the node that a page is to go to has no room");
        g_assert_cmpuint(raminate_figure(qts, "swaps-no-room"), ==, i + 1);
        raminate_nodes->call_fails = 0;
        raminate_assert_swap(qts, 0, SLOW_PAGE);
    }
    raminate_nodes->call_fails = EPERM;
    raminate_assert_error(raminate_swap_pages(qts, &pair, 1),
                          "memory-backend-container 'c': the host's kernel "
                          "can't move pages: Operation not permitted");
    raminate_wait_state(qts, "held");
    raminate_nodes->call_fails = 0;
    raminate_set_string(qts, "mover", "migrate");
    raminate_assert_swap(qts, 0, SLOW_PAGE);
    raminate_nodes_assert_all(qts);
    raminate_nodes_end(qts);
}

static void promote(const char *settings)
{
    QTestState *qts = raminate_nodes_start(settings);

    assert_promotes(qts, SLOW_PAGE + 7);
    raminate_nodes_assert_all(qts);
    raminate_nodes_end(qts);
}

static void test_promote_by_dirty_log(void)
{
    promote(",policy=lru" FAST_MOVES BY_DIRTY_LOG);
}

/*
 * Starts a machine whose sampler is pagemap, with the memory written before
 * there is any scan if it @is_full.
 * Returns: the machine, or NULL if the host has no such sampler.
 */
static QTestState *start_pagemap(const char *settings, bool is_full)
{
    g_autofree char *more = g_strconcat(settings,
                                        is_full ? ",monitor=off" : "", NULL);
    QTestState *qts = raminate_nodes_start_empty(more);

    if (is_full) {
        raminate_nodes_write_all(qts);
        qtest_qom_set_bool(qts, "/objects/c", "monitor", true);
        raminate_wait_state(qts, "running");
    }
    if (raminate_nodes_has_pagemap(qts)) {
        return qts;
    }
    g_test_skip("the host's kernel has no PAGEMAP_SCAN");
    raminate_nodes_end(qts);
    return NULL;
}

static void test_promote_by_pagemap(void)
{
    QTestState *qts = start_pagemap(",policy=lru" FAST_MOVES, true);

    if (!qts) {
        return;
    }
    assert_promotes(qts, SLOW_PAGE + 7);
    raminate_nodes_assert_all(qts);
    g_assert_cmpuint(raminate_figure(qts, "watch-faults"), >, 0);
    raminate_nodes_end(qts);
}

/*
 * Writes a page until that is found: what was never watched tells nothing.
 * Returns: how many were found, once there are no more.
 */
static uint64_t find_first(QTestState *qts)
{
    for (unsigned rounds = 0; !raminate_figure(qts, "pages-written");) {
        raminate_write_page(qts, 0, 0);
        raminate_wait(&rounds, "a page to be watched");
    }
    raminate_wait_scans(qts, RAMINATE_STEADY_SCANS + 2);
    return raminate_figure(qts, "pages-written");
}

#define ONLY_SCANS ",policy=null,second-look=0" FAST_SCANS
/* What is left for want of faults is found again by the next scan. */
#define EACH_ONCE ONLY_SCANS ",fault-budget=0"

/* Writes each @step'th page from @first on.  Returns: how many there were. */
static unsigned write_between_scans(QTestState *qts, uint32_t first,
                                    uint32_t step)
{
    unsigned nr = 0;

    stop_scans(qts);
    for (uint32_t page = first; page < NR_PAGES; page += step) {
        raminate_write_page(qts, page, 0);
        nr++;
    }
    raminate_set_uint(qts, "scan-period", 1);
    return nr;
}

/* Each page that was written is found, once, and no other. */
static void test_pagemap_finds(void)
{
    QTestState *qts = start_pagemap(EACH_ONCE, true);
    uint64_t before;

    if (!qts) {
        return;
    }
    before = find_first(qts);
    raminate_wait_scans(qts, 3);
    g_assert_cmpuint(raminate_figure(qts, "pages-written"), ==, before);
    before += write_between_scans(qts, 1, 5);
    raminate_wait_figure(qts, "pages-written", before);
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_assert_page(qts, page, 0);     /* reads */
    }
    raminate_wait_scans(qts, 3);
    g_assert_cmpuint(raminate_figure(qts, "pages-written"), ==, before);
    raminate_nodes_end(qts);
}

/*
 * Writes a page for a hundred scans.
 * Returns: how many of a hundred times that it was found it cost a fault.
 */
static unsigned write_steadily(QTestState *qts, uint32_t page)
{
    uint64_t faults = raminate_figure(qts, "watch-faults");
    uint64_t found = raminate_figure(qts, "pages-written");
    uint64_t scans = raminate_figure(qts, "scans");

    while (raminate_figure(qts, "scans") < scans + 100) {
        raminate_write_page(qts, page, 0);
    }
    faults = raminate_figure(qts, "watch-faults") - faults;
    found = raminate_figure(qts, "pages-written") - found;
    g_assert_cmpuint(found, >, 80);
    return faults * 100 / found;
}

/* What goes on as before, in fast memory, is found for few faults. */
static void test_pagemap_steady(void)
{
    QTestState *qts = start_pagemap(EACH_ONCE, true);
    uint64_t found;

    if (!qts) {
        return;
    }
    raminate_set_uint(qts, "scan-period", 50);
    find_first(qts);
    g_assert_cmpuint(write_steadily(qts, SLOW_PAGE), >, 90);
    g_assert_cmpuint(write_steadily(qts, 0), <, 33);
    /* What ends is found to do so. */
    raminate_wait_scans(qts, RAMINATE_STEADY_SCANS + 2);
    found = raminate_figure(qts, "pages-written");
    raminate_wait_scans(qts, 3);
    g_assert_cmpuint(raminate_figure(qts, "pages-written"), ==, found);
    raminate_nodes_end(qts);
}

/* Neither what was never touched, nor what was only read, counts as written. */
static void test_pagemap_passes_over_holes(void)
{
    QTestState *qts = start_pagemap(EACH_ONCE, false);
    uint64_t before;

    if (!qts) {
        return;
    }
    before = find_first(qts);
    before += write_between_scans(qts, 16, 16);
    for (uint32_t page = 16; page < NR_PAGES; page += 16) {
        raminate_assert_zero_page(qts, page + 1);
    }
    raminate_wait_figure(qts, "pages-written", before);
    raminate_wait_scans(qts, 3);
    g_assert_cmpuint(raminate_figure(qts, "pages-written"), ==, before);
    raminate_nodes_end(qts);
}

/* No page counts as written because there was no fault left to watch it. */
static void test_pagemap_never_watched(void)
{
    QTestState *qts = start_pagemap(ONLY_SCANS ",fault-budget=1", true);

    if (!qts) {
        return;
    }
    raminate_wait_scans(qts, 10);
    g_assert_cmpuint(raminate_figure(qts, "pages-written"), ==, 0);
    g_assert_cmpuint(raminate_figure(qts, "watch-faults"), ==, 0);
    raminate_set_uint(qts, "fault-budget", 0);
    raminate_wait_scans(qts, 10);
    g_assert_cmpuint(raminate_figure(qts, "pages-written"), ==, 0);
    g_assert_cmpuint(find_first(qts), >, 0);
    raminate_nodes_end(qts);
}

/*
 * Nor because QEMU wrote it while the VM did not run, as for a snapshot.  As
 * long as it can't be watched, it is not looked at.
 */
static void test_pagemap_after_hold(void)
{
    QTestState *qts = start_pagemap(ONLY_SCANS ",fault-budget=1", true);
    uint64_t before, found, looks;

    if (!qts) {
        return;
    }
    before = find_first(qts);
    /* They count until they are watched anew, for which there is no more. */
    raminate_nodes_write_all(qts);
    raminate_wait_figure(qts, "pages-written", before + NR_PAGES);
    do {
        found = raminate_figure(qts, "pages-written");
        raminate_wait_scans(qts, 10);
    } while (raminate_figure(qts, "pages-written") != found);
    qtest_qmp_assert_success(qts, "{ 'execute': 'stop' }");
    wait_until_quiet(qts);
    raminate_nodes_write_all(qts);
    qtest_qmp_assert_success(qts, "{ 'execute': 'cont' }");
    raminate_wait_state(qts, "running");
    raminate_wait_scans(qts, 10);
    g_assert_cmpuint(raminate_figure(qts, "pages-written"), ==, found);
    looks = raminate_nodes->scans;
    raminate_wait_scans(qts, 10);
    g_assert_cmpuint(raminate_nodes->scans, ==, looks);
    raminate_set_uint(qts, "fault-budget", 0);
    raminate_wait_scans(qts, 10);
    g_assert_cmpuint(raminate_nodes->scans, >, looks);
    raminate_nodes_end(qts);
}

/* Memory that the guest has already */

static QDict *add_placement(QTestState *qts, const char *id, uint64_t budget)
{
    return qtest_qmp(qts, "{ 'execute': 'object-add', 'arguments': {"
                     "  'qom-type': 'memory-placement', 'id': %s,"
                     "  'memdev': 'ram', 'nodes': [ 0, 1 ],"
                     "  'budgets': [ %" PRIu64 " ], 'policy': 'lru',"
                     "  'scan-period': 1, 'max-cpu': 0, 'swap-period': 1,"
                     "  'life-time': 1 } }", id, budget);
}

static void test_switch_on_and_off(void)
{
    static const char machine[] =
        "-cpu qemu64,apic-id=0 -machine none,memory-backend=ram -m 1M";
    QTestState *qts;
    QDict *response;

    raminate_nodes_preload();
    qts = qtest_initf("%s -object " RAM, machine);
    raminate_nodes_write_all(qts);
    for (unsigned i = 0; i < 3; i++) {
        response = add_placement(qts, "c", FAST_PAGES * PAGE_SIZE);
        g_assert_true(qdict_haskey(response, "return"));
        qobject_unref(response);
        raminate_assert_error(
            add_placement(qts, "d", PAGE_SIZE),
            "memory-placement 'd': another one places the pages of memdev "
            "'ram'");
        assert_promotes(qts, SLOW_PAGE + 7 + i);
        raminate_nodes_assert_all(qts);
        raminate_assert_object_del(qts, "c");
    }
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_assert_page(qts, page, 0);
        g_assert_cmpint(raminate_nodes->preferred[page], ==, 0);
    }
    raminate_nodes_end(qts);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);

    qtest_add_func("raminate/nodes/query", test_query);
    qtest_add_func("raminate/nodes/swap", test_swap);
    qtest_add_func("raminate/nodes/page-that-stays", test_page_that_stays);
    qtest_add_func("raminate/nodes/page-under-way", test_page_under_way);
    qtest_add_func("raminate/nodes/full-node", test_full_node);
    qtest_add_func("raminate/nodes/call-fails", test_call_fails);
    qtest_add_func("raminate/nodes/promote-by-dirty-log",
                   test_promote_by_dirty_log);
    qtest_add_func("raminate/nodes/promote-by-pagemap",
                   test_promote_by_pagemap);
    qtest_add_func("raminate/nodes/pagemap-finds", test_pagemap_finds);
    qtest_add_func("raminate/nodes/pagemap-steady", test_pagemap_steady);
    qtest_add_func("raminate/nodes/pagemap-passes-over-holes",
                   test_pagemap_passes_over_holes);
    qtest_add_func("raminate/nodes/pagemap-never-watched",
                   test_pagemap_never_watched);
    qtest_add_func("raminate/nodes/pagemap-after-hold",
                   test_pagemap_after_hold);
    qtest_add_func("raminate/nodes/switch-on-and-off", test_switch_on_and_off);
    return g_test_run();
}
