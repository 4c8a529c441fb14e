/*
 * RAMinate: a table of pages that has memory only where something happens
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <stdlib.h>

#include "hw/raminate/engine/regions.h"

#define WORD_BITS 64

static size_t words_for(size_t bits)
{
    return (bits + WORD_BITS - 1) / WORD_BITS;
}

RaminateRegions *raminate_regions_new(uint32_t nr_pages, size_t entry_size)
{
    RaminateRegions *table = calloc(1, sizeof(*table));
    size_t nr_regions = ((size_t)nr_pages + RAMINATE_REGION_PAGES - 1) /
                        RAMINATE_REGION_PAGES;

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

void raminate_regions_free(RaminateRegions *table)
{
    if (!table) {
        return;
    }
    if (table->live && table->summary) {
        for (uint32_t region = raminate_regions_next(table, 0);
             region != RAMINATE_NO_REGION;
             region = raminate_regions_next(table, region + 1)) {
            g_free(table->chunks[region]);
        }
    }
    free(table->chunks);
    free(table->held);
    free(table->live);
    free(table->summary);
    free(table);
}

void raminate_regions_bring_to_life(RaminateRegions *table, uint32_t region)
{
    size_t word = region / WORD_BITS;

    table->chunks[region] = g_malloc0_n(RAMINATE_REGION_PAGES,
                                        table->entry_size);
    table->live[word] |= 1ull << region % WORD_BITS;
    table->summary[word / WORD_BITS] |= 1ull << word % WORD_BITS;
    table->nr_live++;
}

void raminate_regions_drop(RaminateRegions *table, uint32_t region)
{
    size_t word = region / WORD_BITS;

    if (!table->chunks[region]) {
        return;
    }
    g_free(table->chunks[region]);
    table->chunks[region] = NULL;
    table->held[region] = 0;
    table->live[word] &= ~(1ull << region % WORD_BITS);
    if (!table->live[word]) {
        table->summary[word / WORD_BITS] &= ~(1ull << word % WORD_BITS);
    }
    table->nr_live--;
}

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
