/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RAMinate: what differs between the kernels that there are patches for
 *
 * The code is written for Linux 6.12. Here others get what they lack.
 */
#ifndef __KVM_X86_RAMINATE_COMPAT_H
#define __KVM_X86_RAMINATE_COMPAT_H

#include <linux/iommu.h>
#include <linux/kvm_host.h>
#include <linux/mm.h>

#include "../../../../virt/kvm/kvm_mm.h"
#include "mmu.h"
#include "mmu/spte.h"

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

/* No bit has to be set for entries that map nothing. */
#define SHADOW_NONPRESENT_VALUE 0ull

static inline void raminate_retry_faults(struct kvm *kvm)
{
	kvm_mmu_invalidate_begin(kvm, 0, -1ul);
	kvm_mmu_invalidate_end(kvm, 0, -1ul);
}

static inline void raminate_drop_caches(struct kvm *kvm, unsigned long start,
					unsigned long end)
{
	gfn_to_pfn_cache_invalidate_start(kvm, start, end, true);
}

#else

#ifdef EXPORT_SYMBOL_FOR_KVM_INTERNAL
#define kvm_mmu_invalidate_begin kvm_mmu_invalidate_start
#endif

/* Have faults that found a frame and have not used it yet start again. */
static inline void raminate_retry_faults(struct kvm *kvm)
{
	kvm_mmu_invalidate_begin(kvm);
	kvm_mmu_invalidate_range_add(kvm, 0, kvm_mmu_max_gfn() + 1);
	kvm_mmu_invalidate_end(kvm);
}

/* Have frames that KVM itself found for these addresses be found anew. */
static inline void raminate_drop_caches(struct kvm *kvm, unsigned long start,
					unsigned long end)
{
	gfn_to_pfn_cache_invalidate_start(kvm, start, end);
}

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

/* Linux 7.3 exports most of KVM's own symbols by this. */
#ifdef EXPORT_SYMBOL_FOR_KVM_INTERNAL

#include "../../../../virt/kvm/vfio.h"

#define zap_vma_ptes zap_special_vma_range

/*
 * The former is not exported any more. The latter makes tables where there are
 * none, but a mapping of /dev/mem has all of them from the start.
 */
#define apply_to_existing_page_range apply_to_page_range

/* No memory type is given back before all of the mapping is gone. */
#define VM_PAT VM_NONE

#define raminate_for_each_table(iter, kvm, root, start, end) \
	for_each_tdp_pte_min_level(iter, kvm, root, PG_LEVEL_2M, start, end)

static inline bool kvm_arch_has_assigned_device(struct kvm *kvm)
{
	return kvm_vfio_has_files(kvm);
}

/*
 * Returns: the CPUs that may have entries of @mm cached and use them later
 * without a look at the generation. Those are all if the ASID is the same on
 * all, which the kernel flushes by INVLPGB, and tells no module of.
 */
static inline const struct cpumask *raminate_tlb_cpus(struct mm_struct *mm)
{
#ifdef CONFIG_BROADCAST_TLB_FLUSH
	if (cpu_feature_enabled(X86_FEATURE_INVLPGB) &&
	    READ_ONCE(mm->context.global_asid))
		return cpu_online_mask;
#endif
	return mm_cpumask(mm);
}

static inline bool raminate_ad_enabled(void)
{
	return kvm_ad_enabled;
}

static inline u64 spte_shadow_dirty_mask(u64 spte)
{
	return kvm_ad_enabled && spte_ad_enabled(spte) ? shadow_dirty_mask : 0;
}

static inline u64 spte_shadow_accessed_mask(u64 spte)
{
	return kvm_ad_enabled && spte_ad_enabled(spte) ? shadow_accessed_mask :
							 0;
}

#else

static inline const struct cpumask *raminate_tlb_cpus(struct mm_struct *mm)
{
	return mm_cpumask(mm);
}

static inline bool raminate_ad_enabled(void)
{
	return kvm_ad_enabled();
}

#define raminate_for_each_table(iter, kvm, root, start, end) \
	for_each_tdp_pte_min_level(iter, ((void)(kvm), root), PG_LEVEL_2M, \
				   start, end)

#endif

#endif
