/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RAMinate: what in a leaf entry of the guest's tables tells of a write
 */
#ifndef __KVM_X86_RAMINATE_SPTES_H
#define __KVM_X86_RAMINATE_SPTES_H

#include "compat.h"
#include "hooks.h"
#include "mmu/spte.h"

/* The bit that is set by the first write: W where the CPU sets no D. */
static inline u64 spte_written_mask(u64 spte)
{
	return spte_shadow_dirty_mask(spte) ?: PT_WRITABLE_MASK;
}

/*
 * Make a new entry for an attached frame such that the first write shows. D is
 * for the CPU to set. Where it sets none, W has to be missing, which is safe
 * only with direct tables: there, a fault that lacks just W is mended in place.
 */
static inline u64 spte_not_written(struct kvm_vcpu *vcpu, u64 spte)
{
	u64 mask = spte_written_mask(spte);

	if (mask == PT_WRITABLE_MASK && !vcpu->arch.mmu->root_role.direct)
		return spte;
	return spte & ~mask;
}

/*
 * Keep for the next scan what the entry @old said of a write and @new, which
 * has replaced it, does not.
 */
static inline void spte_keep_written(u64 old, u64 new)
{
	if (static_branch_unlikely(&raminate_in_use) &&
	    old & spte_written_mask(old) &&
	    (!is_shadow_present_pte(new) || !(new & spte_written_mask(old))))
		__kvm_raminate_set_pfn_dirty(spte_to_pfn(old));
}

#endif
