// SPDX-License-Identifier: GPL-2.0
/*
 * RAMinate: the ioctls of a VM
 */
#include <linux/uaccess.h>

#include "hooks.h"
#include "internal.h"

static int ioctl_attach(struct kvm *kvm, void __user *argp)
{
	struct kvm_raminate_attach __user *uattach = argp;
	struct kvm_raminate_attach attach;
	int ret;

	if (copy_from_user(&attach, argp, sizeof(attach)))
		return -EFAULT;

	ret = raminate_attach(kvm, &attach);

	/* Only then, as the structure need not be writable otherwise. */
	if (ret == -EBUSY && put_user(attach.reason, &uattach->reason))
		return -EFAULT;
	return ret;
}

static int ioctl_detach(struct kvm *kvm, void __user *argp)
{
	struct kvm_raminate_attach attach;

	if (copy_from_user(&attach, argp, sizeof(attach)))
		return -EFAULT;
	return raminate_detach(kvm, &attach);
}

static int ioctl_claim(struct kvm *kvm, void __user *argp)
{
	struct kvm_raminate_attach claim;

	if (copy_from_user(&claim, argp, sizeof(claim)))
		return -EFAULT;
	return raminate_claim(kvm, &claim);
}

static int ioctl_scan(struct kvm *kvm, void __user *argp)
{
	struct kvm_raminate_scan scan;
	int ret;

	if (copy_from_user(&scan, argp, sizeof(scan)))
		return -EFAULT;

	scan.done = 0;
	scan.nr_written = 0;
	scan.nr_mapped = 0;
	ret = raminate_scan(kvm, &scan);

	if (copy_to_user(argp, &scan, sizeof(scan)))
		return -EFAULT;
	return ret;
}

static int ioctl_find(struct kvm *kvm, void __user *argp)
{
	struct kvm_raminate_find find;
	int ret;

	if (copy_from_user(&find, argp, sizeof(find)))
		return -EFAULT;

	find.nr_regions = 0;
	find.done = 0;
	find.nr_read = 0;
	ret = raminate_find(kvm, &find);

	if (copy_to_user(argp, &find, sizeof(find)))
		return -EFAULT;
	return ret;
}

static int ioctl_swap(struct kvm *kvm, void __user *argp)
{
	struct kvm_raminate_swap swap;
	int ret;

	if (copy_from_user(&swap, argp, sizeof(swap)))
		return -EFAULT;

	swap.done = 0;
	swap.swapped = 0;
	ret = raminate_swap(kvm, &swap);

	if (copy_to_user(argp, &swap, sizeof(swap)))
		return -EFAULT;
	return ret;
}

int kvm_raminate_vm_ioctl(struct kvm *kvm, unsigned int ioctl,
			  void __user *argp)
{
	switch (ioctl) {
	case KVM_RAMINATE_ATTACH:
		return ioctl_attach(kvm, argp);
	case KVM_RAMINATE_DETACH:
		return ioctl_detach(kvm, argp);
	case KVM_RAMINATE_CLAIM:
		return ioctl_claim(kvm, argp);
	case KVM_RAMINATE_SCAN:
		return ioctl_scan(kvm, argp);
	case KVM_RAMINATE_FIND:
		return ioctl_find(kvm, argp);
	case KVM_RAMINATE_SWAP:
		return ioctl_swap(kvm, argp);
	default:
		return -ENOTTY;
	}
}
