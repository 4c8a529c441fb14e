// SPDX-License-Identifier: GPL-2.0
/*
 * RAMinate: ranges of frames, each attached to one VM
 */
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/maple_tree.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "hooks.h"
#include "internal.h"
#include "mmu.h"

DEFINE_STATIC_KEY_FALSE(raminate_in_use);

/* All ranges by frame, for lookups under RCU; they never overlap. */
static struct maple_tree ranges_by_pfn =
	MTREE_INIT(ranges_by_pfn, MT_FLAGS_USE_RCU);

/* All ranges once more, for questions that are not about a frame. */
static LIST_HEAD(ranges);
static DEFINE_MUTEX(ranges_lock);

/*
 * Returns: the range of @kvm that has the frame, or NULL. The range lives as
 * long as slots_lock is held.
 */
struct raminate_range *raminate_range_of(struct kvm *kvm, kvm_pfn_t pfn)
{
	struct raminate_range *range;

	lockdep_assert_held(&kvm->slots_lock);

	rcu_read_lock();
	range = mtree_load(&ranges_by_pfn, pfn);
	if (range && range->kvm != kvm)
		range = NULL;
	rcu_read_unlock();
	return range;
}

bool raminate_has_ranges(struct kvm *kvm)
{
	struct raminate_range *range;
	bool found = false;

	mutex_lock(&ranges_lock);
	list_for_each_entry(range, &ranges, node)
		found |= range->kvm == kvm;
	mutex_unlock(&ranges_lock);
	return found;
}

/* Returns: the range that has the frame, of any VM, or NULL. Needs RCU. */
struct raminate_range *raminate_range_at(kvm_pfn_t pfn)
{
	return mtree_load(&ranges_by_pfn, pfn);
}

bool __kvm_raminate_attached(kvm_pfn_t pfn)
{
	return raminate_range_at(pfn);
}

void __kvm_raminate_set_pfn_dirty(kvm_pfn_t pfn)
{
	struct raminate_range *range;

	rcu_read_lock();
	range = raminate_range_at(pfn);
	if (range) {
		set_bit(pfn - range->first, range->written);
		raminate_read_again(raminate_place_of(range, pfn));
	}
	rcu_read_unlock();
}

/* Whether a driver has a part of the range, or all of it and more. */
static bool range_is_taken(const struct raminate_range *range)
{
	return region_intersects(PFN_PHYS(range->first),
				 PFN_PHYS(range->nr_frames), IORESOURCE_BUSY,
				 IORES_DESC_NONE) != REGION_DISJOINT;
}

/*
 * Claim the range against drivers, but without what request_mem_region() does
 * before: it would take the process' mappings away. So it is not the root that
 * is asked for a region, but an entry that is put in between: not into the
 * region of a driver, which may free it at any time. Once the entry is there,
 * nobody gets a region around it.
 */
static int range_claim(struct raminate_range *range)
{
	struct resource *iomem = &range->iomem;

	if (iomem->parent)
		return 0;
	if (range_is_taken(range))
		return -EBUSY;

	*iomem = (struct resource) {
		.name = "RAMinate",
		.start = PFN_PHYS(range->first),
		.end = PFN_PHYS(range->first + range->nr_frames) - 1,
		.flags = IORESOURCE_MEM,
	};
	if (insert_resource(&iomem_resource, iomem))
		return -EBUSY;

	if (!range_is_taken(range) &&
	    __request_region(iomem, iomem->start, resource_size(iomem),
			     iomem->name, 0))
		return 0;

	remove_resource(iomem);
	iomem->parent = NULL;
	return -EBUSY;
}

static void range_release(struct raminate_range *range)
{
	struct resource *iomem = &range->iomem;

	if (!iomem->parent)
		return;
	__release_region(iomem, iomem->start, resource_size(iomem));
	remove_resource(iomem);
	iomem->parent = NULL;
}

