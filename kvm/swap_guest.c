// SPDX-License-Identifier: GPL-2.0
/*
 * RAMinate: the guest's entries for pages whose frames are exchanged
 *
 * With direct tables, an entry is put back with the page's new frame, so that
 * the guest need not fault for it. It allows what it did before: a write that
 * the dirty log has to be told of still faults. That the page was written is
 * kept for the frame, and the next write shows in the entry again. Where there
 * are shadow tables, entries are only dropped: what may be written to changes
 * there without slots_lock.
 */
#include "compat.h"
#include "mmu.h"
#include "mmu/mmu_internal.h"
#include "mmu/spte.h"
#include "mmu/tdp_iter.h"
#include "sptes.h"
#include "swap.h"

struct drop {
	struct kvm *kvm;
	struct swap_page *page;
	bool is_direct;
	bool flush;
};

static bool is_direct(struct kvm *kvm)
{
	return raminate_tdp_mmu_enabled(kvm) && !kvm_memslots_have_rmaps(kvm);
}

/* Returns: the 4 KiB entry, or NULL if there is no table with it. */
static u64 *find_spte(struct kvm_mmu_page *root, gfn_t gfn)
{
	int level = root->role.level;
	u64 *table = root->spt;
	u64 *sptep, spte;
	tdp_ptep_t child;

	for (;;) {
		sptep = table + SPTE_INDEX(gfn << PAGE_SHIFT, level);
		if (level == PG_LEVEL_4K)
			return sptep;
		spte = READ_ONCE(*sptep);
		/* Frames of /dev/mem are never mapped by larger entries. */
		if (!is_shadow_present_pte(spte) || is_large_pte(spte))
			return NULL;
		child = spte_to_child_pt(spte, level);
		table = rcu_dereference(child);
		level--;
	}
}

/* Returns: whether the guest's TLBs may have the entry. */
static bool take_spte(struct drop *drop, struct kvm_mmu_page *root, gfn_t gfn)
{
	u64 *sptep = find_spte(root, gfn);
	struct swap_page *page = drop->page;
	u64 spte;

	if (!sptep || !is_shadow_present_pte(READ_ONCE(*sptep)))
		return false;

	spte = xchg(sptep, SHADOW_NONPRESENT_VALUE);
	spte_keep_written(spte, SHADOW_NONPRESENT_VALUE);
	kvm_update_page_stats(drop->kvm, PG_LEVEL_4K, -1);

	/* One is put back; for others, as of SMM's tables, the guest faults. */
	if (!page->guest.spte && !root->role.invalid &&
	    !is_access_track_spte(spte) &&
	    spte_to_pfn(spte) == pte_pfn(page->pte))
		page->guest = (struct swap_spte) {
			.spte = spte,
			.gfn = gfn,
			.role = root->role.word,
		};
	return true;
}

static bool take_sptes(struct drop *drop, int as_id, gfn_t gfn)
{
	struct kvm_mmu_page *root;
	bool flush = false;

	rcu_read_lock();
	list_for_each_entry_rcu(root, &drop->kvm->arch.tdp_mmu_roots, link)
		if (kvm_mmu_page_as_id(root) == as_id)
			flush |= take_spte(drop, root, gfn);
	rcu_read_unlock();
	return flush;
}

static void drop_gfns(void *data, struct kvm_memory_slot *slot, gfn_t start,
		      gfn_t end)
{
	struct drop *drop = data;
	struct kvm_gfn_range range = raminate_gfn_range(slot, start, end);

	if (drop->is_direct)
		drop->flush |= take_sptes(drop, slot->as_id, start);
	else
		drop->flush |= kvm_unmap_gfn_range(drop->kvm, &range);
}

static void drop_page(struct drop *drop, struct swap_page *page)
{
	drop->page = page;
	raminate_walk_gfns(drop->kvm, page->hva, page->hva, drop_gfns, drop);
}

