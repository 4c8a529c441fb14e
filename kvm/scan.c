// SPDX-License-Identifier: GPL-2.0
/*
 * RAMinate: which pages were written since the last scan
 *
 * There are three places that know. The guest's table entries, by their dirty
 * bits; the host's table entries, by theirs, for writes through the process'
 * addresses; and the range's bitmap, for what the other two lost or never saw.
 * A piece of the scan first moves what the guest's entries say to the bitmap,
 * frame by frame, then walks the host's entries, which tell what frame a page
 * has now, and hands over what they and the bitmap say.
 */
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "internal.h"
#include "mmu.h"
#include "mmu/mmu_internal.h"
#include "mmu/spte.h"
#include "mmu/tdp_iter.h"
#include "sptes.h"

/*
 * Pages between two looks at signals and at who else wants to run: 32 MiB, some
 * ten thousand cycles, and a bitmap of 1 KiB.
 */
#define SCAN_PIECE 8192

/* Keeps apply_to_existing_page_range() from going on to the next entry. */
#define TABLE_IS_DONE 1

struct scan {
	struct kvm *kvm;
	bool by_hva;
	/* What is done with the process' tables, and the piece's first page. */
	pte_fn_t fn;
	u64 first_gfn;
	/* The range of the last frame that was looked up, as a guess. */
	struct raminate_range *range;
	unsigned long bitmap[BITS_TO_LONGS(SCAN_PIECE)];
	/* The host addresses walked now, and where they are in the bitmap. */
	unsigned long hva;
	unsigned long hva_end;
	unsigned long first_bit;
	u64 nr_mapped;
	bool guest_changed;
	bool host_changed;
};

static struct raminate_range *range_of(struct scan *scan, kvm_pfn_t pfn)
{
	struct raminate_range *range = scan->range;

	if (likely(range && raminate_range_has(range, pfn)))
		return range;

	range = raminate_range_of(scan->kvm, pfn);
	if (range)
		scan->range = range;
	return range;
}

/*
 * Move what one leaf entry says by the set bits of @mask to the bitmap of its
 * range. Returns: false if the entry has changed meanwhile; who takes an entry
 * away keeps its dirty bit.
 */
static bool collect_spte(struct scan *scan, u64 *sptep, u64 spte, u64 mask)
{
	kvm_pfn_t pfn = spte_to_pfn(spte);
	struct raminate_range *range;

	range = range_of(scan, pfn);
	if (!range)
		return true;

	if (!try_cmpxchg64(sptep, &spte, spte & ~mask))
		return false;

	set_bit(pfn - range->first, range->written);
	scan->guest_changed = true;
	return true;
}

/* The loop over all pages of the guest, most of which are not written. */
static void collect_sptes(struct scan *scan, u64 *sptep, unsigned long nr)
{
	unsigned long nr_mapped = 0;
	u64 *end = sptep + nr;
	u64 spte, mask;

	while (sptep < end) {
		spte = READ_ONCE(*sptep);
		if (is_shadow_present_pte(spte)) {
			mask = spte_written_mask(spte);
			if (spte & mask &&
			    !collect_spte(scan, sptep, spte, mask))
				continue;
			nr_mapped++;
		}
		sptep++;
	}
	scan->nr_mapped += nr_mapped;
}

static void collect_root(struct scan *scan, struct kvm_mmu_page *root,
			 gfn_t start, gfn_t end)
{
	struct tdp_iter iter;
	tdp_ptep_t table;
	gfn_t from, to;

	/* Frames of /dev/mem are never mapped by larger entries. */
	raminate_for_each_table(iter, scan->kvm, root, start, end) {
		if (iter.level != PG_LEVEL_2M ||
		    !is_shadow_present_pte(iter.old_spte) ||
		    is_large_pte(iter.old_spte))
			continue;

		table = spte_to_child_pt(iter.old_spte, iter.level);
		from = max(start, iter.gfn);
		to = min(end, iter.gfn + KVM_PAGES_PER_HPAGE(PG_LEVEL_2M));
		collect_sptes(scan, rcu_dereference(table) + from - iter.gfn,
			      to - from);
	}
}

static void collect_tdp(struct scan *scan, int as_id, gfn_t start, gfn_t end)
{
	struct kvm *kvm = scan->kvm;
	struct kvm_mmu_page *root;

	read_lock(&kvm->mmu_lock);
	rcu_read_lock();
	list_for_each_entry_rcu(root, &kvm->arch.tdp_mmu_roots, link)
		if (!root->role.invalid && kvm_mmu_page_as_id(root) == as_id)
			collect_root(scan, root, start, end);
	rcu_read_unlock();
	read_unlock(&kvm->mmu_lock);
}

