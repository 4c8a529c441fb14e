/*
 * RAMinate: what no policy can do better than that goes by what was written
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_SIM_BOUND_H
#define RAMINATE_SIM_BOUND_H

#include "replay.h"

/*
 * Finds a lower bound for the lines written to tiers other than the fastest,
 * by the guest and by swapping, whatever a policy knows of the future, if it
 * promotes pages only after they were written.
 * @lines: returns the bound
 * Returns: false with @error set if the recording can't be read.
 */
bool bound_find(const char *path, const TraceOptions *options,
                const RaminateLayout *layout, double *lines, GError **error);

#endif
