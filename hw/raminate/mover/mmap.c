/*
 * RAMinate: the mover that maps pages anew
 *
 * While guest memory stands still, each page is mapped on to the other's frame
 * and then the contents are exchanged.  Each such page may need a host mapping
 * of its own, of which the kernel allows a process only so many
 * (vm.max_map_count).
 *
 * The kernel may refuse a mapping.  In most cases, the old one is still there,
 * but it may be gone.  Contents are not touched before both mappings are made,
 * so that to undo an exchange is to map pages as they were; spare mappings are
 * given up for that.
 *
 * Nor may a page's memory be within reach; it is then left where it is.  If it
 * never will be again, the move says so.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bitmap.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "hw/raminate/kvm.h"
#include "hw/raminate/mover/mover.h"
#include "hw/raminate/mover/pair-copies.h"
#include "hw/raminate/mover/quiesce.h"
#include "hw/raminate/mover/spare.h"

/*
 * One in so many of the process's mappings is left to the rest of QEMU.  Each
 * request in flight takes two for its coroutine's stack, and QEMU aborts if it
 * can't have them (util/qemu-coroutine.c takes nearly all of them for its own).
 */
#define MAPPINGS_RESERVE 4

/* An exchange cuts out two pages, each from the middle of a mapping. */
#define MAPPINGS_PER_SWAP 4

/*
 * The kernel joins neighbouring mappings of a file, but not of a device, whose
 * mappings are made anew as one.  Making one anew costs time for each page.
 */
#define DEVICE_JOIN_PAGES 1024

/* What is refused is asked for so often. */
#define TRIES 2

