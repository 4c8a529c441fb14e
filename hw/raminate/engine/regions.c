/*
 * RAMinate: a table of pages that has memory only where something happens
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "hw/raminate/engine/regions.h"

#define WORD_BITS 64

/* Room for entries at first; with what is before it, 16 bytes */
#define FEW_AT_FIRST 6

static size_t words_for(size_t bits)
{
    return (bits + WORD_BITS - 1) / WORD_BITS;
}

RaminateRegions *raminate_regions_new(uint32_t nr_pages, size_t entry_size)
{
    RaminateRegions *table = calloc(1, sizeof(*table));
    size_t nr_regions = raminate_regions_count(nr_pages);

    if (!table) {
        return NULL;
    }
    table->nr_pages = nr_pages;
    table->nr_regions = nr_regions;
    table->entry_size = entry_size;
    /* Large ones come from the kernel as pages that are zero already. */
    table->chunks = calloc(nr_regions, sizeof(*table->chunks));
    table->held = calloc(nr_regions, sizeof(*table->held));
    table->live = calloc(words_for(nr_regions), sizeof(*table->live));
    table->summary = calloc(words_for(words_for(nr_regions)),
                            sizeof(*table->summary));
    if (!table->chunks || !table->held || !table->live || !table->summary) {
        raminate_regions_free(table);
        return NULL;
    }
    return table;
}

RaminateRegions *raminate_regions_new_dense(uint32_t nr_pages,
                                            size_t entry_size)
{
    RaminateRegions *table = raminate_regions_new(nr_pages, entry_size);

    if (table) {
        table->is_dense = true;
    }
    return table;
}

/* Chunks */

static size_t array_size(const RaminateRegions *table)
{
    return RAMINATE_REGION_PAGES * table->entry_size;
}

/* Of what is before the entries, which is a multiple of 8 bytes */
static size_t few_head(unsigned room)
{
    return offsetof(RaminateFew, pages[room]);
}

static size_t few_size(const RaminateRegions *table, unsigned room)
{
    return few_head(room) + room * table->entry_size;
}

/* Returns: the chunk of @region, or NULL if it is an array or not there. */
static RaminateFew *few_of(const RaminateRegions *table, uint32_t region)
{
    uintptr_t chunk = table->chunks[region];

    return chunk & 1 ? (RaminateFew *)(chunk - 1) : NULL;
}

static char *few_entry(const RaminateRegions *table, const RaminateFew *few,
                       unsigned i)
{
    return (char *)few + few_head(few->room) + i * table->entry_size;
}

/*
 * Returns: how many of its pages come before @page.  A search by halves, without
 * branches that nobody could foretell.
 */
static unsigned few_before(const RaminateFew *few, unsigned page)
{
    const uint16_t *first = few->pages;
    unsigned nr = few->nr;

    while (nr > 1) {
        unsigned half = nr / 2;

        first += first[half - 1] < page ? half : 0;
        nr -= half;
    }
    return first - few->pages + (nr && *first < page);
}

static void free_chunk(RaminateRegions *table, uint32_t region)
{
    RaminateFew *few = few_of(table, region);

    if (few) {
        table->memory -= few_size(table, few->room);
        g_free(few);
    } else if (table->chunks[region]) {
        table->memory -= array_size(table);
        g_free((void *)table->chunks[region]);
    }
    table->chunks[region] = 0;
}

static void set_few(RaminateRegions *table, uint32_t region, unsigned room,
                    const RaminateFew *old)
{
    RaminateFew *few = g_malloc(few_size(table, room));

    few->nr = old ? old->nr : 0;
    few->room = room;
    if (old) {
        memcpy(few->pages, old->pages, old->nr * sizeof(old->pages[0]));
        memcpy(few_entry(table, few, 0), few_entry(table, old, 0),
               old->nr * table->entry_size);
        free_chunk(table, region);
    }
    table->memory += few_size(table, room);
    table->chunks[region] = (uintptr_t)few + 1;
}

static void set_array(RaminateRegions *table, uint32_t region,
                      const RaminateFew *old)
{
    char *array = g_malloc0(array_size(table));

    for (unsigned i = 0; old && i < old->nr; i++) {
        memcpy(array + old->pages[i] * table->entry_size,
               few_entry(table, old, i), table->entry_size);
    }
    free_chunk(table, region);
    table->memory += array_size(table);
    table->chunks[region] = (uintptr_t)array;
}

void *raminate_regions_find(const RaminateRegions *table, uint32_t page)
{
    const RaminateFew *few = few_of(table, raminate_region_of(page));
    unsigned in_region = page % RAMINATE_REGION_PAGES;
    unsigned i = few_before(few, in_region);

    return i < few->nr && few->pages[i] == in_region
           ? few_entry(table, few, i) : NULL;
}

/* @few: has room for another one */
static void *insert(const RaminateRegions *table, RaminateFew *few,
                    unsigned page)
{
    unsigned i = few_before(few, page);
    char *entry = few_entry(table, few, i);

    memmove(&few->pages[i + 1], &few->pages[i],
            (few->nr - i) * sizeof(few->pages[0]));
    memmove(entry + table->entry_size, entry,
            (few->nr - i) * table->entry_size);
    few->pages[i] = page;
    few->nr++;
    return memset(entry, 0, table->entry_size);
}

