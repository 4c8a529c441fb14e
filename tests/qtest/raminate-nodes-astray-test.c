/*
 * RAMinate: pages of tiers that are nodes, moved by others
 *
 * On a host with two nodes that a library stands in for.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "budget.h"
#include "nodes-control.h"

#define AT_ONCE ",policy=null,scan-period=10,swap-period=10,max-cpu=0"

/* A page of the fast node that is brought back so often, and no more */
#define TIMES 3
#define PAGE 5

#define GIB (1ULL << 30)

static void wait_for_node(uint32_t page, int node)
{
    for (unsigned rounds = 0; raminate_nodes->node[page] != node;) {
        raminate_wait(&rounds, "a page to be brought back");
    }
}

/* Has the page be on the slow node, and sees it come back. */
static void move_to_and_fro(QTestState *qts, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        uint64_t astray = raminate_figure(qts, "pages-astray");

        raminate_nodes->node[PAGE] = 1;
        raminate_wait_figure(qts, "pages-astray", astray + 1);
        wait_for_node(PAGE, 0);
    }
}

static void test_brought_back(void)
{
    QTestState *qts = raminate_nodes_start(AT_ONCE);

    raminate_assert_swap(qts, 0, FAST_PAGES);
    g_assert_cmpuint(raminate_figure(qts, "pages-astray"), ==, 0);
    for (uint32_t page = 0; page < NR_PAGES; page += 3) {
        raminate_nodes->node[page] ^= 1;
    }
    raminate_wait_figure(qts, "pages-astray", NR_PAGES / 3);
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        wait_for_node(page, raminate_tier_of(qts, page));
    }
    g_assert_cmpuint(raminate_figure(qts, "pages-adopted"), ==, 0);
    raminate_nodes_assert_all(qts);
    raminate_nodes_end(qts);
}

/* It counts to where it is, and another one takes its place. */
static void test_left_alone(void)
{
    QTestState *qts = raminate_nodes_start(AT_ONCE);

    move_to_and_fro(qts, TIMES);
    g_assert_cmpuint(raminate_figure(qts, "pages-adopted"), ==, 0);
    /* The hottest is to come, but for the page itself. */
    for (unsigned i = 0; i < 10; i++) {
        raminate_write_page(qts, PAGE, 0);
        raminate_write_page(qts, FAST_PAGES + 7, 0);
        raminate_wait_scans(qts, 1);
    }
    raminate_nodes->node[PAGE] = 1;
    raminate_wait_figure(qts, "pages-resized", 1);
    wait_for_pages(qts, FAST_PAGES);
    g_assert_cmpuint(raminate_figure(qts, "pages-adopted"), ==, 1);
    g_assert_cmpuint(raminate_figure(qts, "pages-resized"), ==, 1);
    g_assert_cmpuint(raminate_figure(qts, "pages-astray"), ==, TIMES + 1);
    g_assert_cmpuint(raminate_tier_of(qts, PAGE), ==, 1);
    g_assert_cmpuint(raminate_tier_of(qts, FAST_PAGES + 7), ==, 0);
    g_assert_cmpint(raminate_nodes->node[PAGE], ==, 1);
    raminate_nodes_assert_all(qts);
    raminate_nodes_end(qts);
}

/* All pages leave the fast node again and again: its tier keeps one. */
static void test_all_leave(void)
{
    static const uint32_t fast = 8;
    QTestState *qts = raminate_nodes_start(AT_ONCE);
    unsigned rounds = 0;

    set_budget(qts, fast);
    wait_for_pages(qts, fast);
    while (raminate_figure(qts, "pages-adopted") < fast) {
        for (uint32_t page = 0; page < NR_PAGES; page++) {
            raminate_nodes->node[page] = 1;
        }
        g_assert_cmpuint(raminate_tier_figure(qts, 0, "pages"), >, 0);
        raminate_wait(&rounds, "pages to be adopted");
    }
    wait_for_pages(qts, fast);
    raminate_nodes_wait_all(qts);
    raminate_nodes_end(qts);
}

/* A recording has no words for it. */
static void test_recorded(void)
{
    QTestState *qts = raminate_nodes_start(AT_ONCE ",record=one");

    move_to_and_fro(qts, 2 * TIMES);
    g_assert_cmpuint(raminate_figure(qts, "pages-adopted"), ==, 0);
    g_assert_cmpuint(raminate_figure(qts, "pages-resized"), ==, 0);
    raminate_set_string(qts, "record", "");
    raminate_nodes->node[PAGE] = 1;
    raminate_wait_figure(qts, "pages-adopted", 1);
    wait_for_pages(qts, FAST_PAGES);
    raminate_nodes_end(qts);
}

/*
 * However large the memory, it is noticed within some ten seconds if many pages
 * are moved.  There is a batch after each scan, and to look at all pages takes
 * a thousand of them.  The library knows the first pages alone.
 */
static void test_large_memory(void)
{
    static const unsigned at_most = 150;
    QTestState *qts;
    uint64_t scans;

    raminate_nodes_preload();
    raminate_nodes->more = 64 * GIB;
    qts = qtest_init("-cpu qemu64,apic-id=0 -machine none,memory-backend=c "
                     "-m 64G -object memory-backend-container,id=c,size=64G,"
                     "policy=null,sampler=dirty-log,scan-period=200,"
                     "swap-period=200 "
                     "-object memory-backend-node,id=fast,parent=c,size=256K,"
                     "node=0 -object memory-backend-node,id=slow,parent=c,"
                     "size=67108608K,offset=256K,node=1");
    raminate_nodes_write_all(qts);
    raminate_wait_scans(qts, 3);
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_nodes->node[page] = page < FAST_PAGES;
    }
    scans = raminate_figure(qts, "scans");
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        wait_for_node(page, page >= FAST_PAGES);
    }
    g_assert_cmpuint(raminate_figure(qts, "scans"), <, scans + at_most);
    raminate_nodes_end(qts);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);

    qtest_add_func("raminate/nodes-astray/brought-back", test_brought_back);
    qtest_add_func("raminate/nodes-astray/left-alone", test_left_alone);
    qtest_add_func("raminate/nodes-astray/all-leave", test_all_leave);
    qtest_add_func("raminate/nodes-astray/recorded", test_recorded);
    qtest_add_func("raminate/nodes-astray/large-memory", test_large_memory);
    return g_test_run();
}
