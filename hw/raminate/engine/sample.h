/*
 * RAMinate: a sample, which is what a scan has found out about guest pages
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_SAMPLE_H
#define HW_RAMINATE_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "hw/raminate/engine/layout.h"

/*
 * What can be found out about a page: bits.  One of those that are set was
 * done, or more: not all samplers can tell reads from writes.
 */
enum {
    RAMINATE_WRITTEN = 1,
    RAMINATE_READ = 2,
    RAMINATE_ACCESSED = RAMINATE_WRITTEN | RAMINATE_READ,
};

/* Pages that follow each other within one region, with the same found out */
typedef struct RaminateRun {
    uint32_t first;
    uint16_t nr;                /* 1 to RAMINATE_REGION_PAGES */
    uint16_t kinds;             /* not 0 */
} RaminateRun;

/*
 * The runs are in ascending order and don't overlap; two that touch have
 * other kinds, or are in two regions.  A page in none of them is one of which
 * nothing was found.  Takes no memory for such pages.  All zeros is an empty
 * sample.
 */
typedef struct RaminateSample {
    RaminateRun *runs;
    size_t nr_runs;
    size_t allocated;           /* room for so many runs */
    size_t nr_pages;            /* in all runs */
    unsigned kinds;             /* what was looked for; the caller's to set */

    /* To give back what is no longer used */
    unsigned clears;            /* since that was last looked at */
    size_t most_runs;           /* in it meanwhile */
} RaminateSample;

/* Frees the memory; the sample is empty then, and may be filled again. */
void raminate_sample_destroy(RaminateSample *sample);

/*
 * Makes it empty, and kinds 0, but keeps memory for as much as was in it
 * lately.
 */
void raminate_sample_clear(RaminateSample *sample);

/*
 * Adds pages of which the same was found.
 * @bits: bit N stands for page @first + N; all pages of which the bit is set
 *        are after those in the sample
 * @kinds: not 0
 */
void raminate_sample_add_word(RaminateSample *sample, uint32_t first,
                              uint64_t bits, unsigned kinds);

/*
 * The same for a list of pages.
 * @pages: in ascending order, none twice, all after those in the sample
 */
void raminate_sample_add_pages(RaminateSample *sample, const uint32_t *pages,
                               size_t nr, unsigned kinds);

/*
 * Returns: the pages of which one of @wanted was found, and in @nr their
 * number; to be freed with g_free().
 */
uint32_t *raminate_sample_pages(const RaminateSample *sample, unsigned wanted,
                                size_t *nr);

/*
 * Makes @into the union: of each page, what is found in either.
 * @into: neither @a nor @b; what was in it is dropped
 */
void raminate_sample_merge(RaminateSample *into, const RaminateSample *a,
                           const RaminateSample *b);

/*
 * @run: where to begin; returns where the next part does, which is the number
 *       of runs after the last one
 * @pages: how many to take, or a run more
 * Returns: a part of @sample, valid as long as that and not to be destroyed.
 */
RaminateSample raminate_sample_part(const RaminateSample *sample, size_t *run,
                                    size_t pages);

/* Returns: bytes that it takes at present. */
size_t raminate_sample_memory(const RaminateSample *sample);

/* Returns: what was found of @page, or 0.  Cost: O(log of runs). */
unsigned raminate_sample_find(const RaminateSample *sample, uint32_t page);

/*
 * Returns: the kinds of which one is enough for a page to count as found, by
 * whoever tells no costs apart: where reads cost more in slower tiers, a page
 * that was read wants to be in a faster one as much as one written.
 */
unsigned raminate_sample_counted(const RaminateLayout *layout);

/*
 * Returns: whether there are pages of which @kinds was found, and nothing else.
 * A sampler that can't tell reads from writes never finds one alone.
 */
bool raminate_sample_has(const RaminateSample *sample, unsigned kinds);

/* Runs over the runs of which one of @wanted was found, in ascending order. */
#define RAMINATE_SAMPLE_FOREACH(run, sample, wanted)                    \
    for (const RaminateRun *run = (sample)->runs;                       \
         run != raminate_sample_end(sample); run++)                     \
        if (run->kinds & (wanted))

/* Returns: one past the last run.  An empty sample may have no array. */
static inline const RaminateRun *
raminate_sample_end(const RaminateSample *sample)
{
    return sample->runs ? sample->runs + sample->nr_runs : NULL;
}

#endif
