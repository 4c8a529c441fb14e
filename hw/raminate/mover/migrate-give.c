/*
 * RAMinate: has the host's kernel move pages from node to node alone
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/raminate/mover/migrate-internal.h"

/* Moves pages alone, as many as fit into a call. */
static int give_some(const RaminateMemory *memory, RaminateMove *moves,
                     size_t nr, unsigned to)
{
    g_autofree MigrateCall *call = g_new(MigrateCall, 1);
    int ret;

    call->nr = 0;
    for (size_t i = 0; i < nr; i++) {
        migrate_add_page(call, memory, moves[i].page, memory->tiers[to].node);
    }
    ret = migrate_split_and_move(call);
    for (size_t i = 0; i < nr; i++) {
        if (ret == 0 && migrate_is_there(call, i)) {
            moves[i].status = RAMINATE_MOVE_DONE;
            raminate_memory_given(memory, moves[i].page, to);
        } else {
            moves[i].status = RAMINATE_MOVE_FAILED;
            moves[i].error = ret < 0 ? -ret : -call->status[i];
        }
    }
    return ret;
}

RaminateExchangeResult migrate_give(RaminateMover *parent, RaminateMove *moves,
                                    size_t nr, unsigned to, Error **errp)
{
    MigrateMover *mover = container_of(parent, MigrateMover, parent);
    const RaminateMemory *memory = parent->memory;
    size_t n;

    for (size_t i = 0; i < nr; i += n) {
        int ret = 0;

        n = MIN(nr - i, MIGRATE_CALL_PAGES);
        if (migrate_has_room(mover, to, n)) {
            ret = give_some(memory, &moves[i], n, to);
        } else {
            migrate_no_room(&moves[i], n);
        }
        if (ret < 0) {
            return migrate_call_failed(memory, ret, errp);
        }
    }
    return RAMINATE_EXCHANGE_OK;
}
