/*
 * RAMinate: what others call of the KVM extension, for targets without KVM
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/raminate/kvm.h"

void raminate_kvm_release(const RaminateMemory *memory)
{
}

void raminate_kvm_detach(const RaminateMemory *memory)
{
}
