/*
 * RAMinate: who has claimed the placement and the policy
 *
 * A batch changes the placement; a policy reads it while it deals with a sample
 * or plans, which may take long where a guest writes to much of its memory.
 * Neither is done under the lock, so that the main loop never waits for them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "hw/raminate/placer-internal.h"

/* For how long the main loop waits for others to be done, if it wants that */
#define CLAIM_WAIT_MS 20

static void release(RaminatePlacer *placer)
{
    raminate_placer_assert_locked(placer);
    placer->claim = RAMINATE_CLAIM_NONE;
    qemu_cond_broadcast(&placer->unclaimed);
}

void raminate_placer_settle(RaminatePlacer *placer)
{
    while (placer->claim == RAMINATE_CLAIM_BATCH) {
        raminate_placer_wait(placer, &placer->unclaimed, -1);
    }
}

bool raminate_placer_begin_policy(RaminatePlacer *placer)
{
    raminate_placer_settle(placer);
    if (placer->stopping) {
        return false;
    }
    placer->claim = RAMINATE_CLAIM_POLICY;
    raminate_engine_begin_policy(placer->engine);
    raminate_placer_unlock(placer);
    return true;
}

bool raminate_placer_end_policy(RaminatePlacer *placer)
{
    raminate_placer_lock(placer);
    raminate_engine_end_policy(placer->engine);
    release(placer);
    return !placer->stopping;
}

bool raminate_placer_wait_policy(RaminatePlacer *placer)
{
    int64_t end = qemu_clock_get_ms(QEMU_CLOCK_REALTIME) + CLAIM_WAIT_MS;
    int64_t left = CLAIM_WAIT_MS;

    while (placer->claim == RAMINATE_CLAIM_POLICY && left > 0) {
        raminate_placer_wait(placer, &placer->unclaimed, left);
        left = end - qemu_clock_get_ms(QEMU_CLOCK_REALTIME);
    }
    return placer->claim != RAMINATE_CLAIM_POLICY;
}

bool raminate_placer_claim_batch(RaminatePlacer *placer)
{
    if (!raminate_placer_wait_policy(placer) ||
        placer->claim != RAMINATE_CLAIM_NONE) {
        return false;
    }
    placer->claim = RAMINATE_CLAIM_BATCH;
    raminate_engine_begin_policy(placer->engine);
    return true;
}

void raminate_placer_release_batch(RaminatePlacer *placer)
{
    raminate_engine_end_policy(placer->engine);
    release(placer);
}
