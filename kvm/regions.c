// SPDX-License-Identifier: GPL-2.0
/*
 * RAMinate: what is kept of regions, which are what one table maps: 2 MiB
 *
 * A region is named by the frames that its pages have before any exchange; they
 * belong to one range, which has a note on the table (see scan_host.c). For
 * what is kept of a frame to be found, its page's region has to be read. The
 * range that has the frame tells which one that is, once there was an exchange.
 */
#include <linux/slab.h>

#include "internal.h"

static unsigned long nr_regions(const struct raminate_range *range)
{
	return raminate_region_of(range->first + range->nr_frames - 1) -
	       raminate_region_of(range->first) + 1;
}

/* Returns: 0, or -ENOMEM; in both cases there is something to free. */
int raminate_alloc_regions(struct raminate_range *range)
{
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
	unsigned long nr = nr_regions(range);

	range->notes = kvcalloc(nr, sizeof(*range->notes), gfp);
	range->places = kvcalloc(nr, sizeof(*range->places), gfp);
	return range->notes && range->places ? 0 : -ENOMEM;
}

void raminate_free_regions(struct raminate_range *range)
{
	unsigned long i;

	for (i = 0; range->places && i < nr_regions(range); i++)
		kfree(range->places[i]);
	kvfree(range->places);
	kvfree(range->notes);
}

/* Have a region's pages be read by the next scan, whatever A says. */
void raminate_read_again(u32 region)
{
	kvm_pfn_t first = (kvm_pfn_t)region * RAMINATE_REGION_PAGES;
	struct raminate_range *range;

	rcu_read_lock();
	range = raminate_range_at(first);
	/* No note, no skipping. */
	if (range)
		atomic_long_or(RAMINATE_KINDS, raminate_note(range, region));
	rcu_read_unlock();
}

/* Get ready to tell where a frame is. Returns: 0, or -ENOMEM. */
int raminate_prepare_place(struct raminate_range *range, kvm_pfn_t pfn)
{
	u32 **places = raminate_places(range, pfn), *new;
	int i;

	if (*places)
		return 0;

	new = kmalloc_array(RAMINATE_REGION_PAGES, sizeof(*new),
			    GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	for (i = 0; i < RAMINATE_REGION_PAGES; i++)
		new[i] = raminate_region_of(pfn);
	/* Who finds it finds all of it. */
	smp_store_release(places, new);
	return 0;
}

/* A page of @region gets the frame: whoever takes it for another one's errs. */
void raminate_set_place(struct raminate_range *range, kvm_pfn_t pfn, u32 region)
{
	u32 *place = *raminate_places(range, pfn) + pfn % RAMINATE_REGION_PAGES;

	raminate_read_again(*place);
	raminate_read_again(region);
	WRITE_ONCE(*place, region);
}
