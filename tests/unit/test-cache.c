/*
 * The model of a last-level cache, access by access
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <stdatomic.h>

#include "tools/traffic/cache.h"

#define NR_LINES 4096
#define NR_THREADS 4

/* Returns: whether the access missed, and wrote nothing back. */
static bool just_misses(Cache *cache, uint64_t line, CacheUse use)
{
    CacheMiss miss;

    return cache_access(cache, line, use, &miss) && !miss.wrote;
}

static bool hits(Cache *cache, uint64_t line, CacheUse use)
{
    CacheMiss miss;

    return !cache_access(cache, line, use, &miss);
}

/* Returns: the line that a read of @line made go, or UINT64_MAX. */
static uint64_t written_for(Cache *cache, uint64_t line)
{
    CacheMiss miss;

    g_assert_true(cache_access(cache, line, CACHE_READ, &miss));
    return miss.wrote ? miss.written : UINT64_MAX;
}

static void test_least_recently_used(void)
{
    g_autoptr(Cache) cache = cache_new(1, 4);

    for (uint64_t line = 0; line < 4; line++) {
        g_assert_true(just_misses(cache, line, CACHE_WRITE));
    }
    g_assert_true(hits(cache, 0, CACHE_READ));
    g_assert_true(hits(cache, 2, CACHE_WRITE));
    g_assert_cmpuint(written_for(cache, 10), ==, 1);
    g_assert_cmpuint(written_for(cache, 11), ==, 3);
    g_assert_cmpuint(written_for(cache, 12), ==, 0);
    g_assert_cmpuint(written_for(cache, 13), ==, 2);
    /* Those were only read. */
    g_assert_cmpuint(written_for(cache, 14), ==, UINT64_MAX);
    g_assert_false(hits(cache, 10, CACHE_READ));
}

static void test_sets_are_apart(void)
{
    g_autoptr(Cache) cache = cache_new(8, 1);

    for (uint64_t line = 0; line < 8; line++) {
        g_assert_true(just_misses(cache, line, CACHE_WRITE));
    }
    g_assert_cmpuint(written_for(cache, 19), ==, 3);
    g_assert_true(hits(cache, 19, CACHE_READ));
    g_assert_true(hits(cache, 4, CACHE_READ));
    g_assert_false(hits(cache, 3, CACHE_READ));
    /* The largest line that there is, and line 0, which is in no way special */
    g_assert_cmpuint(written_for(cache, CACHE_MAX_LINE), ==, 7);
    g_assert_true(hits(cache, CACHE_MAX_LINE, CACHE_READ));
    g_assert_true(hits(cache, 0, CACHE_READ));
}

/* @opaque: how many were written by others, and by swaps */
static void count_line(uint64_t line, bool by_swap, void *opaque)
{
    unsigned *counts = opaque;

    g_assert_cmpuint(line, <, NR_LINES);
    counts[by_swap]++;
}

static void test_swaps_are_apart(void)
{
    static const struct {
        CacheUse uses[3];
        bool by_swap;
    } cases[] = {
        { { CACHE_SWAP_WRITE, CACHE_READ, CACHE_READ }, true },
        { { CACHE_READ, CACHE_SWAP_WRITE, CACHE_SWAP_WRITE }, true },
        { { CACHE_WRITE, CACHE_READ, CACHE_READ }, false },
        { { CACHE_SWAP_WRITE, CACHE_WRITE, CACHE_READ }, false },
        { { CACHE_WRITE, CACHE_SWAP_WRITE, CACHE_READ }, false },
        { { CACHE_WRITE, CACHE_READ, CACHE_SWAP_WRITE }, false },
    };
    g_autoptr(Cache) cache = cache_new(1, 1);
    unsigned counts[2] = { 0 };
    CacheMiss miss;

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (unsigned j = 0; j < 3; j++) {
            cache_access(cache, i, cases[i].uses[j], &miss);
        }
        g_assert_true(cache_access(cache, 100, CACHE_READ, &miss));
        g_assert_true(miss.wrote);
        g_assert_cmpuint(miss.written, ==, i);
        g_assert_true(miss.by_swap == cases[i].by_swap);
    }
    /* What is clean has been written by nobody. */
    cache_access(cache, 5, CACHE_WRITE, &miss);
    cache_clean(cache, count_line, counts);
    g_assert_true(hits(cache, 5, CACHE_SWAP_WRITE));
    cache_clean(cache, count_line, counts);
    cache_clean(cache, count_line, counts);
    g_assert_cmpuint(counts[false], ==, 1);
    g_assert_cmpuint(counts[true], ==, 1);
}

