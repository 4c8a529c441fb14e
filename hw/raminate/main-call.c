/*
 * RAMinate: work that a thread has done in the main loop
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/lockable.h"
#include "hw/raminate/main-call.h"

static void main_call_bh(void *opaque)
{
    RaminateMainCall *call = opaque;
    void (*func)(void *opaque);

    WITH_QEMU_LOCK_GUARD(&call->lock) {
        func = call->func;
    }
    if (!func) {
        return;
    }
    func(call->opaque);
    WITH_QEMU_LOCK_GUARD(&call->lock) {
        call->func = NULL;
        qemu_cond_signal(&call->changed);
    }
}

void raminate_main_call_init(RaminateMainCall *call)
{
    qemu_mutex_init(&call->lock);
    qemu_cond_init(&call->changed);
    /* Not from nested event loops, where others may be half-way. */
    call->bh = aio_bh_new_guarded(iohandler_get_aio_context(), main_call_bh,
                                  call, NULL);
    call->func = NULL;
    call->cancelled = false;
}

void raminate_main_call_destroy(RaminateMainCall *call)
{
    qemu_bh_delete(call->bh);
    qemu_cond_destroy(&call->changed);
    qemu_mutex_destroy(&call->lock);
}

bool raminate_main_call(RaminateMainCall *call, void (*func)(void *opaque),
                        void *opaque)
{
    QEMU_LOCK_GUARD(&call->lock);

    if (call->cancelled) {
        return false;
    }
    call->func = func;
    call->opaque = opaque;
    qemu_bh_schedule(call->bh);
    while (call->func && !call->cancelled) {
        qemu_cond_wait(&call->changed, &call->lock);
    }
    return !call->func;
}

void raminate_main_call_cancel(RaminateMainCall *call)
{
    QEMU_LOCK_GUARD(&call->lock);

    call->cancelled = true;
    qemu_cond_signal(&call->changed);
}
