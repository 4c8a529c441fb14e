/*
 * RAMinate: pairs are left when the process's mappings are used up
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qobject/qlist.h"
#include "mappings.h"

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

/*
 * In a batch the guest stands still, and the main loop, for 20 ms at most.  So
 * many pairs take longer than that, each with two calls of mmap() and four
 * copies.
 */
static void test_many_pairs_in_pieces(void)
{
    g_autofree RaminateTestPair *pairs = g_new(RaminateTestPair, NR_PAIRS);
    QTestState *qts = start_large("", pairs);
    uint64_t batches;

    if (!qts) {
        return;
    }
    raminate_assert_swap(qts, 0, 1);
    batches = raminate_figure(qts, "batches");
    assert_batch_done(qts, pairs, NR_PAIRS / 2);
    g_assert_cmpuint(raminate_figure(qts, "batches"), >, batches + 1);
    g_assert_cmpuint(raminate_figure(qts, "swaps"), ==, 1 + NR_PAIRS / 2);
    qtest_quit(qts);
}

/* Two mappings each, for the stack of a coroutine */
#define DEEP_QUEUE 6000

/*
 * Where pages have all the mappings that they may, a deep queue still works.
 * Requests wait for the disk's limit, however long it takes to ask for all of
 * them; what waits at the end is done at once.
 */
static void test_deep_queue_at_mappings_limit(void)
{
    g_autofree RaminateTestPair *pairs = g_new(RaminateTestPair, NR_PAIRS);
    QTestState *qts;

    qts = start_large(" -drive if=none,id=d,driver=null-co,size=1M,"
                      "read-zeroes=on,throttling.iops-total=1", pairs);
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

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/swap/mappings/limit", test_mappings_limit);
    qtest_add_func("raminate/swap/many-pairs-in-pieces",
                   test_many_pairs_in_pieces);
    qtest_add_func("raminate/swap/deep-queue-at-mappings-limit",
                   test_deep_queue_at_mappings_limit);
    return g_test_run();
}
