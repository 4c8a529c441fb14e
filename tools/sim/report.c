/*
 * RAMinate: the simulator's results as a table, CSV or JSON
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../lib/table.h"
#include "../lib/text.h"
#include "hw/raminate/engine/energy.h"
#include "report.h"

#define NR_KEYS 2               /* policy and pass */

typedef struct Column {
    const char *title;          /* in tables */
    const char *key;            /* in CSV and JSON */
    const char *format;
    double scale;               /* of the value in tables */
    bool needs_traffic;         /* empty in tables if it is estimated */
    double (*get)(const Report *report, const ReportRow *row);
} Column;

static double share(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : NAN;
}

static double get_slow_pages(const Report *report, const ReportRow *row)
{
    (void)report;
    return share(row->result.slow_pages, row->result.pages);
}

static double get_slow_bytes(const Report *report, const ReportRow *row)
{
    (void)report;
    return share(row->result.slow_lines, row->result.lines);
}

static double get_swap_bytes(const Report *report, const ReportRow *row)
{
    (void)report;
    return share(row->result.swap_lines, row->result.lines);
}

static uint64_t slow_total(const ReportRow *row)
{
    return row->result.slow_lines + row->result.swap_lines;
}

static double get_total(const Report *report, const ReportRow *row)
{
    (void)report;
    return share(slow_total(row), row->result.lines);
}

/* Returns: what lines cost, that were read and written in a tier. */
static double cost(const RaminateCosts *costs, double read, double written)
{
    return read * costs->read + written * costs->write;
}

/*
 * What memory costs more than if all of it were as the fastest, and moves were
 * not needed, in relation to the same if all of it were as the slowest.
 */
static double get_cost(const Report *report, const ReportRow *row)
{
    const RaminateLayout *layout = report->layout;
    const RaminateCosts *fastest = &layout->costs[0];
    const RaminateCosts *slowest = &layout->costs[layout->nr_tiers - 1];
    const ReplayResult *result = &row->result;
    uint32_t unit_lines = raminate_layout_unit_lines(layout);
    double more = 0;
    double most = 0;

    for (unsigned i = 0; i < layout->nr_tiers; i++) {
        const RaminateCosts *costs = &layout->costs[i];
        double read = result->tier_reads[i];
        double written = result->tier_lines[i];

        more += cost(costs, read, written) - cost(fastest, read, written) +
                cost(costs, (double)result->swap_reads[i] * unit_lines,
                     (double)result->swap_writes[i] * unit_lines);
        most += cost(slowest, read, written) - cost(fastest, read, written);
    }
    return share(more, most);
}

static double get_distance(const Report *report, const ReportRow *row)
{
    if (!report->has_bound || report->bound_lines <= 0) {
        return NAN;
    }
    return slow_total(row) / report->bound_lines;
}

static double get_swaps(const Report *report, const ReportRow *row)
{
    (void)report;
    return row->result.swaps;
}

static double get_reversed(const Report *report, const ReportRow *row)
{
    (void)report;
    return row->result.reversed;
}

static double get_written_pages(const Report *report, const ReportRow *row)
{
    (void)report;
    return row->result.pages;
}

static double get_written_bytes(const Report *report, const ReportRow *row)
{
    (void)report;
    return (double)row->result.lines * RAMINATE_LINE_SIZE;
}

static double get_swapped_bytes(const Report *report, const ReportRow *row)
{
    (void)report;
    return (double)row->result.swap_lines * RAMINATE_LINE_SIZE;
}

static double get_speed(const Report *report, const ReportRow *row)
{
    (void)report;
    return row->result.seconds > 0 ? row->result.pages / row->result.seconds
                                   : NAN;
}

/* Returns: energy relative to that of the fastest memory alone, or NAN. */
static double energy(const Report *report, const ReportRow *row,
                     const RaminateCosts *costs)
{
    const ReplayResult *result = &row->result;
    const RaminateLayout *layout = report->layout;
    RaminateLoad dram = {
        .seconds = result->duration_ms / 1000.0,
        .tiers[0].size = (double)layout->nr_pages * layout->unit,
    };
    RaminateLoad hybrid = dram;
    double joules;

    for (unsigned i = 0; i < layout->nr_tiers; i++) {
        RaminateTierLoad *tier = &hybrid.tiers[i];

        tier->size = (double)layout->ranges[i].count * layout->unit;
        tier->read = (double)result->tier_reads[i] * RAMINATE_LINE_SIZE;
        tier->written = (double)result->tier_lines[i] * RAMINATE_LINE_SIZE;
        dram.tiers[0].read += tier->read;
        dram.tiers[0].written += tier->written;
        tier->read += (double)result->swap_reads[i] * layout->unit;
        tier->written += (double)result->swap_writes[i] * layout->unit;
    }
    joules = raminate_energy(&dram, costs, 1);
    return joules > 0 ? raminate_energy(&hybrid, costs, layout->nr_tiers) /
                        joules : NAN;
}