static void range_free(struct raminate_range *range)
{
	/* Who has the frames next may map them otherwise. */
	if (range->va)
		iounmap((void __iomem __force *)range->va);
	range_release(range);
	raminate_free_regions(range);
	vfree(range->written);
	kfree(range);
	static_branch_dec(&raminate_in_use);
}

static struct raminate_range *range_alloc(struct kvm *kvm, u64 phys, u64 size)
{
	struct raminate_range *range;

	range = kzalloc(sizeof(*range), GFP_KERNEL_ACCOUNT);
	if (!range)
		return NULL;

	/* Outside of all locks: it takes CPU hotplug's, which may be outside. */
	static_branch_inc(&raminate_in_use);
	range->kvm = kvm;
	range->first = PHYS_PFN(phys);
	range->nr_frames = size >> PAGE_SHIFT;
	range->written = __vmalloc(BITS_TO_LONGS(range->nr_frames) *
				   sizeof(unsigned long),
				   GFP_KERNEL_ACCOUNT | __GFP_ZERO |
				   __GFP_NOWARN);
	/* Write-back, as the guest's entries: see range_check_type(). */
	range->va = (void __force *)ioremap_encrypted(phys, size);
	if (raminate_alloc_regions(range) || !range->written || !range->va) {
		range_free(range);
		return NULL;
	}
	return range;
}

/*
 * Returns: 0, or the reason if the kernel got a mapping of another type than it
 * asked for, because the MTRRs or an earlier mapping don't allow it. The guest
 * and the process would see other contents than the kernel. The type is one for
 * all of a mapping.
 */
static u32 range_check_type(const struct raminate_range *range)
{
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)range->va, &level);
	pteval_t mask = level == PG_LEVEL_4K ? _PAGE_CACHE_MASK :
					       _PAGE_LARGE_CACHE_MASK;

	/* No bit stands for write-back. */
	return pte && !(pte_flags(*pte) & mask) ?
	       0 : KVM_RAMINATE_REASON_NOT_WRITE_BACK;
}

static int range_publish(struct raminate_range *new)
{
	kvm_pfn_t last = new->first + new->nr_frames - 1;
	struct raminate_range *range;
	int ret;

	guard(mutex)(&ranges_lock);

	list_for_each_entry(range, &ranges, node)
		if (range->first <= last &&
		    new->first <= range->first + range->nr_frames - 1)
			return range->kvm == new->kvm ? -EEXIST : -EADDRINUSE;

	ret = mtree_insert_range(&ranges_by_pfn, new->first, last, new,
				 GFP_KERNEL_ACCOUNT);
	if (ret)
		return ret;

	list_add(&new->node, &ranges);
	return 0;
}

static int check_range(u64 phys, u64 size)
{
	u64 end;

	if (!size || !PAGE_ALIGNED(phys | size) ||
	    check_add_overflow(phys, size, &end) ||
	    end > BIT_ULL(boot_cpu_data.x86_phys_bits))
		return -EINVAL;

	if (region_intersects(phys, size, IORESOURCE_SYSTEM_RAM,
			      IORES_DESC_NONE) != REGION_DISJOINT)
		return -EADDRNOTAVAIL;
	return 0;
}

int raminate_attach(struct kvm *kvm, struct kvm_raminate_attach *attach)
{
	bool has_reason = attach->flags & KVM_RAMINATE_ATTACH_REASON;
	struct raminate_range *range;
	int ret;

	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;

	if (attach->flags & ~KVM_RAMINATE_ATTACH_REASON ||
	    (attach->reason && !has_reason))
		return -EINVAL;

	ret = check_range(attach->phys, attach->size);
	if (ret)
		return ret;

	if (!raminate_is_default_vm(kvm))
		return -EOPNOTSUPP;

	ret = raminate_refuse(raminate_check_host() ?:
			      raminate_check_encrypted(kvm) ?:
			      raminate_check_held(kvm),
			      has_reason, &attach->reason);
	if (ret)
		return ret;

	range = range_alloc(kvm, attach->phys, attach->size);
	if (!range)
		return -ENOMEM;

	ret = raminate_refuse(range_check_type(range), has_reason,
			      &attach->reason) ?:
	      range_publish(range);
	if (ret) {
		range_free(range);
		return ret;
	}

	/*
	 * Entries made so far may be of another memory type, and are dirty.
	 * Slots must not go while their entries are looked for.
	 */
	mutex_lock(&kvm->slots_lock);
	kvm_zap_gfn_range(kvm, 0, kvm_mmu_max_gfn() + 1);
	mutex_unlock(&kvm->slots_lock);
	return 0;
}

