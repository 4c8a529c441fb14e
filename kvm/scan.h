/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RAMinate: what the parts of a scan share
 */
#ifndef __KVM_X86_RAMINATE_SCAN_H
#define __KVM_X86_RAMINATE_SCAN_H

#include <linux/list.h>
#include <linux/math.h>

#include "internal.h"

/*
 * Pages between two looks at signals and at who else wants to run: 32 MiB, some
 * ten thousand cycles if all were used, and bitmaps of 1 KiB.
 */
#define SCAN_PIECE 8192

struct scan {
	struct kvm *kvm;
	bool by_hva;
	/* What to look for: KVM_RAMINATE_WRITTEN, KVM_RAMINATE_ACCESSED. */
	u32 kinds;
	/* Among the scans that may have tables be skipped; see scan.c. */
	struct list_head node;
	bool is_active;
	/* The piece: its first page, as a gfn or an address, and its size. */
	u64 start;
	unsigned long nr_pages;
	/* What is found in it, a bit a page; all are clear if nothing is. */
	bool found;
	unsigned long written[BITS_TO_LONGS(SCAN_PIECE)];
	unsigned long accessed[BITS_TO_LONGS(SCAN_PIECE)];
	/* The range of the last frame that was looked up, as a guess. */
	struct raminate_range *range;
	/* Present entries of the guest's tables, and all entries, read. */
	u64 nr_mapped;
	u64 nr_read;
	bool guest_changed;
	bool host_changed;
};

/* Call @fn for each slot with pages of the piece, in both spaces. */
void scan_walk_slots(struct scan *scan, raminate_gfns_fn fn, void *data);

/* Returns: the range of this VM that has the frame, or NULL. */
static inline struct raminate_range *scan_range_of(struct scan *scan,
						   kvm_pfn_t pfn)
{
	struct raminate_range *range = scan->range;

	if (likely(range && raminate_range_has(range, pfn)))
		return range;

	range = raminate_range_of(scan->kvm, pfn);
	if (range)
		scan->range = range;
	return range;
}

static inline void scan_set_bit(struct scan *scan, unsigned long bit,
				unsigned long *bits)
{
	__set_bit(bit, bits);
	scan->found = true;
}

/* scan_guest.c: find what the guest's tables tell, and forget it. */
void scan_guest(struct scan *scan);

/*
 * scan_host.c: the same for the process' tables, and for what is kept of
 * frames. The second takes back what was found, for the next scan to find.
 */
void scan_host(struct scan *scan);
void scan_put_back(struct scan *scan);

#endif
