/*
 * RAMinate: each system call of a batch fails, and nothing is lost
 *
 * Of each call of a small batch, in turn, one, some or all further ones fail
 * with each error.  Afterwards pages hold what was written, the frames that the
 * placement names hold it too, and the figures count what was not done.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "faults-control.h"
#include "faults-model.h"

#define BY_HAND ",policy=null,scan-period=1"

#define OF_BATCH \
    (FAULT_MAP | FAULT_SPARE | FAULT_PROTECT | FAULT_ADVISE | FAULT_SAVE | \
     FAULT_LOAD | FAULT_PUNCH | FAULT_MINCORE)
/*
 * For each pair: two mappings, two pieces of advice, four copies, in place of
 * two of which a hole is made where there was one
 */
#define MIN_CALLS (ARRAY_SIZE(pairs) * 8 - NR_HOLES)
#define MIN_COPIES (ARRAY_SIZE(pairs) * 2 - NR_HOLES)

static const int errors[] = { ENOMEM, EINTR, ENOSPC, EBUSY, EFAULT, EIO };

/* Each call in turn */

/*
 * Has calls of @kinds fail, beginning with each in turn.
 * @fresh: whether the placer is to be without what it keeps between batches
 * Returns: number of calls.
 */
static unsigned fail_each(Model *model, uint32_t kinds, unsigned nr, int error,
                          bool fresh)
{
    unsigned let = 0;

    for (bool failed = true; failed; let++) {
        if (fresh) {
            reopen_placer(model);
        }
        raminate_faults_order(kinds, let, nr, error);
        if (!run_batch(model)) {
            raminate_faults_end();
            g_assert_true(kinds == FAULT_MAP || kinds == FAULT_LOAD);
            g_assert_cmpuint(nr, ==, FAULTS_FOR_EVER);
            assert_lost(model, kinds == FAULT_LOAD);
            model_start(model, BY_HAND);
            continue;
        }
        raminate_faults_end();
        failed = raminate_faults_failed();
        assert_kept(model);
    }
    /* In the last round none failed. */
    g_assert_cmpuint(wrong_pages(model, NULL, NR_PAGES), ==, 0);
    return let - 1;
}

/* Up to three calls in a row fail, whatever they are. */
static void test_some(void)
{
    Model model;

    model_start(&model, BY_HAND);
    for (unsigned nr = 1; nr <= 3; nr++) {
        for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
            g_assert_cmpuint(fail_each(&model, OF_BATCH, nr, errors[i], false),
                             >=, MIN_CALLS);
        }
    }
    g_assert_cmpuint(model.failed, >, 0);
    g_assert_cmpuint(model.done, >, model.failed);
    raminate_wait_state(model.qts, "running");
    qtest_quit(model.qts);
}

/* All further calls of a kind fail. */
static void for_good(uint32_t kind, unsigned min_calls)
{
    Model model;

    model_start(&model, BY_HAND);
    for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
        g_assert_cmpuint(fail_each(&model, kind, FAULTS_FOR_EVER, errors[i],
                                   kind & (FAULT_SPARE | FAULT_PROTECT)), >=,
                         min_calls);
    }
    raminate_wait_state(model.qts, "running");
    qtest_quit(model.qts);
}

static void test_map_for_good(void)
{
    for_good(FAULT_MAP, 2 * ARRAY_SIZE(pairs));
}

static void test_save_for_good(void)
{
    for_good(FAULT_SAVE, MIN_COPIES);
}

static void test_load_for_good(void)
{
    for_good(FAULT_LOAD, MIN_COPIES);
}

static void test_advise_for_good(void)
{
    for_good(FAULT_ADVISE, 2 * ARRAY_SIZE(pairs));
}

/* Without spare mappings, nothing is exchanged. */
static void test_spare_for_good(void)
{
    for_good(FAULT_SPARE | FAULT_PROTECT, 1);
}

/*
 * Where a file system is full, a hole can't be written, neither with the other
 * page's contents nor to undo that.  It need not be.
 */
static void test_hole_not_written(void)
{
    Model model;

    model_start(&model, BY_HAND);
    g_assert_cmpuint(fail_each(&model, FAULT_LOAD, 2, EFAULT, false), >=,
                     MIN_COPIES);
    g_assert_cmpuint(model.failed, >, 0);
    raminate_wait_state(model.qts, "running");
    qtest_quit(model.qts);
}

