/*
 * RAMinate: a table of pages that has memory only where something happens
 *
 * Entries live in chunks of one region each.  A chunk comes to life, with all
 * its entries zero, when one of them is needed, and is given back when its
 * user says that they are all as at the start.  What is not alive costs a few
 * bits and is never read one by one.
 *
 * A chunk of a few entries has them one behind the other, in order of their
 * pages; once there are more, or if the table is to be fast above all, it is an
 * array with an entry for each page.
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

/* So many entries of a region are kept one behind the other. */
#define RAMINATE_FEW_ENTRIES 30

/* A chunk of a few entries, which come behind the pages */
typedef struct RaminateFew {
    uint16_t nr;
    uint16_t room;              /* for so many; 2 less than a power of 2 */
    uint16_t pages[];           /* within the region, in ascending order */
} RaminateFew;

typedef struct RaminateRegions {
    uint32_t nr_pages;
    uint32_t nr_regions;
    uint32_t nr_live;           /* regions */
    size_t entry_size;          /* bytes */
    size_t memory;              /* of all chunks, in bytes */
    bool is_dense;              /* whether all chunks are arrays */

    /* By region, never touched where none is alive */
    uintptr_t *chunks;          /* an array, or 1 more than a RaminateFew */
    uint16_t *held;             /* entries that are not as at the start */
    uint64_t *live;             /* a bit each */
    uint64_t *summary;          /* a bit for each word of @live */
} RaminateRegions;

/*
 * @entry_size: of a type that needs an alignment of 8 bytes at most
 * Returns: a table without chunks, owned by the caller, or NULL if there is
 * no memory.  Cost: O(1), and address space for 10 bytes a region.
 */
RaminateRegions *raminate_regions_new(uint32_t nr_pages, size_t entry_size);

/* The same, with arrays only. */
RaminateRegions *raminate_regions_new_dense(uint32_t nr_pages,
                                            size_t entry_size);
void raminate_regions_free(RaminateRegions *table);     /* NULL is fine */

static inline uint32_t raminate_region_of(uint32_t page)
{
    return page >> RAMINATE_REGION_BITS;
}

/* Returns: number of regions of so many pages; the last may be smaller. */
static inline uint32_t raminate_regions_count(uint32_t nr_pages)
{
    return ((uint64_t)nr_pages + RAMINATE_REGION_PAGES - 1) /
           RAMINATE_REGION_PAGES;
}

static inline bool raminate_regions_is_live(const RaminateRegions *table,
                                            uint32_t region)
{
    return table->chunks[region];
}

/* Returns: the entry of a page that few of its region have, or NULL. */
void *raminate_regions_find(const RaminateRegions *table, uint32_t page);

/*
 * Returns: the entry of @page, or NULL if it has none: then it was never
 * needed, or its region is not alive.
 */
static inline void *raminate_regions_get(const RaminateRegions *table,
                                         uint32_t page)
{
    uintptr_t chunk = table->chunks[raminate_region_of(page)];

    if (chunk & 1) {
        return raminate_regions_find(table, page);
    }
    return chunk ? (char *)chunk +
                   page % RAMINATE_REGION_PAGES * table->entry_size
                 : NULL;
}

/*
 * Makes a zero entry for @page, which has none; others of its region may move.
 * Aborts if there is no memory.
 */
void *raminate_regions_make(RaminateRegions *table, uint32_t page);

/*
 * Returns: the entry of @page, which is made if need be; then pointers to
 * others of its region end.
 */
static inline void *raminate_regions_need(RaminateRegions *table,
                                          uint32_t page)
{
    void *entry = raminate_regions_get(table, page);

    return entry ? entry : raminate_regions_make(table, page);
}

/*
 * @nr: returns the number of entries
 * Returns: those of @region, one behind the other in the order of their pages.
 */
void *raminate_regions_entries(const RaminateRegions *table, uint32_t region,
                               unsigned *nr);

/*
 * @page: any number
 * Returns: the first page from @page upwards that has an entry, or
 * RAMINATE_NO_PAGE.
 */
uint32_t raminate_regions_next_page(const RaminateRegions *table,
                                    uint64_t page);

/* Returns: bytes that its chunks take at present. */
static inline size_t raminate_regions_memory(const RaminateRegions *table)
{
    return table->memory;
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
