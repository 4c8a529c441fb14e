/*
 * RAMinate: exchanged frames, with contents where the guest expects them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qobject/qlist.h"
#include "qobject/qnum.h"
#include "raminate-common.h"

/* The placer itself moves nothing. */
#define BY_HAND ",policy=null"

/* What the placement should be, and what was last written to each page */
typedef struct Model {
    uint32_t frame[NR_PAGES];
    uint32_t generation[NR_PAGES];
} Model;

static void model_write(Model *model, QTestState *qts, uint32_t page)
{
    raminate_write_page(qts, page, ++model->generation[page]);
}

static Model *model_new(QTestState *qts)
{
    Model *model = g_new0(Model, 1);

    for (uint32_t page = 0; page < NR_PAGES; page++) {
        model->frame[page] = page;
        model_write(model, qts, page);
    }
    return model;
}

static void model_swap(Model *model, uint32_t a, uint32_t b)
{
    uint32_t frame = model->frame[a];

    model->frame[a] = model->frame[b];
    model->frame[b] = frame;
}

static void model_check_page(const Model *model, QTestState *qts,
                             uint32_t page)
{
    uint32_t frame = model->frame[page];
    uint32_t generation = model->generation[page];

    raminate_assert_page(qts, page, generation);
    if (frame < FAST_PAGES) {
        raminate_assert_frame("dram", FAST_FIRST + frame, page, generation);
    } else {
        raminate_assert_frame("nvm", SLOW_FIRST + frame - FAST_PAGES, page,
                              generation);
    }
}

static void model_check(const Model *model, QTestState *qts)
{
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        model_check_page(model, qts, page);
    }
}

/* Returns: number of runs of pages whose frames follow each other. */
static unsigned model_runs(const Model *model)
{
    unsigned runs = 1;

    for (uint32_t page = 1; page < NR_PAGES; page++) {
        runs += model->frame[page] != model->frame[page - 1] + 1 ||
                model->frame[page] == FAST_PAGES;
    }
    return runs;
}

/*
 * Returns: number of host mappings of the container, as the kernel sees it.
 * Each tier's object has one of its own besides.
 */
static unsigned host_mappings(QTestState *qts)
{
    g_auto(GStrv) lines = raminate_host_mappings(qts);
    unsigned nr = 0;

    for (char **line = lines; *line; line++) {
        nr += g_str_has_suffix(*line, "/dram") ||
              g_str_has_suffix(*line, "/nvm");
    }
    return nr - 2;
}

static void assert_mappings(QTestState *qts, unsigned nr)
{
    g_assert_cmpuint(raminate_figure(qts, "mappings"), ==, nr);
    g_assert_cmpuint(host_mappings(qts), ==, nr);
}

static void swap(Model *model, QTestState *qts, uint32_t a, uint32_t b)
{
    raminate_assert_swap(qts, a, b);
    model_swap(model, a, b);
}

static void test_between_tiers(void)
{
    QTestState *qts = raminate_start(BY_HAND, "");
    g_autofree Model *model = model_new(qts);

    model_check(model, qts);
    swap(model, qts, 3, 100);
    model_check(model, qts);
    g_assert_cmpuint(raminate_tier_of(qts, 3), ==, 1);
    g_assert_cmpuint(raminate_tier_of(qts, 100), ==, 0);
    g_assert_cmpuint(raminate_tier_figure(qts, 0, "pages"), ==, FAST_PAGES);
    g_assert_cmpuint(raminate_tier_figure(qts, 1, "pages"), ==, SLOW_PAGES);
    g_assert_cmpuint(raminate_figure(qts, "swaps"), ==, 1);
    g_assert_cmpuint(raminate_figure(qts, "batches"), ==, 1);

    /* What is written now goes to the new frames. */
    model_write(model, qts, 3);
    model_write(model, qts, 100);
    model_check(model, qts);
    qtest_quit(qts);
}

