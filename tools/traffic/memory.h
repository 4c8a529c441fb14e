/*
 * RAMinate: what reaches the memory, by pool and by page
 *
 * Addresses and pages: a pool is one or more ranges of the machine's physical
 * addresses.  Its pages are numbered through all pools, in their order.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_TRAFFIC_MEMORY_H
#define RAMINATE_TRAFFIC_MEMORY_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "backends/pools.h"

#define MEMORY_PAGE_BITS 12

/* How to call the memory that is in no pool */
#define MEMORY_NO_POOL "other"

/* Of a pool, in lines of the cache */
typedef struct MemoryTraffic {
    uint64_t read;
    uint64_t written;
    uint64_t swap_written;      /* of those: by swaps alone */
} MemoryTraffic;

typedef struct Memory Memory;

/*
 * @pools: outlives the memory
 * @nr_users: threads that count, each with a number of its own
 * @count_pages: whether memory_take_pages() is going to be called
 * @note_accesses: whether memory_take_accessed() is
 */
Memory *memory_new(const RaminatePools *pools, unsigned nr_users,
                   bool count_pages, bool note_accesses);
void memory_free(Memory *memory);

/* Number of pools; one more is for all that is in none of them. */
unsigned memory_nr_pools(const Memory *memory);

/* First page of a pool; with memory_nr_pools(), number of all pages */
uint64_t memory_first_page(const Memory *memory, unsigned pool);

/* For any number of users at once, without locks. */
void memory_count_read(Memory *memory, unsigned user, uint64_t address);
void memory_count_written(Memory *memory, unsigned user, uint64_t address,
                          bool by_swap);

/* The same for an access, whether or not a cache has the line. */
void memory_note_access(Memory *memory, uint64_t address);

/*
 * Sums up what was counted so far.
 * @traffic: memory_nr_pools() + 1 elements
 */
void memory_sum(const Memory *memory, MemoryTraffic *traffic);

/*
 * Takes what was counted for each page since the last time.
 * @pages, @read, @written: of uint32_t; those with any, in ascending order
 */
void memory_take_pages(Memory *memory, GArray *pages, GArray *written,
                       GArray *read);

/* The same for pages that were accessed.  @pages: of uint32_t, ascending */
void memory_take_accessed(Memory *memory, GArray *pages);

#endif
