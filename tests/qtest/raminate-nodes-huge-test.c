/*
 * RAMinate: memory on nodes that is in huge pages, and is so again
 *
 * The nodes are a library's, the huge pages the host's own.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/units.h"
#include "hw/raminate/engine/steady.h"
#include "hw/raminate/sampler/pagemap-scan.h"
#include "placing.h"
#include "nodes-control.h"

/* Two regions in either tier */
#define HUGE_SIZE (2 * MiB)
#define HUGE_PAGES (HUGE_SIZE / PAGE_SIZE)
#define SIZE (4 * HUGE_SIZE)
#define SLOW_FIRST_PAGE (2 * HUGE_PAGES)

#define HUGE_MACHINE \
    "-cpu qemu64,apic-id=0 -machine none,memory-backend=c -m 8M " \
    "-object memory-backend-container,id=c,size=8M,policy=null," \
    "second-look=0,swap-period=1,monitor=off"
#define HUGE_TIERS \
    " -object memory-backend-node,id=fast,parent=c,size=4M,node=0" \
    " -object memory-backend-node,id=slow,parent=c,size=4M,offset=4M,node=1"

/* Returns: the bytes that the kernel says are in huge pages. */
static uint64_t huge_by_kernel(QTestState *qts)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/smaps",
                                            (int)qtest_pid(qts));
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    uint64_t first, end, kilobytes, sum = 0;
    bool is_ours = false;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        if (sscanf(*line, "%" SCNx64 "-%" SCNx64 " ", &first, &end) == 2) {
            is_ours = first >= raminate_nodes->base &&
                      first < raminate_nodes->base + SIZE;
        } else if (is_ours && sscanf(*line, "AnonHugePages: %" SCNu64,
                                     &kilobytes) == 1) {
            sum += kilobytes * KiB;
        }
    }
    return sum;
}

static bool has_figure(QTestState *qts, const char *name)
{
    QDict *info = raminate_query(qts, "c");
    bool has = qdict_haskey(info, name);

    qobject_unref(info);
    return has;
}

static void wait_huge(QTestState *qts, uint64_t bytes)
{
    unsigned rounds = 0;

    while (!has_figure(qts, "huge-pages") ||
           raminate_figure(qts, "huge-pages") != bytes ||
           huge_by_kernel(qts) != bytes) {
        raminate_wait(&rounds, "the host's huge pages");
    }
}

static bool has_pagemap_scan(void)
{
    RaminatePmScan scan = { .size = sizeof(scan) };
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    bool has = fd >= 0 && ioctl(fd, RAMINATE_PM_SCAN, &scan) == 0;

    if (fd >= 0) {
        close(fd);
    }
    return has;
}

/*
 * Returns: a machine all of whose memory was written, and is in huge pages; or
 * NULL if the host has none, or can't tell.
 */
static QTestState *start_huge(const char *settings)
{
    QTestState *qts;
    const char *lacks = NULL;

    raminate_nodes_preload();
    qts = qtest_initf(HUGE_MACHINE "%s" HUGE_TIERS, settings);
    /* Before anybody watches it */
    qtest_memset(qts, 0, 1, SIZE);
    if (!has_pagemap_scan()) {
        lacks = "the host's kernel has no PAGEMAP_SCAN";
    } else if (huge_by_kernel(qts) != SIZE) {
        lacks = "the host has no huge pages to give";
    }
    if (lacks) {
        g_test_skip(lacks);
        raminate_nodes_end(qts);
        return NULL;
    }
    qtest_qmp_assert_success(qts, "{ 'execute': 'qom-set', 'arguments': {"
                             "  'path': '/objects/c', 'property': 'monitor',"
                             "  'value': true } }");
    raminate_wait_state(qts, "running");
    wait_huge(qts, SIZE);
    return qts;
}

/* By pages, as the time that an answer takes is quadratic in its length. */
static void assert_contents(QTestState *qts)
{
    uint8_t data[PAGE_SIZE];

    for (uint64_t at = 0; at < SIZE; at += PAGE_SIZE) {
        qtest_memread(qts, at, data, PAGE_SIZE);
        for (size_t i = 0; i < PAGE_SIZE; i++) {
            g_assert_cmpuint(data[i], ==, 1);
        }
    }
}

/* One byte of a page is written; a scan finds that, and nothing else. */
static void assert_found(QTestState *qts, uint32_t page)
{
    uint64_t before;

    stop_scans(qts);
    before = raminate_figure(qts, "pages-written");
    qtest_memset(qts, (uint64_t)page * PAGE_SIZE, 1, 1);
    raminate_set_uint(qts, "scan-period", 1);
    raminate_wait_figure(qts, "pages-written", before + 1);
    raminate_wait_scans(qts, 3);
    g_assert_cmpuint(raminate_figure(qts, "pages-written"), ==, before + 1);
}

