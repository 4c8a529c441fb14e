/*
 * RAMinate: raminate-top on a screen
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_TOP_LIVE_H
#define RAMINATE_TOP_LIVE_H

#include "rows.h"

/*
 * Runs until it is told to quit.
 * @vms: Vm; all have been refreshed once
 * @period: milliseconds
 * Returns: number of the signal that ended it, or 0.
 */
int live_run(GPtrArray *vms, unsigned period, gboolean is_utf8,
             GError **error);

#endif
