/*
 * RAMinate: each system call of a mover of nodes fails, and nothing is lost
 *
 * As raminate-faults-test.c has it for tiers that are ranges.  Pages hold what
 * was written, the figures count what was not done, and in the end pages are on
 * the nodes that the placement says.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "nodes-faults.h"

#define BY_HAND ",policy=null,scan-period=1000,swap-period=" ONE_HOUR
#define BY_DIRTY_LOG ",sampler=dirty-log"
#define SLOW_PAGE FAST_PAGES

/* Of a guest that is recorded, no page is left where it is astray. */
#define ALWAYS_BROUGHT_BACK ",record=recording"

/* Up, down, within a node */
static const RaminateTestPair pairs[] = {
    { SLOW_PAGE, 0 }, { 1, SLOW_PAGE + 1 }, { SLOW_PAGE + 2, SLOW_PAGE + 3 },
    { SLOW_PAGE + 4, 2 }, { 3, 4 },
};

typedef struct Counts {
    uint64_t done;
    uint64_t failed;
} Counts;

/* The placer looks for pages that are astray between batches. */
static bool is_under_way(QDict *response)
{
    QDict *error = qdict_get_qdict(response, "error");

    return error && strstr(qdict_get_str(error, "desc"), "is under way");
}

/* A batch, of which some may fail, or the rest if its call does */
static void run_batch(QTestState *qts, Counts *counts)
{
    QDict *response = raminate_swap_pages(qts, pairs, ARRAY_SIZE(pairs));
    unsigned rounds = 0;
    QDict *result;

    while (is_under_way(response)) {
        qobject_unref(response);
        raminate_wait(&rounds, "the batch under way");
        response = raminate_swap_pages(qts, pairs, ARRAY_SIZE(pairs));
    }
    result = qdict_get_qdict(response, "return");

    if (result) {
        unsigned done = qdict_get_int(result, "done");

        g_assert_cmpuint(done, <=, ARRAY_SIZE(pairs));
        counts->done += done;
        counts->failed += ARRAY_SIZE(pairs) - done;
        g_assert_cmpuint(raminate_figure(qts, "swaps"), ==, counts->done);
        g_assert_cmpuint(raminate_figure(qts, "swaps-failed"), ==,
                         counts->failed);
    } else {
        const char *desc = qdict_get_str(qdict_get_qdict(response, "error"),
                                         "desc");

        g_test_message("%s", desc);
        g_assert_nonnull(strstr(desc, "the host's kernel can't move pages: "));
        counts->done = raminate_figure(qts, "swaps");
        counts->failed = raminate_figure(qts, "swaps-failed");
    }
    qobject_unref(response);
}

static void assert_kept(QTestState *qts)
{
    mend_mover(qts);
    raminate_set_uint(qts, "swap-period", 1);
    for (unsigned i = 0; i < ARRAY_SIZE(pairs); i++) {
        raminate_nodes_wait_page(qts, pairs[i].a);
        raminate_nodes_wait_page(qts, pairs[i].b);
    }
    raminate_set_uint(qts, "swap-period", atoi(ONE_HOUR));
}

/* Each call of a batch in turn, three in a row, or all further ones fail. */
static void test_each(void)
{
    static const unsigned numbers[] = { 1, 3, FAULTS_FOR_EVER };
    QTestState *qts = start_with_faults(BY_HAND BY_DIRTY_LOG
                                        ALWAYS_BROUGHT_BACK);
    Counts counts = { 0, 0 };

    raminate_assert_swap(qts, 10, 11);
    counts.done++;
    for (unsigned n = 0; n < ARRAY_SIZE(numbers); n++) {
        for (unsigned i = 0; i < nr_errors(); i++) {
            unsigned let = 0;

            do {
                raminate_faults_order(OF_BATCH, let++, numbers[n], errors[i]);
                run_batch(qts, &counts);
                raminate_faults_end();
                assert_kept(qts);
            } while (raminate_faults_failed());
            /* Advice, a move and a look, for those down and for those up */
            g_assert_cmpuint(let, >, 8);
            raminate_nodes_assert_all(qts);
        }
    }
    g_assert_cmpuint(counts.failed, >, 0);
    g_assert_cmpuint(counts.done, >, counts.failed);
    raminate_nodes_end(qts);
}

