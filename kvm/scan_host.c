// SPDX-License-Identifier: GPL-2.0
/*
 * RAMinate: what the process' tables tell of its pages, and what is kept of
 * frames
 *
 * Tables are skipped as the guest's are; the note that is kept of each is in
 * the range that has its frames at first, since the kernel leaves no bit for
 * it. The kernel clears A of such entries too, to age memory, but only where
 * other mappings are, and we skip no table in which another mapping has a part.
 */
#include "compat.h"
#include "hooks.h"
#include "scan.h"

/* Keeps apply_to_existing_page_range() from going on to the next entry. */
#define TABLE_IS_DONE 1

struct host_walk {
	struct scan *scan;
	/* Has what was found be put back. */
	bool puts_back;
	/* The addresses walked now, and where they are in bitmaps. */
	unsigned long hva;
	unsigned long hva_end;
	unsigned long first_bit;
	/* The frame that the first of them has before any exchange. */
	kvm_pfn_t home;
	/* The region whose table is read, and whether its frames all know it. */
	u32 region;
	bool is_settled;
};

/* The bit of the page at @hva, among those that are walked now. */
static unsigned long first_bit_of(const struct host_walk *walk,
				  unsigned long hva)
{
	return walk->first_bit + PHYS_PFN(hva - walk->hva);
}

static kvm_pfn_t home_of(const struct host_walk *walk, unsigned long hva)
{
	return walk->home + PHYS_PFN(hva - walk->hva);
}

/* How many of the pages that are walked now @hva's table has from there on. */
static unsigned long nr_ptes(const struct host_walk *walk, unsigned long hva)
{
	return PHYS_PFN(pmd_addr_end(hva, walk->hva_end) - hva);
}

/*
 * Take what a page's entry and the bitmap of its range say. Bits of the bitmap
 * are cleared under slots_lock only.
 */
static void take_pte(struct host_walk *walk, pte_t *ptep, unsigned long bit)
{
	struct scan *scan = walk->scan;
	struct raminate_range *range;
	pte_t pte = ptep_get(ptep);
	kvm_pfn_t pfn;

	if (!pte_present(pte))
		return;

	pfn = pte_pfn(pte);
	range = scan_range_of(scan, pfn);
	if (!range) {
		walk->is_settled = false;
		return;
	}
	if (raminate_place_of(range, pfn) != walk->region)
		walk->is_settled = false;

	if (scan->kinds & KVM_RAMINATE_ACCESSED && pte_young(pte)) {
		clear_bit(_PAGE_BIT_ACCESSED, (unsigned long *)&ptep->pte);
		scan_set_bit(scan, bit, scan->accessed);
		scan->host_changed = true;
	}
	if (!(scan->kinds & KVM_RAMINATE_WRITTEN))
		return;
	if (test_bit(pfn - range->first, range->written)) {
		clear_bit(pfn - range->first, range->written);
		scan_set_bit(scan, bit, scan->written);
		/* A CPU may still have the entry that the bit was taken from. */
		scan->guest_changed = true;
	}
	if (pte_dirty(pte)) {
		clear_bit(_PAGE_BIT_DIRTY, (unsigned long *)&ptep->pte);
		scan_set_bit(scan, bit, scan->written);
		scan->host_changed = true;
	}
}

/* Take what the pages of one table say, from @hva on. */
static int take_ptes(pte_t *ptep, unsigned long hva, void *data)
{
	struct host_walk *walk = data;
	unsigned long bit = first_bit_of(walk, hva);
	unsigned long nr = nr_ptes(walk, hva);
	pte_t *end = ptep + nr;

	for (; ptep < end; ptep++, bit++)
		take_pte(walk, ptep, bit);
	walk->scan->nr_read += nr;
	return TABLE_IS_DONE;
}

/* Put back what was found of the pages of one table. */
static int put_back_ptes(pte_t *ptep, unsigned long hva, void *data)
{
	struct host_walk *walk = data;
	struct scan *scan = walk->scan;
	unsigned long bit = first_bit_of(walk, hva);
	pte_t *end = ptep + nr_ptes(walk, hva);
	pte_t pte;

	raminate_read_again(raminate_region_of(home_of(walk, hva)));
	for (; ptep < end; ptep++, bit++) {
		pte = ptep_get(ptep);
		if (!pte_present(pte))
			continue;
		if (test_bit(bit, scan->accessed))
			set_bit(_PAGE_BIT_ACCESSED,
				(unsigned long *)&ptep->pte);
		if (test_bit(bit, scan->written))
			__kvm_raminate_set_pfn_dirty(pte_pfn(pte));
	}
	return TABLE_IS_DONE;
}

/* Returns: the entry that points to the table with the page, or NULL. */
static pmd_t *find_table(struct mm_struct *mm, unsigned long hva)
{
	pgd_t *pgd = pgd_offset(mm, hva);
	p4d_t *p4d;
	pud_t *pud;
	pmd_t *pmd;

	if (!pgd_present(*pgd))
		return NULL;
	p4d = p4d_offset(pgd, hva);
	if (!p4d_present(*p4d))
		return NULL;
	pud = pud_offset(p4d, hva);
	if (!pud_present(*pud) || pud_leaf(*pud))
		return NULL;
	pmd = pmd_offset(pud, hva);
	return pmd_present(*pmd) && !pmd_leaf(*pmd) ? pmd : NULL;
}