static void test_within_tier(void)
{
    QTestState *qts = raminate_start(BY_HAND, "");
    g_autofree Model *model = model_new(qts);

    swap(model, qts, 3, 30);
    swap(model, qts, FAST_PAGES, NR_PAGES - 1);
    model_check(model, qts);
    g_assert_cmpuint(raminate_tier_of(qts, 3), ==, 0);
    g_assert_cmpuint(raminate_tier_of(qts, FAST_PAGES), ==, 1);
    g_assert_cmpuint(raminate_figure(qts, "swaps"), ==, 2);
    qtest_quit(qts);
}

static void test_neighbours(void)
{
    QTestState *qts = raminate_start(BY_HAND, "");
    g_autofree Model *model = model_new(qts);

    swap(model, qts, 10, 11);
    swap(model, qts, FAST_PAGES - 1, FAST_PAGES);
    swap(model, qts, 0, 1);
    swap(model, qts, NR_PAGES - 2, NR_PAGES - 1);
    model_check(model, qts);
    assert_mappings(qts, model_runs(model));
    qtest_quit(qts);
}

static void assert_batch_done(QTestState *qts, const RaminateTestPair *pairs,
                              size_t nr)
{
    QDict *response = raminate_swap_pages(qts, pairs, nr);
    QDict *results = qdict_get_qdict(response, "return");
    const QListEntry *entry;
    size_t i = 0;

    g_assert_nonnull(results);
    g_assert_cmpuint(qdict_get_int(results, "done"), ==, nr);
    QLIST_FOREACH_ENTRY(qdict_get_qlist(results, "results"), entry) {
        QDict *result = qobject_to(QDict, entry->value);

        g_assert_cmpuint(qdict_get_int(result, "a"), ==, pairs[i].a);
        g_assert_cmpuint(qdict_get_int(result, "b"), ==, pairs[i].b);
        g_assert_false(qdict_haskey(result, "error"));
        i++;
    }
    g_assert_cmpuint(i, ==, nr);
    qobject_unref(response);
}

static void test_batch(void)
{
    static const RaminateTestPair pairs[] = {
        { 0, 64 }, { 200, 1 }, { 2, 3 }, { 100, 101 }, { 63, 255 },
    };
    QTestState *qts = raminate_start(BY_HAND, "");
    g_autofree Model *model = model_new(qts);

    raminate_assert_swap(qts, 5, 6);
    raminate_assert_swap(qts, 5, 6);
    assert_batch_done(qts, pairs, ARRAY_SIZE(pairs));
    for (unsigned i = 0; i < ARRAY_SIZE(pairs); i++) {
        model_swap(model, pairs[i].a, pairs[i].b);
    }
    model_check(model, qts);
    g_assert_cmpuint(raminate_figure(qts, "swaps"), ==, 7);
    g_assert_cmpuint(raminate_figure(qts, "batches"), ==, 3);
    g_assert_cmpuint(raminate_figure(qts, "swaps-failed"), ==, 0);
    qtest_quit(qts);
}

/* Fills @pairs with pages that all differ.  Returns: their number. */
static size_t random_pairs(RaminateTestPair *pairs, size_t max)
{
    uint32_t pages[NR_PAGES];
    size_t nr = g_test_rand_int_range(1, max + 1);

    for (uint32_t page = 0; page < NR_PAGES; page++) {
        pages[page] = page;
    }
    for (size_t i = 0; i < 2 * nr; i++) {
        unsigned other = g_test_rand_int_range(i, NR_PAGES);
        uint32_t page = pages[i];

        pages[i] = pages[other];
        pages[other] = page;
    }
    for (size_t i = 0; i < nr; i++) {
        pairs[i].a = pages[2 * i];
        pairs[i].b = pages[2 * i + 1];
    }
    return nr;
}

static void test_random(void)
{
    QTestState *qts = raminate_start(BY_HAND, "");
    g_autofree Model *model = model_new(qts);
    RaminateTestPair pairs[32];

    raminate_assert_swap(qts, 0, 1);
    raminate_assert_swap(qts, 0, 1);
    for (unsigned batch = 0; batch < 100; batch++) {
        size_t nr = random_pairs(pairs, ARRAY_SIZE(pairs));

        assert_batch_done(qts, pairs, nr);
        for (size_t i = 0; i < nr; i++) {
            model_swap(model, pairs[i].a, pairs[i].b);
        }
        assert_mappings(qts, model_runs(model));
        for (unsigned i = 0; i < 8; i++) {
            model_write(model, qts, g_test_rand_int_range(0, NR_PAGES));
        }
        if (batch % 10 == 9) {
            model_check(model, qts);
        }
    }
    qtest_quit(qts);
}

