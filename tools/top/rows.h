/*
 * RAMinate: what raminate-top keeps of each container
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_TOP_ROWS_H
#define RAMINATE_TOP_ROWS_H

#include "lib/vm.h"

#define ROW_HISTORY 512

/* A container; or a VM that has none, or has not answered. */
typedef struct Row {
    const Vm *vm;
    char *id;                       /* NULL: a VM without */
    const ContainerInfo *info;      /* NULL likewise; the VM's */

    /* Since the time before; less than 0 if not known */
    double slow_share;              /* per cent of the pages written */
    double swap_rate;               /* a second */
    guint64 new_written;            /* pages found written; 0 if not known */
    guint64 new_written_slow;       /* those that were in slow tiers */

    double history[ROW_HISTORY];    /* of @slow_share, the latest last */
    unsigned nr_history;

    gint64 seen_at;                 /* 0: never */
    guint64 scans;
    guint64 swaps;
    guint64 written;
    guint64 written_slow;
} Row;

typedef enum RowSort {
    ROW_SORT_NAME,
    ROW_SORT_SLOW_SHARE,
    ROW_SORT_SWAPS,
    ROW_SORT_PAUSE,
    ROW_NR_SORTS,
} RowSort;

extern const char *const row_sort_names[ROW_NR_SORTS];

/* Returns: an empty list of Row. */
GPtrArray *rows_new(void);

/* Takes over what a refresh of @vm found at @now, in microseconds. */
void rows_update(GPtrArray *rows, const Vm *vm, gint64 now);

/* Returns: whether there was one. */
gboolean rows_remove(GPtrArray *rows, const Vm *vm);

unsigned rows_count_vms(const GPtrArray *rows);

/* Figures come with the largest first, unless @reverse. */
void rows_sort(GPtrArray *rows, RowSort sort, gboolean reverse);

/* Of all containers that answer */
typedef struct Totals {
    unsigned nr;
    guint64 fast;                   /* bytes in the fastest tiers */
    guint64 slow;                   /* bytes in all others */
    double slow_share;              /* as of a row; less than 0: not known */
    double swap_rate;               /* a second, where it is known */
} Totals;

Totals rows_total(const GPtrArray *rows);

/* Returns: a word for what the row is in. */
const char *row_state(const Row *row);

/* Returns: pauses of the vCPUs: 99th percentile in ns. */
guint64 row_pause(const Row *row);

#endif