/* A buffer is written from its start to its end, again and again. */
static void stream(uint64_t nr_lines, uint64_t nr_sets, unsigned nr_ways,
                   unsigned passes, uint64_t *misses, uint64_t *written)
{
    g_autoptr(Cache) cache = cache_new(nr_sets, nr_ways);
    unsigned left[2] = { 0 };
    CacheMiss miss;

    *misses = *written = 0;
    for (unsigned i = 0; i < passes; i++) {
        for (uint64_t line = 0; line < nr_lines; line++) {
            if (cache_access(cache, line, CACHE_WRITE, &miss)) {
                ++*misses;
                *written += miss.wrote;
            }
        }
    }
    cache_clean(cache, count_line, left);
    *written += left[false];
    g_assert_cmpuint(left[true], ==, 0);
}

static void test_streams(void)
{
    uint64_t misses, written;

    /* More than the cache holds: nothing stays until it is needed again. */
    stream(NR_LINES, 64, 20, 5, &misses, &written);
    g_assert_cmpuint(misses, ==, 5 * NR_LINES);
    g_assert_cmpuint(written, ==, 5 * NR_LINES);
    stream(21 * 64, 64, 20, 3, &misses, &written);
    g_assert_cmpuint(misses, ==, 3 * 21 * 64);

    /* As much as it holds, and no more: all stays. */
    stream(20 * 64, 64, 20, 5, &misses, &written);
    g_assert_cmpuint(misses, ==, 20 * 64);
    g_assert_cmpuint(written, ==, 20 * 64);
}

/* The same cache, written down in the simplest way there is */
typedef struct Naive {
    GQueue *sets;               /* of lines; most recently used first */
    unsigned nr_sets;
    unsigned nr_ways;
    bool dirty[NR_LINES];
} Naive;

static bool naive_access(Naive *naive, uint64_t line, bool write,
                         CacheMiss *miss)
{
    GQueue *set = &naive->sets[line % naive->nr_sets];
    bool hit = g_queue_remove(set, GUINT_TO_POINTER(line + 1));

    *miss = (CacheMiss) { 0 };
    if (!hit && g_queue_get_length(set) == naive->nr_ways) {
        miss->written = GPOINTER_TO_UINT(g_queue_pop_tail(set)) - 1;
        miss->wrote = naive->dirty[miss->written];
        naive->dirty[miss->written] = false;
    }
    g_queue_push_head(set, GUINT_TO_POINTER(line + 1));
    naive->dirty[line] |= write;
    return !hit;
}

