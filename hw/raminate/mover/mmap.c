/*
 * RAMinate: the mover that maps pages anew
 *
 * While guest memory stands still, the contents of both pages are exchanged
 * and each is mapped on to the other's frame.  Each such page may need a host
 * mapping of its own, of which the kernel allows a process only so many
 * (vm.max_map_count).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bitmap.h"
#include "qemu/error-report.h"
#include "hw/raminate/mover/mover.h"
#include "hw/raminate/mover/quiesce.h"
#include "system/runstate.h"

/* Left to the rest of QEMU: threads, libraries, devices plugged later. */
#define MAPPINGS_RESERVE 4096

/* An exchange cuts out two pages, each from the middle of a mapping. */
#define MAPPINGS_PER_SWAP 4

/*
 * The kernel joins neighbouring mappings of a file, but not of a device, whose
 * mappings are made anew as one.  Making one anew costs time for each page.
 */
#define DEVICE_JOIN_PAGES 1024

typedef struct MmapMover {
    RaminateMover parent;
    unsigned long *starts;      /* pages at which a host mapping starts */
    uint32_t mappings;          /* number of bits set in starts */
    bool by_device;             /* whether mappings have to be joined by hand */
    uint8_t bounce[RAMINATE_PAGE_SIZE];
} MmapMover;

/* Of all containers; the process has one limit.  Under the big lock. */
static uint32_t total_mappings;
static uint32_t max_mappings;

static uint32_t read_max_mappings(void)
{
    g_autofree char *text = NULL;
    uint32_t limit = 65530;     /* the kernel's default */

    if (g_file_get_contents("/proc/sys/vm/max_map_count", &text, NULL, NULL)) {
        limit = MIN(g_ascii_strtoull(text, NULL, 10), UINT32_MAX);
    }
    return limit > MAPPINGS_RESERVE ? limit - MAPPINGS_RESERVE : 0;
}

static void set_start(MmapMover *mover, uint32_t page, bool start)
{
    if (page < raminate_placement_pages(mover->parent.memory->placement) &&
        test_bit(page, mover->starts) != start) {
        change_bit(page, mover->starts);
        mover->mappings += start ? 1 : -1;
        total_mappings += start ? 1 : -1;
    }
}

static RaminateMover *mmap_open(RaminateMemory *memory, Error **errp)
{
    MmapMover *mover = g_new0(MmapMover, 1);
    uint32_t nr_pages = raminate_placement_pages(memory->placement);

    mover->parent.ops = &raminate_mover_mmap;
    mover->parent.memory = memory;
    mover->starts = bitmap_try_new(nr_pages);
    if (!mover->starts) {
        error_setg(errp, "memory-backend-container '%s': no memory for a bit "
                   "for each of %" PRIu32 " pages", memory->id, nr_pages);
        g_free(mover);
        return NULL;
    }
    max_mappings = read_max_mappings();
    for (unsigned i = 0; i < memory->nr_tiers; i++) {
        mover->by_device |= memory->tiers[i].is_device;
    }
    for (uint32_t page = 0; page < nr_pages; page++) {
        if (!raminate_placement_joined(memory->placement, page)) {
            set_start(mover, page, true);
        }
    }
    return &mover->parent;
}

static void mmap_close(RaminateMover *parent)
{
    MmapMover *mover = container_of(parent, MmapMover, parent);

    total_mappings -= mover->mappings;
    g_free(mover->starts);
    g_free(mover);
}

