/*
 * RAMinate: a table of pages that has memory only where something happens
 *
 * Entries live in chunks of one region each.  A chunk comes to life, with all
 * its entries zero, when one of them is needed, and is given back when its
 * user says that they are all as at the start.  What is not alive costs a few
 * bits and is never read one by one.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_REGIONS_H
#define RAMINATE_REGIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/raminate/engine/layout.h"

#define RAMINATE_NO_REGION UINT32_MAX

typedef struct RaminateRegions {
    uint32_t nr_pages;
    uint32_t nr_regions;
    uint32_t nr_live;           /* regions */
    size_t entry_size;          /* bytes */

    /* By region, never touched where none is alive */
    void **chunks;
    uint16_t *held;             /* entries that are not as at the start */
    uint64_t *live;             /* a bit each */
    uint64_t *summary;          /* a bit for each word of @live */
} RaminateRegions;

/*
 * Returns: a table without chunks, owned by the caller, or NULL if there is
 * no memory.  Cost: O(1), and address space for 10 bytes a region.
 */
RaminateRegions *raminate_regions_new(uint32_t nr_pages, size_t entry_size);
void raminate_regions_free(RaminateRegions *table);     /* NULL is fine */

static inline uint32_t raminate_region_of(uint32_t page)
{
    return page >> RAMINATE_REGION_BITS;
}

/* Returns: the entries of @region, by page within it, or NULL. */
static inline void *raminate_regions_chunk(const RaminateRegions *table,
                                           uint32_t region)
{
    return table->chunks[region];
}

/* Returns: the entry of @page, or NULL if its region has none. */
static inline void *raminate_regions_get(const RaminateRegions *table,
                                         uint32_t page)
{
    char *chunk = table->chunks[raminate_region_of(page)];

    return chunk ? chunk + page % RAMINATE_REGION_PAGES * table->entry_size
                 : NULL;
}

/* Brings the chunk of @region to life.  Aborts if there is no memory. */
void raminate_regions_bring_to_life(RaminateRegions *table, uint32_t region);

/* Returns: the entry of @page, which is brought to life if need be. */
static inline void *raminate_regions_need(RaminateRegions *table,
                                          uint32_t page)
{
    uint32_t region = raminate_region_of(page);

    if (!table->chunks[region]) {
        raminate_regions_bring_to_life(table, region);
    }
    return raminate_regions_get(table, page);
}

/* Returns: bytes that its chunks take at present. */
static inline size_t raminate_regions_memory(const RaminateRegions *table)
{
    return (size_t)table->nr_live * RAMINATE_REGION_PAGES * table->entry_size;
}

/* Gives the chunk of @region back, whatever it holds. */
void raminate_regions_drop(RaminateRegions *table, uint32_t region);

/*
 * Keeps the count of entries that are not as at the start.  Once none of a
 * region is left, its chunk is given back, and pointers into it end.  Each
 * entry is held and released in turn; who does neither drops chunks himself.
 */
static inline void raminate_regions_hold(RaminateRegions *table,
                                         uint32_t page)
{
    table->held[raminate_region_of(page)]++;
}

static inline void raminate_regions_release(RaminateRegions *table,
                                            uint32_t page)
{
    uint32_t region = raminate_region_of(page);

    if (--table->held[region] == 0) {
        raminate_regions_drop(table, region);
    }
}

/* Returns: whether all entries of @region are held. */
static inline bool raminate_regions_is_full(const RaminateRegions *table,
                                            uint32_t region)
{
    return table->held[region] == RAMINATE_REGION_PAGES;
}

/*
 * Cost: O(1) where regions are dense, and the whole table is some thousand
 * words where they are not.
 * Returns: the first live region from @region upwards, the last one from
 * @region downwards, or RAMINATE_NO_REGION.  @region may be any number.
 */
uint32_t raminate_regions_next(const RaminateRegions *table, uint32_t region);
uint32_t raminate_regions_prev(const RaminateRegions *table, uint32_t region);

#endif
