// SPDX-License-Identifier: GPL-2.0
/*
 * RAMinate: what the guest's tables tell of its pages
 *
 * Where the CPU sets A, it does so in the entries of all levels on its way. An
 * entry that points to a table and has A clear tells that no CPU came through
 * since A was cleared and the TLBs were flushed, so that nothing below has
 * changed. Before the flush, a CPU may still have the entry cached, and set
 * bits below it. So each table is read once more after A was found clear.
 */
#include "compat.h"
#include "hooks.h"
#include "mmu.h"
#include "mmu/mmu_internal.h"
#include "mmu/spte.h"
#include "mmu/tdp_iter.h"
#include "scan.h"
#include "sptes.h"

/*
 * The note that a table is to be read once more: bits of the entry that points
 * to it, which CPUs ignore, and KVM uses in leaf entries alone.
 */
#define SPTE_AGAIN_WRITTEN	BIT_ULL(54)
#define SPTE_AGAIN_ACCESSED	BIT_ULL(56)
#define SPTE_AGAIN		(SPTE_AGAIN_WRITTEN | SPTE_AGAIN_ACCESSED)
static_assert(!(SPTE_AGAIN & SPTE_TDP_AD_MASK));

int kvm_raminate_kinds(void)
{
	return raminate_ad_enabled() ? RAMINATE_KINDS : KVM_RAMINATE_WRITTEN;
}

/* The pages of a slot that are walked now, and where they are in bitmaps. */
struct guest_walk {
	struct scan *scan;
	gfn_t start;
	gfn_t end;
	unsigned long first_bit;
};

/*
 * Take what one leaf entry says by the bits @hit. Returns: false if the entry
 * has changed meanwhile; who takes an entry away keeps its dirty bit.
 */
static bool take_spte(struct scan *scan, u64 *sptep, u64 spte, u64 hit,
		      unsigned long bit)
{
	if (!scan_range_of(scan, spte_to_pfn(spte)))
		return true;

	if (!try_cmpxchg64(sptep, &spte, spte & ~hit))
		return false;

	if (hit & spte_shadow_accessed_mask(spte))
		scan_set_bit(scan, bit, scan->accessed);
	if (hit & spte_written_mask(spte))
		scan_set_bit(scan, bit, scan->written);
	scan->guest_changed = true;
	return true;
}

static u64 wanted_mask(u32 kinds, u64 spte)
{
	u64 mask = 0;

	if (kinds & KVM_RAMINATE_WRITTEN)
		mask |= spte_written_mask(spte);
	if (kinds & KVM_RAMINATE_ACCESSED)
		mask |= spte_shadow_accessed_mask(spte);
	return mask;
}

/* The loop over all pages of tables that were used, most of which were not. */
static void take_sptes(struct scan *scan, u64 *sptep, unsigned long nr,
		       unsigned long bit)
{
	const u32 kinds = scan->kinds;
	unsigned long nr_mapped = 0;
	u64 *end = sptep + nr;
	u64 spte, hit;

	while (sptep < end) {
		spte = READ_ONCE(*sptep);
		if (is_shadow_present_pte(spte)) {
			hit = spte & wanted_mask(kinds, spte);
			if (hit && !take_spte(scan, sptep, spte, hit, bit))
				continue;
			nr_mapped++;
		}
		sptep++;
		bit++;
	}
	scan->nr_mapped += nr_mapped;
	scan->nr_read += nr;
}

static u64 again_mask(const struct scan *scan)
{
	u64 mask = 0;

	if (scan->kinds & KVM_RAMINATE_WRITTEN)
		mask |= SPTE_AGAIN_WRITTEN;
	if (scan->kinds & KVM_RAMINATE_ACCESSED)
		mask |= SPTE_AGAIN_ACCESSED;
	return mask;
}

/*
 * Returns: whether the table at the entry has to be read, and makes a note in
 * the entry that it is.
 * @whole: all of the table is about to be read
 */
static bool must_read(struct scan *scan, u64 *sptep, u64 spte, bool whole)
{
	u64 accessed = spte_shadow_accessed_mask(spte);
	u64 again = again_mask(scan), new;

	if (!accessed)
		return true;
	if (!(spte & (accessed | again)))
		return false;
	if (!whole || !scan->is_active)
		return true;

	/* What is not looked for now has not been read since A was set. */
	new = spte & accessed ? (spte & ~accessed) | SPTE_AGAIN : spte & ~again;
	if (try_cmpxchg64(sptep, &spte, new) && spte & accessed)
		scan->guest_changed = true;
	return true;
}

static void walk_root(struct guest_walk *walk, struct kvm_mmu_page *root)
{
	struct scan *scan = walk->scan;
	struct tdp_iter iter;
	unsigned long bit;
	tdp_ptep_t table;
	gfn_t from, to;

	/* Frames of /dev/mem are never mapped by larger entries. */
	raminate_for_each_table(iter, scan->kvm, root, walk->start, walk->end) {
		if (iter.level != PG_LEVEL_2M ||
		    !is_shadow_present_pte(iter.old_spte) ||
		    is_large_pte(iter.old_spte))
			continue;

		from = max(walk->start, iter.gfn);
		to = min(walk->end, iter.gfn + RAMINATE_REGION_PAGES);
		if (!must_read(scan, rcu_dereference(iter.sptep), iter.old_spte,
			       to - from == RAMINATE_REGION_PAGES))
			continue;

		table = spte_to_child_pt(iter.old_spte, iter.level);
		bit = walk->first_bit + from - walk->start;
		take_sptes(scan, rcu_dereference(table) + from - iter.gfn,
			   to - from, bit);
	}
}

static void walk_tdp(struct guest_walk *walk, int as_id)
{
	struct kvm *kvm = walk->scan->kvm;
	struct kvm_mmu_page *root;

	read_lock(&kvm->mmu_lock);
	rcu_read_lock();
	list_for_each_entry_rcu(root, &kvm->arch.tdp_mmu_roots, link)
		if (!root->role.invalid && kvm_mmu_page_as_id(root) == as_id)
			walk_root(walk, root);
	rcu_read_unlock();
	read_unlock(&kvm->mmu_lock);
}

static void take_rmap_spte(u64 *sptep, gfn_t gfn, void *data)
{
	struct guest_walk *walk = data;

	take_sptes(walk->scan, sptep, 1, walk->first_bit + gfn - walk->start);
}

static void walk_slot(void *data, struct kvm_memory_slot *slot,
		      gfn_t start, gfn_t end)
{
	struct scan *scan = data;
	struct kvm *kvm = scan->kvm;
	struct guest_walk walk = {
		.scan = scan,
		.start = start,
		.end = end,
		.first_bit = scan->by_hva ?
			     PHYS_PFN(__gfn_to_hva_memslot(slot, start) -
				      scan->start) :
			     start - scan->start,
	};

	/* Here, as many entries may point to a table as the guest likes. */
	if (kvm_memslots_have_rmaps(kvm)) {
		write_lock(&kvm->mmu_lock);
		kvm_mmu_walk_rmap_sptes(slot, start, end, take_rmap_spte,
					&walk);
		write_unlock(&kvm->mmu_lock);
	}

	if (raminate_tdp_mmu_enabled(kvm))
		walk_tdp(&walk, slot->as_id);
}

void scan_guest(struct scan *scan)
{
	scan_walk_slots(scan, walk_slot, scan);
}
