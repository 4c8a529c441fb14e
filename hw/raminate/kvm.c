/*
 * RAMinate: the KVM extension, as far as sampler and mover share it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/main-loop.h"
#include "hw/raminate/kvm.h"
#include "kvm/raminate.h"
#include "system/kvm.h"

const char *raminate_kvm_reason(uint32_t reason)
{
    switch (reason) {
    case KVM_RAMINATE_REASON_DEVICE:
        return "a device uses the VM's memory";
    case KVM_RAMINATE_REASON_SVA:
        return "a device uses QEMU's addresses";
    case KVM_RAMINATE_REASON_ENCRYPTED:
        return "the guest's memory is encrypted";
    case KVM_RAMINATE_REASON_NESTED:
        return "the guest uses nested virtualization; a CPU model without svm "
               "and vmx avoids it";
    case KVM_RAMINATE_REASON_HOST_ENCRYPTED:
        return "the host encrypts its memory; boot it without mem_encrypt=on";
    case KVM_RAMINATE_REASON_NOT_WRITE_BACK:
        return "the host doesn't cache it write-back: the firmware's MTRRs or "
               "another user of the range don't let it";
    default:
        return "KVM refuses for a reason that is newer than this QEMU";
    }
}

/* What an errno of KVM_RAMINATE_ATTACH means to a user. */
static const char *attach_error(int err, uint32_t reason)
{
    switch (err) {
    case EBUSY:
        return raminate_kvm_reason(reason);
    case EINVAL:
        return "it is beyond what the CPU can address, or the KVM extension "
               "is older than this QEMU; build both from one tree";
    case EPERM:
        return "QEMU needs the capability CAP_SYS_RAWIO";
    case EADDRNOTAVAIL:
        return "it is memory of the host itself";
    case EADDRINUSE:
        return "another VM has it";
    case EEXIST:
        return "a part of it is attached to this VM already, and KVM's "
               "extension is too old to let it go; give a memory backend "
               "the same range as before, or start the VM anew";
    case EOPNOTSUPP:
        return "the VM's memory is private to it";
    default:
        return strerror(err);
    }
}

/*
 * Ranges that the first modules keep for this VM, since they know no detach.
 * Under the big lock.
 */
static GArray *kept;        /* of struct kvm_raminate_attach */

static bool is_kept(const RaminateTier *tier)
{
    for (guint i = 0; kept && i < kept->len; i++) {
        const struct kvm_raminate_attach *attach =
            &g_array_index(kept, struct kvm_raminate_attach, i);

        if (attach->phys == tier->phy_offset && attach->size == tier->size) {
            return true;
        }
    }
    return false;
}

static bool attach_tier(RaminateTier *tier, Error **errp)
{
    struct kvm_raminate_attach attach = {
        .phys = tier->phy_offset,
        .size = tier->size,
        .flags = KVM_RAMINATE_ATTACH_REASON,
    };
    int ret;

    /* Once is enough, and later QEMU may lack the right to. */
    if (tier->is_attached) {
        return true;
    }
    ret = is_kept(tier) ? 0
                        : kvm_vm_ioctl(kvm_state, KVM_RAMINATE_ATTACH, &attach);
    if (ret < 0) {
        error_setg(errp, "KVM doesn't attach the range of '%s', 0x%" PRIx64
                   " to 0x%" PRIx64 ": %s", tier->id, tier->phy_offset,
                   tier->phy_offset + tier->size - 1,
                   attach_error(-ret, attach.reason));
        return false;
    }
    tier->is_attached = true;
    return true;
}

/* The version of the extension's interface that this QEMU is made for. */
#define EXTENSION_VERSION 2

/* Returns: the version that the host's KVM has, or 0. */
static int extension_version(void)
{
    return kvm_vm_check_extension(kvm_state, KVM_CAP_RAMINATE_2) > 0
           ? EXTENSION_VERSION
           : kvm_vm_check_extension(kvm_state, KVM_CAP_RAMINATE);
}

bool raminate_kvm_attach(const RaminateMemory *memory, Error **errp)
{
    int version;

    assert(bql_locked());
    if (!kvm_enabled()) {
        error_setg(errp, "the accelerator is not KVM");
        return false;
    }
    version = extension_version();
    if (version != EXTENSION_VERSION) {
        error_setg(errp, version ? "the host's KVM extension has version %d, "
                   "not %d" : "the host's KVM lacks the extension (see "
                   "docs/host-setup.md)", version, EXTENSION_VERSION);
        return false;
    }
    for (unsigned i = 0; i < memory->nr_tiers; i++) {
        if (!memory->tiers[i].is_dev_mem) {
            error_setg(errp, "'%s' is in %s, not in /dev/mem",
                       memory->tiers[i].id, memory->tiers[i].mem_path);
            return false;
        }
    }
    for (unsigned i = 0; i < memory->nr_tiers; i++) {
        if (!attach_tier(&memory->tiers[i], errp)) {
            return false;
        }
    }
    return true;
}

static int claim_tier(const RaminateTier *tier, uint32_t flags)
{
    struct kvm_raminate_attach claim = {
        .phys = tier->phy_offset,
        .size = tier->size,
        .flags = flags,
    };

    return kvm_vm_ioctl(kvm_state, KVM_RAMINATE_CLAIM, &claim);
}

bool raminate_kvm_claim(const RaminateMemory *memory, Error **errp)
{
    for (unsigned i = 0; i < memory->nr_tiers; i++) {
        const RaminateTier *tier = &memory->tiers[i];
        int ret = claim_tier(tier, 0);

        /* The first modules know no claims. */
        if (ret < 0 && ret != -ENOTTY) {
            error_setg(errp, "KVM doesn't claim the range of '%s', 0x%" PRIx64
                       " to 0x%" PRIx64 ": %s", tier->id, tier->phy_offset,
                       tier->phy_offset + tier->size - 1, ret == -EBUSY
                       ? "a driver has a part of it, or it is not within one "
                         "entry of /proc/iomem" : strerror(-ret));
            raminate_kvm_release(memory);
            return false;
        }
    }
    return true;
}

void raminate_kvm_release(const RaminateMemory *memory)
{
    for (unsigned i = 0; i < memory->nr_tiers; i++) {
        if (memory->tiers[i].is_attached) {
            claim_tier(&memory->tiers[i], KVM_RAMINATE_CLAIM_RELEASE);
        }
    }
}

static void detach_tier(RaminateTier *tier)
{
    struct kvm_raminate_attach attach = {
        .phys = tier->phy_offset,
        .size = tier->size,
    };

    tier->is_attached = false;
    if (kvm_vm_ioctl(kvm_state, KVM_RAMINATE_DETACH, &attach) < 0 &&
        !is_kept(tier)) {
        if (!kept) {
            kept = g_array_new(false, false, sizeof(attach));
        }
        g_array_append_val(kept, attach);
    }
}

void raminate_kvm_detach(const RaminateMemory *memory)
{
    assert(bql_locked());
    for (unsigned i = 0; i < memory->nr_tiers; i++) {
        if (memory->tiers[i].is_attached) {
            detach_tier(&memory->tiers[i]);
        }
    }
}

int raminate_kvm_call(unsigned long request, void *arg,
                      void (*resume)(void *arg))
{
    int ret;

    while ((ret = kvm_vm_ioctl(kvm_state, request, arg)) == -EINTR) {
        resume(arg);
    }
    return ret;
}
