/*
 * RAMinate: how often each page was written lately
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdlib.h>

#include "hw/raminate/engine/heat.h"
#include "hw/raminate/engine/regions.h"

/* Heat is kept with 8 bits more than shown, so that rounding stays unseen. */
#define HEAT_FULL UINT16_MAX
#define HEAT_EXTRA_BITS 8

/* After so many scans not even full heat leaves a trace. */
#define HEAT_COLD_AGE (16 * RAMINATE_HEAT_HALF_LIFE)

/* In so many scans, each region is once looked at whether it has gone cold. */
#define HEAT_DROP_SCANS (RAMINATE_HEAT_LINGER - HEAT_COLD_AGE)

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
    uint32_t scan;
    unsigned counted;           /* kinds of samples, of which one is enough */
    RaminateRegions *pages;     /* of HeatPage */
    uint32_t *last;             /* scan that found it written, by region */
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

/* @scan: the last one, or the one before unless the last found it written */
static uint32_t heat_at(const HeatPage *page, uint32_t scan)
{
    return heat_decay(page->heat, scan - page->stamp);
}

static uint32_t heat_now(const RaminateHeat *heat, const HeatPage *page)
{
    return heat_at(page, heat->scan);
}

bool raminate_heat_is_cold(const RaminateHeat *heat, uint32_t region)
{
    return !raminate_regions_is_live(heat->pages, region) ||
           heat->scan - heat->last[region] >= HEAT_COLD_AGE;
}

static void heat_drop_if_cold(RaminateHeat *heat, uint32_t region)
{
    if (raminate_heat_is_cold(heat, region)) {
        raminate_regions_drop(heat->pages, region);
    }
}

static void heat_empty_cold(RaminateHeat *heat, uint32_t region)
{
    unsigned nr;
    HeatPage *pages = raminate_regions_entries(heat->pages, region, &nr);

    for (unsigned i = 0; i < nr; i++) {
        if (heat_now(heat, &pages[i]) == 0) {
            pages[i].heat = 0;
        }
    }
}

/*
 * Calls @func for some live regions, so that in @scans scans every region has
 * its turn once.
 */
static void heat_take_turns(RaminateHeat *heat, uint32_t scans,
                            void (*func)(RaminateHeat *heat, uint32_t region))
{
    uint64_t nr = heat->pages->nr_regions;
    uint32_t turn = heat->scan % scans;
    uint32_t end = nr * (turn + 1) / scans;

    for (uint32_t region = raminate_regions_next(heat->pages,
                                                 nr * turn / scans);
         region < end;
         region = raminate_regions_next(heat->pages, region + 1)) {
        func(heat, region);
    }
}

RaminateHeat *raminate_heat_new(uint32_t nr_pages)
{
    RaminateHeat *heat = calloc(1, sizeof(*heat));

    if (!heat) {
        return NULL;
    }
    heat->counted = RAMINATE_WRITTEN;
    heat->pages = raminate_regions_new(nr_pages, sizeof(HeatPage));
    if (heat->pages) {
        heat->last = calloc(heat->pages->nr_regions, sizeof(*heat->last));
    }
    if (!heat->last) {
        raminate_heat_free(heat);
        return NULL;
    }
    return heat;
}

void raminate_heat_free(RaminateHeat *heat)
{
    if (heat) {
        raminate_regions_free(heat->pages);
        free(heat->last);
        free(heat);
    }
}

void raminate_heat_set_counted(RaminateHeat *heat, unsigned counted)
{
    heat->counted = counted;
}

void raminate_heat_begin_scan(RaminateHeat *heat)
{
    heat->scan++;
}

void raminate_heat_add(RaminateHeat *heat, const RaminateSample *part)
{
    RAMINATE_SAMPLE_FOREACH(run, part, heat->counted) {
        for (unsigned i = 0; i < run->nr; i++) {
            HeatPage *page = raminate_regions_need(heat->pages,
                                                   run->first + i);
            uint32_t missing = HEAT_FULL - heat_at(page, heat->scan - 1);

            /* What is missing to full heat decays while it is written. */
            page->heat = HEAT_FULL - heat_decay(missing, 1);
            page->stamp = heat->scan;
        }
        /* A run lies within one region. */
        heat->last[raminate_region_of(run->first)] = heat->scan;
    }
}

void raminate_heat_end_scan(RaminateHeat *heat)
{
    heat_take_turns(heat, HEAT_DROP_SCANS, heat_drop_if_cold);
    heat_take_turns(heat, HEAT_SWEEP_SCANS, heat_empty_cold);
}

void raminate_heat_sample(RaminateHeat *heat, const RaminateSample *found)
{
    raminate_heat_begin_scan(heat);
    raminate_heat_add(heat, found);
    raminate_heat_end_scan(heat);
}

size_t raminate_heat_memory(const RaminateHeat *heat)
{
    return raminate_regions_memory(heat->pages);
}

unsigned raminate_heat_get(const RaminateHeat *heat, uint32_t page)
{
    const HeatPage *entry = raminate_regions_get(heat->pages, page);

    return entry ? heat_now(heat, entry) >> HEAT_EXTRA_BITS : 0;
}

uint64_t raminate_heat_sum(const RaminateHeat *heat, uint64_t first,
                           uint64_t end, unsigned *hottest)
{
    uint64_t sum = 0;

    for (uint64_t page = raminate_regions_next_page(heat->pages, first);
         page < end;
         page = raminate_regions_next_page(heat->pages, page + 1)) {
        unsigned page_heat;

        if (raminate_heat_is_cold(heat, raminate_region_of(page))) {
            page |= RAMINATE_REGION_PAGES - 1;
            continue;
        }
        page_heat = raminate_heat_get(heat, page);
        sum += page_heat;
        *hottest = page_heat > *hottest ? page_heat : *hottest;
    }
    return sum;
}

void raminate_heat_put(RaminateHeat *heat, uint32_t page, unsigned value)
{
    HeatPage *entry = raminate_regions_need(heat->pages, page);

    entry->heat = value << HEAT_EXTRA_BITS;
    entry->stamp = heat->scan;
    heat->last[raminate_region_of(page)] = heat->scan;
}
