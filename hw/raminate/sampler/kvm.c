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
    RaminateSampler *sampler;

    for (uint64_t first = 0; first < nr_pages; first += RAMINATE_SCAN_PAGES) {
        if (!scan_pages(memory, first,
                        MIN(nr_pages - first, RAMINATE_SCAN_PAGES), NULL,
                        errp)) {
            return NULL;
        }
    }
    sampler = g_new0(RaminateSampler, 1);
    sampler->ops = &raminate_sampler_kvm;
    sampler->memory = memory;
    return sampler;
}

static void kvm_close(RaminateSampler *sampler)
{
    g_free(sampler);
}

static bool kvm_scan(RaminateSampler *sampler, uint32_t first, uint32_t nr,
                     unsigned long *written, Error **errp)
{
    return scan_pages(sampler->memory, first, nr, written + BIT_WORD(first),
                      errp);
}

const RaminateSamplerOps raminate_sampler_kvm = {
    .part = {
        .type = RAMINATE_SAMPLER_TYPE_KVM,
        .probe = raminate_kvm_attach,
    },
    .open = kvm_open,
    .close = kvm_close,
    .scan = kvm_scan,
};
