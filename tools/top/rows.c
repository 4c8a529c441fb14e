/*
 * RAMinate: what raminate-top keeps of each container
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "rows.h"

const char *const row_sort_names[ROW_NR_SORTS] = {
    "name", "slow share", "swaps", "pause",
};

static void row_free(gpointer opaque)
{
    Row *row = opaque;

    g_free(row->id);
    g_free(row);
}

GPtrArray *rows_new(void)
{
    return g_ptr_array_new_with_free_func(row_free);
}

static Row *row_find(GPtrArray *rows, const Vm *vm, const char *id)
{
    unsigned i;

    for (i = 0; i < rows->len; i++) {
        Row *row = g_ptr_array_index(rows, i);

        if (row->vm == vm && g_strcmp0(row->id, id) == 0) {
            return row;
        }
    }
    return NULL;
}

static Row *row_add(GPtrArray *rows, const Vm *vm, const char *id)
{
    Row *row = g_new0(Row, 1);

    row->vm = vm;
    row->id = g_strdup(id);
    row->slow_share = -1;
    row->swap_rate = -1;
    g_ptr_array_add(rows, row);
    return row;
}

static void row_add_history(Row *row, double share)
{
    if (row->nr_history == ROW_HISTORY) {
        memmove(row->history, row->history + 1,
                sizeof(row->history) - sizeof(row->history[0]));
        row->nr_history--;
    }
    row->history[row->nr_history++] = share;
}

/* Returns: per cent, or less than 0 if there is nothing. */
static double share_of(guint64 slow, guint64 all)
{
    return all ? 100.0 * slow / all : -1;
}

static void row_update(Row *row, const ContainerInfo *info, gint64 now)
{
    guint64 written = container_info_written(info);
    guint64 slow = container_info_written_slow(info);
    gboolean went_on = row->seen_at && info->scans >= row->scans &&
                       info->swaps >= row->swaps && written >= row->written &&
                       slow >= row->written_slow;

    row->info = info;
    if (!went_on) {
        /* The first time, or another guest */
        row->swap_rate = -1;
        row->slow_share = info->slow_share_last;
        row->new_written = 0;
        row->new_written_slow = 0;
        row_add_history(row, row->slow_share);
    } else {
        row->swap_rate = (info->swaps - row->swaps) * 1e6 /
                         MAX(now - row->seen_at, 1);
        if (info->scans > row->scans) {
            row->new_written = written - row->written;
            row->new_written_slow = slow - row->written_slow;
            row->slow_share = share_of(row->new_written_slow,
                                       row->new_written);
            row_add_history(row, row->slow_share);
        }
    }
    row->seen_at = now;
    row->scans = info->scans;
    row->swaps = info->swaps;
    row->written = written;
    row->written_slow = slow;
}

void rows_update(GPtrArray *rows, const Vm *vm, gint64 now)
{
    unsigned nr = vm->containers ? vm->containers->len : 0;
    unsigned i;

    for (i = 0; i < rows->len; i++) {
        Row *row = g_ptr_array_index(rows, i);

        if (row->vm == vm) {
            row->info = NULL;
        }
    }
    for (i = 0; i < nr; i++) {
        const ContainerInfo *info = g_ptr_array_index(vm->containers, i);
        Row *row = row_find(rows, vm, info->id);

        if (!row) {
            row = row_add(rows, vm, info->id);
        }
        if (vm->error) {
            row->info = info;
        } else {
            row_update(row, info, now);
        }
    }
    for (i = rows->len; i > 0; i--) {
        Row *row = g_ptr_array_index(rows, i - 1);

        if (row->vm == vm && !row->info) {
            g_ptr_array_remove_index(rows, i - 1);
        }
    }
    if (!nr) {
        row_add(rows, vm, NULL);
    }
}

gboolean rows_remove(GPtrArray *rows, const Vm *vm)
{
    unsigned before = rows->len;
    unsigned i;

    for (i = rows->len; i > 0; i--) {
        if (((Row *)g_ptr_array_index(rows, i - 1))->vm == vm) {
            g_ptr_array_remove_index(rows, i - 1);
        }
    }
    return rows->len < before;
}

unsigned rows_count_vms(const GPtrArray *rows)
{
    g_autoptr(GHashTable) vms = g_hash_table_new(NULL, NULL);
    unsigned i;

    for (i = 0; i < rows->len; i++) {
        g_hash_table_add(vms, (void *)((Row *)g_ptr_array_index(rows, i))->vm);
    }
    return g_hash_table_size(vms);
}

typedef struct SortBy {
    RowSort sort;
    int sign;
} SortBy;

static int compare_names(const Row *a, const Row *b)
{
    int order = strcmp(a->vm->name, b->vm->name);

    if (!order) {
        order = strcmp(a->vm->path, b->vm->path);
    }
    return order ? order : g_strcmp0(a->id, b->id);
}

static double sort_figure(const Row *row, RowSort sort)
{
    if (!row->info || row->vm->error) {
        return -2;
    }
    switch (sort) {
    case ROW_SORT_SLOW_SHARE:
        return row->slow_share;
    case ROW_SORT_SWAPS:
        return row->swap_rate;
    default:
        return row_pause(row);
    }
}

static gint compare_rows(gconstpointer left, gconstpointer right,
                         gpointer opaque)
{
    const Row *a = *(Row *const *)left;
    const Row *b = *(Row *const *)right;
    const SortBy *by = opaque;
    double x, y;

    if (by->sort == ROW_SORT_NAME) {
        return by->sign * compare_names(a, b);
    }
    x = sort_figure(a, by->sort);
    y = sort_figure(b, by->sort);
    return x == y ? compare_names(a, b) : by->sign * (x < y ? 1 : -1);
}

void rows_sort(GPtrArray *rows, RowSort sort, gboolean reverse)
{
    SortBy by = { .sort = sort, .sign = reverse ? -1 : 1 };

    g_ptr_array_sort_with_data(rows, compare_rows, &by);
}

Totals rows_total(const GPtrArray *rows)
{
    Totals totals = { 0 };
    guint64 written = 0;
    guint64 slow = 0;
    unsigned i, tier;

    for (i = 0; i < rows->len; i++) {
        const Row *row = g_ptr_array_index(rows, i);

        if (!row->info || row->vm->error) {
            continue;
        }
        totals.nr++;
        totals.swap_rate += MAX(row->swap_rate, 0);
        for (tier = 0; tier < row->info->nr_tiers; tier++) {
            const TierInfo *info = &row->info->tiers[tier];

            *(tier ? &totals.slow : &totals.fast) += info->pages *
                                                     row->info->page_size;
        }
        written += row->new_written;
        slow += row->new_written_slow;
    }
    totals.slow_share = share_of(slow, written);
    return totals;
}

const char *row_state(const Row *row)
{
    const GError *error = row->vm->error;

    if (!error) {
        return row->info ? row->info->state
               : row->vm->containers ? "plain" : "asking";
    }
    if (error->domain != QMP_ERROR) {
        return "error";
    }
    switch (error->code) {
    case QMP_ERROR_NOBODY:
        return "gone";
    case QMP_ERROR_DENIED:
        return "denied";
    case QMP_ERROR_ENDED:
        return "ended";
    case QMP_ERROR_TIMEOUT:
        return "silent";
    case QMP_ERROR_PROTOCOL:
        return "not QMP";
    default:
        return "error";
    }
}

guint64 row_pause(const Row *row)
{
    return row->info ? row->info->pause_time.p99 : 0;
}
