/*
 * RAMinate: a recording, step by step as a policy is to see it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "hw/raminate/record/lines.h"
#include "gauge.h"
#include "trace.h"
#include "units.h"

struct Trace {
    RaminateRecordReader *reader;
    TraceOptions options;
    TraceStep step;
    int64_t next_ms;            /* before it, scans are merged */
    bool started;
    bool has_traffic;
    bool has_gauge;
    Gauge *gauge;               /* if the recording has none; NULL at first */
    GArray *spare;              /* two lists are merged into it */
    RaminateLines traffic;      /* of the step */
};

static GArray *numbers_new(void)
{
    return g_array_new(FALSE, TRUE, sizeof(uint32_t));
}

static uint32_t number_at(const GArray *numbers, guint i)
{
    return g_array_index(numbers, uint32_t, i);
}

static void add_number(GArray *numbers, uint32_t number)
{
    g_array_append_val(numbers, number);
}

static void swap_arrays(GArray **a, GArray **b)
{
    GArray *c = *a;

    *a = *b;
    *b = c;
}

/* Adds @pages to the ascending list @all. */
static void merge_pages(Trace *trace, GArray **all, const uint32_t *pages,
                        size_t nr)
{
    guint i = 0;
    size_t j = 0;

    if (!(*all)->len) {
        g_array_append_vals(*all, pages, nr);
        return;
    }
    g_array_set_size(trace->spare, 0);
    while (i < (*all)->len || j < nr) {
        uint32_t a = i < (*all)->len ? number_at(*all, i) : UINT32_MAX;
        uint32_t b = j < nr ? pages[j] : UINT32_MAX;

        add_number(trace->spare, MIN(a, b));
        i += a <= b;
        j += b <= a;
    }
    swap_arrays(all, &trace->spare);
}

static void estimate_traffic(Trace *trace)
{
    TraceStep *step = &trace->step;

    g_array_append_vals(step->traffic_pages, step->pages->data,
                        step->pages->len);
    g_array_set_size(step->read, step->pages->len);
    for (guint i = 0; i < step->pages->len; i++) {
        add_number(step->written, trace->options.lines_per_page);
    }
}

/* Those of a step made of two scans are gauged from one to the next. */
static void add_gauge(Trace *trace, const RaminateRecordEntry *entry)
{
    TraceStep *step = &trace->step;

    if (trace->options.unit_pages > 1) {
        /* A page says little of the unit that it is in. */
        return;
    }
    trace->has_gauge = true;
    g_array_set_size(step->gauge_pages, 0);
    g_array_set_size(step->gauge_lines, 0);
    g_array_append_vals(step->gauge_pages, entry->pages, entry->nr);
    g_array_append_vals(step->gauge_lines, entry->written, entry->nr);
}

static void add_batch(Trace *trace, const RaminateRecordEntry *entry)
{
    TraceStep *step = &trace->step;
    TraceBatch batch = {
        .time_ms = entry->time_ms,
        .moved_after_ms = entry->moved_after_ms,
        .by_command = entry->by_command,
        .first = step->moves->len,
        .nr = entry->nr_moves,
    };

    g_array_append_val(step->batches, batch);
    g_array_append_vals(step->moves, entry->moves, entry->nr_moves);
}

static void clear_step(TraceStep *step)
{
    g_array_set_size(step->batches, 0);
    g_array_set_size(step->moves, 0);
    step->kinds = 0;
    g_array_set_size(step->pages, 0);
    g_array_set_size(step->read_pages, 0);
    step->look_kinds = 0;
    g_array_set_size(step->look, 0);
    g_array_set_size(step->look_read_pages, 0);
    g_array_set_size(step->gauge_pages, 0);
    g_array_set_size(step->gauge_lines, 0);
    step->look_window_ms = 0;
}

/* Returns: whether the entry completes a step. */
static bool add_entry(Trace *trace, const RaminateRecordEntry *entry)
{
    TraceStep *step = &trace->step;

    switch (entry->type) {
    case RAMINATE_RECORD_LOOK:
        step->look_kinds |= entry->kinds;
        merge_pages(trace, &step->look, entry->pages, entry->nr);
        merge_pages(trace, &step->look_read_pages, entry->read_pages,
                    entry->nr_read_pages);
        step->look_window_ms += entry->window_ms;
        return false;
    case RAMINATE_RECORD_TRAFFIC:
        trace->has_traffic = true;
        raminate_lines_add(&trace->traffic, entry);
        return false;
    case RAMINATE_RECORD_GAUGE:
        add_gauge(trace, entry);
        return false;
    case RAMINATE_RECORD_BATCH:
        add_batch(trace, entry);
        return false;
    case RAMINATE_RECORD_SCAN:
        step->kinds |= entry->kinds;
        merge_pages(trace, &step->pages, entry->pages, entry->nr);
        merge_pages(trace, &step->read_pages, entry->read_pages,
                    entry->nr_read_pages);
        step->time_ms = entry->time_ms;
        if (!trace->started) {
            trace->started = true;
            trace->next_ms = entry->time_ms;
        }
        return entry->time_ms >= trace->next_ms;
    case RAMINATE_RECORD_END:
        break;
    }
    return false;
}