/* The placer moves pages, a user swaps them, and the guest writes. */
static void test_busy_placer(void)
{
    QTestState *qts = raminate_start(",policy=lru,scan-period=1,"
                                     "swap-period=1", "");
    g_autofree Model *model = model_new(qts);
    uint64_t by_hand = 0;

    for (unsigned rounds = 0;
         by_hand < 100 || raminate_figure(qts, "swaps") < by_hand + 100;) {
        uint32_t page = g_test_rand_int_range(0, NR_PAGES);

        raminate_assert_swap(qts, page, (page + 77) % NR_PAGES);
        by_hand++;
        for (unsigned i = 0; i < 8; i++) {
            model_write(model, qts, g_test_rand_int_range(0, NR_PAGES));
        }
        raminate_wait(&rounds, "swaps of the placer's");
    }
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_assert_page(qts, page, model->generation[page]);
    }
    qtest_qmp_assert_success(qts, "{ 'execute': 'stop' }");
    g_assert_cmpuint(host_mappings(qts), ==,
                     raminate_figure(qts, "mappings"));
    qtest_quit(qts);
}

/* Mappings */

static void test_mappings_join_again(void)
{
    static const RaminateTestPair pairs[] = {
        { 10, 100 }, { 12, 110 }, { 14, 120 }, { 16, 130 },
        { 18, 140 }, { 20, 150 }, { 22, 160 }, { 24, 170 },
    };
    QTestState *qts = raminate_start(BY_HAND, "");
    g_autofree Model *model = model_new(qts);

    assert_mappings(qts, 2);
    raminate_assert_swap(qts, 10, 11);
    raminate_assert_swap(qts, 10, 11);
    assert_mappings(qts, 2);
    assert_batch_done(qts, pairs, ARRAY_SIZE(pairs));

    /* In the fast tier they share the mappings between them. */
    assert_mappings(qts, 2 + 2 * ARRAY_SIZE(pairs) + 2 * ARRAY_SIZE(pairs));
    assert_batch_done(qts, pairs, ARRAY_SIZE(pairs));
    assert_mappings(qts, 2);
    model_check(model, qts);
    qtest_quit(qts);
}

/* Pages that move together need one mapping together. */
static void test_mappings_of_run(void)
{
    static const RaminateTestPair pairs[] = {
        { 10, 100 }, { 11, 101 }, { 12, 102 }, { 13, 103 },
    };
    QTestState *qts = raminate_start(BY_HAND, "");

    raminate_assert_swap(qts, 10, 11);
    raminate_assert_swap(qts, 10, 11);
    assert_batch_done(qts, pairs, ARRAY_SIZE(pairs));
    assert_mappings(qts, 6);
    qtest_quit(qts);
}

/* A container large enough that swaps of every other page use them up */

#define DEFAULT_MAX_MAP_COUNT 65530
#define HALF_PAGES 32768
#define NR_PAIRS 15000
#define LARGE_OPTIONS \
    "memory-backend-container,id=c,size=256M" BY_HAND \
    " -object memory-backend-devmem,id=fast,parent=c,size=128M," \
    "mem-path=dram" \
    " -object memory-backend-devmem,id=slow,parent=c,size=128M,offset=128M," \
    "mem-path=nvm"

static uint64_t stamp_of(uint32_t page)
{
    return 0x9e3779b97f4a7c15 * (page + 1);
}

static void assert_stamps(QTestState *qts, const RaminateTestPair *pairs)
{
    for (unsigned i = 0; i < NR_PAIRS; i++) {
        g_assert_cmphex(qtest_readq(qts, (uint64_t)pairs[i].a * PAGE_SIZE),
                        ==, stamp_of(pairs[i].a));
        g_assert_cmphex(qtest_readq(qts, (uint64_t)pairs[i].b * PAGE_SIZE),
                        ==, stamp_of(pairs[i].b));
    }
}

/*
 * Exchanges pairs, and leaves those that were not in @pairs.
 * Returns: their number.
 */
