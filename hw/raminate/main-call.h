/*
 * RAMinate: work that a thread has done in the main loop
 *
 * A thread that took the big lock itself could not be waited for by whoever
 * holds it.  So it asks the main loop, and the main loop may refuse.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_MAIN_CALL_H
#define HW_RAMINATE_MAIN_CALL_H

#include "qemu/main-loop.h"
#include "qemu/thread.h"

typedef struct RaminateMainCall {
    QEMUBH *bh;                     /* fixed */

    QemuMutex lock;                 /* guards what follows */
    QemuCond changed;
    void (*func)(void *opaque);     /* NULL if there is nothing to do */
    void *opaque;                   /* stays as it is while there is */
    bool cancelled;
} RaminateMainCall;

void raminate_main_call_init(RaminateMainCall *call);
void raminate_main_call_destroy(RaminateMainCall *call);

/*
 * Has @func run in the main loop, under the big lock, and waits for it.  For
 * one thread at a time, which must not hold the big lock.
 *
 * Returns: false if it was cancelled; then @func has not been run.
 */
bool raminate_main_call(RaminateMainCall *call, void (*func)(void *opaque),
                        void *opaque);

/*
 * Cancels a call that waits, and refuses those to come.  Called under the big
 * lock, not from within @func.
 */
void raminate_main_call_cancel(RaminateMainCall *call);

#endif
