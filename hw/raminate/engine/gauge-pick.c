/*
 * RAMinate: which pages are gauged
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdlib.h>

#include "hw/raminate/engine/gauge-pick.h"

#define HALF (RAMINATE_GAUGE_PAGES / 2)

/* How often to try for a page that was written lately */
#define TRIES (HALF * 16)

/* Returns: a number less than @end.  Knuth's generator for MMIX. */
static uint32_t pick_number(uint64_t *state, uint32_t end)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (*state >> 32) * end >> 32;
}

static int compare_pages(const void *a, const void *b)
{
    uint32_t page_a = *(const uint32_t *)a;
    uint32_t page_b = *(const uint32_t *)b;

    return (page_a > page_b) - (page_a < page_b);
}

/* Sorts @pages and drops what is there twice.  Returns: how many are left. */
static size_t sort_pages(uint32_t *pages, size_t nr)
{
    size_t kept = 0;

    qsort(pages, nr, sizeof(*pages), compare_pages);
    for (size_t i = 0; i < nr; i++) {
        if (!kept || pages[i] != pages[kept - 1]) {
            pages[kept++] = pages[i];
        }
    }
    return kept;
}

size_t raminate_gauge_pick(uint64_t *state, const RaminateHeat *heat,
                           uint32_t nr_pages, const uint32_t *written,
                           size_t nr, uint32_t *picked)
{
    size_t nr_picked = 0;

    for (unsigned i = 0; nr && i < HALF; i++) {
        picked[nr_picked++] = written[pick_number(state, nr)];
    }
    for (unsigned i = 0; nr_picked < RAMINATE_GAUGE_PAGES && i < TRIES; i++) {
        uint32_t page = pick_number(state, nr_pages);

        if (raminate_heat_get(heat, page)) {
            picked[nr_picked++] = page;
        }
    }
    return sort_pages(picked, nr_picked);
}
