// SPDX-License-Identifier: GPL-2.0
/*
 * RAMinate: which pages were written or accessed since the last scan
 *
 * There are three places that know. The guest's table entries, by their dirty
 * and accessed bits; the host's table entries, by theirs, for the process'
 * addresses; and the range's bitmap, for what the other two lost or never saw
 * of writes. The first is by guest page, the second by address, and both lead
 * to the page. The last is by frame: the host's entries tell which page has it.
 *
 * Tables in which nothing has happened are skipped. What is noted for that holds
 * only if TLBs are flushed between two scans that go by it, so of scans that
 * run at a time only the first takes notes. The others skip what they may.
 */
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "hooks.h"
#include "scan.h"

/* The active scans, one a VM. */
static LIST_HEAD(active_scans);
static DEFINE_MUTEX(active_lock);

/* Call @fn for each slot with pages from @start to @end, in both spaces. */
static void walk_gfns(struct kvm *kvm, gfn_t start, gfn_t end,
		      raminate_gfns_fn fn, void *data)
{
	struct kvm_memslot_iter iter;
	struct kvm_memory_slot *slot;
	int i;

	for (i = 0; i < kvm_arch_nr_memslot_as_ids(kvm); i++) {
		kvm_for_each_memslot_in_gfn_range(&iter, __kvm_memslots(kvm, i),
						  start, end) {
			slot = iter.slot;
			fn(data, slot, max(start, slot->base_gfn),
			   min(end, slot->base_gfn + slot->npages));
		}
	}
}

void scan_walk_slots(struct scan *scan, raminate_gfns_fn fn, void *data)
{
	u64 start = scan->start;

	if (scan->by_hva)
		raminate_walk_gfns(scan->kvm, start,
				   start + (scan->nr_pages << PAGE_SHIFT) - 1,
				   fn, data);
	else
		walk_gfns(scan->kvm, start, start + scan->nr_pages, fn, data);
}

/* Hands over what was found in a piece. */
typedef int (*hand_over_fn)(struct scan *scan, void *data);

static int scan_piece(struct scan *scan, hand_over_fn hand_over, void *data)
{
	struct kvm *kvm = scan->kvm;
	int ret;

	if (mutex_lock_killable(&kvm->slots_lock))
		return -EINTR;

	/* It may have been detached since the last piece. */
	scan->range = NULL;
	if (scan->found) {
		bitmap_zero(scan->written, SCAN_PIECE);
		bitmap_zero(scan->accessed, SCAN_PIECE);
		scan->found = false;
	}
	scan_guest(scan);
	scan_host(scan);

	ret = hand_over(scan, data);
	if (ret)
		scan_put_back(scan);

	mutex_unlock(&kvm->slots_lock);
	return ret;
}

/* Let the piece be the next @nr_pages or less, from @page on. */
static void scan_set_piece(struct scan *scan, u64 start, u64 page, u64 nr_pages)
{
	scan->start = start + (scan->by_hva ? page << PAGE_SHIFT : page);
	scan->nr_pages = min_t(u64, nr_pages, SCAN_PIECE);
}

static struct scan *scan_begin(struct kvm *kvm, u32 flags, u32 kinds)
{
	struct scan *scan, *other;

	scan = kzalloc(sizeof(*scan), GFP_KERNEL_ACCOUNT);
	if (!scan)
		return NULL;
	scan->kvm = kvm;
	scan->by_hva = flags & KVM_RAMINATE_SCAN_HVA;
	scan->kinds = kinds;
	if (flags & KVM_RAMINATE_SCAN_NO_FLUSH)
		return scan;

	guard(mutex)(&active_lock);
	list_for_each_entry(other, &active_scans, node)
		if (other->kvm == kvm)
			return scan;
	list_add(&scan->node, &active_scans);
	scan->is_active = true;
	return scan;
}

static void scan_end(struct scan *scan, u32 flags)
{
	if (!(flags & KVM_RAMINATE_SCAN_NO_FLUSH)) {
		if (scan->guest_changed)
			kvm_flush_remote_tlbs(scan->kvm);
		if (scan->host_changed)
			raminate_flush_host_tlb(scan->kvm->mm);
	}
	if (scan->is_active) {
		mutex_lock(&active_lock);
		list_del(&scan->node);
		mutex_unlock(&active_lock);
	}
	kfree(scan);
}

static bool pages_valid(u32 flags, u64 start, u64 nr_pages)
{
	u64 last;

	if (flags & ~(KVM_RAMINATE_SCAN_HVA | KVM_RAMINATE_SCAN_NO_FLUSH) ||
	    !nr_pages || nr_pages > KVM_RAMINATE_SCAN_MAX_PAGES)
		return false;

	if (flags & KVM_RAMINATE_SCAN_HVA)
		return PAGE_ALIGNED(start) &&
		       !check_add_overflow(start, (nr_pages << PAGE_SHIFT) - 1,
					   &last);
	return !check_add_overflow(start, nr_pages, &last);
}

