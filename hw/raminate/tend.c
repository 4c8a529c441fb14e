/*
 * RAMinate: brings pages to where the placement says that they are
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/raminate/placer-internal.h"
#include "trace.h"

void raminate_placer_tend(RaminatePlacer *placer)
{
    RaminateMover *mover = placer->mover;
    uint32_t astray;
    bool claimed;

    if (!mover || !mover->ops->tend) {
        return;
    }
    raminate_placer_lock(placer);
    claimed = !placer->stopping && !raminate_placer_hold_reason(placer) &&
              raminate_placer_claim_batch(placer);
    raminate_placer_unlock(placer);
    if (!claimed) {
        return;
    }
    astray = mover->ops->tend(mover);
    if (astray) {
        trace_raminate_astray(placer->memory->id, astray);
    }
    raminate_placer_lock(placer);
    raminate_engine_figures(placer->engine)->pages_astray += astray;
    raminate_placer_release_batch(placer);
    raminate_placer_unlock(placer);
}