/* The kernel takes the old mapping away, and then gives it back. */
static void test_old_mapping_gone(void)
{
    Model model;

    model_start(&model, BY_HAND);
    for (unsigned nr = 1; nr <= 5; nr++) {
        for (unsigned let = 0; let < 2 * ARRAY_SIZE(pairs); let++) {
            raminate_faults_order_lose(let, nr);
            g_assert_true(run_batch(&model));
            raminate_faults_end();
            g_assert_cmpuint(raminate_faults_failed(), ==, nr);
            assert_kept(&model);
        }
    }
    g_assert_cmpuint(wrong_pages(&model, NULL, NR_PAGES), ==, 0);
    g_assert_cmpuint(model.failed, >, 0);
    raminate_wait_state(model.qts, "running");
    qtest_quit(model.qts);
}

/*
 * The checks above find it if the kernel does not do what it says it did.
 * @holes: whether there are to be any; other pages are copied
 */
static void tell_lie(uint32_t kind, unsigned let, bool holes)
{
    static const uint32_t pages[] = { 5, 200 };
    Model model;

    model_start(&model, BY_HAND);
    for (unsigned i = 0; i < ARRAY_SIZE(pages) && !holes; i++) {
        raminate_write_page(model.qts, pages[i],
                            ++model.generation[pages[i]]);
    }
    raminate_faults_order(kind, let, 1, 0);
    g_assert_true(run_batch(&model));
    raminate_faults_end();
    g_assert_cmpuint(raminate_faults_failed(), ==, 1);
    g_assert_cmpuint(wrong_pages(&model, concerned, ARRAY_SIZE(concerned)), >,
                     0);
    qtest_quit(model.qts);
}

static void test_lies_are_found(void)
{
    static const uint32_t kinds[] = { FAULT_MAP, FAULT_SAVE, FAULT_LOAD };

    for (unsigned kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
        for (unsigned let = 0; let < 2 * ARRAY_SIZE(pairs); let++) {
            tell_lie(kinds[kind], let, false);
        }
    }
    for (unsigned let = 0; let < NR_HOLES; let++) {
        tell_lie(FAULT_PUNCH, let, true);
    }
}

/* Opening */

#define OF_OPENING (FAULT_MEMFD | FAULT_TRUNCATE | FAULT_MAP_NEW)

/* Returns: whether the placer holds, and says why. */
static bool assert_runs_or_held(const Model *model)
{
    QDict *info = raminate_query(model->qts, "c");
    bool held = qdict_haskey(info, "held-because");

    g_assert_cmpstr(qdict_get_str(info, "state"), ==,
                    held ? "held" : "running");
    if (held) {
        g_test_message("%s", qdict_get_str(info, "held-because"));
    }
    qobject_unref(info);
    return held;
}

/*
 * The placer does without what it could not get, or says why it holds; and
 * goes on when it is asked to again.
 */
static void test_opening(void)
{
    unsigned let = 0, held = 0;
    Model model;

    model_start(&model, BY_HAND);
    for (bool failed = true; failed; let++) {
        set_monitor(&model, false);
        raminate_wait_state(model.qts, "off");
        raminate_faults_order(OF_OPENING, let, FAULTS_FOR_EVER, ENOMEM);
        set_monitor(&model, true);
        wait_for_opening(&model);
        raminate_faults_end();
        failed = raminate_faults_failed();
        held += assert_runs_or_held(&model);
    }
    g_assert_cmpuint(let, >, 3);
    g_assert_cmpuint(held, ==, let - 1);
    g_assert_true(run_batch(&model));
    assert_kept(&model);
    qtest_quit(model.qts);
}

/* Under load */

#define STEPS 400

static void order_at_random(GRand *random)
{
    static const uint32_t kinds[] = {
        FAULT_MAP, FAULT_SAVE, FAULT_LOAD, FAULT_ADVISE, OF_BATCH,
    };
    unsigned let = g_rand_int_range(random, 0, 12);
    unsigned nr = g_rand_int_range(random, 1, 3);

    if (g_rand_int_range(random, 0, 4) == 0) {
        raminate_faults_order_lose(let, nr);
    } else {
        raminate_faults_order(
            kinds[g_rand_int_range(random, 0, ARRAY_SIZE(kinds))], let, nr,
            errors[g_rand_int_range(random, 0, ARRAY_SIZE(errors))]);
    }
}

