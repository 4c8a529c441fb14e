/*
 * RAMinate: brings pages to where the placement says that they are
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/raminate/placer-internal.h"
#include "trace.h"

/*
 * Claims the placement.  A placer that is to end has no mover any more.
 * Returns: false if it can't be had, or there is nothing to tend.
 */
static bool claim(RaminatePlacer *placer)
{
    bool claimed;

    raminate_placer_lock(placer);
    claimed = !placer->stopping && !raminate_placer_hold_reason(placer) &&
              placer->mover && placer->mover->ops->tend &&
              raminate_placer_claim_batch(placer);
    raminate_placer_unlock(placer);
    return claimed;
}

void raminate_placer_tend(RaminatePlacer *placer)
{
    bool more = true;

    /* Piece by piece, so that whoever ends the placer need not wait. */
    while (more && claim(placer)) {
        uint32_t astray = placer->mover->ops->tend(placer->mover, &more);

        if (astray) {
            trace_raminate_astray(placer->memory->id, astray);
        }
        raminate_placer_lock(placer);
        raminate_engine_figures(placer->engine)->pages_astray += astray;
        raminate_placer_release_batch(placer);
        raminate_placer_unlock(placer);
    }
}
