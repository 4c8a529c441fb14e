/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RAMinate: what in a leaf entry of the guest's tables tells of a write
 */
#ifndef __KVM_X86_RAMINATE_SPTES_H
#define __KVM_X86_RAMINATE_SPTES_H

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
	if (!spte_ad_enabled(spte) && vcpu->arch.mmu->root_role.direct)
		spte &= ~PT_WRITABLE_MASK;
	return spte;
}

#endif
