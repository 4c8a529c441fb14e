/*
 * RAMinate: each system call of a change of fast-budget fails, and pages go on
 *
 * As raminate-nodes-faults-test.c has it for exchanges.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "budget.h"
#include "nodes-faults.h"

/* A batch comes when the budget is set. */
#define BY_HAND \
    ",policy=null,sampler=dirty-log" FAST_SCANS ",swap-period=" ONE_HOUR
#define LESS 4
#define FEW (FAST_PAGES - LESS)

/* After so many scans without a write, all are as cold. */
#define COLD_SCANS 100

/* Then the first ones go, or those behind that did not fail. */
#define GOING 16

/* After faults, one that failed is left out, and then there are others. */
#define ATTEMPTS 3

typedef struct Sizes {
    QTestState *qts;
    bool busy;                  /* some pages are, each time */
    uint32_t wanted;
    QDict *info;                /* what was seen last */
} Sizes;

static void look(Sizes *sizes)
{
    qobject_unref(sizes->info);
    sizes->info = raminate_query(sizes->qts, "c");
}

static uint64_t seen(const Sizes *sizes, const char *name)
{
    return get_uint(sizes->info, name);
}

static bool seen_held(const Sizes *sizes)
{
    return g_str_equal(get_str(sizes->info, "state"), "held");
}

/* Has the placer try once, waits for that, and looks. */
static void resize(Sizes *sizes)
{
    unsigned rounds = 0;
    uint64_t scans;

    assert_budget(sizes->qts, sizes->wanted * (uint64_t)PAGE_SIZE);
    look(sizes);
    /* One is under way, one comes before the batch, one after it. */
    scans = seen(sizes, "scans") + 3;
    while (!seen_held(sizes) && seen(sizes, "scans") < scans) {
        raminate_wait(&rounds, "the placer to go on");
        look(sizes);
    }
}

/* Figures say what was done and what was not, and it is held or goes on. */
static void check_figures(const Sizes *sizes, uint32_t asked,
                          uint64_t resized, uint64_t failed, int error)
{
    uint64_t left = seen(sizes, "pages-to-resize");
    uint64_t fast = get_uint(get_tier(sizes->info, 0), "pages");

    g_assert_cmpuint(seen(sizes, "pages-resized") - resized + left, ==, asked);
    /* Each was tried, those that were done perhaps once more. */
    g_assert_cmpuint(seen(sizes, "swaps-failed") - failed, >=, left);
    g_assert_cmpuint(ABS((int)fast - (int)sizes->wanted), ==, left);
    if (seen_held(sizes)) {
        g_assert_nonnull(strstr(get_str(sizes->info, "held-because"),
                                "the host's kernel can't move pages: "));
    }
    if (!sizes->busy) {
        /* Else what moves them has not failed perhaps, but what looks. */
        g_assert_true(seen_held(sizes) ==
                      (left && (error == EPERM || error == ENOENT)));
        /* No page was moved that the placement does not say was. */
        g_assert_cmpuint(seen(sizes, "pages-astray"), ==, 0);
    }
}

/* What is left is done, and pages are where the placement says. */
static void end_resize(Sizes *sizes)
{
    /* Of busy pages, some may be astray. */
    bool again = sizes->busy || seen(sizes, "pages-to-resize");

    if (seen_held(sizes)) {
        mend_mover(sizes->qts);
    }
    for (unsigned attempts = 0; again; attempts++) {
        g_assert_cmpuint(attempts, <, ATTEMPTS);
        resize(sizes);
        again = seen(sizes, "pages-to-resize");
    }
    for (uint32_t page = 0; page < GOING; page++) {
        g_assert_false(raminate_nodes_is_astray(sizes->qts, page));
    }
}

/*
 * Makes the fast tier so large while calls fail, and then without.
 * Returns: whether one has failed.
 */
static bool resize_with_faults(Sizes *sizes, uint32_t wanted, unsigned let,
                               unsigned nr, int error)
{
    uint32_t asked = ABS((int)wanted - (int)sizes->wanted);
    uint64_t resized = seen(sizes, "pages-resized");
    uint64_t failed = seen(sizes, "swaps-failed");

    sizes->wanted = wanted;
    raminate_faults_order(OF_BATCH, let, nr, error);
    resize(sizes);
    check_figures(sizes, asked, resized, failed, error);
    /* All that is written is there, whatever fails at the moment. */
    for (uint32_t page = 0; page < GOING; page++) {
        raminate_assert_page(sizes->qts, page, 0);
    }
    raminate_faults_end();
    end_resize(sizes);
    return raminate_faults_failed();
}

/*
 * Two pages of three are moved once they are asked for again.  They are others
 * each time, since those that fail are left out for a while.
 */
static void make_busy(unsigned time)
{
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_nodes->fails_once[page] = (page + time) % 3 ? EBUSY : 0;
    }
}

