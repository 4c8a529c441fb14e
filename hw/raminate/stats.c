/*
 * RAMinate: cumulative figures for query-stats
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qom/object.h"
#include "system/stats.h"
#include "hw/raminate/engine/figures.h"
#include "hw/raminate/placer.h"

typedef struct StatsRequestState {
    StatsResultList **results;
    strList *names;
} StatsRequestState;

static void add_stats(RaminatePlacer *placer, void *opaque)
{
    StatsRequestState *state = opaque;
    RaminateFigures *figures = raminate_placer_figures(placer);
    g_autofree char *path = g_strdup_printf("/objects/%s",
                                            raminate_placer_id(placer));
    StatsList *list = NULL;
    StatsList **tail = &list;

    for (const RaminateFigure *f = raminate_figure_list; f->name; f++) {
        if (apply_str_list_filter(f->name, state->names)) {
            Stats *stats = g_new0(Stats, 1);

            stats->name = g_strdup(f->name);
            stats->value = g_new0(StatsValue, 1);
            stats->value->type = QTYPE_QNUM;
            stats->value->u.scalar = f->get(figures);
            QAPI_LIST_APPEND(tail, stats);
        }
    }
    if (list) {
        add_stats_entry(state->results, STATS_PROVIDER_RAMINATE, path, list);
    }
    g_free(figures);
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

    for (const RaminateFigure *f = raminate_figure_list; f->name; f++) {
        StatsSchemaValue *value = g_new0(StatsSchemaValue, 1);

        value->name = g_strdup(f->name);
        value->type = STATS_TYPE_CUMULATIVE;
        if (f->is_time) {
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
