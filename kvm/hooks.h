/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RAMinate: what the rest of KVM calls
 */
#ifndef __KVM_X86_RAMINATE_HOOKS_H
#define __KVM_X86_RAMINATE_HOOKS_H

#include <linux/jump_label.h>
#include <linux/kvm_types.h>

DECLARE_STATIC_KEY_FALSE(raminate_in_use);

bool __kvm_raminate_attached(kvm_pfn_t pfn);
void __kvm_raminate_set_pfn_dirty(kvm_pfn_t pfn);

/* Whether the frame belongs to a range that some VM has attached. */
static inline bool kvm_raminate_attached(kvm_pfn_t pfn)
{
	return static_branch_unlikely(&raminate_in_use) &&
	       __kvm_raminate_attached(pfn);
}

/*
 * Keep for the next scan that the frame was written: its dirty bit is about to
 * be lost, or KVM has written to it through a mapping of its own.
 */
static inline void kvm_raminate_set_pfn_dirty(kvm_pfn_t pfn)
{
	if (static_branch_unlikely(&raminate_in_use))
		__kvm_raminate_set_pfn_dirty(pfn);
}

/* What scans can look for: for KVM_CAP_RAMINATE_2. */
int kvm_raminate_kinds(void);
int kvm_raminate_vm_ioctl(struct kvm *kvm, unsigned int ioctl,
			  void __user *argp);
void kvm_raminate_destroy_vm(struct kvm *kvm);

#endif
