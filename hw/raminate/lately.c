/*
 * RAMinate: which pages have moved lately, and how much memory was used
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-raminate.h"
#include "hw/raminate/placer-internal.h"

#define DEFAULT_MOVES 100
#define MAX_MOVES 1000

#define MINUTE_MS 60000

/* In per cent */
static const unsigned enough_shares[] = { 50, 75, 90, 95, 99, 100 };

/* Moves */

static RaminateMovedPageList *latest_moves(RaminatePlacer *placer,
                                           uint32_t max)
{
    g_autofree RaminateLatestMove *moves = g_new(RaminateLatestMove, max);
    RaminateMovedPageList *list = NULL;
    RaminateMovedPageList **tail = &list;
    size_t nr;

    raminate_placer_lock(placer);
    nr = raminate_engine_latest_moves(placer->engine, moves, max);
    for (size_t i = 0; i < nr; i++) {
        RaminateMovedPage *info = g_new0(RaminateMovedPage, 1);

        info->page = moves[i].page;
        raminate_placer_tell_move(placer, &moves[i].move,
                                  qapi_RaminateMovedPage_base(info));
        QAPI_LIST_APPEND(tail, info);
    }
    raminate_placer_unlock(placer);
    return list;
}

RaminateMovedPageList *qmp_query_raminate_moves(const char *id, bool has_max,
                                                uint32_t max, Error **errp)
{
    RaminatePlacer *placer = raminate_placer_find(id, errp);

    if (!placer) {
        return NULL;
    }
    max = has_max ? max : DEFAULT_MOVES;
    if (max < 1 || max > MAX_MOVES) {
        error_setg(errp, "%s '%s': max must be 1 to %d, not %" PRIu32,
                   raminate_placer_type(placer), id, MAX_MOVES, max);
        return NULL;
    }
    return latest_moves(placer, max);
}

/* The working set */

static RaminateEnoughList *enough_info(const RaminateWorkingSet *set,
                                       int64_t now)
{
    uint64_t pages[ARRAY_SIZE(enough_shares)];
    RaminateEnoughList *list = NULL;
    RaminateEnoughList **tail = &list;

    raminate_working_set_enough(set, now, enough_shares,
                                ARRAY_SIZE(enough_shares), pages);
    for (unsigned i = 0; i < ARRAY_SIZE(enough_shares); i++) {
        RaminateEnough *enough = g_new0(RaminateEnough, 1);

        enough->share = enough_shares[i];
        enough->size = pages[i] * RAMINATE_PAGE_SIZE;
        QAPI_LIST_APPEND(tail, enough);
    }
    return list;
}

/* Returns: bytes found within the last @minutes. */
static uint64_t size_within(const RaminateWorkingSet *set, int64_t now,
                            unsigned minutes)
{
    return raminate_working_set_pages(set, now, minutes * MINUTE_MS) *
           RAMINATE_PAGE_SIZE;
}

RaminateWorkingSetInfo *qmp_query_raminate_working_set(const char *id,
                                                       Error **errp)
{
    RaminatePlacer *placer = raminate_placer_find(id, errp);
    const RaminateWorkingSet *set;
    RaminateWorkingSetInfo *info;
    int64_t now;

    if (!placer) {
        return NULL;
    }
    info = g_new0(RaminateWorkingSetInfo, 1);
    info->id = g_strdup(id);
    raminate_placer_lock(placer);
    set = raminate_engine_working_set(placer->engine);
    now = raminate_placer_now(placer);
    info->since = raminate_working_set_age(set, now);
    info->granule = (uint64_t)raminate_working_set_each(set) *
                    RAMINATE_PAGE_SIZE;
    info->minute = size_within(set, now, 1);
    info->ten_minutes = size_within(set, now, 10);
    info->hour = size_within(set, now, 60);
    info->enough = enough_info(set, now);
    raminate_placer_unlock(placer);
    return info;
}
