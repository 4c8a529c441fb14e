/*
 * RAMinate: what the traffic plugin writes, a period at a time
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "hw/raminate/record/recorder.h"
#include "report.h"

struct Report {
    const Options *options;
    Memory *memory;
    FILE *csv;
    RaminateRecorder *recorder;
    int64_t time_ms;            /* of the last line */
    uint64_t instructions;
    MemoryTraffic *before;      /* by pool */
    GArray *pages;
    GArray *written;
    GArray *read;
};

static const char *pool_name(const Report *report, unsigned pool)
{
    const RaminatePool *found;

    if (pool == memory_nr_pools(report->memory)) {
        return MEMORY_NO_POOL;
    }
    found = g_ptr_array_index(report->options->pools->pools, pool);
    return found->name;
}

/* CSV */

static void end_line(Report *report)
{
    fputc('\n', report->csv);
    /* Whatever happens to QEMU, the file tells what was before. */
    if (fflush(report->csv) < 0) {
        fprintf(stderr, "raminate-traffic: can't write %s: %s; its lines end "
                "here\n", report->options->csv, g_strerror(errno));
        fclose(report->csv);
        report->csv = NULL;
    }
}

static bool open_csv(Report *report, GError **error)
{
    report->csv = fopen(report->options->csv, "we");
    if (!report->csv) {
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
                    "can't write %s: %s", report->options->csv,
                    g_strerror(errno));
        return false;
    }
    fputs("time_ms,instructions", report->csv);
    for (unsigned i = 0; i <= memory_nr_pools(report->memory); i++) {
        const char *name = pool_name(report, i);

        fprintf(report->csv, ",%s_read,%s_written", name, name);
        if (report->options->swaps) {
            fprintf(report->csv, ",%s_swapped", name);
        }
    }
    end_line(report);
    return true;
}

static void add_line(Report *report, int64_t time_ms, uint64_t instructions)
{
    unsigned nr = memory_nr_pools(report->memory) + 1;
    g_autofree MemoryTraffic *now = g_new(MemoryTraffic, nr);
    uint64_t line_size = report->options->line_size;

    memory_sum(report->memory, now);
    fprintf(report->csv, "%" PRId64 ",%" PRIu64, time_ms,
            instructions - report->instructions);
    for (unsigned i = 0; i < nr; i++) {
        const MemoryTraffic *before = &report->before[i];

        fprintf(report->csv, ",%" PRIu64 ",%" PRIu64,
                (now[i].read - before->read) * line_size,
                (now[i].written - before->written) * line_size);
        if (report->options->swaps) {
            fprintf(report->csv, ",%" PRIu64,
                    (now[i].swap_written - before->swap_written) * line_size);
        }
        report->before[i] = now[i];
    }
    end_line(report);
}

/* Recording */

/* In the recorder's thread. */
static void ended_cb(const char *reason, void *opaque)
{
    const Report *report = opaque;

    fprintf(stderr, "raminate-traffic: the recording %s has ended: %s\n",
            report->options->record, reason);
}

static bool open_recording(Report *report, GError **error)
{
    const Memory *memory = report->memory;
    RaminateRecordHeader header = {
        .page_size = 1 << MEMORY_PAGE_BITS,
        .nr_pages = memory_first_page(memory, memory_nr_pools(memory)),
        .started_us = g_get_real_time(),
        .scan_period_ms = report->options->period_ms,
        .kinds = report->options->accesses ? RAMINATE_ACCESSED
                                           : RAMINATE_WRITTEN,
        .nr_tiers = memory_nr_pools(memory),
    };

    for (unsigned i = 0; i < header.nr_tiers; i++) {
        uint64_t first = memory_first_page(memory, i);

        header.tiers[i].id = pool_name(report, i);
        header.tiers[i].rank = i;
        header.tiers[i].first = first;
        header.tiers[i].count = memory_first_page(memory, i + 1) - first;
    }
    raminate_record_default_costs(&header);
    report->recorder = raminate_recorder_new(report->options->record, &header,
                                             ended_cb, report, error);
    return report->recorder;
}

static void scale(GArray *counts, uint32_t factor)
{
    for (guint i = 0; i < counts->len; i++) {
        g_array_index(counts, uint32_t, i) *= factor;
    }
}

static void add_entry(Report *report, int64_t time_ms)
{
    uint32_t factor = report->options->line_size / RAMINATE_LINE_SIZE;
    RaminateRecordEntry entry = {
        .type = RAMINATE_RECORD_TRAFFIC,
        .time_ms = time_ms,
        .window_ms = time_ms - report->time_ms,
    };

    g_array_set_size(report->pages, 0);
    g_array_set_size(report->written, 0);
    g_array_set_size(report->read, 0);
    memory_take_pages(report->memory, report->pages, report->written,
                      report->read);
    scale(report->written, factor);
    scale(report->read, factor);
    entry.nr = report->pages->len;
    entry.pages = (uint32_t *)report->pages->data;
    entry.written = (uint32_t *)report->written->data;
    entry.read = (uint32_t *)report->read->data;
    raminate_recorder_add(report->recorder, &entry);
}

/* As a scan would find them that looks for what was accessed alone */
static void add_accesses(Report *report, int64_t time_ms)
{
    RaminateRecordEntry entry = {
        .type = RAMINATE_RECORD_SCAN,
        .time_ms = time_ms,
        .window_ms = time_ms - report->time_ms,
        .kinds = RAMINATE_READ,
    };

    g_array_set_size(report->pages, 0);
    memory_take_accessed(report->memory, report->pages);
    entry.read_pages = (uint32_t *)report->pages->data;
    entry.nr_read_pages = report->pages->len;
    raminate_recorder_add(report->recorder, &entry);
}

/* All of it */

Report *report_new(const Options *options, Memory *memory, GError **error)
{
    Report *report = g_new0(Report, 1);

    report->options = options;
    report->memory = memory;
    report->before = g_new0(MemoryTraffic, memory_nr_pools(memory) + 1);
    report->pages = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    report->written = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    report->read = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    if ((options->csv && !open_csv(report, error)) ||
        (options->record && !open_recording(report, error))) {
        report_free(report);
        return NULL;
    }
    return report;
}

void report_add(Report *report, int64_t time_ms, uint64_t instructions)
{
    if (report->csv) {
        add_line(report, time_ms, instructions);
    }
    if (report->recorder) {
        add_entry(report, time_ms);
        if (report->options->accesses) {
            add_accesses(report, time_ms);
        }
    }
    report->time_ms = time_ms;
    report->instructions = instructions;
}

void report_free(Report *report)
{
    raminate_recorder_free(report->recorder);
    if (report->csv) {
        fclose(report->csv);
    }
    g_free(report->before);
    g_array_unref(report->pages);
    g_array_unref(report->written);
    g_array_unref(report->read);
    g_free(report);
}