/* @cost: of writes to slower tiers */
static double energy_at(const Report *report, const ReportRow *row,
                        uint32_t cost)
{
    RaminateLayout layout = *report->layout;

    raminate_energy_suppose(layout.costs, layout.nr_tiers, cost);
    return energy(report, row, layout.costs);
}

static double get_energy_10(const Report *report, const ReportRow *row)
{
    return energy_at(report, row, 10);
}

static double get_energy_100(const Report *report, const ReportRow *row)
{
    return energy_at(report, row, 100);
}

static double get_energy_1000(const Report *report, const ReportRow *row)
{
    return energy_at(report, row, 1000);
}

static double get_energy_of_costs(const Report *report, const ReportRow *row)
{
    return energy(report, row, report->layout->costs);
}

static const Column columns[] = {
    { "pages%", "slow_pages_percent", "%.2f", 1, false, get_slow_pages },
    { "bytes%", "slow_bytes_percent", "%.2f", 1, true, get_slow_bytes },
    { "swap%", "swap_bytes_percent", "%.2f", 1, true, get_swap_bytes },
    { "total%", "slow_total_percent", "%.2f", 1, true, get_total },
    { "cost%", "cost_percent", "%.2f", 1, true, get_cost },
    { "xbound", "times_bound", "%.2f", 1, false, get_distance },
    { "swaps", "swaps", "%.0f", 1, false, get_swaps },
    { "reversed", "reversed", "%.0f", 1, false, get_reversed },
    { "e10", "energy_10", "%.3f", 1, true, get_energy_10 },
    { "e100", "energy_100", "%.3f", 1, true, get_energy_100 },
    { "e1000", "energy_1000", "%.3f", 1, true, get_energy_1000 },
    { "ecosts", "energy_of_costs", "%.3f", 1, true, get_energy_of_costs },
    { "Mpages", "written_pages", "%.3f", 1e-6, false, get_written_pages },
    { "MB", "written_bytes", "%.1f", 1e-6, true, get_written_bytes },
    { "swapMB", "swap_bytes", "%.1f", 1e-6, false, get_swapped_bytes },
    { "Mpages/s", "pages_per_second", "%.1f", 1e-6, false, get_speed },
};

/* Table */

static char *cell_text(const Report *report, const ReportRow *row,
                       const Column *column)
{
    double value = column->get(report, row);
    char text[64];

    if (!isfinite(value) ||
        (column->needs_traffic && !row->result.has_traffic)) {
        return g_strdup("-");
    }
    g_snprintf(text, sizeof(text), column->format, value * column->scale);
    return g_strdup(text);
}

static char **row_texts(const Report *report, const ReportRow *row)
{
    char **texts = g_new0(char *, NR_KEYS + G_N_ELEMENTS(columns) + 1);

    texts[0] = text_clean(row->policy, g_get_charset(NULL));
    texts[1] = g_strdup_printf("%u", row->pass);
    for (unsigned c = 0; c < G_N_ELEMENTS(columns); c++) {
        texts[NR_KEYS + c] = cell_text(report, row, &columns[c]);
    }
    return texts;
}

static void print_table(const Report *report)
{
    const RaminateFrameRange *fast = &report->layout->ranges[0];
    uint32_t nr_pages = report->layout->nr_pages;
    const ReplayResult *result = &report->rows[0].result;
    TableColumn titles[NR_KEYS + G_N_ELEMENTS(columns)] = {
        { "policy", FALSE }, { "pass", TRUE },
    };
    g_autoptr(Table) table = NULL;

    for (unsigned c = 0; c < G_N_ELEMENTS(columns); c++) {
        titles[NR_KEYS + c] = (TableColumn){ columns[c].title, TRUE };
    }
    table = table_new(titles, G_N_ELEMENTS(titles), NR_KEYS);
    for (unsigned i = 0; i < report->nr_rows; i++) {
        table_add(table, row_texts(report, &report->rows[i]));
    }
    printf("%s: %u pages, %u (%.1f %%) in the fastest tier; %"
           G_GUINT64_FORMAT " scans in %.0f s\n", report->path, nr_pages,
           fast->count, share(fast->count, nr_pages), result->scans,
           result->duration_ms / 1000.0);
    table_print(table, table_room());
    if (report->has_bound) {
        printf("bound: %.2f %% of all bytes written; no policy writes less to "
               "slower tiers\n",
               share(report->bound_lines, result->lines));
    }
}

/* CSV and JSON */

static void print_number(double value, const char *missing)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    if (isfinite(value)) {
        printf("%s", g_ascii_formatd(text, sizeof(text), "%.10g", value));
    } else {
        printf("%s", missing);
    }
}

static void print_csv_text(FILE *file, const char *text)
{
    putc('"', file);
    for (; *text; text++) {
        if (*text == '"') {
            putc('"', file);
        }
        putc(*text, file);
    }
    putc('"', file);
}