/* The placer moves pages as it likes: reads from it where they are. */
static void find_frames(Model *model)
{
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        QDict *info = qtest_qmp_assert_success_ref(
            model->qts, "{ 'execute': 'query-raminate-page',"
            "  'arguments': { 'id': 'c', 'page': %u } }", page);
        uint32_t frame = qdict_get_int(info, "phy-offset") / PAGE_SIZE;

        model->frame[page] = g_str_equal(qdict_get_str(info, "tier"), "fast")
                             ? frame - FAST_FIRST
                             : frame - SLOW_FIRST + FAST_PAGES;
        qobject_unref(info);
    }
}

/* Scans, batches and a guest that writes, with faults in between */
static void test_under_load(void)
{
    GRand *random = g_rand_new_with_seed(11);
    uint64_t scans, swaps;
    uint32_t failed = 0;
    Model model;

    model_start(&model, ",policy=lru,scan-period=1,swap-period=1");
    raminate_wait_figure(model.qts, "swaps", 1);
    for (unsigned step = 0; step < STEPS; step++) {
        order_at_random(random);
        for (unsigned i = 0; i < 8; i++) {
            uint32_t page = g_rand_int_range(random, 0, NR_PAGES);

            raminate_write_page(model.qts, page, ++model.generation[page]);
        }
        raminate_wait_scans(model.qts, 1);
        raminate_faults_end();
        failed += raminate_faults_failed();
        if (step % 40 == 39) {
            qtest_qmp_assert_success(model.qts, "{ 'execute': 'stop' }");
            find_frames(&model);
            g_assert_cmpuint(wrong_pages(&model, NULL, NR_PAGES), ==, 0);
            qtest_qmp_assert_success(model.qts, "{ 'execute': 'cont' }");
        }
    }
    g_rand_free(random);
    g_assert_cmpuint(failed, >, STEPS / 4);
    g_assert_cmpuint(raminate_figure(model.qts, "swaps-failed"), >, 0);

    /* It goes on, and says so. */
    scans = raminate_figure(model.qts, "scans");
    swaps = raminate_figure(model.qts, "swaps");
    for (unsigned rounds = 0;
         raminate_figure(model.qts, "swaps") <= swaps + 10;) {
        raminate_write_page(model.qts, rounds % NR_PAGES, 1);
        raminate_wait(&rounds, "swaps after faults");
    }
    g_assert_cmpuint(raminate_figure(model.qts, "scans"), >, scans);
    raminate_wait_state(model.qts, "running");
    qtest_quit(model.qts);
}

/* Attaching */

#define OF_ATTACHING \
    (FAULT_OPEN | FAULT_LOCK | FAULT_MAP | FAULT_MAP_NEW | FAULT_MEMFD)

static char *mapped_files(QTestState *qts)
{
    g_auto(GStrv) lines = raminate_host_mappings(qts);
    g_autoptr(GString) files = g_string_new(NULL);

    for (char **line = lines; *line; line++) {
        if (g_str_has_suffix(*line, "/nvm") ||
            g_str_has_suffix(*line, "/dram")) {
            g_string_append(files, strrchr(*line, '/'));
        }
    }
    return g_strdup(files->str);
}

/* What is not used any more goes a little later. */
static void wait_mapped_files(QTestState *qts, const char *files)
{
    for (unsigned rounds = 0;;) {
        g_autofree char *mapped = mapped_files(qts);

        if (g_str_equal(mapped, files)) {
            return;
        }
        raminate_wait(&rounds, "mappings to go");
    }
}

/* Adds the second tier, which may be refused, and is then had later. */
static void add_with_faults(QTestState *qts, int error)
{
    g_autofree char *before = mapped_files(qts);
    QDict *response = raminate_object_add(qts, SLOW);
    bool refused = qdict_haskey(response, "error");
    bool failed = raminate_faults_failed();

    raminate_faults_end();
    /* QEMU locks files until it is not interrupted. */
    g_assert_true(refused == failed || (failed && error == EINTR));
    if (refused) {
        const char *desc = qdict_get_str(qdict_get_qdict(response, "error"),
                                         "desc");

        g_test_message("%s", desc);
        g_assert_true(g_str_has_prefix(desc, "memory-backend-"));
        wait_mapped_files(qts, before);
        raminate_assert_object_add(qts, SLOW);
    }
    qobject_unref(response);
}