/*
 * Take all pages out of the guest's tables, with one flush. Faults that found
 * their frames before these were taken out of the process' tables, and have
 * not used them yet, start again.
 */
static void drop_pairs(struct swap *swap, unsigned int nr)
{
	struct kvm *kvm = swap->kvm;
	struct drop drop = { .kvm = kvm };
	struct swap_pair *pair;

	write_lock(&kvm->mmu_lock);
	drop.is_direct = is_direct(kvm);
	for (pair = swap->pairs; pair < swap->pairs + nr; pair++) {
		if (!swap_pair_is_out(pair))
			continue;
		drop_page(&drop, &pair->a);
		drop_page(&drop, &pair->b);
	}
	if (drop.flush)
		kvm_flush_remote_tlbs(kvm);
	raminate_retry_faults(kvm);
	swap->seq = kvm->mmu_invalidate_seq;
	write_unlock(&kvm->mmu_lock);
}

/*
 * Whether nobody but this VM wants to know what the process does not map any
 * more. Who listens for intervals of addresses does not count: that is for who
 * follows struct pages, and there are none here. Nobody comes in the meantime,
 * as that takes the mmap lock.
 */
static bool is_alone(const struct kvm *kvm)
{
	const struct hlist_node *node = &kvm->mmu_notifier.hlist;

	/* Subscriptions begin with the head of the list. */
	return !READ_ONCE(node->next) &&
	       READ_ONCE(node->pprev) ==
	       (void *)READ_ONCE(kvm->mm->notifier_subscriptions);
}

/* Tell all who listen that the page has gone. */
static void notify(struct kvm *kvm, struct swap_page *page, bool alone)
{
	if (alone)
		raminate_drop_caches(kvm, page->hva, page->hva + PAGE_SIZE);
	else
		zap_vma_ptes(page->vma, page->hva, PAGE_SIZE);
}

void swap_drop_guest(struct swap *swap, unsigned int nr)
{
	struct kvm *kvm = swap->kvm;
	bool alone = is_alone(kvm);
	struct swap_pair *pair;

	drop_pairs(swap, nr);
	for (pair = swap->pairs; pair < swap->pairs + nr; pair++) {
		if (!swap_pair_is_out(pair))
			continue;
		notify(kvm, &pair->a, alone);
		notify(kvm, &pair->b, alone);
	}
}

static void refill_page(struct kvm *kvm, const struct swap_page *page)
{
	const struct swap_spte *guest = &page->guest;
	struct kvm_mmu_page *root;
	u64 *sptep, spte;

	if (!guest->spte)
		return;

	spte = guest->spte & ~(SPTE_BASE_ADDR_MASK |
			       spte_written_mask(guest->spte));
	spte |= PFN_PHYS(pte_pfn(page->pte));

	list_for_each_entry_rcu(root, &kvm->arch.tdp_mmu_roots, link) {
		if (root->role.word != guest->role)
			continue;
		sptep = find_spte(root, guest->gfn);
		if (!sptep || READ_ONCE(*sptep) != SHADOW_NONPRESENT_VALUE)
			continue;
		WRITE_ONCE(*sptep, spte);
		kvm_update_page_stats(kvm, PG_LEVEL_4K, 1);
	}
}

/*
 * Put entries back for pages that have been exchanged, by the rule for faults:
 * nothing that entries depend on may have changed since they were taken out.
 */
void swap_refill_guest(struct swap *swap, unsigned int nr)
{
	struct kvm *kvm = swap->kvm;
	unsigned int i;

	write_lock(&kvm->mmu_lock);
	rcu_read_lock();
	for (i = 0; i < nr && is_direct(kvm) &&
	     !kvm->mmu_invalidate_in_progress &&
	     kvm->mmu_invalidate_seq == swap->seq; i++) {
		if (swap->args[i].result)
			continue;
		refill_page(kvm, &swap->pairs[i].a);
		refill_page(kvm, &swap->pairs[i].b);
	}
	rcu_read_unlock();
	write_unlock(&kvm->mmu_lock);
}