/* Of the main loop, under the big lock, as all of this file is */
typedef struct MmapMover {
    RaminateMover parent;
    unsigned long *starts;      /* pages at which a host mapping starts */
    uint32_t mappings;          /* number of bits set in starts */
    bool by_device;             /* whether mappings have to be joined by hand */
    uint8_t *spare;             /* to be given up to undo a swap, or NULL */
    RaminatePairCopies copies;
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
    return limit - limit / MAPPINGS_RESERVE;
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

static void find_start(MmapMover *mover, uint32_t page)
{
    if (!raminate_placement_joined(mover->parent.memory->placement, page)) {
        set_start(mover, page, true);
    }
}

/*
 * Within a region in which nothing has moved, only a tier begins a mapping, and
 * the region where the one before it has changed.
 */
static void find_starts(MmapMover *mover)
{
    const RaminateMemory *memory = mover->parent.memory;
    uint32_t nr_pages = raminate_placement_pages(memory->placement);

    for (unsigned i = 0; i < memory->nr_tiers; i++) {
        find_start(mover, memory->tiers[i].offset >> RAMINATE_PAGE_BITS);
    }
    for (uint32_t region =
             raminate_placement_next_changed(memory->placement, 0);
         region != RAMINATE_NO_PAGE;
         region = raminate_placement_next_changed(memory->placement,
                                                  region + 1)) {
        uint64_t first = (uint64_t)region << RAMINATE_REGION_BITS;
        uint64_t end = MIN(first + RAMINATE_REGION_PAGES + 1, nr_pages);

        /* The page behind it, too, which may have begun to lie alone. */
        for (uint64_t page = first; page < end; page++) {
            find_start(mover, page);
        }
    }
}

static RaminateMover *mmap_open(RaminateMemory *memory, Error **errp)
{
    MmapMover *mover = g_new0(MmapMover, 1);
    uint32_t nr_pages = raminate_placement_pages(memory->placement);

    raminate_kvm_release(memory);
    mover->parent.ops = &raminate_mover_mmap;
    mover->parent.memory = memory;
    if (!raminate_pair_copies_init(&mover->copies, memory, errp)) {
        g_free(mover);
        return NULL;
    }
    mover->starts = bitmap_try_new(nr_pages);
    if (!mover->starts) {
        error_setg(errp, "memory-backend-container '%s': no memory for a bit "
                   "for each of %" PRIu32 " pages", memory->id, nr_pages);
        raminate_pair_copies_destroy(&mover->copies);
        g_free(mover);
        return NULL;
    }
    max_mappings = read_max_mappings();
    for (unsigned i = 0; i < memory->nr_tiers; i++) {
        mover->by_device |= memory->tiers[i].is_device;
    }
    find_starts(mover);
    return &mover->parent;
}

static void mmap_close(RaminateMover *parent)
{
    MmapMover *mover = container_of(parent, MmapMover, parent);

    total_mappings -= mover->mappings;
    raminate_spare_drop(&mover->spare);
    raminate_pair_copies_destroy(&mover->copies);
    g_free(mover->starts);
    g_free(mover);
}

/* Pages that are mapped as one */
typedef struct Run {
    uint32_t first;
    uint32_t end;
} Run;

/*
 * Returns: where the mapping before @page starts, or @page if that is more than
 * DEVICE_JOIN_PAGES before it.  Looks no further.
 */
static uint32_t start_before(const MmapMover *mover, uint32_t page)
{
    uint32_t from = page > DEVICE_JOIN_PAGES ? page - DEVICE_JOIN_PAGES : 0;
    uint32_t word = BIT_WORD(from);
    uint32_t nr = page - word * BITS_PER_LONG;
    uint32_t start = word * BITS_PER_LONG +
                     find_last_bit(mover->starts + word, nr);

    return start < from ? page : start;
}

/*
 * Returns: where the mapping of the page behind @page ends, or that page if it
 * is more than DEVICE_JOIN_PAGES behind @page.  Looks no further.
 */
static uint32_t end_behind(const MmapMover *mover, uint32_t page)
{
    uint64_t nr_pages =
        raminate_placement_pages(mover->parent.memory->placement);
    uint64_t limit = MIN((uint64_t)page + DEVICE_JOIN_PAGES + 1, nr_pages);
    uint32_t end = find_next_bit(mover->starts, limit, page + 2);

    return end - page > DEVICE_JOIN_PAGES ? page + 1 : end;
}

/* Returns: what to map to show what the placement says of @page. */
static Run run_of(const MmapMover *mover, uint32_t page)
{
    const RaminatePlacement *placement = mover->parent.memory->placement;
    Run run = { page, page + 1 };

    if (!mover->by_device) {
        return run;
    }
    if (raminate_placement_joined(placement, page)) {
        run.first = start_before(mover, page);
    }
    if (raminate_placement_joined(placement, page + 1)) {
        run.end = end_behind(mover, page);
    }
    return run;
}

/* Returns: whether the kernel joins a mapping at @page to the one before. */
static bool is_joined(const MmapMover *mover, uint32_t page)
{
    return !mover->by_device &&
           raminate_placement_joined(mover->parent.memory->placement, page);
}

/* Returns: 0, or -errno; @run may then have lost its old mapping. */
static int map_run(MmapMover *mover, const Run *run)
{
    const RaminateMemory *memory = mover->parent.memory;
    uint32_t frame = raminate_placement_frame(memory->placement, run->first);
    int ret = -1;

    for (unsigned i = 0; ret < 0 && i < TRIES; i++) {
        ret = raminate_memory_map(memory, run->first, frame,
                                  run->end - run->first);
    }
    if (ret == 0) {
        set_start(mover, run->first, !is_joined(mover, run->first));
        for (uint32_t page = run->first + 1; page < run->end; page++) {
            set_start(mover, page, false);
        }
        set_start(mover, run->end, !is_joined(mover, run->end));
    }
    return ret;
}

/* Maps @page alone, whatever that takes.  Returns: 0, or -errno. */
static int map_back(MmapMover *mover, uint32_t page)
{
    Run run = { page, page + 1 };
    int ret = map_run(mover, &run);

    if (ret < 0 && mover->spare) {
        raminate_spare_drop(&mover->spare);
        ret = map_run(mover, &run);
    }
    return ret;
}

static bool is_mapped(const RaminateMemory *memory, uint32_t page)
{
    unsigned char resident;

    return mincore(raminate_memory_page(memory, page), RAMINATE_PAGE_SIZE,
                   &resident) == 0 || errno != ENOMEM;
}

static bool run_has(const Run *run, uint32_t page)
{
    return page >= run->first && page < run->end;
}

/*
 * Says in @move which page's memory has failed, if that is why a copy has; its
 * pages are where they were.
 * @ret: of the copy
 * Returns: -errno.
 */
static int copy_failed(const MmapMover *mover, RaminateMove *move, int ret,
                       unsigned which)
{
    const RaminateMemory *memory = mover->parent.memory;
    uint32_t page = which == RAMINATE_MOVE_BAD_PAGE ? move->page : move->with;

    if (ret != -EFAULT ||
        !raminate_memory_has_failed(
            memory, raminate_placement_frame(memory->placement, page))) {
        return ret;
    }
    move->bad = which;
    return -EHWPOISON;
}

/*
 * Maps as before what is not, after @refused was; the placement is as before.
 * @mapped: what was mapped anew, which may have @a and @b in it; NULL for none
 * Returns: whether all is as before.
 */
static bool undo(MmapMover *mover, const Run *refused, const Run *mapped,
                 uint32_t a, uint32_t b)
{
    int ret = 0;

    for (uint32_t page = refused->first; page < refused->end; page++) {
        if (!is_mapped(mover->parent.memory, page)) {
            ret |= map_back(mover, page);
        }
    }
    if (mapped) {
        ret |= map_back(mover, a);
        if (run_has(mapped, b)) {
            ret |= map_back(mover, b);
        }
    }
    return ret == 0;
}

/*
 * Returns: 0, or -errno with both pages as they were.
 * @lost: set if they could not be made so: the contents are where the
 *        placement says, but not all pages lead there
 */
static int exchange_pair(MmapMover *mover, RaminateMove *move, bool *lost)
{
    const RaminateMemory *memory = mover->parent.memory;
    uint32_t a = move->page;
    uint32_t b = move->with;
    Run run_a, run_b;
    RaminateCopy which;
    int ret;

    ret = raminate_pair_save(&mover->copies, a, b, &which);
    if (ret < 0) {
        return copy_failed(mover, move, ret, which == RAMINATE_COPY_A
                           ? RAMINATE_MOVE_BAD_PAGE : RAMINATE_MOVE_BAD_WITH);
    }
    raminate_memory_exchanged(memory, a, b);
    run_a = run_of(mover, a);
    ret = map_run(mover, &run_a);
    if (ret < 0) {
        raminate_memory_exchanged(memory, a, b);
        *lost = !undo(mover, &run_a, NULL, a, b);
        return ret;
    }
    run_b = run_of(mover, b);
    ret = map_run(mover, &run_b);
    if (ret < 0) {
        raminate_memory_exchanged(memory, a, b);
        *lost = !undo(mover, &run_b, &run_a, a, b);
        return ret;
    }
    ret = raminate_pair_load(&mover->copies, a, b, &which);
    if (ret < 0) {
        raminate_memory_exchanged(memory, a, b);
        *lost = map_back(mover, a) | map_back(mover, b) ||
                !raminate_pair_restore(&mover->copies, a, b);
        /* Each copy was on its way to the other's old frame. */
        return copy_failed(mover, move, ret, which == RAMINATE_COPY_A
                           ? RAMINATE_MOVE_BAD_WITH : RAMINATE_MOVE_BAD_PAGE);
    }
    return ret;
}

static bool mmap_begin(RaminateMover *parent, Error **errp)
{
    if (parent->memory->is_lost) {
        error_setg(errp, "the container has pages that can't be mapped; start "
                   "the VM anew");
        return false;
    }
    return raminate_quiesce_begin(errp);
}

static uint64_t mmap_end(RaminateMover *parent)
{
    return raminate_quiesce_end();
}

static RaminateExchangeResult mmap_exchange(RaminateMover *parent,
                                            RaminateMove *moves, size_t nr,
                                            int64_t deadline, Error **errp)
{
    MmapMover *mover = container_of(parent, MmapMover, parent);

    for (size_t i = 0; i < nr; i++) {
        uint32_t a = moves[i].page;
        uint32_t b = moves[i].with;
        bool lost = false;
        int ret;

        if (i && qemu_clock_get_ns(QEMU_CLOCK_REALTIME) >= deadline) {
            break;
        }
        if (!raminate_spare_get(&mover->spare) ||
            (total_mappings + MAPPINGS_PER_SWAP > max_mappings &&
             raminate_placement_swap_runs(parent->memory->placement, a,
                                          b) > 0)) {
            moves[i].status = RAMINATE_MOVE_HELD;
            continue;
        }
        ret = exchange_pair(mover, &moves[i], &lost);
        moves[i].status = ret ? RAMINATE_MOVE_FAILED : RAMINATE_MOVE_DONE;
        moves[i].error = -ret;
        if (lost) {
            assert(bql_locked());
            parent->memory->is_lost = true;
            error_setg_errno(errp, -ret, "memory-backend-container '%s': can't "
                             "map page %" PRIu32 " or %" PRIu32 " of guest RAM "
                             "any more; the VM can't go on, start it anew",
                             parent->memory->id, a, b);
            return RAMINATE_EXCHANGE_LOST;
        }
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
        .backings = RAMINATE_OF_RANGES,
        .in_main_loop = true,
    },
    .open = mmap_open,
    .close = mmap_close,
    .begin = mmap_begin,
    .exchange = mmap_exchange,
    .end = mmap_end,
    .mappings = mmap_mappings,
};
