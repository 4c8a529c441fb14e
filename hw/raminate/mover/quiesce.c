/*
 * RAMinate: makes guest memory stand still
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/lockable.h"
#include "qemu/thread.h"
#include "qemu/timer.h"
#include "block/aio-wait.h"
#include "block/block.h"
#include "block/thread-pool.h"
#include "block/throttle-groups.h"
#include "hw/raminate/mover/nested.h"
#include "hw/raminate/mover/quiesce.h"
#include "hw/virtio/vhost.h"
#include "system/block-backend.h"
#include "system/cpus.h"
#include "system/iothread.h"

/* Storage that does not answer must not hold the main loop for longer. */
#define WAIT_MS 20

/* Pausing concerns the whole VM: there is one at a time. */
static bool quiesced;
static int64_t paused_at;

/*
 * I/O threads that were asked to answer and have not yet.  Atomic.  Whoever
 * gave up waiting leaves it to them to answer at some time.
 */
static unsigned silent_iothreads;

static void iothread_answers(void *opaque)
{
    qatomic_dec(&silent_iothreads);
    aio_wait_kick();
}

/* Has I/O threads stand still once they have answered. */
static QemuMutex still_lock;
static QemuCond still_changed;
static bool stand_still;

static void __attribute__((constructor)) init_still(void)
{
    qemu_mutex_init(&still_lock);
    qemu_cond_init(&still_changed);
}

static void iothread_stands_still(void *opaque)
{
    iothread_answers(opaque);
    QEMU_LOCK_GUARD(&still_lock);
    qemu_cond_broadcast(&still_changed);
    while (stand_still) {
        qemu_cond_wait(&still_changed, &still_lock);
    }
}

/* @opaque: what it is to do, a QEMUBHFunc */
static int ask_iothread(Object *obj, void *opaque)
{
    IOThread *iothread = (IOThread *)object_dynamic_cast(obj, TYPE_IOTHREAD);

    if (iothread) {
        qatomic_inc(&silent_iothreads);
        aio_bh_schedule_oneshot(iothread_get_aio_context(iothread),
                                opaque, NULL);
    }
    return 0;
}

static void ask_iothreads(QEMUBHFunc *what)
{
    object_child_foreach(object_get_objects_root(), ask_iothread, what);
}

/*
 * With the vCPUs paused.  A device that has no disk is not drained, nor is one
 * whose drive is empty: an I/O thread may still find requests to answer.
 * Returns: whether all of them stand still, until let_iothreads_go().
 */
static bool stop_iothreads(void)
{
    int64_t deadline = qemu_clock_get_ms(QEMU_CLOCK_REALTIME) + WAIT_MS;

    QEMU_LOCK_GUARD(&still_lock);
    stand_still = true;
    ask_iothreads(iothread_stands_still);
    while (qatomic_read(&silent_iothreads)) {
        int64_t left = deadline - qemu_clock_get_ms(QEMU_CLOCK_REALTIME);

        if (left <= 0) {
            return false;
        }
        qemu_cond_timedwait(&still_changed, &still_lock, left);
    }
    return true;
}

static void let_iothreads_go(void)
{
    QEMU_LOCK_GUARD(&still_lock);
    stand_still = false;
    qemu_cond_broadcast(&still_changed);
}

/* Returns: what may use guest memory, NULL if nothing does. */
static const char *busy_with(ThreadPoolAio *pool)
{
    if (qatomic_read(&silent_iothreads)) {
        return "an I/O thread is busy: it has not answered";
    }
    if (bdrv_drain_all_poll()) {
        return "block I/O is in flight: requests of a disk have not ended";
    }
    if (!thread_pool_is_idle(pool)) {
        return "requests of devices are in flight: they have not ended";
    }
    return NULL;
}

static void nop(void *opaque)
{
}

/*
 * Waits for all that may use guest memory, but not for long, with block I/O
 * drained.
 * Returns: false with @errp set if it took too long.
 */
static bool wait_until_idle(ThreadPoolAio *pool, Error **errp)
{
    int64_t deadline = qemu_clock_get_ms(QEMU_CLOCK_REALTIME) + WAIT_MS;
    /* Ends the wait if nothing else does. */
    QEMUTimer *alarm = aio_timer_new(qemu_get_aio_context(),
                                     QEMU_CLOCK_REALTIME, SCALE_MS, nop, NULL);
    const char *busy;

    timer_mod(alarm, deadline);
    AIO_WAIT_WHILE_UNLOCKED(NULL, (busy = busy_with(pool)) &&
                            qemu_clock_get_ms(QEMU_CLOCK_REALTIME) < deadline);
    timer_free(alarm);
    if (busy) {
        error_setg(errp, "%s within %d ms; later batches try again", busy,
                   WAIT_MS);
    }
    return !busy;
}

/*
 * A device that is drained has its requests wait for the end of that.
 * Returns: the disks of devices, each with a reference; requests to these don't
 * wait from here on.
 */
static GPtrArray *let_requests_pass(void)
{
    GPtrArray *disks =
        g_ptr_array_new_with_free_func((GDestroyNotify)blk_unref);

    for (BlockBackend *disk = blk_all_next(NULL); disk;
         disk = blk_all_next(disk)) {
        if (blk_get_attached_dev(disk)) {
            blk_ref(disk);
            blk_set_disable_request_queuing(disk, true);
            g_ptr_array_add(disks, disk);
        }
    }
    return disks;
}

static void have_requests_wait(void *disk, void *opaque)
{
    blk_set_disable_request_queuing(disk, false);
}

/*
 * With block I/O drained.  A vCPU that accesses flash memory or an SD card has
 * the big lock until its request has ended (blk_pwrite(), as in pflash_update()
 * of QEMU 10.0).  Had the request to wait for us, who wait for the vCPU,
 * neither would go on.
 */
static void pause_vcpus(void)
{
    GPtrArray *disks = let_requests_pass();

    pause_all_vcpus();
    g_ptr_array_foreach(disks, have_requests_wait, NULL);
    g_ptr_array_free(disks, true);
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
                   "QEMU; start a netdev with vhost=off, and unplug vhost-vsock "
                   "and vhost-scsi");
        return false;
    }
    if (qatomic_read(&silent_iothreads)) {
        error_setg(errp, "an I/O thread is busy: it has not answered since "
                   "the last batch; later batches try again");
        return false;
    }
    if (throttle_groups_have_pending_reqs()) {
        error_setg(errp, "requests of a disk wait for its I/O limits, which "
                   "a batch would lift; later batches try again");
        return false;
    }

    quiesced = true;
    bdrv_drain_all_begin_nopoll();
    /*
     * Draining takes the virtqueues of disks away from an I/O thread, but
     * doesn't wait for a handler that is in the middle of one.
     */
    ask_iothreads(iothread_answers);
    if (!wait_until_idle(pool, errp)) {
        bdrv_drain_all_end();
        quiesced = false;
        return false;
    }

    paused_at = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    pause_vcpus();
    /* A vCPU may have started a request before it was paused. */
    if (!wait_until_idle(pool, errp)) {
        raminate_quiesce_end();
        return false;
    }
    if (!stop_iothreads()) {
        raminate_quiesce_end();
        error_setg(errp, "an I/O thread is busy: it has not answered within "
                   "%d ms; later batches try again", WAIT_MS);
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
    let_iothreads_go();
    bdrv_drain_all_end();
    quiesced = false;
    return paused;
}