/* A tier that can't be had is refused in full, and can be had later. */
static void test_attaching(void)
{
    QTestState *qts;

    raminate_make_tier_files();
    raminate_faults_preload();
    qts = qtest_init("-machine none");
    raminate_faults_end_preload();
    for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
        unsigned let = 0;

        do {
            /* What the placer opens is another matter, see test_opening(). */
            raminate_assert_object_add(qts, CONTAINER ",monitor=off");
            raminate_assert_object_add(qts, FAST);
            raminate_faults_order(OF_ATTACHING, let++, FAULTS_FOR_EVER,
                                  errors[i]);
            add_with_faults(qts, errors[i]);
            raminate_assert_object_del(qts, "c");
            raminate_assert_object_del(qts, "slow");
            raminate_assert_object_del(qts, "fast");
        } while (raminate_faults_failed());
        g_assert_cmpuint(let, >, 4);
    }
    qtest_quit(qts);
}

/* Scans */

#define NR_GONE 16

/*
 * Scans go on while memory is out of reach of which lines that change are
 * counted.  A file that is cut short stands in for memory that has failed.
 */
static void test_scans_out_of_reach(void)
{
    uint64_t size = (SLOW_FIRST + SLOW_PAGES) * PAGE_SIZE;
    Model model;

    model_start(&model, BY_HAND ",record=recording");
    for (unsigned round = 0; round < 20; round++) {
        for (uint32_t page = NR_PAGES - NR_GONE; page < NR_PAGES; page++) {
            raminate_write_page(model.qts, page, ++model.generation[page]);
        }
        raminate_wait_scans(model.qts, 1);
    }
    g_assert_cmpint(truncate("nvm", size - NR_GONE * PAGE_SIZE), ==, 0);
    raminate_wait_scans(model.qts, 20);
    raminate_wait_state(model.qts, "running");
    g_assert_true(run_batch(&model));
    g_assert_cmpuint(model.done, ==, ARRAY_SIZE(pairs));
    g_assert_cmpuint(wrong_pages(&model, NULL, NR_PAGES - NR_GONE), ==, 0);
    qtest_quit(model.qts);
}

/* Nor do they need copies of pages. */
static void test_scans_without_copies(void)
{
    Model model;

    model_start(&model, BY_HAND ",record=recording");
    for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
        raminate_faults_order(FAULT_SAVE, 0, FAULTS_FOR_EVER, errors[i]);
        for (unsigned rounds = 0; !raminate_faults_failed();) {
            raminate_write_page(model.qts, 7, ++model.generation[7]);
            raminate_wait(&rounds, "a copy");
        }
        raminate_wait_scans(model.qts, 5);
        raminate_wait_state(model.qts, "running");
        raminate_faults_end();
        g_assert_cmpuint(wrong_pages(&model, NULL, NR_PAGES), ==, 0);
    }
    qtest_quit(model.qts);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/faults/some", test_some);
    qtest_add_func("raminate/faults/for-good/map", test_map_for_good);
    qtest_add_func("raminate/faults/for-good/save", test_save_for_good);
    qtest_add_func("raminate/faults/for-good/load", test_load_for_good);
    qtest_add_func("raminate/faults/for-good/advise", test_advise_for_good);
    qtest_add_func("raminate/faults/for-good/spare", test_spare_for_good);
    qtest_add_func("raminate/faults/hole-not-written", test_hole_not_written);
    qtest_add_func("raminate/faults/old-mapping-gone", test_old_mapping_gone);
    qtest_add_func("raminate/faults/lies-are-found", test_lies_are_found);
    qtest_add_func("raminate/faults/opening", test_opening);
    qtest_add_func("raminate/faults/attaching", test_attaching);
    qtest_add_func("raminate/faults/scans/out-of-reach",
                   test_scans_out_of_reach);
    qtest_add_func("raminate/faults/scans/without-copies",
                   test_scans_without_copies);
    qtest_add_func("raminate/faults/under-load", test_under_load);
    return g_test_run();
}
