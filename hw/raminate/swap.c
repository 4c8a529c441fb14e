/*
 * RAMinate: exchanges by command
 *
 * Of many pairs, the main loop and, with some movers, the guest stand still for
 * some of them at a time only.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-raminate.h"
#include "block/aio.h"
#include "qemu/coroutine.h"
#include "qemu/main-loop.h"
#include "hw/raminate/placer.h"

#define MAX_PAIRS 65536

/*
 * Between pieces, the placer may have begun other work, or have to hold for a
 * moment: try again so often.
 */
#define TRIES 100
#define TRY_NS (10 * SCALE_MS)

/* A command; of the main loop */
typedef struct Swap {
    const char *id;
    uint32_t nr_pages;
    RaminateMove *moves;
    size_t nr;
    size_t reached;             /* of them; the others wait */
    bool begun;                 /* the last piece was: @err is of the moves */
    Error *err;                 /* why the others can't be made */
    Coroutine *co;
} Swap;

/* Adds @page to the set @seen, or says why it can't be exchanged. */
static bool take_page(const RaminatePlacer *placer, GHashTable *seen,
                      uint64_t page, Error **errp)
{
    if (!raminate_placer_check_page(placer, page, errp)) {
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

/* @left: why moves that were not reached were not, or NULL */
static RaminateSwapResult *swap_result(const RaminatePlacer *placer,
                                       const RaminateMove *move,
                                       const Error *left)
{
    RaminateSwapResult *result = g_new0(RaminateSwapResult, 1);

    result->a = move->page;
    result->b = move->with;
    switch (move->status) {
    case RAMINATE_MOVE_PENDING:
        result->error = left ? g_strdup(error_get_pretty(left)) : NULL;
        break;
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

static RaminateSwapResults *swap_results(const RaminatePlacer *placer,
                                         const Swap *swap)
{
    RaminateSwapResults *results = g_new0(RaminateSwapResults, 1);
    RaminateSwapResultList **tail = &results->results;

    for (size_t i = 0; i < swap->nr; i++) {
        results->done += swap->moves[i].status == RAMINATE_MOVE_DONE;
        QAPI_LIST_APPEND(tail, swap_result(placer, &swap->moves[i],
                                           swap->err));
    }
    return results;
}

/* By HMP, it may be removed between two pieces.  Returns: NULL with @errp set. */
static RaminatePlacer *find_again(const Swap *swap, Error **errp)
{
    RaminatePlacer *placer = raminate_placer_find(swap->id, NULL);

    if (!placer || raminate_placer_pages(placer) != swap->nr_pages) {
        error_setg(errp, "'%s' was removed while its pages were exchanged",
                   swap->id);
        return NULL;
    }
    return placer;
}

/* Makes as many of the exchanges as may be made at once. */
static void swap_bh(void *opaque)
{
    Swap *swap = opaque;
    RaminatePlacer *placer = find_again(swap, &swap->err);

    if (placer) {
        swap->reached += raminate_placer_swap(placer,
                                              swap->moves + swap->reached,
                                              swap->nr - swap->reached,
                                              &swap->begun, &swap->err);
    }
    aio_co_wake(swap->co);
}

/* Returns: whether there is more to do. */
static bool coroutine_fn swap_piece(Swap *swap)
{
    for (unsigned i = 0; i < TRIES; i++) {
        g_clear_pointer(&swap->err, error_free);
        /* Not from nested event loops, where others may be half-way. */
        aio_bh_schedule_oneshot(iohandler_get_aio_context(), swap_bh, swap);
        qemu_coroutine_yield();
        if (!swap->err || swap->begun || !swap->reached) {
            break;
        }
        qemu_co_sleep_ns(QEMU_CLOCK_REALTIME, TRY_NS);
    }
    return !swap->err && swap->reached < swap->nr;
}

RaminateSwapResults *coroutine_fn
qmp_raminate_swap_pages(const char *id, RaminateSwapPairList *pairs,
                        Error **errp)
{
    RaminatePlacer *placer = raminate_placer_find(id, errp);
    Swap swap = { .id = id, .co = qemu_coroutine_self() };
    RaminateSwapResults *results = NULL;
    g_autofree RaminateMove *moves = NULL;

    if (!placer) {
        return NULL;
    }
    swap.nr_pages = raminate_placer_pages(placer);
    moves = take_pairs(placer, pairs, &swap.nr, errp);
    if (!moves) {
        return NULL;
    }
    swap.moves = moves;
    while (swap_piece(&swap)) {
    }
    if (!swap.err || (swap.reached && !swap.begun)) {
        placer = find_again(&swap, errp);
        results = placer ? swap_results(placer, &swap) : NULL;
        error_free(swap.err);
    } else {
        error_propagate(errp, swap.err);
    }
    return results;
}
