/*
 * RAMinate: the placer's thread, which does what the engine says is due
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/rcu.h"
#include "qemu/timer.h"
#include "hw/raminate/placer-internal.h"
#include "system/cpu-timers.h"

/* How often to look whether what holds the placer is over. */
#define HOLD_POLL_MS 100

/* How often to look at a clock that counts instructions. */
#define ICOUNT_POLL_MS 5

/* Without the lock, which it takes when all that may take long is done. */
static bool replace_policy(RaminatePlacer *placer, const RaminatePolicyOps *ops,
                           uint32_t life_time_ms)
{
    RaminatePolicy *policy = raminate_engine_new_policy(placer->engine, ops,
                                                        life_time_ms);

    if (policy) {
        raminate_placer_lock(placer);
        raminate_engine_put_policy(placer->engine, ops, policy);
        raminate_placer_unlock(placer);
        raminate_engine_free_old_policy(placer->engine);
    }
    return policy;
}

/*
 * With the lock, which a policy is made and freed without.
 * Returns: whether the policy is the one that the settings ask for, and the
 * lock was kept.  If not, it has been replaced if it could be, and all may have
 * changed meanwhile, without a signal that would be seen.
 */
static bool open_policy(RaminatePlacer *placer)
{
    const RaminatePolicyOps *ops;
    uint32_t life_time_ms;
    Error *err = NULL;
    bool replaced;

    raminate_placer_assert_locked(placer);
    if (placer->claim == RAMINATE_CLAIM_BATCH) {
        raminate_placer_settle(placer);
        return false;
    }
    ops = raminate_settings_policy(&placer->settings);
    life_time_ms = placer->settings.engine.life_time;
    if (ops == raminate_engine_policy(placer->engine)) {
        return true;
    }
    if (!raminate_placer_begin_policy(placer)) {
        return false;
    }
    replaced = replace_policy(placer, ops, life_time_ms);
    if (raminate_placer_end_policy(placer) && !replaced &&
        ops == raminate_settings_policy(&placer->settings)) {
        error_setg(&err, "%s '%s': no memory for policy "
                   "%s, which takes %zu bytes for each page in use",
                   placer->memory->type, placer->memory->id, ops->name,
                   ops->bytes_per_page);
        raminate_placer_set_broken(placer, err);
    }
    return false;
}

/*
 * Tells the engine what a task took here and in the main loop, with all that
 * was done since the task before it.
 */
static void tell_cpu_time(RaminatePlacer *placer)
{
    uint64_t took, cpu_ns;

    raminate_placer_lock(placer);
    cpu_ns = raminate_thread_cpu_ns() + placer->main_cpu_ns;
    took = cpu_ns - placer->cpu_ns;
    placer->cpu_ns = cpu_ns;
    if (icount_enabled()) {
        /* The placer's clock is the guest's, no time of processors. */
        raminate_histogram_add(
            &raminate_engine_figures(placer->engine)->cpu_time, took);
    } else {
        raminate_engine_took(placer->engine, raminate_placer_now(placer),
                             took);
    }
    raminate_placer_unlock(placer);
}

/* With the lock.  Waits until something changes, at most for @ms. */
static void wait_for_change(RaminatePlacer *placer, int64_t ms)
{
    raminate_placer_wait(placer, &placer->changed,
                         icount_enabled() ? MIN(ms, ICOUNT_POLL_MS) : ms);
}

/*
 * With the lock.
 * Returns: what to do without it.
 */
static RaminateTask next_task(RaminatePlacer *placer)
{
    int64_t wait_ms;
    RaminateTask task;

    if (!open_policy(placer)) {
        return RAMINATE_TASK_WAIT;
    }
    task = raminate_engine_next(placer->engine, raminate_placer_now(placer),
                                &wait_ms);
    if (task == RAMINATE_TASK_WAIT) {
        wait_for_change(placer, wait_ms);
    }
    return task;
}

/* Returns: false once the thread is to end. */
static bool do_step(RaminatePlacer *placer)
{
    RaminateTask task = RAMINATE_TASK_WAIT;
    bool reopen = false;
    bool on, held;

    raminate_placer_lock(placer);
    if (placer->stopping) {
        raminate_placer_unlock(placer);
        return false;
    }
    on = raminate_placer_is_on(placer);
    held = raminate_placer_hold_reason(placer);
    raminate_placer_run_clock(placer, on && !held);
    if (placer->reopen || (!on && placer->mover) ||
        (on && !held && !placer->mover)) {
        reopen = true;
    } else if (!on || held) {
        raminate_engine_hold(placer->engine);
        wait_for_change(placer, HOLD_POLL_MS);
    } else {
        task = next_task(placer);
    }
    raminate_placer_unlock(placer);

    if (reopen) {
        raminate_placer_in_main_loop(placer, raminate_placer_reopen, placer);
    } else if (task == RAMINATE_TASK_SCAN) {
        raminate_placer_scan(placer);
    } else if (task == RAMINATE_TASK_LOOK) {
        raminate_placer_look(placer);
    } else if (task == RAMINATE_TASK_BATCH) {
        raminate_placer_batch(placer);
        raminate_placer_resize(placer);
        raminate_placer_tend(placer);
    }
    if (task != RAMINATE_TASK_WAIT) {
        tell_cpu_time(placer);
    }
    return true;
}

void raminate_placer_destroy(RaminatePlacer *placer)
{
    raminate_engine_free(placer->engine);
    raminate_sample_destroy(&placer->found);
    raminate_sample_destroy(&placer->looked);
    raminate_sample_destroy(&placer->all);
    g_free(placer->sampler_choice.reason);
    g_free(placer->mover_choice.reason);
    g_free(placer->broken_because);
    g_free(placer->held_because);
    qemu_cond_destroy(&placer->unclaimed);
    qemu_cond_destroy(&placer->changed);
    qemu_mutex_destroy(&placer->lock);
    g_free(placer);
}

void *raminate_placer_thread(void *opaque)
{
    RaminatePlacer *placer = opaque;
    bool left;

    rcu_register_thread();
    while (do_step(placer)) {
        /* Each step takes what it needs and gives it back. */
    }
    rcu_unregister_thread();
    raminate_placer_lock(placer);
    placer->ended = true;
    left = placer->left;
    qemu_cond_broadcast(&placer->unclaimed);
    raminate_placer_unlock(placer);
    if (left) {
        raminate_placer_destroy(placer);
    }
    return NULL;
}
