/*
 * RAMinate: guests within the guest
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_NESTED_H
#define HW_RAMINATE_NESTED_H

/*
 * Returns: whether a vCPU is within a guest of its guest.  KVM then holds some
 * of the guest's pages by their frames, as long as the vCPU stays there.
 *
 * Called under the big lock, with the vCPUs paused.
 */
bool raminate_vcpus_are_nested(void);

#endif