/* Writes until a page is watched: what never was tells nothing. */
static void wait_watched(QTestState *qts)
{
    for (unsigned rounds = 0; !raminate_figure(qts, "pages-written");) {
        qtest_memset(qts, 0, 1, 1);
        raminate_wait(&rounds, "a page to be watched");
    }
    raminate_wait_scans(qts, RAMINATE_STEADY_SCANS + 2);
}

/*
 * A write to a page that is watched splits the huge page; once nothing was
 * written there for long, it is made again, and is watched as before.
 */
static void test_cold(void)
{
    QTestState *qts = start_huge(FAST_SCANS ",fault-budget=0");
    uint64_t splits, found;

    if (!qts) {
        return;
    }
    wait_watched(qts);
    for (uint32_t region = 1; region < 4; region++) {
        splits = raminate_figure(qts, "huge-splits");
        assert_found(qts, region * HUGE_PAGES + 7);
        raminate_wait_figure(qts, "huge-splits", splits + 1);
    }
    found = raminate_figure(qts, "pages-written");
    raminate_wait_figure(qts, "huge-collapses", 3);
    wait_huge(qts, SIZE);
    raminate_wait_scans(qts, 3);
    g_assert_cmpuint(raminate_figure(qts, "pages-written"), ==, found);
    assert_found(qts, HUGE_PAGES + 8);
    assert_contents(qts);
    raminate_nodes_end(qts);
}

/* As long as its pages are in two tiers, a region stays as it is. */
static void test_two_tiers(void)
{
    QTestState *qts = start_huge(FAST_SCANS ",fault-budget=0");

    if (!qts) {
        return;
    }
    wait_watched(qts);
    wait_huge(qts, SIZE);
    raminate_assert_swap(qts, 3, SLOW_FIRST_PAGE + 3);
    assert_found(qts, 5);
    assert_found(qts, SLOW_FIRST_PAGE + 5);
    assert_found(qts, HUGE_PAGES + 5);
    raminate_wait_figure(qts, "huge-splits", 3);
    /* Of the one that is in one tier it is made again, of the others not. */
    wait_huge(qts, SIZE - 2 * HUGE_SIZE);
    raminate_wait_scans(qts, 600);
    wait_huge(qts, SIZE - 2 * HUGE_SIZE);
    raminate_assert_swap(qts, 3, SLOW_FIRST_PAGE + 3);
    wait_huge(qts, SIZE);
    assert_contents(qts);
    raminate_nodes_end(qts);
}

/* What the host merges is left to it. */
static void test_merging(void)
{
    QTestState *qts = start_huge(FAST_SCANS ",fault-budget=0");

    if (!qts) {
        return;
    }
    wait_watched(qts);
    wait_huge(qts, SIZE);
    g_assert_true(g_file_set_contents("run", "1\n", -1, NULL));
    assert_found(qts, HUGE_PAGES + 7);
    raminate_wait_scans(qts, 600);
    wait_huge(qts, SIZE - HUGE_SIZE);
    g_assert_true(g_file_set_contents("run", "0\n", -1, NULL));
    wait_huge(qts, SIZE);
    g_assert_cmpint(unlink("run"), ==, 0);
    assert_contents(qts);
    raminate_nodes_end(qts);
}

/* A page that was given back is not brought to life, watched or not. */
static void test_hole(const void *settings)
{
    QTestState *qts = start_huge(settings);
    uint64_t hole;

    if (!qts) {
        return;
    }
    wait_watched(qts);
    hole = raminate_nodes->base + HUGE_SIZE + 9 * PAGE_SIZE;
    raminate_nodes->hole = hole;
    raminate_wait_scans(qts, 600);
    wait_huge(qts, SIZE - HUGE_SIZE);
    g_assert_cmpuint(raminate_nodes->hole, ==, 0);
    qtest_memset(qts, HUGE_SIZE + 9 * PAGE_SIZE, 1, PAGE_SIZE);
    wait_huge(qts, SIZE);
    assert_contents(qts);
    raminate_nodes_end(qts);
}

/*
 * Where everything is written all the time, the guest gets its huge page, and
 * no faults for a while; then it has to be found written anew.
 */
static void test_hot(void)
{
    QTestState *qts = start_huge(",scan-period=100,max-cpu=0,fault-budget=0");
    uint64_t found, scans, faults;
    unsigned rounds = 0;

    if (!qts) {
        return;
    }
    wait_watched(qts);
    while (raminate_figure(qts, "huge-collapses") < 3) {
        qtest_memset(qts, 0, 1, HUGE_SIZE);
        raminate_wait(&rounds, "a hot region to be put together");
    }
    /* It was written for longer than it rested. */
    faults = raminate_figure(qts, "watch-faults");
    scans = raminate_figure(qts, "scans");
    g_assert_cmpuint(faults, <, scans * HUGE_PAGES / 2);
    /* Now it is not, which comes to light. */
    do {
        found = raminate_figure(qts, "pages-written");
        raminate_wait_scans(qts, 5);
        raminate_wait(&rounds, "a region that is cold to be found so");
    } while (raminate_figure(qts, "pages-written") != found);
    assert_found(qts, 1);
    assert_contents(qts);
    raminate_nodes_end(qts);
}