static void collect_rmap_spte(u64 *sptep, void *data)
{
	collect_sptes(data, sptep, 1);
}

static void collect_slot(void *data, struct kvm_memory_slot *slot,
			 gfn_t start, gfn_t end)
{
	struct scan *scan = data;
	struct kvm *kvm = scan->kvm;

	if (kvm_memslots_have_rmaps(kvm)) {
		write_lock(&kvm->mmu_lock);
		kvm_mmu_walk_rmap_sptes(slot, start, end, collect_rmap_spte,
					scan);
		write_unlock(&kvm->mmu_lock);
	}

	if (raminate_tdp_mmu_enabled(kvm))
		collect_tdp(scan, slot->as_id, start, end);
}

/* The bit of the page at @hva, among those that are walked now. */
static unsigned long first_bit_of(const struct scan *scan, unsigned long hva)
{
	return scan->first_bit + PHYS_PFN(hva - scan->hva);
}

/* How many of the pages that are walked now @hva's table has from there on. */
static unsigned long nr_ptes(const struct scan *scan, unsigned long hva)
{
	return PHYS_PFN(pmd_addr_end(hva, scan->hva_end) - hva);
}

/*
 * Returns: what a page's host entry and the bitmap of its range say. Bits of
 * the bitmap are cleared under slots_lock only.
 */
static bool take_pte(struct scan *scan, pte_t *ptep)
{
	struct raminate_range *range;
	pte_t pte = ptep_get(ptep);
	unsigned long frame;
	kvm_pfn_t pfn;
	bool written;

	if (!pte_present(pte))
		return false;

	pfn = pte_pfn(pte);
	range = range_of(scan, pfn);
	if (!range)
		return false;

	frame = pfn - range->first;
	written = test_bit(frame, range->written);
	if (written)
		clear_bit(frame, range->written);
	if (pte_dirty(pte)) {
		clear_bit(_PAGE_BIT_DIRTY, (unsigned long *)&ptep->pte);
		scan->host_changed = true;
		written = true;
	}
	return written;
}

/* Hand over the pages of one table, from @hva on. */
static int take_ptes(pte_t *ptep, unsigned long hva, void *data)
{
	struct scan *scan = data;
	unsigned long bit = first_bit_of(scan, hva);
	pte_t *end = ptep + nr_ptes(scan, hva);

	for (; ptep < end; ptep++, bit++)
		if (take_pte(scan, ptep))
			__set_bit(bit, scan->bitmap);
	return TABLE_IS_DONE;
}

/* Take back the pages of one table, which could not be handed over. */
static int return_ptes(pte_t *ptep, unsigned long hva, void *data)
{
	struct scan *scan = data;
	unsigned long bit = first_bit_of(scan, hva);
	pte_t *end = ptep + nr_ptes(scan, hva);
	struct raminate_range *range;
	kvm_pfn_t pfn;

	for (; ptep < end; ptep++, bit++) {
		if (!test_bit(bit, scan->bitmap))
			continue;
		pfn = pte_pfn(ptep_get(ptep));
		range = range_of(scan, pfn);
		if (range)
			set_bit(pfn - range->first, range->written);
	}
	return TABLE_IS_DONE;
}

/*
 * Call scan->fn for each of the process' tables with pages from @hva on, under
 * the table's lock, with the first entry that is there. It takes the others as
 * well, since a call for each page would cost more than all the rest, and ends
 * the walk of the table.
 */
static void walk_tables(struct scan *scan, unsigned long hva)
{
	unsigned long end;

	for (; hva < scan->hva_end; hva = end) {
		end = pmd_addr_end(hva, scan->hva_end);
		apply_to_existing_page_range(scan->kvm->mm, hva, end - hva,
					     scan->fn, scan);
	}
}

/* The same for the pages that the process maps from /dev/mem. */
static void walk_hvas(struct scan *scan, unsigned long hva,
		      unsigned long nr_pages, unsigned long first_bit)
{
	unsigned long end = hva + (nr_pages << PAGE_SHIFT);
	struct mm_struct *mm = scan->kvm->mm;
	struct vm_area_struct *vma;

	scan->hva = hva;
	scan->first_bit = first_bit;

	while (hva < end && (vma = find_vma_intersection(mm, hva, end))) {
		hva = max(hva, vma->vm_start);
		scan->hva_end = min(end, vma->vm_end);
		if (raminate_vma_is_devmem(vma))
			walk_tables(scan, hva);
		hva = scan->hva_end;
	}
}

