// SPDX-License-Identifier: GPL-2.0
/*
 * RAMinate: the host's mapping of guest memory
 */
#include <linux/fs.h>
#include <linux/major.h>
#include <linux/smp.h>

#include <asm/tlbflush.h>

#include "compat.h"
#include "internal.h"

/* The minor number of /dev/mem. */
#define DEVMEM_MINOR 1

/* Whether the vma is a shared mapping of /dev/mem, and so of 4 KiB entries. */
bool raminate_vma_is_devmem(const struct vm_area_struct *vma)
{
	const vm_flags_t flags = VM_PFNMAP | VM_IO | VM_SHARED;
	struct inode *inode;

	if ((vma->vm_flags & (flags | VM_MIXEDMAP)) != flags || !vma->vm_file)
		return false;

	inode = file_inode(vma->vm_file);
	return S_ISCHR(inode->i_mode) &&
	       inode->i_rdev == MKDEV(MEM_MAJOR, DEVMEM_MINOR);
}

static int get_pte(pte_t *ptep, unsigned long hva, void *data)
{
	*(pte_t *)data = ptep_get(ptep);
	return 0;
}

static int set_pte_cb(pte_t *ptep, unsigned long hva, void *data)
{
	set_pte_at(current->mm, hva, ptep, *(pte_t *)data);
	return 0;
}

/*
 * Set an entry that was taken out under the mmap lock, which has been held
 * since: the tables are there, so that this cannot fail.
 */
void raminate_set_pte(unsigned long hva, pte_t pte)
{
	WARN_ON_ONCE(apply_to_page_range(current->mm, hva, PAGE_SIZE,
					 set_pte_cb, &pte));
}

/*
 * The memory type of a vma's frames is accounted by the frame that its first
 * page has, as one run of frames, and is given back at the first zap. So have
 * it given back while the frames still are one run. The ranges that are
 * attached keep the memory type.
 */
void raminate_untrack_memtype(struct vm_area_struct *vma)
{
	unsigned long hva = vma->vm_start;
	pte_t pte = __pte(0);

	if (!(vma->vm_flags & VM_PAT))
		return;

	apply_to_existing_page_range(vma->vm_mm, hva, PAGE_SIZE, get_pte, &pte);
	if (!pte_present(pte))
		return;
	zap_vma_ptes(vma, hva, PAGE_SIZE);
	/* It may have been written to in between. */
	raminate_set_pte(hva, pte_mkdirty(pte));
	raminate_read_again(raminate_region_of(raminate_home_of(vma, hva)));
}

static void flush_this_cpu(void *unused)
{
	__flush_tlb_all();
}

/*
 * Flush what the CPUs have cached of @mm after its entries were changed. CPUs
 * that may run it are interrupted; the new generation makes the others flush
 * when they switch to it.
 */
void raminate_flush_host_tlb(struct mm_struct *mm)
{
	/* A full barrier: entries before, the mask of CPUs after. */
	atomic64_inc_return(&mm->context.tlb_gen);
	on_each_cpu_mask(raminate_tlb_cpus(mm), flush_this_cpu, NULL, true);
}
