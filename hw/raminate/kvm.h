/*
 * RAMinate: the KVM extension, as far as sampler and mover share it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_KVM_H
#define HW_RAMINATE_KVM_H

#include "hw/raminate/memory.h"

/*
 * Makes the container's ranges known to the host's KVM, unless they are.
 * Called under the big lock, as is the next.
 * Returns: false with @errp set if the host has no KVM extension, or doesn't
 * let this VM use it.
 */
bool raminate_kvm_attach(const RaminateMemory *memory, Error **errp);

/*
 * Keeps drivers from the ranges, which are attached, until they are released or
 * detached: pages may have frames that are elsewhere by their mapping's offset.
 * Whoever maps ranges anew must release them first.
 * Returns: false with @errp set if a driver has claimed a part of one; then
 * none is claimed.
 */
bool raminate_kvm_claim(const RaminateMemory *memory, Error **errp);
void raminate_kvm_release(const RaminateMemory *memory);

/*
 * Gives the ranges back, so that another VM can have them, or this one as parts
 * of others.  Nobody may use the container's memory any more.
 */
void raminate_kvm_detach(const RaminateMemory *memory);

/*
 * @reason: KVM_RAMINATE_REASON_*, which attach or swap gave with EBUSY
 * Returns: what it means to a user, static.
 */
const char *raminate_kvm_reason(uint32_t reason);

/*
 * Calls one of the extension's ioctls, again and again until no signal comes
 * in between.
 * @arg: its structure; @done in it says how far a call got, so that the next
 *       one can go on there: see @resume
 * @resume: makes @arg ask for what is left
 * Returns: 0, or -errno.
 */
int raminate_kvm_call(unsigned long request, void *arg,
                      void (*resume)(void *arg));

#endif
