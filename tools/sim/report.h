/*
 * RAMinate: the simulator's results as a table, CSV or JSON
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_SIM_REPORT_H
#define RAMINATE_SIM_REPORT_H

#include <stdio.h>

#include "replay.h"

typedef enum ReportFormat {
    REPORT_TABLE,
    REPORT_CSV,
    REPORT_JSON,
} ReportFormat;

/* One pass of one policy */
typedef struct ReportRow {
    const char *policy;         /* as the user named it */
    unsigned pass;              /* from 1 */
    ReplayResult result;
} ReportRow;

/* All about one recording */
typedef struct Report {
    const char *path;
    const RaminateRecordHeader *header;
    const RaminateLayout *layout;
    const ReportRow *rows;
    unsigned nr_rows;
    bool has_bound;
    double bound_lines;
} Report;

/* What comes before the first report, and behind the last. */
void report_begin(ReportFormat format);
void report_end(ReportFormat format);

/*
 * Writes the moves of all rows to @file as CSV, one a line, row by row;
 * report_moves_begin() writes the names of the columns.
 */
void report_moves_begin(FILE *file);
void report_moves(FILE *file, const Report *report);

/* @first: whether no other report was printed before */
void report_print(ReportFormat format, const Report *report, bool first);

#endif
