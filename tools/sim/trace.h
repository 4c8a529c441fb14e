/*
 * RAMinate: a recording, step by step as a policy is to see it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_SIM_TRACE_H
#define RAMINATE_SIM_TRACE_H

#include "hw/raminate/record/record.h"

/* A batch of the container that was recorded */
typedef struct TraceBatch {
    int64_t time_ms;            /* when it was planned */
    uint32_t moved_after_ms;    /* from then to when it was made */
    bool by_command;            /* of a user, not by the policy */
    guint first;                /* of its moves in the step's */
    guint nr;
} TraceBatch;

/* What happened from one scan to the next. */
typedef struct TraceStep {
    int64_t time_ms;            /* of the scan at its end */
    unsigned kinds;             /* that were looked for */
    GArray *pages;              /* found written; uint32_t, ascending */
    GArray *read_pages;         /* found read */
    unsigned look_kinds;        /* the same of the second look */
    GArray *look;
    GArray *look_read_pages;
    uint32_t look_window_ms;    /* 0 if there was none */

    GArray *batches;            /* before the scan; TraceBatch */
    GArray *moves;              /* of all of them; RaminateMove */

    /* Pages that were gauged, and how many of their lines had changed */
    GArray *gauge_pages;
    GArray *gauge_lines;

    /* What reached the memory; estimated if the recording doesn't say */
    GArray *traffic_pages;
    GArray *written;            /* lines of each of them */
    GArray *read;
} TraceStep;

typedef struct TraceOptions {
    uint32_t scan_period_ms;    /* scans closer than that are made one */
    uint32_t lines_per_page;    /* estimate where the traffic isn't known */
    uint32_t unit_pages;        /* so many are one page of a step; 0: each */
} TraceOptions;

/* Lines that a page has */
#define TRACE_PAGE_LINES ((1 << RAMINATE_PAGE_BITS) / RAMINATE_LINE_SIZE)

typedef struct Trace Trace;

/* Returns: the trace, at its start, or NULL with @error set. */
Trace *trace_new(const char *path, const TraceOptions *options,
                 GError **error);
void trace_free(Trace *trace);
void trace_rewind(Trace *trace);

/* Returns: the recording's header, whatever the options say. */
const RaminateRecordHeader *trace_header(const Trace *trace);

/*
 * Returns: the next step, valid until the next call; NULL at the end, or with
 * @error set.  Memory follows what the recording holds.
 */
const TraceStep *trace_next(Trace *trace, GError **error);

/* Known at the end: whether the file was cut off. */
bool trace_is_cut(const Trace *trace);

/* Known at the end: whether the recording tells the traffic. */
bool trace_has_traffic(const Trace *trace);

/* Returns: how far the trace is, from 0 to 1. */
double trace_progress(const Trace *trace);

/* @what: what can't be kept for the guest's pages, as "the heat" */
void trace_set_no_memory(GError **error, const char *what, uint32_t nr_pages);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Trace, trace_free)

#endif