/* Returns: the range of @kvm that was attached so, or NULL. */
static struct raminate_range *range_find(struct kvm *kvm,
					 const struct kvm_raminate_attach *attach)
{
	struct raminate_range *range;

	lockdep_assert_held(&ranges_lock);

	list_for_each_entry(range, &ranges, node)
		if (range->kvm == kvm &&
		    PFN_PHYS(range->first) == attach->phys &&
		    PFN_PHYS(range->nr_frames) == attach->size)
			return range;
	return NULL;
}

int raminate_claim(struct kvm *kvm, const struct kvm_raminate_attach *claim)
{
	struct raminate_range *range;

	if (claim->flags & ~KVM_RAMINATE_CLAIM_RELEASE || claim->reason)
		return -EINVAL;

	guard(mutex)(&ranges_lock);

	range = range_find(kvm, claim);
	if (!range)
		return -ENOENT;
	if (!(claim->flags & KVM_RAMINATE_CLAIM_RELEASE))
		return range_claim(range);
	range_release(range);
	return 0;
}

/*
 * Take a range from among the others. To forget an entry of a maple tree may
 * take memory, and the range is freed in any case.
 */
static void range_unlist(struct raminate_range *range)
{
	lockdep_assert_held(&ranges_lock);

	mtree_store_range(&ranges_by_pfn, range->first,
			  range->first + range->nr_frames - 1, NULL,
			  GFP_KERNEL | __GFP_NOFAIL);
	list_del(&range->node);
}

/* Take a range out of sight. Returns: it, or NULL. */
static struct raminate_range *
range_withdraw(struct kvm *kvm, const struct kvm_raminate_attach *attach)
{
	struct raminate_range *range;

	guard(mutex)(&ranges_lock);

	range = range_find(kvm, attach);
	if (range)
		range_unlist(range);
	return range;
}

int raminate_detach(struct kvm *kvm, const struct kvm_raminate_attach *attach)
{
	struct raminate_range *range;

	if (attach->flags || attach->reason)
		return -EINVAL;

	/* Scans and swaps use ranges under this lock. */
	mutex_lock(&kvm->slots_lock);
	range = range_withdraw(kvm, attach);
	if (range) {
		/* KVM may be noting a write. */
		synchronize_rcu();
		/* Entries must not outlive the frames' memory type. */
		kvm_zap_gfn_range(kvm, 0, kvm_mmu_max_gfn() + 1);
	}
	mutex_unlock(&kvm->slots_lock);
	if (!range)
		return -ENOENT;

	range_free(range);
	return 0;
}

void kvm_raminate_destroy_vm(struct kvm *kvm)
{
	struct raminate_range *range, *next;
	LIST_HEAD(gone);

	mutex_lock(&ranges_lock);
	list_for_each_entry_safe(range, next, &ranges, node) {
		if (range->kvm != kvm)
			continue;
		range_unlist(range);
		list_add(&range->node, &gone);
	}
	mutex_unlock(&ranges_lock);

	if (list_empty(&gone))
		return;

	/* Another VM's fault may still be asking who has the frame. */
	synchronize_rcu();
	list_for_each_entry_safe(range, next, &gone, node)
		range_free(range);
}