/* Write all words of the piece's bitmap. */
static int hand_over_words(struct scan *scan, void *data)
{
	struct kvm_raminate_scan *args = data;
	u64 __user *bitmap = u64_to_user_ptr(args->bitmap);

	if (bitmap && copy_to_user(bitmap + args->done / 64, scan->written,
				   BITS_TO_U64(scan->nr_pages) * sizeof(u64)))
		return -EFAULT;
	return 0;
}

static int scan_words(struct scan *scan, struct kvm_raminate_scan *args)
{
	int ret;

	while (args->done < args->nr_pages) {
		if (signal_pending(current))
			return -EINTR;

		scan_set_piece(scan, args->start, args->done,
			       args->nr_pages - args->done);
		ret = scan_piece(scan, hand_over_words, args);
		if (ret)
			return ret;

		args->done += scan->nr_pages;
		if (scan->found)
			args->nr_written += bitmap_weight(scan->written,
							  scan->nr_pages);
		cond_resched();
	}
	return 0;
}

int raminate_scan(struct kvm *kvm, struct kvm_raminate_scan *args)
{
	struct scan *scan;
	int ret;

	if (!pages_valid(args->flags, args->start, args->nr_pages) ||
	    args->reserved || !IS_ALIGNED(args->bitmap, sizeof(u64)))
		return -EINVAL;
	if (!raminate_has_ranges(kvm))
		return -ENODEV;

	scan = scan_begin(kvm, args->flags, KVM_RAMINATE_WRITTEN);
	if (!scan)
		return -ENOMEM;
	ret = scan_words(scan, args);
	args->nr_mapped = scan->nr_mapped;
	scan_end(scan, args->flags);
	return ret;
}

static bool any_bit(const unsigned long *bits, unsigned long first,
		    unsigned long end)
{
	return find_next_bit(bits, end, first) < end;
}

/* Write an entry for each region in which something was found. */
static int hand_over_regions(struct scan *scan, void *data)
{
	struct kvm_raminate_find *args = data;
	struct kvm_raminate_region __user *to = u64_to_user_ptr(args->regions);
	u32 nr_regions = args->nr_regions;
	unsigned long first, end;

	if (!scan->found)
		return 0;

	for (first = 0; first < scan->nr_pages; first = end) {
		struct kvm_raminate_region region = {
			.first = args->done + first,
		};
		size_t size;

		end = min_t(u64, first + KVM_RAMINATE_REGION_PAGES,
			    scan->nr_pages);
		if (!any_bit(scan->written, first, end) &&
		    !any_bit(scan->accessed, first, end))
			continue;

		size = BITS_TO_U64(end - first) * sizeof(u64);
		memcpy(region.written, scan->written + BIT_WORD(first), size);
		memcpy(region.accessed, scan->accessed + BIT_WORD(first), size);
		if (copy_to_user(to + nr_regions, &region, sizeof(region)))
			return -EFAULT;
		nr_regions++;
	}
	args->nr_regions = nr_regions;
	return 0;
}

static int throw_away(struct scan *scan, void *data)
{
	return 0;
}

static int find_regions(struct scan *scan, struct kvm_raminate_find *args)
{
	hand_over_fn hand_over = args->regions ? hand_over_regions : throw_away;
	u64 nr_pages;
	int ret;

	while (args->done < args->nr_pages) {
		if (signal_pending(current))
			return -EINTR;

		nr_pages = args->nr_pages - args->done;
		if (args->regions) {
			/* There has to be room for all that may be found. */
			nr_pages = min_t(u64, nr_pages,
					 (u64)(args->max_regions -
					       args->nr_regions) *
					 KVM_RAMINATE_REGION_PAGES);
			if (!nr_pages)
				return 0;
		}
		scan_set_piece(scan, args->start, args->done, nr_pages);
		ret = scan_piece(scan, hand_over, args);
		if (ret)
			return ret;

		args->done += scan->nr_pages;
		cond_resched();
	}
	return 0;
}

int raminate_find(struct kvm *kvm, struct kvm_raminate_find *args)
{
	struct scan *scan;
	int ret;

	if (!pages_valid(args->flags, args->start, args->nr_pages) ||
	    !args->kinds || args->kinds & ~RAMINATE_KINDS ||
	    !IS_ALIGNED(args->regions, sizeof(u64)))
		return -EINVAL;
	if (args->kinds & ~kvm_raminate_kinds())
		return -EOPNOTSUPP;
	if (!raminate_has_ranges(kvm))
		return -ENODEV;

	scan = scan_begin(kvm, args->flags, args->kinds);
	if (!scan)
		return -ENOMEM;
	ret = find_regions(scan, args);
	args->nr_read = scan->nr_read;
	scan_end(scan, args->flags);
	return ret;
}