/* Returns: number of calls that were made to fail. */
static unsigned fail_each(Sizes *sizes, unsigned nr, int error)
{
    unsigned let = 0;
    bool failed;

    do {
        if (sizes->busy) {
            make_busy(let);
        }
        failed = resize_with_faults(sizes, FEW, let, nr, error);
        if (sizes->busy) {
            make_busy(let);
        }
        failed |= resize_with_faults(sizes, FAST_PAGES, let, nr, error);
        let++;
    } while (failed);
    return let - 1;
}

/* Each call in turn fails, once, or it and all further ones do. */
static void check_each(bool busy, unsigned least)
{
    static const unsigned numbers[] = { 1, FAULTS_FOR_EVER };
    QTestState *qts = start_with_faults(BY_HAND);
    Sizes sizes = { .qts = qts, .busy = busy, .wanted = FAST_PAGES };

    raminate_assert_swap(qts, 10, 11);
    raminate_wait_scans(qts, COLD_SCANS);
    look(&sizes);
    for (unsigned n = 0; n < ARRAY_SIZE(numbers); n++) {
        for (unsigned i = 0; i < nr_errors(); i++) {
            g_assert_cmpuint(fail_each(&sizes, numbers[n], errors[i]), >=,
                             least);
            raminate_nodes_assert_all(qts);
        }
    }
    g_assert_cmpuint(seen(&sizes, "swaps-failed"), >, 0);
    g_assert_cmpuint(seen(&sizes, "pages-resized"), >,
                     seen(&sizes, "swaps-failed"));
    qobject_unref(sizes.info);
    raminate_nodes_end(qts);
}

/* A piece of advice, as all pages are side by side, a move, a look */
static void test_each(void)
{
    check_each(false, 3);
}

/* The same, and one that looks what was moved, and one that moves the rest */
static void test_each_busy(void)
{
    check_each(true, 5);
}

/* The checks above find it if the kernel does not do what it says it did. */
static void test_lies_are_found(void)
{
    QTestState *qts = start_with_faults(BY_HAND);
    Sizes sizes = { .qts = qts, .busy = true, .wanted = FEW };
    unsigned astray = 0;

    raminate_assert_swap(qts, 10, 11);
    raminate_wait_scans(qts, COLD_SCANS);
    raminate_faults_order(FAULT_MIGRATE, 0, FAULTS_FOR_EVER, 0);
    resize(&sizes);
    raminate_faults_end();
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        astray += raminate_nodes_is_astray(qts, page);
    }
    g_assert_cmpuint(astray, ==, LESS);
    g_assert_cmpuint(seen(&sizes, "pages-astray"), >=, LESS);
    end_resize(&sizes);
    raminate_nodes_assert_all(qts);
    qobject_unref(sizes.info);
    raminate_nodes_end(qts);
}

/* Under load */

/* More if few calls were made in these, as when others have the processors. */
#define STEPS 100
#define MAX_STEPS (50 * STEPS)

/* Calls are made all the time, so that one fails soon, unless there is none. */
static void wait_for_fault(void)
{
    unsigned rounds = 0;

    while (!raminate_faults_failed() && rounds < 5) {
        raminate_wait(&rounds, "a call to fail");
    }
}

/* The size changes again and again while the policy is at work. */
static void test_under_load(void)
{
    static const uint32_t kinds[] = {
        FAULT_MIGRATE, FAULT_LOOK, FAULT_ADVISE, OF_BATCH,
    };
    GRand *random = g_rand_new_with_seed(11);
    QTestState *qts = start_with_faults(",policy=lru" FAST_MOVES);
    uint32_t wanted = FAST_PAGES;
    uint32_t failed = 0;

    assert_promotes(qts, FAST_PAGES + 7);
    for (unsigned step = 0; step < STEPS || failed <= STEPS / 2; step++) {
        g_assert_cmpuint(step, <, MAX_STEPS);
        order_at_random(random, kinds, ARRAY_SIZE(kinds));
        if (step % 3 == 0) {
            wanted = g_rand_int_range(random, 1, NR_PAGES);
            assert_budget(qts, wanted * (uint64_t)PAGE_SIZE);
        }
        for (unsigned i = 0; i < 8; i++) {
            raminate_write_page(qts, g_rand_int_range(random, 0, NR_PAGES), 0);
        }
        wait_for_fault();
        raminate_faults_end();
        failed += raminate_faults_failed();
        mend_mover(qts);
        for (uint32_t page = step % 40; page < NR_PAGES; page += 40) {
            raminate_assert_page(qts, page, 0);
        }
    }
    g_rand_free(random);

    mend_until_scans(qts, 2);
    wait_for_pages(qts, wanted);
    raminate_set_string(qts, "policy", "null");
    raminate_nodes_wait_all(qts);
    raminate_nodes_end(qts);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/budget-faults/each", test_each);
    qtest_add_func("raminate/budget-faults/each-busy", test_each_busy);
    qtest_add_func("raminate/budget-faults/lies-are-found",
                   test_lies_are_found);
    qtest_add_func("raminate/budget-faults/under-load", test_under_load);
    return g_test_run();
}
