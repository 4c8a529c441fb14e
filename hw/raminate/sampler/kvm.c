/*
 * RAMinate: the sampler that reads what CPUs note in second-level page tables
 *
 * The KVM extension walks the tables (EPT or NPT) while the vCPUs run on.  It
 * sees what QEMU and the host's kernel do as well.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/raminate/kvm.h"
#include "hw/raminate/sampler/sampler.h"
#include "kvm/raminate.h"
#include "qemu/bswap.h"
#include "system/kvm.h"

/*
 * 1 GiB: some milliseconds if all of it was used, after which whoever waits for
 * us gets a turn.
 */
#define SLICE_PAGES (1u << 18)

typedef struct KvmSampler {
    RaminateSampler parent;
    struct kvm_raminate_region regions[SLICE_PAGES / KVM_RAMINATE_REGION_PAGES];
} KvmSampler;

/* Accesses cost a scan something, so they are told where reads cost more. */
static unsigned kvm_tells(const RaminateMemory *memory)
{
    int kinds = kvm_enabled() && raminate_memory_has_costly_reads(memory)
                ? kvm_vm_check_extension(kvm_state, KVM_CAP_RAMINATE_2) : 0;

    return kinds & KVM_RAMINATE_ACCESSED ? RAMINATE_ACCESSED : RAMINATE_WRITTEN;
}

static RaminateSampler *kvm_open(const RaminateMemory *memory, Error **errp)
{
    KvmSampler *sampler = g_new0(KvmSampler, 1);

    sampler->parent.ops = &raminate_sampler_kvm;
    sampler->parent.memory = memory;
    return &sampler->parent;
}

static void kvm_close(RaminateSampler *sampler)
{
    g_free(container_of(sampler, KvmSampler, parent));
}

/*
 * Pages of 64, in ascending order, as many at a time as are of one kind.  To
 * write to a page is to access it, so nobody knows if it was read as well.
 */
static void add_both(RaminateSample *sample, uint32_t first, uint64_t written,
                     uint64_t read)
{
    read &= ~written;
    while (written | read) {
        bool is_written = written && (!read || ctz64(written) < ctz64(read));
        uint64_t *these = is_written ? &written : &read;
        uint64_t others = is_written ? read : written;
        uint64_t word = *these & (others ? (others & -others) - 1 : UINT64_MAX);

        raminate_sample_add_word(sample, first, word, is_written
                                 ? RAMINATE_ACCESSED : RAMINATE_READ);
        *these &= ~word;
    }
}

static void add_region(RaminateSample *sample, uint32_t first,
                       const struct kvm_raminate_region *region, bool reads)
{
    for (unsigned i = 0; i < KVM_RAMINATE_REGION_PAGES / 64; i++) {
        uint64_t written = le64_to_cpu(region->written[i]);

        if (reads) {
            add_both(sample, first + 64 * i, written,
                     le64_to_cpu(region->accessed[i]));
        } else {
            raminate_sample_add_word(sample, first + 64 * i, written,
                                     RAMINATE_WRITTEN);
        }
    }
}

static uint32_t kvm_scan(RaminateSampler *sampler, uint32_t first, uint32_t nr,
                         RaminateSample *sample, Error **errp)
{
    KvmSampler *kvm = container_of(sampler, KvmSampler, parent);
    const RaminateMemory *memory = sampler->memory;
    bool reads = sampler->kinds & RAMINATE_READ;
    struct kvm_raminate_find find = {
        .flags = KVM_RAMINATE_SCAN_HVA,
        .kinds = KVM_RAMINATE_WRITTEN | (reads ? KVM_RAMINATE_ACCESSED : 0),
        .start = (uintptr_t)raminate_memory_page(memory, first),
        .nr_pages = MIN(nr, SLICE_PAGES),
        .regions = (uintptr_t)kvm->regions,
        .max_regions = ARRAY_SIZE(kvm->regions),
    };
    int ret;

    /* After a signal, what is left is for the next call. */
    do {
        ret = kvm_vm_ioctl(kvm_state, KVM_RAMINATE_FIND, &find);
    } while (ret == -EINTR && !find.done);

    if (ret < 0 && ret != -EINTR) {
        error_setg_errno(errp, -ret, "KVM can't scan pages %" PRIu32 " to %"
                         PRIu32 " of '%s'", first,
                         first + (uint32_t)find.nr_pages - 1, memory->id);
        return 0;
    }
    for (uint32_t i = 0; i < find.nr_regions; i++) {
        add_region(sample, first + kvm->regions[i].first, &kvm->regions[i],
                   reads);
    }
    return find.done;
}

const RaminateSamplerOps raminate_sampler_kvm = {
    .part = {
        .type = RAMINATE_SAMPLER_TYPE_KVM,
        .backings = RAMINATE_OF_RANGES,
        .kinds = RAMINATE_WRITTEN,
        .tells = kvm_tells,
        .probe = raminate_kvm_attach,
    },
    .open = kvm_open,
    .close = kvm_close,
    .scan = kvm_scan,
};
