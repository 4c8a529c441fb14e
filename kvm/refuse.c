// SPDX-License-Identifier: GPL-2.0
/*
 * RAMinate: what keeps the frames of a VM from being exchanged
 */
#include <linux/cc_platform.h>
#include <linux/iommu.h>

#include "compat.h"
#include "internal.h"

/*
 * Returns: 0, or the reason if the content of the guest's memory is bound to
 * its frames. Takes kvm->lock.
 */
u32 raminate_check_encrypted(struct kvm *kvm)
{
	struct kvm_enc_region none = {};

	if (!kvm_x86_ops.mem_enc_unregister_region)
		return 0;

	/* A VM that could have such regions says that this is none of them. */
	if (kvm_x86_call(mem_enc_unregister_region)(kvm, &none) != -ENOTTY)
		return KVM_RAMINATE_REASON_ENCRYPTED;
	return 0;
}

/*
 * Returns: 0, or the reason if the host encrypts its own memory. Then it leaves
 * out what is not System RAM where a process maps it, but not where KVM does.
 */
u32 raminate_check_host(void)
{
	return cc_platform_has(CC_ATTR_HOST_MEM_ENCRYPT) ?
	       KVM_RAMINATE_REASON_HOST_ENCRYPTED : 0;
}

/* Whether the guest has switched on what it needs for guests of its own. */
static bool vcpu_uses_nested(struct kvm_vcpu *vcpu)
{
	return READ_ONCE(vcpu->arch.efer) & EFER_SVME ||
	       READ_ONCE(vcpu->arch.cr4) & X86_CR4_VMXE;
}

/*
 * Returns: 0, or the reason if someone may hold frames of this VM that no
 * notifier takes away: a device, or KVM itself on behalf of a nested guest.
 *
 * A vCPU switches nested virtualization on before it makes KVM look up the
 * first frame for it, and KVM looks up frames under the mmap lock. A device
 * that walks the process' own tables (SVA) caches them out of our reach; it
 * begins after its IOMMU's driver has taken the mmap lock, and that after the
 * process got a PASID. So with that lock held for writing, what is found here
 * stays true until it is let go.
 */
u32 raminate_check_held(struct kvm *kvm)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;

	if (kvm_arch_has_assigned_device(kvm))
		return KVM_RAMINATE_REASON_DEVICE;
	if (mm_valid_pasid(kvm->mm))
		return KVM_RAMINATE_REASON_SVA;

	kvm_for_each_vcpu(i, vcpu, kvm)
		if (vcpu_uses_nested(vcpu))
			return KVM_RAMINATE_REASON_NESTED;
	return 0;
}

/*
 * Tell a reason in the caller's @field or, to programs that do not know the
 * field, by an errno of its own. Returns: the errno, or 0 for no reason.
 */
int raminate_refuse(u32 reason, bool has_field, u32 *field)
{
	static const int errnos[] = {
		[KVM_RAMINATE_REASON_DEVICE] = -EXDEV,
		[KVM_RAMINATE_REASON_SVA] = -EXDEV,
		[KVM_RAMINATE_REASON_ENCRYPTED] = -ENOKEY,
		[KVM_RAMINATE_REASON_NESTED] = -ELOOP,
		[KVM_RAMINATE_REASON_HOST_ENCRYPTED] = -ENOKEY,
		[KVM_RAMINATE_REASON_NOT_WRITE_BACK] = -ENXIO,
	};

	if (!has_field)
		return errnos[reason];

	*field = reason;
	return reason ? -EBUSY : 0;
}