/* Call @fn for each slot with pages from @start to @end, in both spaces. */
static void walk_slots(struct scan *scan, gfn_t start, gfn_t end,
		       raminate_gfns_fn fn)
{
	struct kvm_memslot_iter iter;
	struct kvm_memory_slot *slot;
	int i;

	for (i = 0; i < kvm_arch_nr_memslot_as_ids(scan->kvm); i++) {
		kvm_for_each_memslot_in_gfn_range(&iter,
						  __kvm_memslots(scan->kvm, i),
						  start, end) {
			slot = iter.slot;
			fn(scan, slot, max(start, slot->base_gfn),
			   min(end, slot->base_gfn + slot->npages));
		}
	}
}

static void walk_slot(void *data, struct kvm_memory_slot *slot,
		      gfn_t start, gfn_t end)
{
	struct scan *scan = data;

	walk_hvas(scan, __gfn_to_hva_memslot(slot, start), end - start,
		  start - scan->first_gfn);
}

static void walk_piece(struct scan *scan, u64 start, unsigned long nr_pages,
		       pte_fn_t fn)
{
	scan->fn = fn;
	scan->first_gfn = start;

	mmap_read_lock(scan->kvm->mm);
	if (scan->by_hva)
		walk_hvas(scan, start, nr_pages, 0);
	else
		walk_slots(scan, start, start + nr_pages, walk_slot);
	mmap_read_unlock(scan->kvm->mm);
}

static int scan_piece(struct scan *scan, u64 start, unsigned long nr_pages,
		      u64 __user *bitmap)
{
	unsigned long words = BITS_TO_U64(nr_pages);
	struct kvm *kvm = scan->kvm;
	int ret = 0;

	if (mutex_lock_killable(&kvm->slots_lock))
		return -EINTR;

	/* It may have been detached since the last piece. */
	scan->range = NULL;
	if (scan->by_hva)
		raminate_walk_gfns(kvm, start,
				   start + (nr_pages << PAGE_SHIFT) - 1,
				   collect_slot, scan);
	else
		walk_slots(scan, start, start + nr_pages, collect_slot);

	memset(scan->bitmap, 0, words * sizeof(u64));
	walk_piece(scan, start, nr_pages, take_ptes);

	if (bitmap && copy_to_user(bitmap, scan->bitmap, words * sizeof(u64))) {
		walk_piece(scan, start, nr_pages, return_ptes);
		ret = -EFAULT;
	}

	mutex_unlock(&kvm->slots_lock);
	return ret;
}

static int scan_pieces(struct scan *scan, struct kvm_raminate_scan *args)
{
	u64 __user *bitmap = u64_to_user_ptr(args->bitmap);
	unsigned int shift = scan->by_hva ? PAGE_SHIFT : 0;
	unsigned long nr_pages;
	int ret;

	while (args->done < args->nr_pages) {
		if (signal_pending(current))
			return -EINTR;

		nr_pages = min_t(u64, args->nr_pages - args->done, SCAN_PIECE);
		ret = scan_piece(scan, args->start + (args->done << shift),
				 nr_pages,
				 bitmap ? bitmap + args->done / 64 : NULL);
		if (ret)
			return ret;

		args->done += nr_pages;
		args->nr_written += bitmap_weight(scan->bitmap, nr_pages);
		cond_resched();
	}
	return 0;
}

static bool args_valid(const struct kvm_raminate_scan *args)
{
	const u32 flags = KVM_RAMINATE_SCAN_HVA | KVM_RAMINATE_SCAN_NO_FLUSH;
	u64 last;

	if (args->flags & ~flags || args->reserved ||
	    !IS_ALIGNED(args->bitmap, sizeof(u64)) || !args->nr_pages ||
	    args->nr_pages > KVM_RAMINATE_SCAN_MAX_PAGES)
		return false;

	if (args->flags & KVM_RAMINATE_SCAN_HVA)
		return PAGE_ALIGNED(args->start) &&
		       !check_add_overflow(args->start,
					   (args->nr_pages << PAGE_SHIFT) - 1,
					   &last);
	return !check_add_overflow(args->start, args->nr_pages, &last);
}

int raminate_scan(struct kvm *kvm, struct kvm_raminate_scan *args)
{
	struct scan *scan;
	int ret;

	if (!args_valid(args))
		return -EINVAL;
	if (!raminate_has_ranges(kvm))
		return -ENODEV;

	scan = kzalloc(sizeof(*scan), GFP_KERNEL_ACCOUNT);
	if (!scan)
		return -ENOMEM;
	scan->kvm = kvm;
	scan->by_hva = args->flags & KVM_RAMINATE_SCAN_HVA;

	ret = scan_pieces(scan, args);

	if (!(args->flags & KVM_RAMINATE_SCAN_NO_FLUSH)) {
		if (scan->guest_changed)
			kvm_flush_remote_tlbs(kvm);
		if (scan->host_changed)
			raminate_flush_host_tlb(kvm->mm);
	}
	args->nr_mapped = scan->nr_mapped;
	kfree(scan);
	return ret;
}