/* The checks above find it if the kernel does not do what it says it did. */
static void test_lies_are_found(void)
{
    for (unsigned let = 0; let < 2; let++) {
        QTestState *qts = start_with_faults(BY_HAND BY_DIRTY_LOG);
        unsigned astray = 0;

        raminate_assert_swap(qts, 10, 11);
        raminate_faults_order(FAULT_MIGRATE, let, 1, 0);
        raminate_assert_swap(qts, SLOW_PAGE, 0);
        raminate_faults_end();
        g_assert_cmpuint(raminate_faults_failed(), ==, 1);
        for (uint32_t page = 0; page < NR_PAGES; page++) {
            astray += raminate_nodes_is_astray(qts, page);
        }
        g_assert_cmpuint(astray, ==, 1);
        raminate_nodes_end(qts);
    }
}

/* Where nodes can't be preferred, or nothing is known of pages, it says so. */
static void test_opening(void)
{
    static const uint32_t kinds[] = { FAULT_WATCH, FAULT_SCAN };
    QTestState *qts = start_with_faults(",policy=null" FAST_SCANS);

    if (!raminate_nodes_has_pagemap(qts)) {
        g_test_skip("the host's kernel has no PAGEMAP_SCAN");
        raminate_nodes_end(qts);
        return;
    }
    for (unsigned kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
        for (unsigned i = 0; i < nr_errors(); i++) {
            unsigned let = 0;

            /* EINTR is no failure: such a call is made again. */
            if (errors[i] == EINTR && kinds[kind] == FAULT_SCAN) {
                continue;
            }
            do {
                raminate_set_string(qts, "sampler", "dirty-log");
                raminate_faults_order(kinds[kind], let++, FAULTS_FOR_EVER,
                                      errors[i]);
                raminate_set_string(qts, "sampler", "auto");
                raminate_wait_scans(qts, 3);
                raminate_faults_end();
                raminate_wait_state(qts, "running");
                g_assert_true(raminate_nodes_has_pagemap(qts) ==
                              !raminate_faults_failed());
            } while (raminate_faults_failed() && let < 8);
            raminate_nodes_assert_all(qts);
        }
    }
    raminate_set_string(qts, "sampler", "dirty-log");
    raminate_set_string(qts, "sampler", "auto");
    g_assert_true(raminate_nodes_has_pagemap(qts));
    raminate_nodes_end(qts);
}

/* Under load */

/* More if few calls were made in these, as when others have the processors. */
#define STEPS 200
#define MAX_STEPS (50 * STEPS)

/* Puts parts in force again that were given up. */
static void mend(QTestState *qts)
{
    raminate_set_string(qts, "sampler", "dirty-log");
    raminate_set_string(qts, "sampler", "auto");
    mend_until_scans(qts, 2);
}

/* Scans, batches and a guest that writes, with faults in between */
static void test_under_load(void)
{
    static const uint32_t kinds[] = {
        FAULT_MIGRATE, FAULT_LOOK, FAULT_ADVISE, OF_BATCH,
        OF_BATCH | FAULT_SCAN,
    };
    GRand *random = g_rand_new_with_seed(12);
    QTestState *qts = start_with_faults(",policy=lru" FAST_MOVES);
    uint32_t failed = 0;
    uint64_t swaps;

    assert_promotes(qts, SLOW_PAGE + 7);
    for (unsigned step = 0; step < STEPS || failed <= STEPS / 8; step++) {
        g_assert_cmpuint(step, <, MAX_STEPS);
        order_at_random(random, kinds, ARRAY_SIZE(kinds));
        for (unsigned i = 0; i < 8; i++) {
            raminate_write_page(qts, g_rand_int_range(random, 0, NR_PAGES), 0);
        }
        raminate_faults_end();
        failed += raminate_faults_failed();
        if (step % 10 == 9) {
            mend(qts);
        }
        for (uint32_t page = step % 40; page < NR_PAGES; page += 40) {
            raminate_assert_page(qts, page, 0);
        }
    }
    g_rand_free(random);

    mend(qts);
    swaps = raminate_figure(qts, "swaps");
    for (unsigned rounds = 0; raminate_figure(qts, "swaps") <= swaps + 10;) {
        raminate_write_page(qts, rounds % NR_PAGES, 0);
        raminate_wait(&rounds, "swaps after faults");
    }
    raminate_set_string(qts, "policy", "null");
    raminate_nodes_wait_all(qts);
    raminate_nodes_end(qts);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/nodes-faults/each", test_each);
    qtest_add_func("raminate/nodes-faults/lies-are-found",
                   test_lies_are_found);
    qtest_add_func("raminate/nodes-faults/opening", test_opening);
    qtest_add_func("raminate/nodes-faults/under-load", test_under_load);
    return g_test_run();
}
