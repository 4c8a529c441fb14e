/*
 * RAMinate: a sample, which is what a scan has found out about guest pages
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include "hw/raminate/engine/sample.h"

#define FIRST_ALLOCATION 64

/* How many clears memory has to be unused for, and by how much */
#define TRIM_CLEARS 16
#define TRIM_FACTOR 4

void raminate_sample_destroy(RaminateSample *sample)
{
    g_free(sample->runs);
    *sample = (RaminateSample){};
}

/* Leaves room for twice as much as was in it lately. */
static void trim(RaminateSample *sample)
{
    if (sample->most_runs < sample->allocated / TRIM_FACTOR) {
        sample->allocated = 2 * sample->most_runs;
        sample->runs = g_renew(RaminateRun, sample->runs, sample->allocated);
    }
    sample->clears = 0;
    sample->most_runs = 0;
}

void raminate_sample_clear(RaminateSample *sample)
{
    sample->most_runs = MAX(sample->most_runs, sample->nr_runs);
    if (++sample->clears == TRIM_CLEARS) {
        trim(sample);
    }
    sample->nr_runs = 0;
    sample->nr_pages = 0;
    sample->kinds = 0;
}

static uint32_t region_of(uint32_t page)
{
    return page >> RAMINATE_REGION_BITS;
}

/* The pages are in one region. */
static void append_in_region(RaminateSample *sample, uint32_t first,
                             uint32_t nr, unsigned kinds)
{
    RaminateRun *last = sample->nr_runs ? &sample->runs[sample->nr_runs - 1]
                                        : NULL;

    sample->nr_pages += nr;
    if (last && last->first + last->nr == first && last->kinds == kinds &&
        region_of(last->first) == region_of(first)) {
        last->nr += nr;
        return;
    }
    if (sample->nr_runs == sample->allocated) {
        sample->allocated = MAX(2 * sample->allocated, FIRST_ALLOCATION);
        sample->runs = g_renew(RaminateRun, sample->runs, sample->allocated);
    }
    sample->runs[sample->nr_runs++] = (RaminateRun){
        .first = first, .nr = nr, .kinds = kinds,
    };
}

void raminate_sample_add_word(RaminateSample *sample, uint32_t first,
                              uint64_t bits, unsigned kinds)
{
    while (bits) {
        unsigned skip = __builtin_ctzll(bits);
        uint64_t from = bits >> skip;
        unsigned nr = ~from ? __builtin_ctzll(~from) : 64;
        uint32_t page = first + skip;
        uint32_t room = RAMINATE_REGION_PAGES - page % RAMINATE_REGION_PAGES;
        uint32_t here = MIN(nr, room);

        append_in_region(sample, page, here, kinds);
        if (nr > here) {
            append_in_region(sample, page + here, nr - here, kinds);
        }
        /* A run up to the last bit leaves nothing, and no shift by 64. */
        bits = skip + nr < 64 ? from >> nr << nr << skip : 0;
    }
}

void raminate_sample_add_pages(RaminateSample *sample, const uint32_t *pages,
                               size_t nr, unsigned kinds)
{
    for (size_t i = 0; i < nr; i++) {
        append_in_region(sample, pages[i], 1, kinds);
    }
}

uint32_t *raminate_sample_pages(const RaminateSample *sample, unsigned wanted,
                                size_t *nr)
{
    uint32_t *pages = g_new(uint32_t, sample->nr_pages);

    *nr = 0;
    RAMINATE_SAMPLE_FOREACH(run, sample, wanted) {
        for (unsigned i = 0; i < run->nr; i++) {
            pages[(*nr)++] = run->first + i;
        }
    }
    return pages;
}

/* What is left of a sample: from page @first on, in @run and those after it */
typedef struct SampleCursor {
    const RaminateRun *run;
    const RaminateRun *end;
    uint64_t first;             /* UINT64_MAX at the end */
} SampleCursor;

static SampleCursor cursor_at_start(const RaminateSample *sample)
{
    return (SampleCursor){
        .run = sample->runs,
        .end = raminate_sample_end(sample),
        .first = sample->nr_runs ? sample->runs->first : UINT64_MAX,
    };
}

static uint64_t cursor_run_end(const SampleCursor *cursor)
{
    return (uint64_t)cursor->run->first + cursor->run->nr;
}

/* Leaves out the pages before @page, which is at most the end of the run. */
static void cursor_advance(SampleCursor *cursor, uint64_t page)
{
    if (page < cursor_run_end(cursor)) {
        cursor->first = page;
    } else if (++cursor->run < cursor->end) {
        cursor->first = cursor->run->first;
    } else {
        cursor->first = UINT64_MAX;
    }
}

void raminate_sample_merge(RaminateSample *into, const RaminateSample *a,
                           const RaminateSample *b)
{
    SampleCursor cursors[] = { cursor_at_start(a), cursor_at_start(b) };

    raminate_sample_clear(into);
    into->kinds = a->kinds | b->kinds;
    for (;;) {
        uint64_t first = MIN(cursors[0].first, cursors[1].first);
        uint64_t end = UINT64_MAX;
        unsigned kinds = 0;

        if (first == UINT64_MAX) {
            return;
        }
        for (unsigned i = 0; i < 2; i++) {
            if (cursors[i].first == first) {
                kinds |= cursors[i].run->kinds;
                end = MIN(end, cursor_run_end(&cursors[i]));
            } else {
                end = MIN(end, cursors[i].first);
            }
        }
        append_in_region(into, first, end - first, kinds);
        for (unsigned i = 0; i < 2; i++) {
            if (cursors[i].first == first) {
                cursor_advance(&cursors[i], end);
            }
        }
    }
}

RaminateSample raminate_sample_part(const RaminateSample *sample, size_t *run,
                                    size_t pages)
{
    RaminateSample part = {
        .runs = sample->runs ? sample->runs + *run : NULL,
        .kinds = sample->kinds,
    };

    while (*run < sample->nr_runs && part.nr_pages < pages) {
        part.nr_pages += sample->runs[(*run)++].nr;
        part.nr_runs++;
    }
    return part;
}

size_t raminate_sample_memory(const RaminateSample *sample)
{
    return sample->allocated * sizeof(RaminateRun);
}

unsigned raminate_sample_find(const RaminateSample *sample, uint32_t page)
{
    size_t low = 0;
    size_t high = sample->nr_runs;

    /* All runs below @low start at @page or before, those from @high after. */
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (sample->runs[middle].first <= page) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low && page - sample->runs[low - 1].first < sample->runs[low - 1].nr) {
        return sample->runs[low - 1].kinds;
    }
    return 0;
}

unsigned raminate_sample_counted(const RaminateLayout *layout)
{
    return raminate_layout_reads_cost(layout) ? RAMINATE_ACCESSED
                                              : RAMINATE_WRITTEN;
}

bool raminate_sample_has(const RaminateSample *sample, unsigned kinds)
{
    RAMINATE_SAMPLE_FOREACH(run, sample, kinds) {
        if (run->kinds == kinds) {
            return true;
        }
    }
    return false;
}