static size_t swap_until_held(QTestState *qts, RaminateTestPair *pairs,
                              size_t nr)
{
    QDict *response = raminate_swap_pages(qts, pairs, nr);
    QDict *results = qdict_get_qdict(response, "return");
    const QListEntry *entry;
    size_t held = 0;

    g_assert_nonnull(results);
    QLIST_FOREACH_ENTRY(qdict_get_qlist(results, "results"), entry) {
        QDict *result = qobject_to(QDict, entry->value);

        if (qdict_haskey(result, "error")) {
            g_assert_cmpstr(qdict_get_str(result, "error"), ==,
                            "the limit of host mappings is reached; raise "
                            "vm.max_map_count and start again");
            pairs[held].a = qdict_get_int(result, "a");
            pairs[held].b = qdict_get_int(result, "b");
            held++;
        }
    }
    g_assert_cmpuint(qdict_get_int(results, "done") + held, ==, nr);
    qobject_unref(response);
    return held;
}

static uint64_t max_map_count(void)
{
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents("/proc/sys/vm/max_map_count", &text,
                                      NULL, NULL));
    return g_ascii_strtoull(text, NULL, 10);
}

/*
 * @pairs: returns NR_PAIRS pairs of pages that take a mapping each
 * Returns: QEMU with the large container, or NULL if the test is skipped.
 */
static QTestState *start_large(const char *args, RaminateTestPair *pairs)
{
    g_autofree char *all = g_strdup_printf(
        "-cpu qemu64,apic-id=0 -machine none,memory-backend=c -m 256M -object "
        LARGE_OPTIONS "%s", args);

    if (max_map_count() > DEFAULT_MAX_MAP_COUNT) {
        g_test_skip("vm.max_map_count is too large to be reached");
        return NULL;
    }
    raminate_make_file("dram", (uint64_t)HALF_PAGES * PAGE_SIZE);
    raminate_make_file("nvm", (uint64_t)HALF_PAGES * PAGE_SIZE);
    for (unsigned i = 0; i < NR_PAIRS; i++) {
        pairs[i].a = 2 * i + 1;
        pairs[i].b = HALF_PAGES + 2 * i;
    }
    return qtest_init(all);
}

static void test_mappings_limit(void)
{
    g_autofree RaminateTestPair *pairs = g_new(RaminateTestPair, NR_PAIRS);
    g_autofree RaminateTestPair *left = g_new(RaminateTestPair, NR_PAIRS);
    uint64_t limit, swaps;
    QTestState *qts;
    size_t held;

    qts = start_large("", pairs);
    if (!qts) {
        return;
    }
    raminate_assert_swap(qts, 0, 1);
    raminate_assert_swap(qts, 0, 1);
    for (unsigned i = 0; i < NR_PAIRS; i++) {
        qtest_writeq(qts, (uint64_t)pairs[i].a * PAGE_SIZE,
                     stamp_of(pairs[i].a));
        qtest_writeq(qts, (uint64_t)pairs[i].b * PAGE_SIZE,
                     stamp_of(pairs[i].b));
    }
    limit = raminate_figure(qts, "mappings-limit");
    g_assert_cmpuint(limit, <=, max_map_count() / 4 * 3 + 3);

    memcpy(left, pairs, NR_PAIRS * sizeof(*pairs));
    held = swap_until_held(qts, left, NR_PAIRS);
    swaps = raminate_figure(qts, "swaps");
    g_assert_cmpuint(held, >, 0);
    g_assert_cmpuint(raminate_figure(qts, "swaps-held"), ==, held);
    g_assert_cmpuint(raminate_figure(qts, "swaps-failed"), ==, 0);
    g_assert_cmpuint(swaps, ==, 2 + NR_PAIRS - held);
    g_assert_cmpuint(raminate_figure(qts, "mappings"), <=, limit);
    g_assert_cmpuint(raminate_figure(qts, "mappings"), >, limit - 8);
    g_assert_cmpuint(host_mappings(qts), ==,
                     raminate_figure(qts, "mappings"));
    assert_stamps(qts, pairs);

    /* Those that were held still can't be, but a swap back can. */
    g_assert_cmpuint(swap_until_held(qts, left, held), ==, held);
    raminate_assert_swap(qts, pairs[1].a, pairs[1].b);
    raminate_assert_swap(qts, pairs[1].a, pairs[1].b);

    g_assert_cmpuint(left[0].a, ==, pairs[NR_PAIRS - held].a);
    assert_batch_done(qts, pairs, NR_PAIRS - held);
    assert_mappings(qts, 2);
    assert_batch_done(qts, left, held);
    assert_stamps(qts, pairs);
    qtest_quit(qts);
}