static void bring_to_life(RaminateRegions *table, uint32_t region)
{
    size_t word = region / WORD_BITS;

    if (table->is_dense) {
        set_array(table, region, NULL);
    } else {
        set_few(table, region, FEW_AT_FIRST, NULL);
    }
    table->live[word] |= 1ull << region % WORD_BITS;
    table->summary[word / WORD_BITS] |= 1ull << word % WORD_BITS;
    table->nr_live++;
}

void *raminate_regions_make(RaminateRegions *table, uint32_t page)
{
    uint32_t region = raminate_region_of(page);
    RaminateFew *few;

    if (!table->chunks[region]) {
        bring_to_life(table, region);
    }
    few = few_of(table, region);
    if (few && few->nr == RAMINATE_FEW_ENTRIES) {
        set_array(table, region, few);
    } else if (few && few->nr == few->room) {
        set_few(table, region, 2 * few->room + 2, few);
    }
    few = few_of(table, region);
    return few ? insert(table, few, page % RAMINATE_REGION_PAGES)
               : raminate_regions_get(table, page);
}

void *raminate_regions_entries(const RaminateRegions *table, uint32_t region,
                               unsigned *nr)
{
    const RaminateFew *few = few_of(table, region);

    *nr = few ? few->nr : table->chunks[region] ? RAMINATE_REGION_PAGES : 0;
    return few ? few_entry(table, few, 0) : (void *)table->chunks[region];
}

uint32_t raminate_regions_next_page(const RaminateRegions *table,
                                    uint64_t page)
{
    while (page < table->nr_pages) {
        uint32_t region = raminate_region_of(page);
        uint32_t next = raminate_regions_next(table, region);
        const RaminateFew *few;
        unsigned i;

        if (next == RAMINATE_NO_REGION) {
            break;
        }
        if (next != region) {
            page = next << RAMINATE_REGION_BITS;
        }
        few = few_of(table, next);
        if (!few) {
            return page;
        }
        i = few_before(few, page % RAMINATE_REGION_PAGES);
        if (i < few->nr) {
            return (next << RAMINATE_REGION_BITS) + few->pages[i];
        }
        page = ((uint64_t)next + 1) << RAMINATE_REGION_BITS;
    }
    return RAMINATE_NO_PAGE;
}

void raminate_regions_free(RaminateRegions *table)
{
    if (!table) {
        return;
    }
    if (table->live && table->summary) {
        for (uint32_t region = raminate_regions_next(table, 0);
             region != RAMINATE_NO_REGION;
             region = raminate_regions_next(table, region + 1)) {
            free_chunk(table, region);
        }
    }
    free(table->chunks);
    free(table->held);
    free(table->live);
    free(table->summary);
    free(table);
}

void raminate_regions_drop(RaminateRegions *table, uint32_t region)
{
    size_t word = region / WORD_BITS;

    if (!table->chunks[region]) {
        return;
    }
    free_chunk(table, region);
    table->held[region] = 0;
    table->live[word] &= ~(1ull << region % WORD_BITS);
    if (!table->live[word]) {
        table->summary[word / WORD_BITS] &= ~(1ull << word % WORD_BITS);
    }
    table->nr_live--;
}

/* Which are alive */

/* Returns: the bits of @word from bit @first upwards. */
static uint64_t bits_from(uint64_t word, unsigned first)
{
    return word >> first << first;
}

/* Returns: the bits of @word up to bit @last. */
static uint64_t bits_up_to(uint64_t word, unsigned last)
{
    return word << (WORD_BITS - 1 - last) >> (WORD_BITS - 1 - last);
}

static unsigned lowest_bit(uint64_t word)
{
    return __builtin_ctzll(word);
}

static unsigned highest_bit(uint64_t word)
{
    return WORD_BITS - 1 - __builtin_clzll(word);
}

uint32_t raminate_regions_next(const RaminateRegions *table, uint32_t region)
{
    size_t word = region / WORD_BITS;
    size_t top;
    uint64_t bits;

    if (region >= table->nr_regions) {
        return RAMINATE_NO_REGION;
    }
    bits = bits_from(table->live[word], region % WORD_BITS);
    if (bits) {
        return word * WORD_BITS + lowest_bit(bits);
    }
    word++;
    top = word / WORD_BITS;
    if (word >= words_for(table->nr_regions)) {
        return RAMINATE_NO_REGION;
    }
    bits = bits_from(table->summary[top], word % WORD_BITS);
    while (!bits) {
        if (++top >= words_for(words_for(table->nr_regions))) {
            return RAMINATE_NO_REGION;
        }
        bits = table->summary[top];
    }
    word = top * WORD_BITS + lowest_bit(bits);
    return word * WORD_BITS + lowest_bit(table->live[word]);
}

uint32_t raminate_regions_prev(const RaminateRegions *table, uint32_t region)
{
    size_t word, top;
    uint64_t bits;

    if (!table->nr_live) {
        return RAMINATE_NO_REGION;
    }
    region = MIN(region, table->nr_regions - 1);
    word = region / WORD_BITS;
    bits = bits_up_to(table->live[word], region % WORD_BITS);
    if (bits) {
        return word * WORD_BITS + highest_bit(bits);
    }
    if (word-- == 0) {
        return RAMINATE_NO_REGION;
    }
    top = word / WORD_BITS;
    bits = bits_up_to(table->summary[top], word % WORD_BITS);
    while (!bits) {
        if (top-- == 0) {
            return RAMINATE_NO_REGION;
        }
        bits = table->summary[top];
    }
    word = top * WORD_BITS + highest_bit(bits);
    return word * WORD_BITS + highest_bit(table->live[word]);
}
