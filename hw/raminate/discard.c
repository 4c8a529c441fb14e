/*
 * RAMinate: memory that is given back
 *
 * A balloon, reports of free pages, virtio-mem and post-copy have memory
 * discarded.  The container's RAM block has no file of its own, so this frees
 * the frames that the pages have at the time, in the files of their tiers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/lockable.h"
#include "qemu/main-loop.h"
#include "qemu/mmap-alloc.h"
#include "hw/raminate/discard.h"
#include "migration/postcopy-ram.h"

/* The placement is not kept from others for longer than this takes. */
#define RUN_PAGES 65536

void raminate_begin_discard(HostMemoryBackend *backend,
                            int (*discard)(RAMBlock *block, uint64_t start,
                                           size_t length),
                            NotifierWithReturn *postcopy,
                            NotifierWithReturnFunc asked)
{
    backend->mr.ram_block->discard = discard;
    postcopy->notify = asked;
    postcopy_add_notifier(postcopy);
}

void raminate_end_discard(NotifierWithReturn *postcopy)
{
    if (postcopy->notify) {
        postcopy_remove_notifier(postcopy);
    }
}

void raminate_warn_discard(const char *id, const char *mem_path)
{
    warn_report("memory-backend-devmem '%s': %s is a device, to which no "
                "memory can be given back; what the guest gives up (balloon, "
                "free page reporting, virtio-mem) stays the VM's", id,
                mem_path);
}

static int punch_hole(const RaminateTier *tier, uint64_t offset, uint64_t size)
{
    if (tier->is_device) {
        return -ENOTSUP;
    }
    return RETRY_ON_EINTR(fallocate(tier->fd, FALLOC_FL_PUNCH_HOLE |
                                    FALLOC_FL_KEEP_SIZE,
                                    tier->phy_offset + offset, size)) < 0
           ? -errno : 0;
}

/* @offset: in the tier, in bytes.  Returns: 0, or -errno. */
static int discard_frames(RaminateTier *tier, uint64_t offset, uint64_t size)
{
    int ret = punch_hole(tier, offset, size);

    assert(bql_locked());
    if (ret < 0 && !tier->keeps_memory) {
        tier->keeps_memory = true;
        if (tier->is_device) {
            raminate_warn_discard(tier->id, tier->mem_path);
        } else {
            warn_report("memory-backend-devmem '%s': memory can't be given "
                        "back to %s: %s; what the guest gives up (balloon, "
                        "free page reporting, virtio-mem) stays the VM's",
                        tier->id, tier->mem_path, strerror(-ret));
        }
    }
    return ret;
}

/*
 * @offset: returns where in the tier the frame of @page is, in bytes
 * Returns: the tier.
 */
static RaminateTier *find_frame(const RaminateMemory *memory, uint32_t page,
                                uint64_t *offset)
{
    const RaminatePlacement *placement = memory->placement;
    RaminateTier *tier =
        &memory->tiers[raminate_placement_tier(placement, page)];

    *offset = ((uint64_t)raminate_placement_frame(placement, page)
               << RAMINATE_PAGE_BITS) - tier->offset;
    return tier;
}

/* Pages whose frames follow each other in one tier */
typedef struct FrameRun {
    RaminateTier *tier;
    uint64_t offset;            /* of the frames in the tier, in bytes */
    uint32_t nr;
} FrameRun;

/* Returns: the run from @page on, which ends before @end at the latest. */
static FrameRun find_run(const RaminateMemory *memory, uint32_t page,
                         uint32_t end)
{
    const RaminatePlacement *placement = memory->placement;
    FrameRun run = { .nr = 1 };

    QEMU_LOCK_GUARD(memory->placement_lock);
    run.tier = find_frame(memory, page, &run.offset);
    while (run.nr < MIN(end - page, RUN_PAGES) &&
           raminate_placement_joined(placement, page + run.nr)) {
        run.nr++;
    }
    return run;
}

/* All pages have all frames: no need to look which. */
static int discard_all(RaminateMemory *memory)
{
    int ret = 0;

    for (unsigned i = 0; i < memory->nr_tiers; i++) {
        RaminateTier *tier = &memory->tiers[i];

        ret = discard_frames(tier, 0, tier->size) ?: ret;
    }
    return ret;
}

int raminate_memory_discard(RaminateMemory *memory, uint64_t start,
                            uint64_t size)
{
    uint32_t page = start >> RAMINATE_PAGE_BITS;
    uint32_t end = (start + size) >> RAMINATE_PAGE_BITS;
    int ret = 0;

    /*
     * No page may move between the look at its frame and the hole.  A
     * migration's thread, which gives back what it has sent, comes without it.
     */
    BQL_LOCK_GUARD();
    if (size == memory->backend->size) {
        return discard_all(memory);
    }
    while (page < end) {
        FrameRun run = find_run(memory, page, end);

        ret = discard_frames(run.tier, run.offset,
                             (uint64_t)run.nr << RAMINATE_PAGE_BITS) ?: ret;
        page += run.nr;
    }
    return ret;
}

bool raminate_memory_is_hole(const RaminateMemory *memory, uint32_t page)
{
    uint64_t offset;
    const RaminateTier *tier = find_frame(memory, page, &offset);
    uint64_t end = tier->phy_offset + offset + RAMINATE_PAGE_SIZE;
    struct stat st;
    off_t data;

    if (tier->is_device) {
        return false;
    }
    data = lseek(tier->fd, tier->phy_offset + offset, SEEK_DATA);
    if (data >= 0) {
        return data >= end;
    }
    /* No data from there on, or no file: it has been cut short. */
    return errno == ENXIO && fstat(tier->fd, &st) == 0 && st.st_size >= end;
}

bool raminate_memory_make_hole(const RaminateMemory *memory, uint32_t page)
{
    uint64_t offset;
    const RaminateTier *tier = find_frame(memory, page, &offset);

    /* A block that was reserved and not written yet looks like a hole. */
    return (tier->is_reserved &&
            fallocate(tier->fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
                      tier->phy_offset + offset, RAMINATE_PAGE_SIZE) == 0) ||
           punch_hole(tier, offset, RAMINATE_PAGE_SIZE) == 0;
}

bool raminate_memory_check_postcopy(const RaminateMemory *memory,
                                    Error **errp)
{
    for (unsigned i = 0; i < memory->nr_tiers; i++) {
        const RaminateTier *tier = &memory->tiers[i];

        if (tier->is_device ||
            qemu_fd_getfs(tier->fd) != QEMU_FS_TYPE_TMPFS) {
            error_setg(errp, "memory-backend-container '%s': tier '%s' is in "
                       "%s, which is not a file on a tmpfs; put all tiers "
                       "there, or migrate without post-copy", memory->id,
                       tier->id, tier->mem_path);
            return false;
        }
    }
    return true;
}
