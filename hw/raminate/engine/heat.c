/*
 * RAMinate: how often each page was written lately
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdlib.h>

#include "hw/raminate/engine/heat.h"

/* Heat is kept with 8 bits more than shown, so that rounding stays unseen. */
#define HEAT_FULL UINT16_MAX
#define HEAT_EXTRA_BITS 8

/* After so many scans not even full heat leaves a trace. */
#define HEAT_COLD_AGE (16 * RAMINATE_HEAT_HALF_LIFE)

/*
 * Stamps wrap after 65536 scans.  Half way, pages that have gone cold are
 * emptied, so that no stamp is older than can be told.
 */
#define HEAT_SWEEP_SCANS 32768

typedef struct HeatPage {
    uint16_t heat;      /* as of the scan @stamp */
    uint16_t stamp;     /* the last scan that found the page written */
} HeatPage;

_Static_assert(sizeof(HeatPage) == RAMINATE_HEAT_BYTES_PER_PAGE,
               "heat.h states the memory per page");

struct RaminateHeat {
    uint32_t nr_pages;
    uint16_t scan;
    HeatPage *pages;
};

static uint32_t heat_decay(uint32_t heat, uint16_t age)
{
    /* 65536 * 2 ^ (-i / 8) */
    static const uint32_t factor[RAMINATE_HEAT_HALF_LIFE] = {
        65536, 60097, 55109, 50535, 46341, 42495, 38968, 35734,
    };

    if (age >= HEAT_COLD_AGE) {
        return 0;
    }
    heat = heat * factor[age % RAMINATE_HEAT_HALF_LIFE] >> 16;
    return heat >> (age / RAMINATE_HEAT_HALF_LIFE);
}

static uint32_t heat_now(const RaminateHeat *heat, const HeatPage *page)
{
    return heat_decay(page->heat, heat->scan - page->stamp);
}

static void heat_sweep(RaminateHeat *heat)
{
    for (uint32_t i = 0; i < heat->nr_pages; i++) {
        if (heat_now(heat, &heat->pages[i]) == 0) {
            heat->pages[i].heat = 0;
        }
    }
}

RaminateHeat *raminate_heat_new(uint32_t nr_pages)
{
    RaminateHeat *heat = calloc(1, sizeof(*heat));

    if (!heat) {
        return NULL;
    }
    heat->nr_pages = nr_pages;
    heat->pages = calloc(nr_pages, sizeof(*heat->pages));
    if (!heat->pages) {
        free(heat);
        return NULL;
    }
    return heat;
}

void raminate_heat_free(RaminateHeat *heat)
{
    if (heat) {
        free(heat->pages);
        free(heat);
    }
}

void raminate_heat_sample(RaminateHeat *heat, const uint32_t *pages,
                          size_t nr)
{
    for (size_t i = 0; i < nr; i++) {
        HeatPage *page = &heat->pages[pages[i]];
        uint32_t missing = HEAT_FULL - heat_now(heat, page);

        /* What is missing to full heat decays while the page is written. */
        page->heat = HEAT_FULL - heat_decay(missing, 1);
        page->stamp = heat->scan + 1;
    }
    heat->scan++;
    if (heat->scan % HEAT_SWEEP_SCANS == 0) {
        heat_sweep(heat);
    }
}

unsigned raminate_heat_get(const RaminateHeat *heat, uint32_t page)
{
    return heat_now(heat, &heat->pages[page]) >> HEAT_EXTRA_BITS;
}
