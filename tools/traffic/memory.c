/*
 * RAMinate: what reaches the memory, by pool and by page
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdatomic.h>

#include "memory.h"

typedef struct Range {
    uint64_t start;
    uint64_t size;
    uint64_t first_page;
    unsigned pool;
} Range;

/* One for each user and pool: only that user changes it. */
typedef struct Counters {
    _Atomic uint64_t read;
    _Atomic uint64_t written;
    _Atomic uint64_t swap_written;
} Counters;

typedef struct PageCounters {
    _Atomic uint32_t read;
    _Atomic uint32_t written;
} PageCounters;

struct Memory {
    const RaminatePools *pools;
    unsigned nr_pools;
    unsigned nr_users;
    unsigned nr_ranges;
    Range *ranges;
    uint64_t nr_pages;
    Counters **counters;        /* by user */
    PageCounters *pages;        /* NULL if they aren't counted */
    _Atomic bool *accessed;     /* by page; NULL if that isn't noted */
};

Memory *memory_new(const RaminatePools *pools, unsigned nr_users,
                   bool count_pages, bool note_accesses)
{
    Memory *memory = g_new0(Memory, 1);
    g_autoptr(GArray) ranges = g_array_new(FALSE, FALSE, sizeof(Range));

    memory->pools = pools;
    memory->nr_pools = pools->pools->len;
    for (unsigned i = 0; i < memory->nr_pools; i++) {
        const RaminatePool *pool = g_ptr_array_index(pools->pools, i);

        for (unsigned j = 0; j < pool->ranges->len; j++) {
            const RaminateRange *from = &g_array_index(pool->ranges,
                                                       RaminateRange, j);
            Range range = { from->start, from->size, memory->nr_pages, i };

            g_array_append_val(ranges, range);
            memory->nr_pages += from->size >> MEMORY_PAGE_BITS;
        }
    }
    memory->nr_ranges = ranges->len;
    memory->ranges = (Range *)g_array_free(g_steal_pointer(&ranges), FALSE);
    memory->nr_users = nr_users;
    memory->counters = g_new(Counters *, nr_users);
    for (unsigned i = 0; i < nr_users; i++) {
        memory->counters[i] = g_new0(Counters, memory->nr_pools + 1);
    }
    if (count_pages) {
        memory->pages = g_new0(PageCounters, memory->nr_pages);
    }
    if (note_accesses) {
        memory->accessed = g_new0(_Atomic bool, memory->nr_pages);
    }
    return memory;
}

void memory_free(Memory *memory)
{
    for (unsigned i = 0; i < memory->nr_users; i++) {
        g_free(memory->counters[i]);
    }
    g_free(memory->counters);
    g_free(memory->ranges);
    g_free(memory->pages);
    g_free(memory->accessed);
    g_free(memory);
}

unsigned memory_nr_pools(const Memory *memory)
{
    return memory->nr_pools;
}

uint64_t memory_first_page(const Memory *memory, unsigned pool)
{
    for (unsigned i = 0; i < memory->nr_ranges; i++) {
        if (memory->ranges[i].pool == pool) {
            return memory->ranges[i].first_page;
        }
    }
    return memory->nr_pages;
}

/* Returns: NULL if the address is in no pool. */
static const Range *find_range(const Memory *memory, uint64_t address)
{
    for (unsigned i = 0; i < memory->nr_ranges; i++) {
        if (address - memory->ranges[i].start < memory->ranges[i].size) {
            return &memory->ranges[i];
        }
    }
    return NULL;
}

static uint64_t page_in(const Range *range, uint64_t address)
{
    return range->first_page +
           ((address - range->start) >> MEMORY_PAGE_BITS);
}

static PageCounters *find_page(const Memory *memory, const Range *range,
                               uint64_t address)
{
    return &memory->pages[page_in(range, address)];
}

static void add_one(_Atomic uint64_t *counter)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);

    atomic_store_explicit(counter, value + 1, memory_order_relaxed);
}

static void add_one_shared(_Atomic uint32_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void memory_count_read(Memory *memory, unsigned user, uint64_t address)
{
    const Range *range = find_range(memory, address);
    unsigned pool = range ? range->pool : memory->nr_pools;

    add_one(&memory->counters[user][pool].read);
    if (range && memory->pages) {
        add_one_shared(&find_page(memory, range, address)->read);
    }
}

void memory_count_written(Memory *memory, unsigned user, uint64_t address,
                          bool by_swap)
{
    const Range *range = find_range(memory, address);
    unsigned pool = range ? range->pool : memory->nr_pools;
    Counters *counters = &memory->counters[user][pool];

    add_one(&counters->written);
    if (by_swap) {
        add_one(&counters->swap_written);
    }
    if (range && memory->pages) {
        add_one_shared(&find_page(memory, range, address)->written);
    }
}

void memory_note_access(Memory *memory, uint64_t address)
{
    const Range *range = find_range(memory, address);
    _Atomic bool *accessed;

    if (range && memory->accessed) {
        accessed = &memory->accessed[page_in(range, address)];
        /* Others look at it, too: most accesses are not the first. */
        if (!atomic_load_explicit(accessed, memory_order_relaxed)) {
            atomic_store_explicit(accessed, true, memory_order_relaxed);
        }
    }
}

void memory_sum(const Memory *memory, MemoryTraffic *traffic)
{
    for (unsigned pool = 0; pool <= memory->nr_pools; pool++) {
        MemoryTraffic sum = { 0 };

        for (unsigned user = 0; user < memory->nr_users; user++) {
            const Counters *counters = &memory->counters[user][pool];

            sum.read += atomic_load_explicit(&counters->read,
                                             memory_order_relaxed);
            sum.written += atomic_load_explicit(&counters->written,
                                                memory_order_relaxed);
            sum.swap_written += atomic_load_explicit(&counters->swap_written,
                                                     memory_order_relaxed);
        }
        traffic[pool] = sum;
    }
}

/* Most pages have nothing: look before writing. */
static uint32_t take(_Atomic uint32_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed)
           ? atomic_exchange_explicit(counter, 0, memory_order_relaxed) : 0;
}

void memory_take_pages(Memory *memory, GArray *pages, GArray *written,
                       GArray *read)
{
    for (uint32_t page = 0; page < memory->nr_pages; page++) {
        uint32_t lines_written = take(&memory->pages[page].written);
        uint32_t lines_read = take(&memory->pages[page].read);

        if (lines_written || lines_read) {
            g_array_append_val(pages, page);
            g_array_append_val(written, lines_written);
            g_array_append_val(read, lines_read);
        }
    }
}

void memory_take_accessed(Memory *memory, GArray *pages)
{
    for (uint32_t page = 0; page < memory->nr_pages; page++) {
        if (atomic_load_explicit(&memory->accessed[page],
                                 memory_order_relaxed)) {
            atomic_store_explicit(&memory->accessed[page], false,
                                  memory_order_relaxed);
            g_array_append_val(pages, page);
        }
    }
}
