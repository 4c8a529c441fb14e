/*
 * RAMinate: recordings of pages, as if larger units were moved
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "units.h"

static uint32_t *numbers(GArray *array)
{
    return (uint32_t *)array->data;
}

void units_fold(GArray *pages, uint32_t unit_pages)
{
    guint nr = 0;

    for (guint i = 0; i < pages->len; i++) {
        uint32_t unit = numbers(pages)[i] / unit_pages;

        if (!nr || numbers(pages)[nr - 1] != unit) {
            numbers(pages)[nr++] = unit;
        }
    }
    g_array_set_size(pages, nr);
}

static void add_to(uint32_t *sum, uint32_t value)
{
    *sum += MIN(value, UINT32_MAX - *sum);
}

void units_fold_lines(GArray *pages, GArray *written, GArray *read,
                      uint32_t unit_pages)
{
    guint nr = 0;

    for (guint i = 0; i < pages->len; i++) {
        uint32_t unit = numbers(pages)[i] / unit_pages;
        uint32_t lines = numbers(written)[i];
        uint32_t lines_read = numbers(read)[i];

        if (!nr || numbers(pages)[nr - 1] != unit) {
            numbers(pages)[nr] = unit;
            numbers(written)[nr] = 0;
            numbers(read)[nr] = 0;
            nr++;
        }
        add_to(&numbers(written)[nr - 1], lines);
        add_to(&numbers(read)[nr - 1], lines_read);
    }
    g_array_set_size(pages, nr);
    g_array_set_size(written, nr);
    g_array_set_size(read, nr);
}
