/*
 * RAMinate: what QEMU would have gauged, where the recording tells the traffic
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "hw/raminate/engine/gauge-pick.h"
#include "gauge.h"

struct Gauge {
    uint32_t nr_pages;
    uint32_t page_lines;
    RaminateHeat *heat;
    RaminateSample found;       /* by the step at hand */
    uint64_t random;
    uint32_t picked[RAMINATE_GAUGE_PAGES];
    size_t nr;
};

Gauge *gauge_new(uint32_t nr_pages, uint32_t page_lines, GError **error)
{
    RaminateHeat *heat = raminate_heat_new(nr_pages);
    Gauge *gauge;

    if (!heat) {
        trace_set_no_memory(error, "the heat", nr_pages);
        return NULL;
    }
    gauge = g_new0(Gauge, 1);
    gauge->nr_pages = nr_pages;
    gauge->page_lines = page_lines;
    gauge->heat = heat;
    return gauge;
}

void gauge_free(Gauge *gauge)
{
    if (gauge) {
        raminate_heat_free(gauge->heat);
        raminate_sample_destroy(&gauge->found);
        g_free(gauge);
    }
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t number_a = *(const uint32_t *)a;
    uint32_t number_b = *(const uint32_t *)b;

    return (number_a > number_b) - (number_a < number_b);
}

static bool find_number(const GArray *numbers, uint32_t number, guint *index)
{
    return g_array_binary_search((GArray *)numbers, &number, compare_numbers,
                                 index);
}

void gauge_step(Gauge *gauge, TraceStep *step)
{
    const uint32_t *pages = (const uint32_t *)step->pages->data;

    for (size_t i = 0; i < gauge->nr; i++) {
        uint32_t page = gauge->picked[i];
        uint32_t lines = 0;
        guint index;

        if (!find_number(step->pages, page, NULL)) {
            continue;
        }
        if (find_number(step->traffic_pages, page, &index)) {
            lines = g_array_index(step->written, uint32_t, index);
            lines = MIN(lines, gauge->page_lines);
        }
        g_array_append_val(step->gauge_pages, page);
        g_array_append_val(step->gauge_lines, lines);
    }
    raminate_sample_clear(&gauge->found);
    raminate_sample_add_pages(&gauge->found, pages, step->pages->len,
                              RAMINATE_WRITTEN);
    raminate_heat_sample(gauge->heat, &gauge->found);
    gauge->nr = raminate_gauge_pick(&gauge->random, gauge->heat,
                                    gauge->nr_pages, pages, step->pages->len,
                                    gauge->picked);
}