static size_t swap_region(QTestState *qts, uint32_t a, uint32_t b)
{
    RaminateTestPair pairs[HUGE_PAGES];

    for (uint32_t i = 0; i < HUGE_PAGES; i++) {
        pairs[i] = (RaminateTestPair) { a + i, b + i };
    }
    return raminate_swap_some(qts, pairs, HUGE_PAGES);
}

static void assert_on_node(uint32_t page, uint32_t nr, int node)
{
    for (uint32_t i = 0; i < nr; i++) {
        g_assert_cmpint(raminate_nodes->node[page + i], ==, node);
    }
}

/* Two regions that change places stay in one piece. */
static void test_whole_by_command(void)
{
    QTestState *qts = start_huge(",scan-period=3600000");

    if (!qts) {
        return;
    }
    g_assert_cmpuint(swap_region(qts, SLOW_FIRST_PAGE, HUGE_PAGES), ==,
                     HUGE_PAGES);
    g_assert_cmpuint(raminate_figure(qts, "huge-moves"), ==, 2);
    assert_on_node(SLOW_FIRST_PAGE, HUGE_PAGES, 0);
    assert_on_node(HUGE_PAGES, HUGE_PAGES, 1);
    g_assert_cmpuint(huge_by_kernel(qts), ==, SIZE);
    /* Region by region, but not page for page */
    g_assert_cmpuint(swap_region(qts, SLOW_FIRST_PAGE + HUGE_PAGES, 1), ==,
                     HUGE_PAGES);
    g_assert_cmpuint(raminate_figure(qts, "huge-moves"), ==, 2);
    /* The last one has changed places with a slow one. */
    assert_on_node(SLOW_FIRST_PAGE, 2 * HUGE_PAGES - 1, 0);
    assert_contents(qts);
    raminate_nodes_end(qts);
}

/* A page that can't be moved stays, and so does the one of its pair. */
static void test_whole_fails(void)
{
    QTestState *qts = start_huge(",scan-period=3600000");

    if (!qts) {
        return;
    }
    raminate_nodes->fails[SLOW_FIRST_PAGE + 5] = EBUSY;
    g_assert_cmpuint(swap_region(qts, SLOW_FIRST_PAGE, HUGE_PAGES), ==,
                     HUGE_PAGES - 1);
    g_assert_cmpuint(raminate_figure(qts, "huge-moves"), ==, 0);
    assert_on_node(HUGE_PAGES + 5, 1, 0);
    assert_on_node(SLOW_FIRST_PAGE + 5, 1, 1);
    assert_contents(qts);
    raminate_nodes_end(qts);
}

/* By plan: a region that is hot everywhere, for one that is cold */
static void test_whole_by_plan(void)
{
    QTestState *qts = start_huge(",scan-period=100,max-cpu=0,"
                                 "sampler=dirty-log");
    unsigned rounds = 0;

    if (!qts) {
        return;
    }
    /* What the first scan finds is what all of the memory was filled with. */
    raminate_wait_scans(qts, 30);
    raminate_set_string(qts, "policy", "lru");
    while (!raminate_figure(qts, "huge-moves")) {
        qtest_memset(qts, SLOW_FIRST_PAGE * PAGE_SIZE, 1, HUGE_SIZE);
        raminate_wait(&rounds, "a hot region to go up");
    }
    assert_on_node(SLOW_FIRST_PAGE, HUGE_PAGES, 0);
    g_assert_cmpuint(raminate_figure(qts, "huge-moves"), ==, 2);
    g_assert_cmpuint(raminate_figure(qts, "huge-splits"), ==, 0);
    wait_huge(qts, SIZE);
    assert_contents(qts);
    raminate_nodes_end(qts);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);

    qtest_add_func("raminate/nodes-huge/cold", test_cold);
    qtest_add_func("raminate/nodes-huge/two-tiers", test_two_tiers);
    qtest_add_func("raminate/nodes-huge/merging", test_merging);
    qtest_add_data_func("raminate/nodes-huge/hole",
                        FAST_SCANS ",fault-budget=0", test_hole);
    qtest_add_data_func("raminate/nodes-huge/hole-by-dirty-log",
                        FAST_SCANS ",sampler=dirty-log", test_hole);
    qtest_add_func("raminate/nodes-huge/hot", test_hot);
    qtest_add_func("raminate/nodes-huge/whole-by-command",
                   test_whole_by_command);
    qtest_add_func("raminate/nodes-huge/whole-fails", test_whole_fails);
    qtest_add_func("raminate/nodes-huge/whole-by-plan", test_whole_by_plan);
    return g_test_run();
}
