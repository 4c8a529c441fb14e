/*
 * RAMinate: the sampler that reads dirty bits of second-level page tables
 *
 * The KVM extension walks the tables (EPT or NPT) while the vCPUs run on.  It
 * sees the writes of QEMU and of the host's kernel as well.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/raminate/kvm.h"
#include "hw/raminate/sampler/sampler.h"
#include "kvm/raminate.h"
#include "qemu/bitops.h"
#include "qemu/bswap.h"

/* 1 GiB: some milliseconds, after which whoever waits for us gets a turn. */
#define SLICE_PAGES (1u << 18)

typedef struct KvmSampler {
    RaminateSampler parent;
    uint64_t bitmap[SLICE_PAGES / 64];
} KvmSampler;

/* After a signal: the pages from @done on are left. */
static void resume_scan(void *arg)
{
    struct kvm_raminate_scan *scan = arg;

    scan->start += scan->done << RAMINATE_PAGE_BITS;
    scan->nr_pages -= scan->done;
    /* A multiple of 64 pages is done, unless all are. */
    scan->bitmap += scan->done / BITS_PER_BYTE;
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

static uint32_t kvm_scan(RaminateSampler *sampler, uint32_t first, uint32_t nr,
                         RaminateSample *sample, Error **errp)
{
    KvmSampler *kvm = container_of(sampler, KvmSampler, parent);
    const RaminateMemory *memory = sampler->memory;
    uint32_t done = MIN(nr, SLICE_PAGES);
    struct kvm_raminate_scan scan = {
        .flags = KVM_RAMINATE_SCAN_HVA,
        .start = (uintptr_t)raminate_memory_page(memory, first),
        .nr_pages = done,
        .bitmap = (uintptr_t)kvm->bitmap,
    };
    int ret = raminate_kvm_call(KVM_RAMINATE_SCAN, &scan, resume_scan);

    if (ret < 0) {
        error_setg_errno(errp, -ret, "KVM can't scan pages %" PRIu32 " to %"
                         PRIu32 " of '%s'", first, first + done - 1,
                         memory->id);
        return 0;
    }
    for (uint32_t page = 0; page < done; page += 64) {
        raminate_sample_add_word(sample, first + page,
                                 le64_to_cpu(kvm->bitmap[page / 64]),
                                 RAMINATE_WRITTEN);
    }
    return done;
}

const RaminateSamplerOps raminate_sampler_kvm = {
    .part = {
        .type = RAMINATE_SAMPLER_TYPE_KVM,
        .backings = RAMINATE_OF_RANGES,
        .kinds = RAMINATE_WRITTEN,
        .probe = raminate_kvm_attach,
    },
    .open = kvm_open,
    .close = kvm_close,
    .scan = kvm_scan,
};