static void print_csv(const Report *report)
{
    for (unsigned i = 0; i < report->nr_rows; i++) {
        const ReportRow *row = &report->rows[i];

        print_csv_text(stdout, report->path);
        printf(",");
        print_csv_text(stdout, row->policy);
        printf(",%u,%u,%u,%d", row->pass, report->layout->nr_pages,
               report->layout->ranges[0].count, row->result.has_traffic);
        for (unsigned c = 0; c < G_N_ELEMENTS(columns); c++) {
            printf(",");
            print_number(columns[c].get(report, row), "");
        }
        printf(",");
        print_number(report->has_bound ? report->bound_lines *
                     RAMINATE_LINE_SIZE : NAN, "");
        printf("\n");
    }
}

static void print_json_text(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') {
            printf("\\%c", *text);
        } else if ((unsigned char)*text < ' ') {
            printf("\\u%04x", *text);
        } else {
            putchar(*text);
        }
    }
    putchar('"');
}

/* One list a quantity */
static void print_json_steps(const GArray *steps)
{
    static const struct {
        const char *key;
        size_t offset;
        uint32_t factor;
    } lists[] = {
        { "time_ms", offsetof(ReplayStep, time_ms), 1 },
        { "written_bytes", offsetof(ReplayStep, lines), RAMINATE_LINE_SIZE },
        { "slow_bytes", offsetof(ReplayStep, slow_lines), RAMINATE_LINE_SIZE },
        { "swap_bytes", offsetof(ReplayStep, swap_lines), RAMINATE_LINE_SIZE },
    };

    printf(", \"steps\": {");
    for (unsigned i = 0; i < G_N_ELEMENTS(lists); i++) {
        printf("%s\n        \"%s\": [", i ? "," : "", lists[i].key);
        for (guint j = 0; j < steps->len; j++) {
            const char *step = steps->data + j * sizeof(ReplayStep);
            uint64_t value = *(const uint64_t *)(step + lists[i].offset);

            printf("%s%" G_GUINT64_FORMAT, j ? ", " : "",
                   value * lists[i].factor);
        }
        printf("]");
    }
    printf(" }");
}

static void print_json(const Report *report, bool first)
{
    printf("%s  {\n    \"recording\": ", first ? "" : ",\n");
    print_json_text(report->path);
    printf(",\n    \"pages\": %u,\n    \"fast_pages\": %u,\n"
           "    \"scans\": %" G_GUINT64_FORMAT ",\n"
           "    \"duration_ms\": %" G_GINT64_FORMAT ",\n"
           "    \"cut\": %s,\n    \"has_traffic\": %s,\n"
           "    \"bound_bytes\": ",
           report->layout->nr_pages, report->layout->ranges[0].count,
           report->rows[0].result.scans, report->rows[0].result.duration_ms,
           report->rows[0].result.cut ? "true" : "false",
           report->rows[0].result.has_traffic ? "true" : "false");
    print_number(report->has_bound ? report->bound_lines * RAMINATE_LINE_SIZE
                                   : NAN, "null");
    printf(",\n    \"results\": [");
    for (unsigned i = 0; i < report->nr_rows; i++) {
        printf("%s\n      { \"policy\": ", i ? "," : "");
        print_json_text(report->rows[i].policy);
        printf(", \"pass\": %u", report->rows[i].pass);
        for (unsigned c = 0; c < G_N_ELEMENTS(columns); c++) {
            printf(", \"%s\": ", columns[c].key);
            print_number(columns[c].get(report, &report->rows[i]), "null");
        }
        if (report->rows[i].result.steps) {
            print_json_steps(report->rows[i].result.steps);
        }
        printf(" }");
    }
    printf("\n    ]\n  }");
}

void report_begin(ReportFormat format)
{
    if (format == REPORT_JSON) {
        printf("[\n");
    } else if (format == REPORT_CSV) {
        printf("recording,policy,pass,pages,fast_pages,has_traffic");
        for (unsigned c = 0; c < G_N_ELEMENTS(columns); c++) {
            printf(",%s", columns[c].key);
        }
        printf(",bound_bytes\n");
    }
}

void report_print(ReportFormat format, const Report *report, bool first)
{
    switch (format) {
    case REPORT_TABLE:
        printf("%s", first ? "" : "\n");
        print_table(report);
        break;
    case REPORT_CSV:
        print_csv(report);
        break;
    case REPORT_JSON:
        print_json(report, first);
        break;
    }
    fflush(stdout);
}

void report_end(ReportFormat format)
{
    if (format == REPORT_JSON) {
        printf("\n]\n");
    }
}

/* Moves */

void report_moves_begin(FILE *file)
{
    fprintf(file, "recording,policy,pass,time_ms,promoted,demoted\n");
}

void report_moves(FILE *file, const Report *report)
{
    for (unsigned i = 0; i < report->nr_rows; i++) {
        const ReportRow *row = &report->rows[i];
        const GArray *moves = row->result.moves;

        for (guint j = 0; j < moves->len; j++) {
            const ReplayMove *move = &g_array_index(moves, ReplayMove, j);

            print_csv_text(file, report->path);
            putc(',', file);
            print_csv_text(file, row->policy);
            fprintf(file, ",%u,%" G_GINT64_FORMAT ",%u,%u\n", row->pass,
                    move->time_ms, move->page, move->with);
        }
    }
}
