/*
 * RAMinate: exchanged frames, with contents where the guest expects them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "mappings.h"

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

static struct stat stat_of(const char *name)
{
    struct stat st;

    g_assert_cmpint(stat(name, &st), ==, 0);
    return st;
}

static void reserve_blocks(const char *name)
{
    int fd = open(name, O_RDWR | O_CLOEXEC);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(fallocate(fd, 0, 0, stat_of(name).st_size), ==, 0);
    close(fd);
}

static void assert_reserved(const char *name)
{
    struct stat st = stat_of(name);

    g_assert_cmpint(st.st_blocks, >=, st.st_size / 512);
}

/*
 * Blocks that were reserved stay so, though nothing was written to them.  The
 * pages lie so far apart that the kernel doesn't read one with another: what
 * it has read is no hole any more.  There are so many of them that a file
 * system's own blocks don't hide what is lost.
 */
static void test_reserved_blocks_stay(void)
{
    uint32_t nr = 4, step = 8192, slow = nr * step;
    QTestState *qts;

    raminate_make_file("dram", 128 << 20);
    raminate_make_file("nvm", 128 << 20);
    reserve_blocks("dram");
    reserve_blocks("nvm");
    qts = qtest_init("-cpu qemu64,apic-id=0 -machine none,memory-backend=c"
                     " -m 256M -object memory-backend-container,id=c,size=256M"
                     BY_HAND " -object memory-backend-devmem,id=fast,parent=c,"
                     "size=128M,mem-path=dram -object memory-backend-devmem,"
                     "id=slow,parent=c,size=128M,offset=128M,mem-path=nvm");
    for (uint32_t i = 0; i < nr; i++) {
        uint32_t page = i * step, hole = page + step / 2;

        raminate_write_page(qts, page, 1);
        raminate_write_page(qts, slow + page, 1);
        raminate_assert_swap(qts, page, slow + hole);
        raminate_assert_swap(qts, slow + page, hole);
        raminate_assert_page(qts, page, 1);
        raminate_assert_page(qts, slow + page, 1);
        raminate_assert_zero_page(qts, hole);
        raminate_assert_zero_page(qts, slow + hole);
    }
    assert_reserved("dram");
    assert_reserved("nvm");
    qtest_quit(qts);
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
    qtest_add_func("raminate/swap/reserved-blocks-stay",
                   test_reserved_blocks_stay);
    qtest_add_func("raminate/swap/random", test_random);
    qtest_add_func("raminate/swap/busy-placer", test_busy_placer);
    qtest_add_func("raminate/swap/mappings/join-again",
                   test_mappings_join_again);
    qtest_add_func("raminate/swap/mappings/of-run", test_mappings_of_run);
    qtest_add_func("raminate/swap/reversed/counted", test_reversed);
    qtest_add_func("raminate/swap/reversed/too-late", test_reversed_too_late);
    return g_test_run();
}
