/*
 * RAMinate: makes guest memory stand still
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/timer.h"
#include "block/aio-wait.h"
#include "block/block.h"
#include "block/thread-pool.h"
#include "hw/raminate/mover/nested.h"
#include "hw/raminate/mover/quiesce.h"
#include "hw/virtio/vhost.h"
#include "system/cpus.h"
#include "system/iothread.h"

/* Pausing concerns the whole VM: there is one at a time. */
static bool quiesced;
static int64_t paused_at;

static void nop(void *opaque)
{
}

/*
 * Draining takes the virtqueues away from an I/O thread, but doesn't wait for
 * a handler that is in the middle of one.
 */
static int wait_for_iothread(Object *obj, void *opaque)
{
    IOThread *iothread = (IOThread *)object_dynamic_cast(obj, TYPE_IOTHREAD);

    if (iothread) {
        aio_wait_bh_oneshot(iothread_get_aio_context(iothread), nop, NULL);
    }
    return 0;
}

bool raminate_quiesce_begin(Error **errp)
{
    ThreadPoolAio *pool = aio_get_thread_pool(qemu_get_aio_context());

    if (quiesced) {
        error_setg(errp, "another batch of exchanges is under way; try again");
        return false;
    }
    if (vhost_get_max_memslots() != UINT_MAX) {
        error_setg(errp, "a vhost device accesses guest memory from outside "
                   "QEMU; start its netdev with vhost=off");
        return false;
    }

    quiesced = true;
    bdrv_drain_all_begin();
    object_child_foreach(object_get_objects_root(), wait_for_iothread, NULL);
    AIO_WAIT_WHILE_UNLOCKED(NULL, !thread_pool_is_idle(pool));

    paused_at = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    pause_all_vcpus();
    /* A vCPU may have started a request before it was paused. */
    if (!thread_pool_is_idle(pool)) {
        raminate_quiesce_end();
        error_setg(errp, "requests of devices are in flight; try again");
        return false;
    }
    if (raminate_vcpus_are_nested()) {
        raminate_quiesce_end();
        error_setg(errp, "the guest runs a guest of its own, for which KVM "
                   "holds pages; try again");
        return false;
    }
    return true;
}

uint64_t raminate_quiesce_end(void)
{
    int64_t paused;

    resume_all_vcpus();
    paused = qemu_clock_get_ns(QEMU_CLOCK_REALTIME) - paused_at;
    bdrv_drain_all_end();
    quiesced = false;
    return paused;
}