/* Shows in the mappings what the placement says of @page. */
static int map_page(MmapMover *mover, uint32_t page)
{
    const RaminateMemory *memory = mover->parent.memory;
    const RaminatePlacement *placement = memory->placement;
    uint32_t nr_pages = raminate_placement_pages(placement);
    bool joins_left = raminate_placement_joined(placement, page);
    bool joins_right = raminate_placement_joined(placement, page + 1);
    uint32_t first = page;
    uint32_t end = page + 1;
    int ret;

    if (mover->by_device) {
        if (joins_left) {
            first = find_last_bit(mover->starts, page);
            if (page - first > DEVICE_JOIN_PAGES) {
                first = page;
                joins_left = false;
            }
        }
        if (joins_right) {
            end = find_next_bit(mover->starts, nr_pages, page + 2);
            if (end - page > DEVICE_JOIN_PAGES) {
                end = page + 1;
                joins_right = false;
            }
        }
    }
    ret = raminate_memory_map(memory, first,
                              raminate_placement_frame(placement, first),
                              end - first);
    if (ret == 0) {
        set_start(mover, page, !joins_left);
        set_start(mover, page + 1, !joins_right);
    }
    return ret;
}

static void exchange_contents(MmapMover *mover, uint32_t a, uint32_t b)
{
    void *host_a = raminate_memory_page(mover->parent.memory, a);
    void *host_b = raminate_memory_page(mover->parent.memory, b);

    memcpy(mover->bounce, host_a, RAMINATE_PAGE_SIZE);
    memcpy(host_a, host_b, RAMINATE_PAGE_SIZE);
    memcpy(host_b, mover->bounce, RAMINATE_PAGE_SIZE);
}

/* Returns: 0, or -errno with both pages as they were. */
static int exchange_pair(MmapMover *mover, uint32_t a, uint32_t b)
{
    RaminateMemory *memory = mover->parent.memory;
    int ret;

    exchange_contents(mover, a, b);
    raminate_memory_exchanged(memory, a, b);
    ret = map_page(mover, a);
    if (ret == 0) {
        ret = map_page(mover, b);
    }
    if (ret == 0) {
        return 0;
    }

    raminate_memory_exchanged(memory, a, b);
    if (map_page(mover, a) < 0 || map_page(mover, b) < 0) {
        /*
         * The kernel took a mapping away and then had none to give.  The
         * contents are where the placement says, but nobody can go there.
         */
        raminate_memory_exchanged(memory, a, b);
        error_report("memory-backend-container '%s': can't map page %" PRIu32
                     " or %" PRIu32 " of guest RAM any more: %s; the VM can't "
                     "go on", memory->id, a, b, strerror(-ret));
        vm_stop(RUN_STATE_INTERNAL_ERROR);
        return ret;
    }
    exchange_contents(mover, a, b);
    return ret;
}

static bool mmap_begin(RaminateMover *parent, Error **errp)
{
    return raminate_quiesce_begin(errp);
}

static uint64_t mmap_end(RaminateMover *parent)
{
    return raminate_quiesce_end();
}

static RaminateExchangeResult mmap_exchange(RaminateMover *parent,
                                            RaminateMove *moves, size_t nr,
                                            Error **errp)
{
    MmapMover *mover = container_of(parent, MmapMover, parent);

    for (size_t i = 0; i < nr; i++) {
        int ret;

        if (total_mappings + MAPPINGS_PER_SWAP > max_mappings &&
            raminate_placement_swap_runs(parent->memory->placement,
                                         moves[i].page, moves[i].with) > 0) {
            moves[i].status = RAMINATE_MOVE_HELD;
            continue;
        }
        ret = exchange_pair(mover, moves[i].page, moves[i].with);
        moves[i].status = ret ? RAMINATE_MOVE_FAILED : RAMINATE_MOVE_DONE;
        moves[i].error = -ret;
    }
    return RAMINATE_EXCHANGE_OK;
}

static uint32_t mmap_mappings(const RaminateMover *parent, uint32_t *limit)
{
    const MmapMover *mover = container_of(parent, const MmapMover, parent);
    uint32_t others = total_mappings - mover->mappings;

    *limit = max_mappings > others ? max_mappings - others : 1;
    return mover->mappings;
}

const RaminateMoverOps raminate_mover_mmap = {
    .part = {
        .type = RAMINATE_MOVER_TYPE_MMAP,
        .in_main_loop = true,
    },
    .open = mmap_open,
    .close = mmap_close,
    .begin = mmap_begin,
    .exchange = mmap_exchange,
    .end = mmap_end,
    .mappings = mmap_mappings,
};