/* Makes the step one of units. */
static void fold_step(TraceStep *step, uint32_t unit_pages)
{
    units_fold(step->pages, unit_pages);
    units_fold(step->read_pages, unit_pages);
    units_fold(step->look, unit_pages);
    units_fold(step->look_read_pages, unit_pages);
    units_fold_lines(step->traffic_pages, step->written, step->read,
                     unit_pages);
}

/* Adds what the recording lacks.  Returns: false with @error set. */
static bool complete_step(Trace *trace, GError **error)
{
    uint32_t unit_pages = trace->options.unit_pages;
    TraceStep *step = &trace->step;

    step->traffic_pages = trace->traffic.pages;
    step->written = trace->traffic.written;
    step->read = trace->traffic.read;
    if (!trace->has_traffic) {
        estimate_traffic(trace);
    }
    fold_step(step, unit_pages);
    if (trace->has_traffic && !trace->has_gauge) {
        if (!trace->gauge) {
            uint32_t nr_pages = trace_header(trace)->nr_pages;

            trace->gauge = gauge_new((nr_pages - 1) / unit_pages + 1,
                                     unit_pages * TRACE_PAGE_LINES, error);
        }
        if (!trace->gauge) {
            return false;
        }
        gauge_step(trace->gauge, step);
    }
    return true;
}

const TraceStep *trace_next(Trace *trace, GError **error)
{
    RaminateRecordEntry entry;

    clear_step(&trace->step);
    raminate_lines_clear(&trace->traffic);
    while (raminate_record_reader_next(trace->reader, &entry, error)) {
        if (add_entry(trace, &entry)) {
            trace->next_ms += trace->options.scan_period_ms;
            trace->next_ms = MAX(trace->next_ms, entry.time_ms);
            return complete_step(trace, error) ? &trace->step : NULL;
        }
    }
    return NULL;
}

void trace_set_no_memory(GError **error, const char *what, uint32_t nr_pages)
{
    g_set_error(error, RAMINATE_RECORD_ERROR, RAMINATE_RECORD_ERROR_MEMORY,
                "not enough memory for %s of %u pages; use a host that has "
                "more", what, nr_pages);
}

Trace *trace_new(const char *path, const TraceOptions *options,
                 GError **error)
{
    RaminateRecordReader *reader = raminate_record_reader_new(path, error);
    Trace *trace;

    if (!reader) {
        return NULL;
    }
    trace = g_new0(Trace, 1);
    trace->reader = reader;
    trace->options = *options;
    trace->options.unit_pages = MAX(options->unit_pages, 1);
    trace->step.pages = numbers_new();
    trace->step.read_pages = numbers_new();
    trace->step.look = numbers_new();
    trace->step.look_read_pages = numbers_new();
    trace->step.batches = g_array_new(FALSE, FALSE, sizeof(TraceBatch));
    /* With room from the start, so that it can be pointed into if empty. */
    trace->step.moves = g_array_sized_new(FALSE, FALSE, sizeof(RaminateMove),
                                          1);
    trace->step.gauge_pages = numbers_new();
    trace->step.gauge_lines = numbers_new();
    trace->spare = numbers_new();
    raminate_lines_init(&trace->traffic);
    return trace;
}

void trace_free(Trace *trace)
{
    if (!trace) {
        return;
    }
    raminate_record_reader_free(trace->reader);
    g_array_unref(trace->step.pages);
    g_array_unref(trace->step.read_pages);
    g_array_unref(trace->step.look);
    g_array_unref(trace->step.look_read_pages);
    g_array_unref(trace->step.batches);
    g_array_unref(trace->step.moves);
    g_array_unref(trace->step.gauge_pages);
    g_array_unref(trace->step.gauge_lines);
    g_array_unref(trace->spare);
    raminate_lines_destroy(&trace->traffic);
    gauge_free(trace->gauge);
    g_free(trace);
}

void trace_rewind(Trace *trace)
{
    raminate_record_reader_rewind(trace->reader);
    trace->started = false;
    /* Or else the first steps would not be estimated as they were before. */
    trace->has_traffic = false;
    trace->has_gauge = false;
    g_clear_pointer(&trace->gauge, gauge_free);
}

const RaminateRecordHeader *trace_header(const Trace *trace)
{
    return raminate_record_reader_header(trace->reader);
}

bool trace_is_cut(const Trace *trace)
{
    return raminate_record_reader_is_cut(trace->reader);
}

bool trace_has_traffic(const Trace *trace)
{
    return trace->has_traffic;
}

double trace_progress(const Trace *trace)
{
    return raminate_record_reader_progress(trace->reader);
}
