/*
 * RAMinate: raminate-top on a screen
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_TOP_LIVE_H
#define RAMINATE_TOP_LIVE_H

#include "rows.h"
#include "session.h"

typedef struct LiveOptions {
    char *const *patterns;      /* of the VMs' sockets */
    unsigned period;            /* milliseconds, as is the next */
    unsigned timeout;           /* for each answer of a VM */
    gboolean is_utf8;
    SessionWriter *record;      /* what is seen goes there; NULL for nowhere */
    SessionReader *replay;      /* what is shown, in place of VMs, or NULL */
} LiveOptions;

/*
 * Runs until it is told to quit.
 * @vms: Vm; all have been refreshed once.  VMs that come later are added,
 *       and those that have ended are removed when their sockets are.
 * Returns: number of the signal that ended it, or 0.
 */
int live_run(GPtrArray *vms, const LiveOptions *options, GError **error);

#endif
