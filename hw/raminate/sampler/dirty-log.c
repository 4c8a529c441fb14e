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
#include "qemu/timer.h"
#include "exec/ramlist.h"
#include "hw/raminate/sampler/sampler.h"

/*
 * For how long bits are taken at a time.  The rest of 1 ms is for what has to
 * follow: each vCPU is told to watch the pages again.
 */
#define SLICE_NS (500 * SCALE_US)

/* Pages that are looked at in far less than that if nothing is written. */
#define STEP_PAGES (4u << 20)

/* Words with something written after which to look at the clock again. */
#define WORDS_PER_LOOK 256

/* One slice */
typedef struct Slice {
    RaminateSample *sample;
    int64_t end_ns;
    unsigned words;             /* that had something written */
} Slice;

static bool is_over(const Slice *slice)
{
    return qemu_clock_get_ns(QEMU_CLOCK_REALTIME) >= slice->end_ns;
}

/* Returns: whether there is time for more. */
static bool take_word(void *opaque, hwaddr addr, unsigned long bits)
{
    Slice *slice = opaque;

    raminate_sample_add_word(slice->sample, addr >> RAMINATE_PAGE_BITS, bits,
                             RAMINATE_WRITTEN);
    return ++slice->words % WORDS_PER_LOOK || !is_over(slice);
}

static RaminateSampler *dirty_log_open(const RaminateMemory *memory,
                                       Error **errp)
{
    RaminateSampler *sampler = g_new0(RaminateSampler, 1);

    sampler->ops = &raminate_sampler_dirty_log;
    sampler->memory = memory;
    memory_region_set_log(&memory->backend->mr, true, DIRTY_MEMORY_PLACEMENT);
    return sampler;
}

static void dirty_log_close(RaminateSampler *sampler)
{
    memory_region_set_log(&sampler->memory->backend->mr, false,
                          DIRTY_MEMORY_PLACEMENT);
    g_free(sampler);
}

static void dirty_log_begin_scan(RaminateSampler *sampler, bool is_look)
{
    memory_region_sync_dirty_bitmap(&sampler->memory->backend->mr, false);
}

static uint32_t dirty_log_scan(RaminateSampler *sampler, uint32_t first,
                               uint32_t nr, RaminateSample *sample,
                               Error **errp)
{
    Slice slice = {
        .sample = sample,
        .end_ns = qemu_clock_get_ns(QEMU_CLOCK_REALTIME) + SLICE_NS,
    };
    uint32_t done = 0;

    do {
        hwaddr size = memory_region_take_dirty(
            &sampler->memory->backend->mr,
            (hwaddr)(first + done) << RAMINATE_PAGE_BITS,
            (hwaddr)MIN(nr - done, STEP_PAGES) << RAMINATE_PAGE_BITS,
            DIRTY_MEMORY_PLACEMENT, take_word, &slice);

        done += size >> RAMINATE_PAGE_BITS;
    } while (done < nr && !is_over(&slice));
    return done;
}

const RaminateSamplerOps raminate_sampler_dirty_log = {
    .part = {
        .type = RAMINATE_SAMPLER_TYPE_DIRTY_LOG,
        .backings = RAMINATE_OF_RANGES | RAMINATE_OF_NODES,
        .kinds = RAMINATE_WRITTEN,
        .in_main_loop = true,
    },
    .open = dirty_log_open,
    .close = dirty_log_close,
    .begin_scan = dirty_log_begin_scan,
    .scan = dirty_log_scan,
};
