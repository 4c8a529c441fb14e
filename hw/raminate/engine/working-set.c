/*
 * RAMinate: how much of the guest's memory is used, and how evenly
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hw/raminate/engine/working-set.h"

/* Counts of finds are told apart by eighths of an octave, from 2^-10 on. */
#define STEPS 8
#define LOWEST_OCTAVE (-10)
#define OCTAVES 40

typedef struct Page {
    uint32_t seconds;           /* after which it was found last, plus 1; 0 for
                                   never */
    float finds;                /* decayed, as of then */
} Page;

_Static_assert(sizeof(Page) == RAMINATE_WORKING_SET_BYTES,
               "working-set.h states the memory per page");

struct RaminateWorkingSet {
    unsigned counted;
    uint32_t nr_pages;
    unsigned block_bits;        /* pages of a block, as a power of two */
    uint32_t nr_blocks;
    bool started;
    int64_t start_ms;           /* the first scan */
    Page *pages;                /* by block */
};

/* Pages found about as often */
typedef struct Step {
    uint32_t nr;
    double finds;               /* of all of them */
} Step;

RaminateWorkingSet *raminate_working_set_new(uint32_t nr_pages,
                                             unsigned counted)
{
    RaminateWorkingSet *set = calloc(1, sizeof(*set));

    if (!set) {
        return NULL;
    }
    set->counted = counted;
    set->nr_pages = nr_pages;
    while ((nr_pages - 1) >> set->block_bits >= RAMINATE_WORKING_SET_PAGES) {
        set->block_bits++;
    }
    set->nr_blocks = ((nr_pages - 1) >> set->block_bits) + 1;
    set->pages = calloc(set->nr_blocks, sizeof(*set->pages));
    if (!set->pages) {
        raminate_working_set_free(set);
        return NULL;
    }
    return set;
}

void raminate_working_set_free(RaminateWorkingSet *set)
{
    if (set) {
        free(set->pages);
        free(set);
    }
}

/* Returns: the page of a block that stands for it, by a multiplicative hash. */
static uint32_t page_of(const RaminateWorkingSet *set, uint32_t block)
{
    uint32_t hash = (block + 1) * UINT32_C(2654435769);

    return (block << set->block_bits) +
           (set->block_bits ? hash >> (32 - set->block_bits) : 0);
}

static double halves(double ms)
{
    return ms / RAMINATE_WORKING_SET_HALF_LIFE_MS;
}

static uint32_t seconds_at(const RaminateWorkingSet *set, int64_t now_ms)
{
    return (now_ms - set->start_ms) / 1000;
}

/* Returns: milliseconds since @page, which was found, was so last. */
static double page_age(const Page *page, uint32_t seconds)
{
    return (seconds - (page->seconds - 1)) * 1000.0;
}

static void find(Page *page, uint32_t seconds)
{
    if (page->seconds) {
        page->finds *= exp2(-halves(page_age(page, seconds)));
    }
    page->finds++;
    page->seconds = seconds + 1;
}

void raminate_working_set_add(RaminateWorkingSet *set, int64_t now_ms,
                              const RaminateSample *part)
{
    uint32_t seconds;

    if (!set->started) {
        set->started = true;
        set->start_ms = now_ms;
    }
    seconds = seconds_at(set, now_ms);
    RAMINATE_SAMPLE_FOREACH(run, part, set->counted) {
        uint32_t last = run->first + run->nr - 1;

        for (uint32_t block = run->first >> set->block_bits;
             block <= last >> set->block_bits; block++) {
            uint32_t page = page_of(set, block);

            if (page >= run->first && page <= last) {
                find(&set->pages[block], seconds);
            }
        }
    }
}

int64_t raminate_working_set_age(const RaminateWorkingSet *set,
                                 int64_t now_ms)
{
    return set->started ? now_ms - set->start_ms : 0;
}

uint32_t raminate_working_set_each(const RaminateWorkingSet *set)
{
    return UINT32_C(1) << set->block_bits;
}

/* The last block may be cut short. */
static uint64_t pages_of_blocks(const RaminateWorkingSet *set, double blocks)
{
    /* Sums are not exact. */
    double pages = ceil(blocks * raminate_working_set_each(set) - 1e-6);

    return pages < set->nr_pages ? pages : set->nr_pages;
}

uint64_t raminate_working_set_pages(const RaminateWorkingSet *set,
                                    int64_t now_ms, int64_t window_ms)
{
    uint32_t seconds = seconds_at(set, now_ms);
    uint32_t nr = 0;

    for (uint32_t block = 0; block < set->nr_blocks; block++) {
        const Page *page = &set->pages[block];

        nr += page->seconds && page_age(page, seconds) < window_ms;
    }
    return pages_of_blocks(set, nr);
}

/* Returns: the finds of all steps. */
static double sort_into_steps(const RaminateWorkingSet *set, int64_t now_ms,
                              Step *steps)
{
    uint32_t seconds = seconds_at(set, now_ms);
    double all = 0;

    memset(steps, 0, OCTAVES * STEPS * sizeof(*steps));
    for (uint32_t block = 0; block < set->nr_blocks; block++) {
        const Page *page = &set->pages[block];
        double octave, finds;
        int step;

        if (!page->seconds) {
            continue;
        }
        octave = log2(page->finds) - halves(page_age(page, seconds));
        step = floor((octave - LOWEST_OCTAVE) * STEPS);
        if (step >= 0) {
            step = step < OCTAVES * STEPS ? step : OCTAVES * STEPS - 1;
            finds = exp2(octave);
            steps[step].nr++;
            steps[step].finds += finds;
            all += finds;
        }
    }
    return all;
}

void raminate_working_set_enough(const RaminateWorkingSet *set, int64_t now_ms,
                                 const unsigned *shares, unsigned nr,
                                 uint64_t *pages)
{
    Step steps[OCTAVES * STEPS];
    double all = sort_into_steps(set, now_ms, steps);
    double finds = 0;
    double blocks = 0;
    int step = OCTAVES * STEPS - 1;

    for (unsigned i = 0; i < nr; i++) {
        double missing = all * shares[i] / 100;

        while (step >= 0 && finds + steps[step].finds < missing) {
            finds += steps[step].finds;
            blocks += steps[step].nr;
            step--;
        }
        missing -= finds;
        pages[i] = pages_of_blocks(
            set, step >= 0 && steps[step].nr
                 ? blocks + missing / steps[step].finds * steps[step].nr
                 : blocks);
    }
}
