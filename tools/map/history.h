/*
 * RAMinate: when which part of guest RAM was written, by a recording
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_HISTORY_H
#define RAMINATE_HISTORY_H

#include "hw/raminate/record/record.h"

/* A grid of time (columns) by address (rows). */
typedef struct History {
    unsigned columns;
    unsigned rows;              /* no more than there are pages */
    float *shares;              /* row by row: of the row's pages, how many
                                   a scan found written on average, 0 to 1 */
    bool *watched;              /* for each column: whether there was a scan */
    uint64_t nr_scans;
    uint64_t nr_written;        /* pages found written, in all scans */
    int64_t duration_ms;
    uint32_t nr_pages;
    uint32_t page_size;
    bool is_cut;                /* the recording stops without an end */
} History;

/*
 * Reads a recording.
 * @rows: at most that many
 * Returns: NULL with @error set if it is none, or has no scan.
 */
History *history_new(const char *path, unsigned columns, unsigned rows,
                     GError **error);
void history_free(History *history);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(History, history_free)

/* Returns: the row that a page is in. */
unsigned history_row(const History *history, uint32_t page);

#endif
