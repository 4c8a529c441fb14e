/*
 * RAMinate: QMP commands
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-raminate.h"
#include "hw/raminate/placer.h"

#define MAX_PAIRS 65536

static void append_info(RaminatePlacer *placer, void *opaque)
{
    RaminateInfoList ***tail = opaque;

    QAPI_LIST_APPEND(*tail, raminate_placer_info(placer));
}

RaminateInfoList *qmp_query_raminate(const char *id, Error **errp)
{
    RaminateInfoList *list = NULL;
    RaminateInfoList **tail = &list;

    if (id) {
        RaminatePlacer *placer = raminate_placer_find(id, errp);

        if (placer) {
            append_info(placer, &tail);
        }
    } else {
        raminate_placer_foreach(append_info, &tail);
    }
    return list;
}

static bool check_page(const RaminatePlacer *placer, uint64_t page,
                       Error **errp)
{
    uint32_t nr_pages = raminate_placer_pages(placer);

    if (page >= nr_pages) {
        error_setg(errp, "%s '%s': page %" PRIu64
                   " is out of range; its pages are 0 to %" PRIu32,
                   raminate_placer_type(placer), raminate_placer_id(placer),
                   page, nr_pages - 1);
        return false;
    }
    return true;
}

RaminatePage *qmp_query_raminate_page(const char *id, uint64_t page,
                                      Error **errp)
{
    RaminatePlacer *placer = raminate_placer_find(id, errp);

    if (!placer || !check_page(placer, page, errp)) {
        return NULL;
    }
    return raminate_placer_page(placer, page);
}

/* Adds @page to the set @seen, or says why it can't be exchanged. */
static bool take_page(const RaminatePlacer *placer, GHashTable *seen,
                      uint64_t page, Error **errp)
{
    if (!check_page(placer, page, errp)) {
        return false;
    }
    if (!g_hash_table_add(seen, GUINT_TO_POINTER(page))) {
        error_setg(errp, "%s '%s': page %" PRIu64
                   " appears twice; give it in one pair only",
                   raminate_placer_type(placer), raminate_placer_id(placer),
                   page);
        return false;
    }
    return true;
}

/* Returns: the pairs, and in @nr their number; NULL if they're no good. */
static RaminateMove *take_pairs(const RaminatePlacer *placer,
                                RaminateSwapPairList *pairs, size_t *nr,
                                Error **errp)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    g_autofree RaminateMove *moves = NULL;
    size_t i = 0;

    *nr = QAPI_LIST_LENGTH(pairs);
    if (*nr < 1 || *nr > MAX_PAIRS) {
        error_setg(errp, "%s '%s': pairs must be 1 to "
                   "%d, not %zu", raminate_placer_type(placer),
                   raminate_placer_id(placer), MAX_PAIRS,
                   *nr);
        return NULL;
    }
    moves = g_new0(RaminateMove, *nr);
    for (; pairs; pairs = pairs->next, i++) {
        if (pairs->value->a == pairs->value->b) {
            error_setg(errp, "%s '%s': page %" PRIu64
                       " can't be exchanged with itself; give two pages",
                       raminate_placer_type(placer),
                       raminate_placer_id(placer), pairs->value->a);
            return NULL;
        }
        if (!take_page(placer, seen, pairs->value->a, errp) ||
            !take_page(placer, seen, pairs->value->b, errp)) {
            return NULL;
        }
        moves[i].page = pairs->value->a;
        moves[i].with = pairs->value->b;
    }
    return g_steal_pointer(&moves);
}

/* Returns: why the kernel has not moved a page to another node. */
static char *node_failure(const RaminateMove *move)
{
    switch (move->error) {
    case EBUSY:
    case EAGAIN:
        return g_strdup("the host's kernel can't move a page: it is in use, or "
                        "a device has it pinned");
    case ENOMEM:
        return g_strdup("the node that a page is to go to has no room");
    case EACCES:
        return g_strdup("a page is shared with another process; QEMU would "
                        "need the capability CAP_SYS_NICE to move it");
    default:
        return g_strdup_printf("the host's kernel can't move a page: %s",
                               strerror(move->error));
    }
}

/* Returns: why a move failed. */
static char *failure(const RaminateMove *move)
{
    switch (move->error) {
    case EFAULT:
        return g_strdup("a page is out of reach: its file system is full");
    case EHWPOISON:
        return g_strdup("a page is out of reach: its memory has failed, or "
                        "its file is too short");
    default:
        return g_strdup_printf("can't exchange the frames: %s",
                               strerror(move->error));
    }
}

static RaminateSwapResult *swap_result(const RaminatePlacer *placer,
                                       const RaminateMove *move)
{
    RaminateSwapResult *result = g_new0(RaminateSwapResult, 1);

    result->a = move->page;
    result->b = move->with;
    switch (move->status) {
    case RAMINATE_MOVE_PENDING:
    case RAMINATE_MOVE_DONE:
        break;
    case RAMINATE_MOVE_FAILED:
        result->error = raminate_placer_has_nodes(placer) ? node_failure(move)
                                                          : failure(move);
        break;
    case RAMINATE_MOVE_HELD:
        result->error = g_strdup("the limit of host mappings is reached; "
                                 "raise vm.max_map_count and start again");
        break;
    }
    return result;
}

RaminateSwapResults *qmp_raminate_swap_pages(const char *id,
                                             RaminateSwapPairList *pairs,
                                             Error **errp)
{
    RaminatePlacer *placer = raminate_placer_find(id, errp);
    g_autofree RaminateMove *moves = NULL;
    RaminateSwapResults *results;
    RaminateSwapResultList **tail;
    size_t nr;

    if (!placer) {
        return NULL;
    }
    moves = take_pairs(placer, pairs, &nr, errp);
    if (!moves || !raminate_placer_swap(placer, moves, nr, errp)) {
        return NULL;
    }
    results = g_new0(RaminateSwapResults, 1);
    tail = &results->results;
    for (size_t i = 0; i < nr; i++) {
        results->done += moves[i].status == RAMINATE_MOVE_DONE;
        QAPI_LIST_APPEND(tail, swap_result(placer, &moves[i]));
    }
    return results;
}