/* Two mappings each, for the stack of a coroutine */
#define DEEP_QUEUE 6000

/* Where pages have all the mappings that they may, a deep queue still works. */
static void test_deep_queue_at_mappings_limit(void)
{
    g_autofree RaminateTestPair *pairs = g_new(RaminateTestPair, NR_PAIRS);
    QTestState *qts;

    qts = start_large(" -drive if=none,id=d,driver=null-co,size=1M,"
                      "read-zeroes=on,latency-ns=10000000000", pairs);
    if (!qts) {
        return;
    }
    raminate_assert_swap(qts, 0, 1);
    g_assert_cmpuint(swap_until_held(qts, pairs, NR_PAIRS), >, 0);
    for (unsigned i = 0; i < DEEP_QUEUE; i++) {
        g_free(qtest_hmp(qts, "qemu-io d \"aio_read -q 0 4096\""));
    }
    g_assert_cmpuint(raminate_figure(qts, "swaps-held"), >, 0);
    qtest_quit(qts);
}

/* Reversed swaps */

static void test_reversed(void)
{
    QTestState *qts = raminate_start(BY_HAND, "");

    raminate_assert_swap(qts, 0, FAST_PAGES);
    raminate_assert_swap(qts, 1, FAST_PAGES + 1);
    g_assert_cmpuint(raminate_figure(qts, "swaps-reversed"), ==, 0);
    raminate_assert_swap(qts, 0, FAST_PAGES);
    g_assert_cmpuint(raminate_figure(qts, "swaps-reversed"), ==, 1);

    /* One of the two pages is enough. */
    raminate_assert_swap(qts, 1, 20);
    g_assert_cmpuint(raminate_figure(qts, "swaps-reversed"), ==, 2);

    /* Not so within a tier */
    raminate_assert_swap(qts, 10, 11);
    raminate_assert_swap(qts, 10, 11);
    g_assert_cmpuint(raminate_figure(qts, "swaps-reversed"), ==, 2);
    g_assert_cmpuint(raminate_figure(qts, "swaps"), ==, 6);
    qtest_quit(qts);
}

static void test_reversed_too_late(void)
{
    QTestState *qts = raminate_start(BY_HAND ",reverse-window=1,"
                                     "scan-period=5", "");

    raminate_assert_swap(qts, 0, FAST_PAGES);
    raminate_wait_scans(qts, 3);
    raminate_assert_swap(qts, 0, FAST_PAGES);
    g_assert_cmpuint(raminate_figure(qts, "swaps"), ==, 2);
    g_assert_cmpuint(raminate_figure(qts, "swaps-reversed"), ==, 0);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/swap/between-tiers", test_between_tiers);
    qtest_add_func("raminate/swap/within-tier", test_within_tier);
    qtest_add_func("raminate/swap/neighbours", test_neighbours);
    qtest_add_func("raminate/swap/batch", test_batch);
    qtest_add_func("raminate/swap/random", test_random);
    qtest_add_func("raminate/swap/busy-placer", test_busy_placer);
    qtest_add_func("raminate/swap/mappings/join-again",
                   test_mappings_join_again);
    qtest_add_func("raminate/swap/mappings/of-run", test_mappings_of_run);
    qtest_add_func("raminate/swap/mappings/limit", test_mappings_limit);
    qtest_add_func("raminate/swap/deep-queue-at-mappings-limit",
                   test_deep_queue_at_mappings_limit);
    qtest_add_func("raminate/swap/reversed/counted", test_reversed);
    qtest_add_func("raminate/swap/reversed/too-late", test_reversed_too_late);
    return g_test_run();
}
