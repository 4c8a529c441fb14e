// SPDX-License-Identifier: GPL-2.0
/*
 * RAMinate: exchange the frames of pages while the VM runs
 *
 * A piece of the work is done under slots_lock and the mmap lock. First, all
 * its pages are taken out of the host's and the guest's tables. From then on
 * nobody but us reaches their frames, and who faults waits for the mmap lock.
 * Then contents are exchanged, and each page gets the other one's frame, in the
 * guest's tables too.
 */
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "swap.h"

/* What may differ between the entries of two pages. */
#define PTE_STATE (_PAGE_ACCESSED | _PAGE_DIRTY_BITS | _PAGE_SOFT_DIRTY)

/* Where the page is in the process; its memory has to be a slot's by gfn. */
static int find_hva(struct swap *swap, u64 nr, unsigned long *hva)
{
	struct kvm_memory_slot *slot;

	if (swap->by_hva) {
		*hva = nr;
		return PAGE_ALIGNED(nr) ? 0 : -EINVAL;
	}

	slot = gfn_to_memslot(swap->kvm, nr);
	if (!slot || slot->flags & KVM_MEMSLOT_INVALID)
		return -ENOENT;
	if (slot->flags & KVM_MEM_READONLY)
		return -EROFS;
	*hva = __gfn_to_hva_memslot(slot, nr);
	return 0;
}

struct take_out {
	struct kvm *kvm;
	struct swap_page *page;
};

static int take_out_pte(pte_t *ptep, unsigned long hva, void *data)
{
	struct take_out *take = data;
	struct raminate_range *range;
	pte_t pte = ptep_get(ptep);

	if (!pte_present(pte))
		return -ENOENT;
	if (!pte_special(pte))
		return -EOPNOTSUPP;
	if (!pte_write(pte))
		return -EROFS;

	range = raminate_range_of(take->kvm, pte_pfn(pte));
	if (!range)
		return -EACCES;

	take->page->range = range;
	take->page->pte = ptep_get_and_clear(current->mm, hva, ptep);
	return 0;
}

/* Take the page out of the host's tables, if its frame is this VM's. */
static int take_out(struct kvm *kvm, struct swap_page *page)
{
	struct vm_area_struct *vma = vma_lookup(current->mm, page->hva);
	struct take_out take = { .kvm = kvm, .page = page };
	int ret;

	if (!vma)
		return -ENOENT;
	if (!raminate_vma_is_devmem(vma) || !(vma->vm_flags & VM_DONTCOPY))
		return -EOPNOTSUPP;
	if (!(vma->vm_flags & VM_WRITE))
		return -EROFS;

	/* Without this, faults by the vma's own lock would see no entry. */
	vma_start_write(vma);
	raminate_untrack_memtype(vma);

	page->vma = vma;
	ret = apply_to_existing_page_range(current->mm, page->hva, PAGE_SIZE,
					   take_out_pte, &take);
	if (ret)
		return ret;
	return page->range ? 0 : -ENOENT;
}

static void put_back(struct swap_page *page)
{
	if (page->range)
		raminate_set_pte(page->hva, page->pte);
	page->range = NULL;
}

static int prepare_place(const struct swap_page *page)
{
	return raminate_prepare_place(page->range, pte_pfn(page->pte));
}

static int take_out_pair(struct swap *swap, struct swap_pair *pair,
			 const struct kvm_raminate_pair *arg)
{
	struct swap_page *a = &pair->a, *b = &pair->b;
	int ret;

	*pair = (struct swap_pair) {};

	ret = find_hva(swap, arg->a, &a->hva) ?:
	      find_hva(swap, arg->b, &b->hva);
	if (ret)
		return ret;
	if (a->hva == b->hva)
		return -EINVAL;

	ret = take_out(swap->kvm, a) ?: take_out(swap->kvm, b);
	if (!ret && (pte_flags(a->pte) ^ pte_flags(b->pte)) & ~PTE_STATE)
		ret = -EOPNOTSUPP;
	if (!ret)
		ret = prepare_place(a) ?: prepare_place(b);
	if (ret) {
		put_back(a);
		put_back(b);
	}
	return ret;
}

