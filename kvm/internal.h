/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RAMinate: what its own files share
 */
#ifndef __KVM_X86_RAMINATE_INTERNAL_H
#define __KVM_X86_RAMINATE_INTERNAL_H

#include <linux/ioport.h>
#include <linux/kvm_host.h>
#include <linux/mm.h>

#include "raminate.h"

/* All that a scan can look for. */
#define RAMINATE_KINDS	(KVM_RAMINATE_WRITTEN | KVM_RAMINATE_ACCESSED)

/* The pages that one table has, of the guest's and of the process' alike. */
#define RAMINATE_REGION_PAGES	PTRS_PER_PTE

/* A range of frames that belongs to one VM, until it is detached. */
struct raminate_range {
	struct list_head node;
	struct kvm *kvm;
	kvm_pfn_t first;
	unsigned long nr_frames;
	/* Write-back mapping of all frames, which also fixes their memory type. */
	void *va;
	/* The entry of /proc/iomem with our claim in it, if it has a parent. */
	struct resource iomem;
	/* One bit a frame: written, and no table entry says so any more. */
	unsigned long *written;
	/* A word for each region: see scan_host.c. */
	atomic_long_t *notes;
	/*
	 * For each region's frames, the regions of the pages that have them;
	 * NULL if each of its frames is where it was at first.
	 */
	u32 **places;
};

/* ranges.c */
int raminate_attach(struct kvm *kvm, struct kvm_raminate_attach *attach);
int raminate_detach(struct kvm *kvm, const struct kvm_raminate_attach *attach);
int raminate_claim(struct kvm *kvm, const struct kvm_raminate_attach *claim);
bool raminate_has_ranges(struct kvm *kvm);
struct raminate_range *raminate_range_of(struct kvm *kvm, kvm_pfn_t pfn);
struct raminate_range *raminate_range_at(kvm_pfn_t pfn);

static inline bool raminate_range_has(const struct raminate_range *range,
				      kvm_pfn_t pfn)
{
	return pfn - range->first < range->nr_frames;
}

static inline void *raminate_frame(const struct raminate_range *range,
				   kvm_pfn_t pfn)
{
	return range->va + ((pfn - range->first) << PAGE_SHIFT);
}

/* regions.c */
int raminate_alloc_regions(struct raminate_range *range);
void raminate_free_regions(struct raminate_range *range);
void raminate_read_again(u32 region);
int raminate_prepare_place(struct raminate_range *range, kvm_pfn_t pfn);
void raminate_set_place(struct raminate_range *range, kvm_pfn_t pfn,
			u32 region);

static inline u32 raminate_region_of(kvm_pfn_t pfn)
{
	return pfn / RAMINATE_REGION_PAGES;
}

static inline atomic_long_t *raminate_note(const struct raminate_range *range,
					   u32 region)
{
	return &range->notes[region - raminate_region_of(range->first)];
}

static inline u32 **raminate_places(const struct raminate_range *range,
				    kvm_pfn_t pfn)
{
	return &range->places[raminate_region_of(pfn) -
			      raminate_region_of(range->first)];
}

/* Returns: the region of the page that has the frame. */
static inline u32 raminate_place_of(const struct raminate_range *range,
				    kvm_pfn_t pfn)
{
	const u32 *places = READ_ONCE(*raminate_places(range, pfn));

	return places ? READ_ONCE(places[pfn % RAMINATE_REGION_PAGES]) :
			raminate_region_of(pfn);
}

/* slots.c */
typedef void (*raminate_gfns_fn)(void *data, struct kvm_memory_slot *slot,
				 gfn_t start, gfn_t end);
void raminate_walk_gfns(struct kvm *kvm, unsigned long start,
			unsigned long last, raminate_gfns_fn fn, void *data);

/* host.c */
bool raminate_vma_is_devmem(const struct vm_area_struct *vma);
void raminate_set_pte(unsigned long hva, pte_t pte);
void raminate_untrack_memtype(struct vm_area_struct *vma);
void raminate_flush_host_tlb(struct mm_struct *mm);

/* Returns: the frame that a page of /dev/mem has before any exchange. */
static inline kvm_pfn_t raminate_home_of(const struct vm_area_struct *vma,
					 unsigned long hva)
{
	return vma->vm_pgoff + PHYS_PFN(hva - vma->vm_start);
}

/* refuse.c */
u32 raminate_check_encrypted(struct kvm *kvm);
u32 raminate_check_host(void);
u32 raminate_check_held(struct kvm *kvm);
int raminate_refuse(u32 reason, bool has_field, u32 *field);

/* scan.c, swap.c */
int raminate_scan(struct kvm *kvm, struct kvm_raminate_scan *scan);
int raminate_find(struct kvm *kvm, struct kvm_raminate_find *find);
int raminate_swap(struct kvm *kvm, struct kvm_raminate_swap *swap);

#endif
