/*
 * RAMinate: makes guest memory stand still
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_QUIESCE_H
#define HW_RAMINATE_QUIESCE_H

/*
 * Waits until nothing reads or writes guest memory but the caller, and keeps
 * it so: vCPUs are paused and block I/O is drained.  The runstate doesn't
 * change.  Events of the main loop are handled while waiting, so the caller
 * must look again whether the VM still runs.  It waits for 20 ms at most,
 * then for the vCPUs, and for 20 ms at most for what these have begun
 * meanwhile.  Requests that wait for a disk's I/O limits are left
 * alone: to drain them is to lift the limits.
 *
 * Called in the main loop, under the big lock.
 *
 * Returns: false with @errp set if that can't be had at present; then nothing
 * is paused.
 */
bool raminate_quiesce_begin(Error **errp);

/* Returns: for how long the vCPUs were paused, in nanoseconds. */
uint64_t raminate_quiesce_end(void);

#endif