/* Whether an earlier pair of the piece has taken out a page of @pair. */
static bool overlaps_earlier(const struct swap *swap,
			     const struct swap_pair *pair)
{
	unsigned long a = pair->a.hva, b = pair->b.hva;
	const struct swap_pair *p;

	for (p = swap->pairs; p < pair; p++)
		if (swap_pair_is_out(p) &&
		    (p->a.hva == a || p->a.hva == b ||
		     p->b.hva == a || p->b.hva == b))
			return true;
	return false;
}

/*
 * Returns: the pairs reached; a page can be out only once at a time, and there
 * may be no memory for more.
 */
static unsigned int take_out_pairs(struct swap *swap, unsigned int nr)
{
	unsigned int i;
	int ret;

	for (i = 0; i < nr; i++) {
		ret = take_out_pair(swap, &swap->pairs[i], &swap->args[i]);
		if (ret == -ENOMEM ||
		    (ret == -ENOENT && overlaps_earlier(swap, &swap->pairs[i])))
			break;
		swap->args[i].result = ret;
	}
	return i;
}

static void *content(const struct swap_page *page)
{
	return raminate_frame(page->range, pte_pfn(page->pte));
}

static int exchange_contents(void *a, void *b, void *bounce, u32 *failed)
{
	if (copy_mc_to_kernel(bounce, a, PAGE_SIZE)) {
		*failed = KVM_RAMINATE_SWAP_FAILED_A;
		return -EHWPOISON;
	}
	if (copy_mc_to_kernel(a, b, PAGE_SIZE)) {
		memcpy(a, bounce, PAGE_SIZE);
		*failed = KVM_RAMINATE_SWAP_FAILED_B;
		return -EHWPOISON;
	}
	memcpy(b, bounce, PAGE_SIZE);
	return 0;
}

/* Returns: whether the page was written since it was scanned; forgets it. */
static bool take_written(struct swap_page *page)
{
	bool dirty = pte_dirty(page->pte);

	page->pte = pte_mkclean(page->pte);
	return test_and_clear_bit(pte_pfn(page->pte) - page->range->first,
				  page->range->written) || dirty;
}

static void give_written(const struct swap_page *page, bool written)
{
	if (written)
		set_bit(pte_pfn(page->pte) - page->range->first,
			page->range->written);
}

/* Have scans find the page by the frame that it has now. */
static void set_place(const struct swap_page *page)
{
	kvm_pfn_t home = raminate_home_of(page->vma, page->hva);

	raminate_set_place(page->range, pte_pfn(page->pte),
			   raminate_region_of(home));
}

/* Let each page have the other one's frame. */
static void exchange_frames(struct swap_page *a, struct swap_page *b)
{
	bool a_written = take_written(a), b_written = take_written(b);
	pte_t pte = a->pte;

	a->pte = pfn_pte(pte_pfn(b->pte), pte_pgprot(a->pte));
	b->pte = pfn_pte(pte_pfn(pte), pte_pgprot(b->pte));
	swap(a->range, b->range);

	set_place(a);
	set_place(b);
	give_written(a, a_written);
	give_written(b, b_written);
}

static int exchange_pair(struct swap *swap, struct swap_pair *pair,
			 u32 *failed)
{
	int ret;

	ret = exchange_contents(content(&pair->a), content(&pair->b),
				swap->bounce, failed);
	if (!ret)
		exchange_frames(&pair->a, &pair->b);

	put_back(&pair->a);
	put_back(&pair->b);
	return ret;
}

