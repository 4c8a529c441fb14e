/*
 * RAMinate: in place of QEMU's system/kvm.h, for a test that stands in for KVM
 *
 * To be included before all else.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_STAND_IN_KVM_H
#define RAMINATE_STAND_IN_KVM_H

/* That one is for files of one target alone. */
#define QEMU_KVM_H

typedef struct KVMState KVMState;

extern KVMState *kvm_state;

#define kvm_enabled() 1

int kvm_vm_ioctl(KVMState *s, unsigned long type, ...);
int kvm_vm_check_extension(KVMState *s, unsigned int extension);

#endif
