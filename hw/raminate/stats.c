/*
 * RAMinate: cumulative figures for query-stats
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qom/object.h"
#include "system/stats.h"
#include "hw/raminate/placer.h"

typedef struct FigureInfo {
    const char *name;
    bool is_time;               /* in nanoseconds */
    uint64_t (*get)(const RaminateInfo *info);
} FigureInfo;

static uint64_t get_scans(const RaminateInfo *info)
{
    return info->scans;
}

static uint64_t get_pages_written(const RaminateInfo *info)
{
    return info->pages_written;
}

static uint64_t get_pages_written_slow(const RaminateInfo *info)
{
    return info->pages_written - info->tiers->value->total_written;
}

static uint64_t get_batches(const RaminateInfo *info)
{
    return info->batches;
}

static uint64_t get_swaps(const RaminateInfo *info)
{
    return info->swaps;
}

static uint64_t get_swaps_failed(const RaminateInfo *info)
{
    return info->swaps_failed;
}

static uint64_t get_swaps_reversed(const RaminateInfo *info)
{
    return info->swaps_reversed;
}

static uint64_t get_swaps_held(const RaminateInfo *info)
{
    return info->swaps_held;
}

static uint64_t get_slow_writes_by_swaps(const RaminateInfo *info)
{
    return info->slow_writes_by_swaps;
}

static uint64_t get_scan_time(const RaminateInfo *info)
{
    return info->scan_time->total;
}

static uint64_t get_batch_time(const RaminateInfo *info)
{
    return info->batch_time->total;
}

static uint64_t get_pause_time(const RaminateInfo *info)
{
    return info->pause_time->total;
}

static const FigureInfo figures[] = {
    { "scans", false, get_scans },
    { "pages-written", false, get_pages_written },
    { "pages-written-slow", false, get_pages_written_slow },
    { "batches", false, get_batches },
    { "swaps", false, get_swaps },
    { "swaps-failed", false, get_swaps_failed },
    { "swaps-reversed", false, get_swaps_reversed },
    { "swaps-held", false, get_swaps_held },
    { "slow-writes-by-swaps", false, get_slow_writes_by_swaps },
    { "scan-time", true, get_scan_time },
    { "batch-time", true, get_batch_time },
    { "pause-time", true, get_pause_time },
};

typedef struct StatsRequestState {
    StatsResultList **results;
    strList *names;
} StatsRequestState;

static void add_stats(RaminatePlacer *placer, void *opaque)
{
    StatsRequestState *state = opaque;
    RaminateInfo *info = raminate_placer_info(placer);
    g_autofree char *path = g_strdup_printf("/objects/%s", info->id);
    StatsList *list = NULL;
    StatsList **tail = &list;

    for (unsigned i = 0; i < ARRAY_SIZE(figures); i++) {
        if (apply_str_list_filter(figures[i].name, state->names)) {
            Stats *stats = g_new0(Stats, 1);

            stats->name = g_strdup(figures[i].name);
            stats->value = g_new0(StatsValue, 1);
            stats->value->type = QTYPE_QNUM;
            stats->value->u.scalar = figures[i].get(info);
            QAPI_LIST_APPEND(tail, stats);
        }
    }
    if (list) {
        add_stats_entry(state->results, STATS_PROVIDER_RAMINATE, path, list);
    }
    qapi_free_RaminateInfo(info);
}

static void stats_cb(StatsResultList **results, StatsTarget target,
                     strList *names, strList *targets, Error **errp)
{
    StatsRequestState state = { .results = results, .names = names };

    if (target == STATS_TARGET_VM) {
        raminate_placer_foreach(add_stats, &state);
    }
}

static void schemas_cb(StatsSchemaList **results, Error **errp)
{
    StatsSchemaValueList *list = NULL;
    StatsSchemaValueList **tail = &list;

    for (unsigned i = 0; i < ARRAY_SIZE(figures); i++) {
        StatsSchemaValue *value = g_new0(StatsSchemaValue, 1);

        value->name = g_strdup(figures[i].name);
        value->type = STATS_TYPE_CUMULATIVE;
        if (figures[i].is_time) {
            value->has_unit = true;
            value->unit = STATS_UNIT_SECONDS;
            value->has_base = true;
            value->base = 10;
            value->exponent = -9;
        }
        QAPI_LIST_APPEND(tail, value);
    }
    add_stats_schema(results, STATS_PROVIDER_RAMINATE, STATS_TARGET_VM, list);
}

static void register_stats(void)
{
    add_stats_callbacks(STATS_PROVIDER_RAMINATE, stats_cb, schemas_cb);
}

type_init(register_stats)
