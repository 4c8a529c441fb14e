/*
 * RAMinate: the placer's clock, its lock, and what holds it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/timer.h"
#include "hw/raminate/placer-internal.h"
#include "migration/misc.h"
#include "system/cpu-timers.h"
#include "trace.h"

/* The lock */

void raminate_placer_lock(RaminatePlacer *placer)
{
    qemu_mutex_lock(&placer->lock);
    placer->locked_by = qemu_get_thread_id();
}

void raminate_placer_unlock(RaminatePlacer *placer)
{
    raminate_placer_assert_locked(placer);
    placer->locked_by = 0;
    qemu_mutex_unlock(&placer->lock);
}

void raminate_placer_assert_locked(const RaminatePlacer *placer)
{
    assert(placer->locked_by == qemu_get_thread_id());
}

void raminate_placer_wait(RaminatePlacer *placer, QemuCond *cond, int64_t ms)
{
    raminate_placer_assert_locked(placer);
    placer->locked_by = 0;
    if (ms < 0) {
        qemu_cond_wait(cond, &placer->lock);
    } else {
        qemu_cond_timedwait(cond, &placer->lock, MAX(ms, 1));
    }
    placer->locked_by = qemu_get_thread_id();
}

/* The clock */

/*
 * The host's time; with -icount, the guest's, so that the same instructions
 * come between two scans however fast they are emulated.
 */
static int64_t clock_ms(void)
{
    return qemu_clock_get_ms(icount_enabled() ? QEMU_CLOCK_VIRTUAL
                                              : QEMU_CLOCK_REALTIME);
}

int64_t raminate_placer_now(const RaminatePlacer *placer)
{
    raminate_placer_assert_locked(placer);
    return placer->clock_runs ? clock_ms() - placer->clock_ms
                              : placer->clock_ms;
}

void raminate_placer_run_clock(RaminatePlacer *placer, bool run)
{
    raminate_placer_assert_locked(placer);
    if (placer->clock_runs != run) {
        placer->clock_ms = clock_ms() - placer->clock_ms;
        placer->clock_runs = run;
    }
}

/* What holds the placer */

bool raminate_placer_is_on(const RaminatePlacer *placer)
{
    raminate_placer_assert_locked(placer);
    return placer->settings.monitor && placer->memory->nr_tiers > 1;
}

const char *raminate_placer_hold_reason(const RaminatePlacer *placer)
{
    raminate_placer_assert_locked(placer);
    if (!placer->vm_running) {
        return "the VM is not running";
    }
    if (migration_is_running() || migration_in_incoming_postcopy()) {
        return "a migration is in progress";
    }
    return placer->broken_because;
}

RaminateState raminate_placer_state(const RaminatePlacer *placer)
{
    if (!host_memory_backend_is_mapped(placer->memory->backend)) {
        return RAMINATE_STATE_UNUSED;
    }
    if (!raminate_placer_is_on(placer)) {
        return RAMINATE_STATE_OFF;
    }
    if (!placer->vm_started) {
        return RAMINATE_STATE_WAITING;
    }
    return placer->held_because || raminate_placer_hold_reason(placer)
           ? RAMINATE_STATE_HELD : RAMINATE_STATE_RUNNING;
}

void raminate_placer_set_held(RaminatePlacer *placer, const char *reason)
{
    raminate_placer_assert_locked(placer);
    if (g_strcmp0(placer->held_because, reason) != 0) {
        trace_raminate_held(placer->memory->id, reason ? reason : "");
        g_free(placer->held_because);
        placer->held_because = g_strdup(reason);
    }
}

void raminate_placer_set_broken(RaminatePlacer *placer, Error *err)
{
    raminate_placer_assert_locked(placer);
    g_free(placer->broken_because);
    placer->broken_because = g_strdup(error_get_pretty(err));
    error_free(err);
}

GByteArray *raminate_placer_new_entries(RaminatePlacer *placer)
{
    bool is_recording;

    raminate_placer_lock(placer);
    is_recording = placer->recording;
    raminate_placer_unlock(placer);
    return is_recording ? g_byte_array_new() : NULL;
}

bool raminate_placer_may_go_on(RaminatePlacer *placer)
{
    bool may;

    raminate_placer_lock(placer);
    may = !placer->stopping && !raminate_placer_hold_reason(placer);
    raminate_placer_unlock(placer);
    return may;
}
