/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RAMinate: what differs between the kernels that there are patches for
 *
 * The code is written for Linux 6.12. Here Linux 6.1 gets what it lacks.
 */
#ifndef __KVM_X86_RAMINATE_COMPAT_H
#define __KVM_X86_RAMINATE_COMPAT_H

#include <linux/iommu.h>
#include <linux/kvm_host.h>
#include <linux/mm.h>

#include "mmu.h"

/* Linux 6.1 has a constant where 6.12 has kvm_arch_nr_memslot_as_ids(). */
#ifdef KVM_ADDRESS_SPACE_NUM

#define kvm_x86_call(func) static_call(kvm_x86_##func)

/* There are no shadow stacks, which need a second dirty bit. */
#define _PAGE_DIRTY_BITS _PAGE_DIRTY

static inline int kvm_arch_nr_memslot_as_ids(struct kvm *kvm)
{
	return KVM_ADDRESS_SPACE_NUM;
}

/* All faults take the mmap lock. */
static inline void vma_start_write(struct vm_area_struct *vma)
{
}

static inline bool mm_valid_pasid(struct mm_struct *mm)
{
#ifdef CONFIG_IOMMU_SVA
	return pasid_valid(mm->pasid);
#else
	return false;
#endif
}

static inline bool raminate_tdp_mmu_enabled(struct kvm *kvm)
{
	return is_tdp_mmu_enabled(kvm);
}

/* There is no other type of VM. */
static inline bool raminate_is_default_vm(struct kvm *kvm)
{
	return true;
}

static inline struct kvm_gfn_range
raminate_gfn_range(struct kvm_memory_slot *slot, gfn_t start, gfn_t end)
{
	return (struct kvm_gfn_range) {
		.slot = slot,
		.start = start,
		.end = end,
	};
}

#else

static inline bool raminate_tdp_mmu_enabled(struct kvm *kvm)
{
	return tdp_mmu_enabled;
}

static inline bool raminate_is_default_vm(struct kvm *kvm)
{
	return kvm->arch.vm_type == KVM_X86_DEFAULT_VM;
}

static inline struct kvm_gfn_range
raminate_gfn_range(struct kvm_memory_slot *slot, gfn_t start, gfn_t end)
{
	return (struct kvm_gfn_range) {
		.slot = slot,
		.start = start,
		.end = end,
		.attr_filter = KVM_FILTER_SHARED,
	};
}

#endif

#endif
