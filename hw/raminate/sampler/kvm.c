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

/* 1 GiB, so that the end of the placer is not waited for long */
#define SLICE_PAGES (1u << 18)

typedef struct KvmSampler {
    RaminateSampler parent;
    unsigned long bitmap[BITS_TO_LONGS(SLICE_PAGES)];
} KvmSampler;

/* After a signal: the pages from @done on are left. */
static void resume_scan(void *arg)
{
    struct kvm_raminate_scan *scan = arg;

    scan->start += scan->done << RAMINATE_PAGE_BITS;
    scan->nr_pages -= scan->done;
    if (scan->bitmap) {
        /* A multiple of 64 pages is done, unless all are. */
        scan->bitmap += scan->done / BITS_PER_BYTE;
    }
}

/* @written: bits of the pages, or NULL to throw them away */
static bool scan_pages(const RaminateMemory *memory, uint32_t first,
                       uint64_t nr, unsigned long *written, Error **errp)
{
    struct kvm_raminate_scan scan = {
        .flags = KVM_RAMINATE_SCAN_HVA,
        .start = (uintptr_t)raminate_memory_page(memory, first),
        .nr_pages = nr,
        .bitmap = (uintptr_t)written,
    };
    int ret = raminate_kvm_call(KVM_RAMINATE_SCAN, &scan, resume_scan);

    if (ret < 0) {
        error_setg_errno(errp, -ret, "KVM can't scan pages %" PRIu32 " to %"
                         PRIu64 " of '%s'", first, first + nr - 1,
                         memory->id);
        return false;
    }
    return true;
}

static RaminateSampler *kvm_open(const RaminateMemory *memory, Error **errp)
{
    uint32_t nr_pages = raminate_placement_pages(memory->placement);
    KvmSampler *sampler;

    for (uint64_t first = 0; first < nr_pages; first += SLICE_PAGES) {
        if (!scan_pages(memory, first, MIN(nr_pages - first, SLICE_PAGES),
                        NULL, errp)) {
            return NULL;
        }
    }
    sampler = g_new0(KvmSampler, 1);
    sampler->parent.ops = &raminate_sampler_kvm;
    sampler->parent.memory = memory;
    return &sampler->parent;
}

static void kvm_close(RaminateSampler *parent)
{
    g_free(container_of(parent, KvmSampler, parent));
}

static uint32_t kvm_scan(RaminateSampler *parent, uint32_t first,
                         RaminateSample *sample, Error **errp)
{
    KvmSampler *sampler = container_of(parent, KvmSampler, parent);
    uint32_t nr = MIN(raminate_placement_pages(parent->memory->placement) -
                      first, SLICE_PAGES);

    memset(sampler->bitmap, 0, sizeof(sampler->bitmap));
    if (!scan_pages(parent->memory, first, nr, sampler->bitmap, errp)) {
        return 0;
    }
    for (uint32_t i = 0; i < nr; i += BITS_PER_LONG) {
        raminate_sample_add_word(sample, first + i,
                                 sampler->bitmap[BIT_WORD(i)],
                                 RAMINATE_WRITTEN);
    }
    return nr;
}

const RaminateSamplerOps raminate_sampler_kvm = {
    .part = {
        .type = RAMINATE_SAMPLER_TYPE_KVM,
        .kinds = RAMINATE_WRITTEN,
        .probe = raminate_kvm_attach,
    },
    .open = kvm_open,
    .close = kvm_close,
    .scan = kvm_scan,
};
