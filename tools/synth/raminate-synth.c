/*
 * RAMinate: writes recordings of made-up workloads
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/options.h"
#include "hw/raminate/record/record.h"
#include "synth.h"

static int size_mib = 256;
static int nr_scans = 600;
static int look_ms = 20;
static int64_t seed = 1;
static char *out_path;
static gboolean list_workloads;
static char **names;

#define SCAN_PERIOD_MS 1000

static const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &out_path,
      "Write the recording to this file", "FILE" },
    { "size", 0, 0, G_OPTION_ARG_INT, &size_mib,
      "Size of the guest in MiB (default: 256)", "N" },
    { "scans", 0, 0, G_OPTION_ARG_INT, &nr_scans,
      "Number of scans, one a second (default: 600)", "N" },
    { "second-look", 0, 0, G_OPTION_ARG_INT, &look_ms,
      "Milliseconds of the second look in each scan period, 0 for none "
      "(default: 20)", "MS" },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &seed,
      "The same seed makes the same recording (default: 1)", "N" },
    { "list", 0, 0, G_OPTION_ARG_NONE, &list_workloads,
      "List the workloads", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &names,
      NULL, "WORKLOAD" },
    { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static void G_GNUC_PRINTF(1, 2) G_GNUC_NORETURN die(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    fprintf(stderr, "raminate-synth: ");
    vfprintf(stderr, format, list);
    fprintf(stderr, "\n");
    va_end(list);
    exit(EXIT_FAILURE);
}

/* Returns: the workload of that name. */
static const Workload *find_workload(const char *name)
{
    for (const Workload *w = workloads; w->name; w++) {
        if (g_str_equal(w->name, name)) {
            return w;
        }
    }
    options_fail("there is no workload '%s'; --list shows those there are",
                 name);
}

static Synth *synth_new(void)
{
    Synth *s = g_new0(Synth, 1);
    const uint32_t run = 16;    /* allocators hand out pages in runs */
    g_autofree uint32_t *runs = NULL;

    s->nr_pages = size_mib * 256;
    s->random = seed;
    s->lines = g_new0(uint32_t, s->nr_pages);
    s->events = g_new0(uint32_t, s->nr_pages);
    s->place = g_new(uint32_t, s->nr_pages);
    runs = g_new(uint32_t, s->nr_pages / run);
    synth_shuffle(s, runs, s->nr_pages / run);
    for (uint32_t i = 0; i < s->nr_pages; i++) {
        s->place[i] = runs[i / run] * run + i % run;
    }
    return s;
}

static void synth_free(Synth *s)
{
    g_free(s->lines);
    g_free(s->events);
    g_free(s->place);
    g_free(s);
}

static void flush(FILE *file, GByteArray *bytes)
{
    if (fwrite(bytes->data, 1, bytes->len, file) != bytes->len) {
        die("can't write %s: %s", out_path, g_strerror(errno));
    }
    g_byte_array_set_size(bytes, 0);
}

static void put_header(GByteArray *out, const Synth *s)
{
    uint32_t fast = s->nr_pages / 10;
    RaminateRecordHeader header = {
        .page_size = 1 << RAMINATE_PAGE_BITS,
        .nr_pages = s->nr_pages,
        .scan_period_ms = SCAN_PERIOD_MS,
        .nr_tiers = 2,
        .tiers = { { "dram0", 0, 0, fast, { 0 } },
                   { "mram0", 1, fast, s->nr_pages - fast, { 0 } } },
    };

    raminate_record_default_costs(&header);
    raminate_record_put_header(out, &header);
}

/* Writes down what happened since the last scan, and forgets it. */
static void put_scan(GByteArray *out, Synth *s)
{
    g_autofree uint32_t *pages = g_new(uint32_t, s->nr_pages);
    g_autofree uint32_t *look = g_new(uint32_t, s->nr_pages);
    g_autofree uint32_t *lines = g_new(uint32_t, s->nr_pages);
    double miss = 1 - (double)look_ms / SCAN_PERIOD_MS;
    RaminateRecordEntry entry = {
        .time_ms = (int64_t)(s->scan + 1) * SCAN_PERIOD_MS,
        .window_ms = SCAN_PERIOD_MS, .pages = pages,
    };
    size_t nr_look = 0;

    for (uint32_t page = 0; page < s->nr_pages; page++) {
        if (!s->events[page]) {
            continue;
        }
        if (synth_uniform(s) >= pow(miss, s->events[page])) {
            look[nr_look++] = page;
        }
        lines[entry.nr] = s->lines[page];
        pages[entry.nr++] = page;
    }
    memset(s->lines, 0, s->nr_pages * sizeof(*s->lines));
    memset(s->events, 0, s->nr_pages * sizeof(*s->events));

    if (look_ms) {
        RaminateRecordEntry look_entry = {
            .type = RAMINATE_RECORD_LOOK,
            .time_ms = entry.time_ms - SCAN_PERIOD_MS + look_ms,
            .window_ms = look_ms, .pages = look, .nr = nr_look,
        };

        raminate_record_put_entry(out, s->nr_pages, &look_entry);
    }
    entry.type = RAMINATE_RECORD_TRAFFIC;
    entry.written = lines;
    raminate_record_put_entry(out, s->nr_pages, &entry);
    entry.type = RAMINATE_RECORD_SCAN;
    entry.written = NULL;
    raminate_record_put_entry(out, s->nr_pages, &entry);
}

static void write_recording(FILE *file, const Workload *workload)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    RaminateRecordEntry end = { .type = RAMINATE_RECORD_END };
    Synth *s = synth_new();
    void *state = workload->start(s);

    put_header(out, s);
    for (; s->scan < (uint32_t)nr_scans; s->scan++) {
        workload->step(s, state);
        put_scan(out, s);
        flush(file, out);
    }
    raminate_record_put_entry(out, s->nr_pages, &end);
    flush(file, out);
    g_free(state);
    synth_free(s);
}

int main(int argc, char **argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    const Workload *workload;
    FILE *file;

    g_option_context_set_summary(context,
        "Write a recording of a made-up workload, to try policies with.");
    g_option_context_add_main_entries(context, entries, NULL);
    options_parse_context(context, &argc, &argv);
    if (list_workloads) {
        for (const Workload *w = workloads; w->name; w++) {
            printf("%-8s  %s\n", w->name, w->summary);
        }
        return EXIT_SUCCESS;
    }
    if (!names || names[1] || !out_path) {
        options_fail("give one workload and --output");
    }
    if (size_mib < 16 || size_mib > 1 << 20 || nr_scans < 1 ||
        look_ms < 0 || look_ms > SCAN_PERIOD_MS) {
        options_fail("--size must be 16 to %d, --scans 1 or more, and "
                     "--second-look 0 to %d", 1 << 20, SCAN_PERIOD_MS);
    }
    workload = find_workload(names[0]);
    file = fopen(out_path, "wb");
    if (!file) {
        die("can't create %s: %s", out_path, g_strerror(errno));
    }
    write_recording(file, workload);
    if (fclose(file) != 0) {
        die("can't write %s: %s", out_path, g_strerror(errno));
    }
    return EXIT_SUCCESS;
}
