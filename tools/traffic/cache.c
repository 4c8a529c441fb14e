/*
 * RAMinate: a model of a last-level cache
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"

/*
 * A way holds a line and what is known of it in one word, which is only ever
 * replaced whole: so a line can't become dirty while it goes.
 */
#define VALID ((uint64_t)1)
#define DIRTY ((uint64_t)2)
#define NOT_BY_SWAP ((uint64_t)4)
#define LINE_SHIFT 3

/* After that many tries, the holder of a lock may have lost its processor. */
#define SPINS 100

#define ALIGNMENT 64

typedef struct Set {
    atomic_flag locked;
    _Atomic uint32_t last;      /* way used last */
    _Atomic uint64_t clock;     /* of uses; it needs not be exact */

    /* The word of each way, then when each was used last */
    _Atomic uint64_t ways[];
} Set;

struct Cache {
    uint64_t nr_sets;
    unsigned nr_ways;
    size_t set_size;            /* in bytes */
    char *sets;
};

G_STATIC_ASSERT(CACHE_READ == VALID &&
                CACHE_SWAP_WRITE == (VALID | DIRTY) &&
                CACHE_WRITE == (VALID | DIRTY | NOT_BY_SWAP));

Cache *cache_new(uint64_t nr_sets, unsigned nr_ways)
{
    Cache *cache = g_new0(Cache, 1);
    size_t size = sizeof(Set) + 2 * nr_ways * sizeof(uint64_t);

    cache->nr_sets = nr_sets;
    cache->nr_ways = nr_ways;
    cache->set_size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    cache->sets = aligned_alloc(ALIGNMENT, nr_sets * cache->set_size);
    if (!cache->sets) {
        g_error("no memory for a cache of %" PRIu64 " sets", nr_sets);
    }
    memset(cache->sets, 0, nr_sets * cache->set_size);
    return cache;
}

void cache_free(Cache *cache)
{
    free(cache->sets);
    g_free(cache);
}

static Set *find_set(const Cache *cache, uint64_t line)
{
    return (Set *)(cache->sets +
                   (line & (cache->nr_sets - 1)) * cache->set_size);
}

static uint64_t load(const _Atomic uint64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

static void store(_Atomic uint64_t *value, uint64_t to)
{
    atomic_store_explicit(value, to, memory_order_relaxed);
}

/*
 * Returns: whether the way holds the line, which then has the flags of @use.
 * It may go at any time: what is returned was true once.
 */
static inline bool use_way(_Atomic uint64_t *way, uint64_t line, CacheUse use)
{
    uint64_t dirtiest = line << LINE_SHIFT | CACHE_WRITE;
    uint64_t word = load(way);

    do {
        if ((word | DIRTY | NOT_BY_SWAP) != dirtiest) {
            return false;
        }
        if ((word & use) == use) {
            return true;
        }
    } while (!atomic_compare_exchange_weak_explicit(way, &word, word | use,
                                                    memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

static _Atomic uint64_t *when_used(Set *set, unsigned nr_ways, unsigned way)
{
    return &set->ways[nr_ways + way];
}

static void touch(Set *set, unsigned nr_ways, unsigned way)
{
    uint64_t now = load(&set->clock) + 1;

    store(&set->clock, now);
    store(when_used(set, nr_ways, way), now);
    atomic_store_explicit(&set->last, way, memory_order_relaxed);
}

static bool use_set(Set *set, unsigned nr_ways, uint64_t line, CacheUse use)
{
    for (unsigned i = 0; i < nr_ways; i++) {
        if (use_way(&set->ways[i], line, use)) {
            touch(set, nr_ways, i);
            return true;
        }
    }
    return false;
}

static void lock(Set *set)
{
    unsigned spins = 0;

    while (atomic_flag_test_and_set_explicit(&set->locked,
                                             memory_order_acquire)) {
        if (++spins % SPINS == 0) {
            sched_yield();
        }
    }
}

static void unlock(Set *set)
{
    atomic_flag_clear_explicit(&set->locked, memory_order_release);
}

/* Returns: the way whose line goes next; free ways were never used. */
static unsigned find_oldest(Set *set, unsigned nr_ways)
{
    unsigned oldest = 0;

    for (unsigned i = 1; i < nr_ways; i++) {
        if (load(when_used(set, nr_ways, i)) <
            load(when_used(set, nr_ways, oldest))) {
            oldest = i;
        }
    }
    return oldest;
}

bool cache_access(Cache *cache, uint64_t line, CacheUse use, CacheMiss *miss)
{
    Set *set = find_set(cache, line);
    unsigned last = atomic_load_explicit(&set->last, memory_order_relaxed);
    unsigned way;
    uint64_t old;

    if (use_way(&set->ways[last], line, use) ||
        use_set(set, cache->nr_ways, line, use)) {
        return false;
    }
    lock(set);
    /* Another thread may have brought it in. */
    if (use_set(set, cache->nr_ways, line, use)) {
        unlock(set);
        return false;
    }
    way = find_oldest(set, cache->nr_ways);
    old = atomic_exchange_explicit(&set->ways[way],
                                   line << LINE_SHIFT | use,
                                   memory_order_relaxed);
    touch(set, cache->nr_ways, way);
    unlock(set);
    miss->wrote = old & DIRTY;
    miss->by_swap = !(old & NOT_BY_SWAP);
    miss->written = old >> LINE_SHIFT;
    return true;
}

void cache_clean(Cache *cache, CacheWritten *written, void *opaque)
{
    for (uint64_t i = 0; i < cache->nr_sets; i++) {
        Set *set = find_set(cache, i);

        for (unsigned j = 0; j < cache->nr_ways; j++) {
            uint64_t old = atomic_fetch_and_explicit(
                &set->ways[j], ~(DIRTY | NOT_BY_SWAP),
                memory_order_relaxed);

            if (old & DIRTY) {
                written(old >> LINE_SHIFT, !(old & NOT_BY_SWAP), opaque);
            }
        }
    }
}
