/*
 * RAMinate: a model of a last-level cache
 *
 * Set-associative, write-back, write-allocate, least recently used line out
 * first.  Any number of threads may use it at once: a hit takes no lock, a
 * miss only that of its set.  Whatever they do, each line is read into the
 * cache and written back from it exactly as often as the cache says.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_TRAFFIC_CACHE_H
#define RAMINATE_TRAFFIC_CACHE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* A line is known by its address, divided by the size of a line. */
#define CACHE_MAX_LINE (UINT64_MAX >> 3)
#define CACHE_MAX_WAYS 64

typedef struct Cache Cache;

/*
 * Who writes: a line that is dirty by swaps alone is told apart.  A use is
 * the flags that the line has then, for the sake of speed: it is there, it is
 * dirty, and not by swaps alone.
 */
typedef enum CacheUse {
    CACHE_READ = 1,
    CACHE_SWAP_WRITE = 1 | 2,
    CACHE_WRITE = 1 | 2 | 4,
} CacheUse;

/* What a miss did to the memory. */
typedef struct CacheMiss {
    bool wrote;                 /* a line was written back */
    bool by_swap;               /* only CACHE_SWAP_WRITE had written to it */
    uint64_t written;           /* that line */
} CacheMiss;

typedef void CacheWritten(uint64_t line, bool by_swap, void *opaque);

/*
 * @nr_sets: a power of two
 * @nr_ways: lines in a set, 1 to CACHE_MAX_WAYS
 */
Cache *cache_new(uint64_t nr_sets, unsigned nr_ways);
void cache_free(Cache *cache);

/*
 * Returns: false if the line was in the cache; else it was read from memory,
 *          and @miss tells what had to go.
 */
bool cache_access(Cache *cache, uint64_t line, CacheUse use, CacheMiss *miss);

/* Writes all dirty lines back; they stay in the cache, clean. */
void cache_clean(Cache *cache, CacheWritten *written, void *opaque);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Cache, cache_free)

#endif