static void test_any_accesses(void)
{
    static const struct {
        unsigned nr_sets;
        unsigned nr_ways;
    } shapes[] = {
        { 1, 1 }, { 1, 20 }, { 16, 1 }, { 16, 4 }, { 8, 20 }, { 2, 64 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(shapes); i++) {
        g_autoptr(Cache) cache = cache_new(shapes[i].nr_sets,
                                           shapes[i].nr_ways);
        Naive naive = {
            .sets = g_new0(GQueue, shapes[i].nr_sets),
            .nr_sets = shapes[i].nr_sets,
            .nr_ways = shapes[i].nr_ways,
        };

        for (unsigned j = 0; j < 200000; j++) {
            /* Some are near to each other, some far away. */
            unsigned size = 1 << g_test_rand_int_range(2, 13);
            uint64_t line = g_test_rand_int_range(0, size) % NR_LINES;
            bool write = g_test_rand_bit();
            CacheMiss miss, expected;
            bool missed = cache_access(cache, line,
                                       write ? CACHE_WRITE : CACHE_READ,
                                       &miss);

            g_assert_true(missed == naive_access(&naive, line, write,
                                                 &expected));
            g_assert_true(!missed || miss.wrote == expected.wrote);
            if (missed && miss.wrote) {
                g_assert_cmpuint(miss.written, ==, expected.written);
                g_assert_false(miss.by_swap);
            }
        }
        for (unsigned j = 0; j < shapes[i].nr_sets; j++) {
            g_queue_clear(&naive.sets[j]);
        }
        g_free(naive.sets);
    }
}

/* Threads */

#define NR_TICKETS (1 << 21)
#define NR_OWNED 64

typedef struct Shared {
    Cache *cache;
    atomic_uint started;
    atomic_uint ticket;
    atomic_uint read[NR_TICKETS / NR_THREADS];
    atomic_uint written[NR_THREADS * NR_OWNED];
} Shared;

/* Returns: the number of this thread, when all of them are there. */
static unsigned start(Shared *shared)
{
    unsigned number = atomic_fetch_add(&shared->started, 1);

    while (atomic_load(&shared->started) < NR_THREADS) {
        g_thread_yield();
    }
    return number;
}

static void run_threads(GThreadFunc function, Shared *shared)
{
    GThread *threads[NR_THREADS];

    for (unsigned i = 0; i < NR_THREADS; i++) {
        threads[i] = g_thread_new("user", function, shared);
    }
    for (unsigned i = 0; i < NR_THREADS; i++) {
        g_thread_join(threads[i]);
    }
}

/* Each line is wanted by as many as there are threads, at about one time. */
static void *want_same_lines(void *opaque)
{
    Shared *shared = opaque;
    unsigned ticket;
    CacheMiss miss;

    start(shared);
    while ((ticket = atomic_fetch_add(&shared->ticket, 1)) < NR_TICKETS) {
        unsigned line = ticket / NR_THREADS;

        if (cache_access(shared->cache, line, CACHE_WRITE, &miss)) {
            g_assert_false(miss.wrote);
            atomic_fetch_add(&shared->read[line], 1);
        }
    }
    return NULL;
}

static void test_same_lines(void)
{
    g_autofree Shared *shared = g_new0(Shared, 1);
    const unsigned nr_lines = NR_TICKETS / NR_THREADS;

    shared->cache = cache_new(nr_lines / 16, 16);
    run_threads(want_same_lines, shared);
    for (unsigned i = 0; i < nr_lines; i++) {
        g_assert_cmpuint(shared->read[i], ==, 1);
    }
    cache_free(shared->cache);
}

static void note_written(Shared *shared, const CacheMiss *miss)
{
    if (miss->wrote) {
        atomic_fetch_add(&shared->written[miss->written], 1);
    }
}

static void count_written(uint64_t line, bool by_swap, void *opaque)
{
    CacheMiss miss = { .wrote = true, .written = line };

    g_assert_false(by_swap);
    note_written(opaque, &miss);
}

/*
 * Each thread has lines of its own, and so knows what must become of them,
 * but all lines are in one set.
 * Takes from shared->written how often each line must have been written back:
 * whenever it was missed after it had become dirty.
 */
static void *use_own_lines(void *opaque)
{
    Shared *shared = opaque;
    unsigned number = start(shared);
    unsigned missed[NR_OWNED] = { 0 };
    bool dirty[NR_OWNED] = { false };
    uint32_t random = number;

    for (unsigned i = 0; i < 1000000; i++) {
        CacheMiss miss;
        unsigned mine;
        uint64_t line;
        bool write;

        random = random * 1664525 + 1013904223;
        mine = (random >> 8) % NR_OWNED;
        /* A few lines are used most of the time, so that there are hits. */
        mine = random >> 30 ? mine % 2 : mine;
        write = random >> 29 & 1;
        line = number * NR_OWNED + mine;
        if (cache_access(shared->cache, line,
                         write ? CACHE_WRITE : CACHE_READ, &miss)) {
            note_written(shared, &miss);
            missed[mine] += dirty[mine];
            dirty[mine] = false;
        }
        dirty[mine] |= write;
    }
    /* Whatever is dirty now is written back at the latest when all is. */
    for (unsigned i = 0; i < NR_OWNED; i++) {
        atomic_fetch_sub(&shared->written[number * NR_OWNED + i],
                         missed[i] + dirty[i]);
    }
    return NULL;
}

static void use_set_of(unsigned nr_ways)
{
    g_autofree Shared *shared = g_new0(Shared, 1);

    shared->cache = cache_new(1, nr_ways);
    run_threads(use_own_lines, shared);
    cache_clean(shared->cache, count_written, shared);
    for (unsigned i = 0; i < NR_THREADS * NR_OWNED; i++) {
        g_assert_cmpint((int)shared->written[i], ==, 0);
    }
    cache_free(shared->cache);
}

static void test_own_lines(void)
{
    /* The fewer ways, the sooner a line goes while it is written to. */
    for (unsigned i = 0; i < 5; i++) {
        use_set_of(1);
    }
    use_set_of(10);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cache/least-recently-used-line-goes-first",
                    test_least_recently_used);
    g_test_add_func("/cache/sets-are-apart", test_sets_are_apart);
    g_test_add_func("/cache/writes-of-swaps-are-apart", test_swaps_are_apart);
    g_test_add_func("/cache/streams-miss-what-does-not-fit", test_streams);
    g_test_add_func("/cache/any-accesses-are-as-in-a-naive-cache",
                    test_any_accesses);
    g_test_add_func("/cache/threads-read-no-line-twice", test_same_lines);
    g_test_add_func("/cache/threads-lose-no-write", test_own_lines);
    return g_test_run();
}
