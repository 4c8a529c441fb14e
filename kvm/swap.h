/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RAMinate: what the parts of a swap share
 */
#ifndef __KVM_X86_RAMINATE_SWAP_H
#define __KVM_X86_RAMINATE_SWAP_H

#include "internal.h"

/* Pairs between two looks at signals; who faults waits for them at most. */
#define SWAP_PIECE 32

/* An entry of the guest's that was taken out, and where it was. */
struct swap_spte {
	/* 0: there was none, or nothing is to be in its place. */
	u64 spte;
	gfn_t gfn;
	/* Of the root; there is one valid root with a role. */
	u32 role;
};

struct swap_page {
	unsigned long hva;
	struct vm_area_struct *vma;
	/* NULL unless the page is taken out. */
	struct raminate_range *range;
	/* The entry that it had. */
	pte_t pte;
	struct swap_spte guest;
};

struct swap_pair {
	struct swap_page a;
	struct swap_page b;
};

struct swap {
	struct kvm *kvm;
	bool by_hva;
	void *bounce;
	/* Why the VM is refused, or 0. */
	u32 reason;
	/* KVM's count of what makes faults start again, after ours. */
	unsigned long seq;
	struct kvm_raminate_pair args[SWAP_PIECE];
	struct swap_pair pairs[SWAP_PIECE];
};

static inline bool swap_pair_is_out(const struct swap_pair *pair)
{
	return pair->b.range;
}

/* swap_guest.c: before the exchange, and after it. */
void swap_drop_guest(struct swap *swap, unsigned int nr);
void swap_refill_guest(struct swap *swap, unsigned int nr);

#endif