/*
 * Returns: the note on a table, or NULL if there is none, as it has parts of
 * several mappings or ranges.
 */
static atomic_long_t *note_of(struct host_walk *walk, unsigned long hva,
			      unsigned long end)
{
	kvm_pfn_t home = home_of(walk, hva);
	struct raminate_range *range;

	if (end - hva != PMD_SIZE || home % RAMINATE_REGION_PAGES)
		return NULL;

	range = scan_range_of(walk->scan, home);
	if (!range || !raminate_range_has(range,
					  home + RAMINATE_REGION_PAGES - 1))
		return NULL;
	walk->region = raminate_region_of(home);
	return raminate_note(range, walk->region);
}

/*
 * The scan of a table that has a note: from @hva on.
 *
 * The note is the table's address and the kinds for which it is to be read once
 * more. One with another address tells nothing: that of an old mapping, or of
 * one of two at a time. Who keeps a bit of a frame adds to it at any time.
 */
static void scan_table(struct host_walk *walk, unsigned long hva,
		       atomic_long_t *note, pmd_t *pmd)
{
	long old = atomic_long_read(note), new = hva;
	struct scan *scan = walk->scan;
	bool is_young = pmd_young(*pmd);
	bool is_own = (old & ~RAMINATE_KINDS) == new;

	if (is_own && !is_young && !(old & scan->kinds))
		return;

	if (is_young || !is_own)
		new |= RAMINATE_KINDS;
	else
		new |= old & RAMINATE_KINDS & ~scan->kinds;
	if (!scan->is_active || !atomic_long_try_cmpxchg(note, &old, new))
		note = NULL;
	else if (is_young)
		clear_bit(_PAGE_BIT_ACCESSED, (unsigned long *)pmd);
	scan->host_changed |= note && is_young;

	walk->is_settled = true;
	apply_to_existing_page_range(scan->kvm->mm, hva, PMD_SIZE, take_ptes,
				     walk);
	if (note && !walk->is_settled)
		atomic_long_set(note, 0);
}

/*
 * Go through the process' tables with pages from @hva on, each under its lock,
 * from the first entry that is there. That takes the others as well, since a
 * call for each page would cost more than all the rest, and ends the table.
 */
static void walk_tables(struct host_walk *walk, unsigned long hva)
{
	struct mm_struct *mm = walk->scan->kvm->mm;
	pte_fn_t fn = walk->puts_back ? put_back_ptes : take_ptes;
	atomic_long_t *note;
	pmd_t *pmd = NULL;
	unsigned long end;

	for (; hva < walk->hva_end; hva = end) {
		end = pmd_addr_end(hva, walk->hva_end);
		/* Tables of one table of tables. */
		pmd = pmd && pmd_index(hva) ? pmd + 1 : find_table(mm, hva);
		if (!pmd || !pmd_present(*pmd) || pmd_leaf(*pmd)) {
			pmd = NULL;
			continue;
		}

		note = walk->puts_back ? NULL : note_of(walk, hva, end);
		if (note)
			scan_table(walk, hva, note, pmd);
		else
			apply_to_existing_page_range(mm, hva, end - hva, fn,
						     walk);
	}
}

/* The same for the pages that the process maps from /dev/mem. */
static void walk_hvas(struct host_walk *walk, unsigned long hva,
		      unsigned long nr_pages, unsigned long first_bit)
{
	unsigned long end = hva + (nr_pages << PAGE_SHIFT);
	struct mm_struct *mm = walk->scan->kvm->mm;
	unsigned long start = hva;
	struct vm_area_struct *vma;

	while (hva < end && (vma = find_vma_intersection(mm, hva, end))) {
		hva = max(hva, vma->vm_start);
		walk->hva = hva;
		walk->hva_end = min(end, vma->vm_end);
		walk->first_bit = first_bit + PHYS_PFN(hva - start);
		walk->home = raminate_home_of(vma, hva);
		if (raminate_vma_is_devmem(vma))
			walk_tables(walk, hva);
		hva = walk->hva_end;
	}
}

static void walk_slot(void *data, struct kvm_memory_slot *slot,
		      gfn_t start, gfn_t end)
{
	struct host_walk *walk = data;

	walk_hvas(walk, __gfn_to_hva_memslot(slot, start), end - start,
		  start - walk->scan->start);
}

static void walk_piece(struct host_walk *walk)
{
	struct scan *scan = walk->scan;

	mmap_read_lock(scan->kvm->mm);
	if (scan->by_hva)
		walk_hvas(walk, scan->start, scan->nr_pages, 0);
	else
		scan_walk_slots(scan, walk_slot, walk);
	mmap_read_unlock(scan->kvm->mm);
}

void scan_host(struct scan *scan)
{
	struct host_walk walk = { .scan = scan };

	walk_piece(&walk);
}

void scan_put_back(struct scan *scan)
{
	struct host_walk walk = { .scan = scan, .puts_back = true };

	walk_piece(&walk);
}
