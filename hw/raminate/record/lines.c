/*
 * RAMinate: lines written and read, summed over entries of a recording
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "lines.h"

static GArray *numbers_new(void)
{
    return g_array_new(FALSE, TRUE, sizeof(uint32_t));
}

void raminate_lines_init(RaminateLines *lines)
{
    lines->pages = numbers_new();
    lines->written = numbers_new();
    lines->read = numbers_new();
    lines->spare_pages = numbers_new();
    lines->spare_written = numbers_new();
    lines->spare_read = numbers_new();
}

void raminate_lines_destroy(RaminateLines *lines)
{
    g_array_unref(lines->pages);
    g_array_unref(lines->written);
    g_array_unref(lines->read);
    g_array_unref(lines->spare_pages);
    g_array_unref(lines->spare_written);
    g_array_unref(lines->spare_read);
}

void raminate_lines_clear(RaminateLines *lines)
{
    g_array_set_size(lines->pages, 0);
    g_array_set_size(lines->written, 0);
    g_array_set_size(lines->read, 0);
}

static uint32_t number_at(const GArray *numbers, guint i)
{
    return g_array_index(numbers, uint32_t, i);
}

static void add_number(GArray *numbers, uint64_t number)
{
    uint32_t limited = MIN(number, UINT32_MAX);

    g_array_append_val(numbers, limited);
}

static void swap_arrays(GArray **a, GArray **b)
{
    GArray *c = *a;

    *a = *b;
    *b = c;
}

void raminate_lines_add(RaminateLines *lines,
                        const RaminateRecordEntry *entry)
{
    guint i = 0;
    size_t j = 0;

    g_array_set_size(lines->spare_pages, 0);
    g_array_set_size(lines->spare_written, 0);
    g_array_set_size(lines->spare_read, 0);
    while (i < lines->pages->len || j < entry->nr) {
        uint32_t a = i < lines->pages->len ? number_at(lines->pages, i)
                                           : UINT32_MAX;
        uint32_t b = j < entry->nr ? entry->pages[j] : UINT32_MAX;
        uint64_t written = 0;
        uint64_t read = 0;

        add_number(lines->spare_pages, MIN(a, b));
        if (a <= b) {
            written += number_at(lines->written, i);
            read += number_at(lines->read, i);
            i++;
        }
        if (b <= a) {
            written += entry->written[j];
            read += entry->read ? entry->read[j] : 0;
            j++;
        }
        add_number(lines->spare_written, written);
        add_number(lines->spare_read, read);
    }
    swap_arrays(&lines->pages, &lines->spare_pages);
    swap_arrays(&lines->written, &lines->spare_written);
    swap_arrays(&lines->read, &lines->spare_read);
}