/* Returns: the pairs reached, or an errno. */
static int swap_pairs(struct swap *swap, unsigned int nr)
{
	unsigned int i;

	nr = take_out_pairs(swap, nr);
	if (!nr)
		return -ENOMEM;
	raminate_flush_host_tlb(current->mm);
	swap_drop_guest(swap, nr);

	for (i = 0; i < nr; i++)
		if (swap_pair_is_out(&swap->pairs[i]))
			swap->args[i].result =
				exchange_pair(swap, &swap->pairs[i],
					      &swap->args[i].failed);
	swap_refill_guest(swap, nr);
	return nr;
}

/* Returns: the pairs reached, or an errno. */
static int swap_locked(struct swap *swap, unsigned int nr)
{
	struct kvm *kvm = swap->kvm;
	int ret;

	if (mutex_lock_killable(&kvm->slots_lock))
		return -EINTR;
	if (mmap_write_lock_killable(kvm->mm)) {
		ret = -EINTR;
		goto out;
	}

	swap->reason = raminate_check_held(kvm);
	ret = swap->reason ? -EBUSY : swap_pairs(swap, nr);

	mmap_write_unlock(kvm->mm);
out:
	mutex_unlock(&kvm->slots_lock);
	return ret;
}

static int swap_piece(struct swap *swap, struct kvm_raminate_swap *args)
{
	struct kvm_raminate_pair __user *upairs = u64_to_user_ptr(args->pairs);
	unsigned int nr = min_t(u32, args->nr_pairs - args->done, SWAP_PIECE);
	int reached, i;

	upairs += args->done;
	if (copy_from_user(swap->args, upairs, nr * sizeof(*upairs)))
		return -EFAULT;

	/* That results can be written has to be known before the exchange. */
	for (i = 0; i < nr; i++)
		swap->args[i].result = KVM_RAMINATE_SWAP_PENDING;
	if (copy_to_user(upairs, swap->args, nr * sizeof(*upairs)))
		return -EFAULT;

	reached = swap_locked(swap, nr);
	if (reached < 0)
		return reached;

	args->done += reached;
	for (i = 0; i < reached; i++)
		args->swapped += !swap->args[i].result;
	if (copy_to_user(upairs, swap->args, reached * sizeof(*upairs)))
		return -EFAULT;
	return 0;
}

static int swap_pieces(struct swap *swap, struct kvm_raminate_swap *args)
{
	int ret;

	while (args->done < args->nr_pairs) {
		if (signal_pending(current))
			return -EINTR;
		ret = swap_piece(swap, args);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

static bool args_valid(const struct kvm_raminate_swap *args)
{
	const u32 flags = KVM_RAMINATE_SWAP_HVA | KVM_RAMINATE_SWAP_REASON;

	return !(args->flags & ~flags) && !args->reserved &&
	       (!args->reason || args->flags & KVM_RAMINATE_SWAP_REASON);
}

int raminate_swap(struct kvm *kvm, struct kvm_raminate_swap *args)
{
	bool has_reason = args->flags & KVM_RAMINATE_SWAP_REASON;
	struct swap *swap;
	int ret;

	if (!args_valid(args))
		return -EINVAL;
	args->reason = 0;
	if (!raminate_has_ranges(kvm))
		return -ENODEV;
	ret = raminate_refuse(raminate_check_encrypted(kvm), has_reason,
			      &args->reason);
	if (ret)
		return ret;

	swap = kzalloc(sizeof(*swap), GFP_KERNEL_ACCOUNT);
	if (!swap)
		return -ENOMEM;
	swap->bounce = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (swap->bounce) {
		swap->kvm = kvm;
		swap->by_hva = args->flags & KVM_RAMINATE_SWAP_HVA;
		ret = swap_pieces(swap, args);
		if (swap->reason)
			ret = raminate_refuse(swap->reason, has_reason,
					      &args->reason);
		free_page((unsigned long)swap->bounce);
	} else {
		ret = -ENOMEM;
	}
	kfree(swap);
	return ret;
}
