/*
 * RAMinate: the sampler that reads QEMU's own dirty bitmap
 *
 * Works with every accelerator, and sees the writes of devices as well: QEMU
 * marks what they write.  Not seen is what the host's kernel writes behind
 * QEMU's back (vhost).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "exec/ramlist.h"
#include "hw/raminate/sampler/sampler.h"

/* 16 GiB: bounds the time that one look can take of the main loop's. */
#define SLICE_PAGES (4u << 20)

/*
 * Returns: the dirty bits of @size bytes from @addr on, which are clear
 * afterwards; to be freed with g_free().
 */
static DirtyBitmapSnapshot *take_dirty(const RaminateMemory *memory,
                                       hwaddr addr, hwaddr size)
{
    return memory_region_snapshot_and_clear_dirty(&memory->backend->mr, addr,
                                                  size,
                                                  DIRTY_MEMORY_PLACEMENT);
}

static RaminateSampler *dirty_log_open(const RaminateMemory *memory,
                                       Error **errp)
{
    MemoryRegion *mr = &memory->backend->mr;
    RaminateSampler *sampler = g_new0(RaminateSampler, 1);

    sampler->ops = &raminate_sampler_dirty_log;
    sampler->memory = memory;
    memory_region_set_log(mr, true, DIRTY_MEMORY_PLACEMENT);
    g_free(take_dirty(memory, 0, memory_region_size(mr)));
    return sampler;
}

static void dirty_log_close(RaminateSampler *sampler)
{
    memory_region_set_log(&sampler->memory->backend->mr, false,
                          DIRTY_MEMORY_PLACEMENT);
    g_free(sampler);
}

static uint32_t dirty_log_scan(RaminateSampler *sampler, uint32_t first,
                               RaminateSample *sample, Error **errp)
{
    uint32_t nr = MIN(raminate_placement_pages(sampler->memory->placement) -
                      first, SLICE_PAGES);
    hwaddr addr = (hwaddr)first << RAMINATE_PAGE_BITS;
    hwaddr size = (hwaddr)nr << RAMINATE_PAGE_BITS;
    g_autofree DirtyBitmapSnapshot *snapshot = take_dirty(sampler->memory,
                                                          addr, size);

    for (uint32_t page = first; page < first + nr; page++) {
        if (memory_region_snapshot_get_dirty(&sampler->memory->backend->mr,
                                             snapshot,
                                             (hwaddr)page << RAMINATE_PAGE_BITS,
                                             RAMINATE_PAGE_SIZE)) {
            raminate_sample_add_word(sample, page, 1, RAMINATE_WRITTEN);
        }
    }
    return nr;
}

const RaminateSamplerOps raminate_sampler_dirty_log = {
    .part = {
        .type = RAMINATE_SAMPLER_TYPE_DIRTY_LOG,
        .kinds = RAMINATE_WRITTEN,
        .in_main_loop = true,
    },
    .open = dirty_log_open,
    .close = dirty_log_close,
    .scan = dirty_log_scan,
};
