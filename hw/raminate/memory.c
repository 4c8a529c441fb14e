/*
 * RAMinate: a container's memory, as samplers and movers see it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/lockable.h"
#include "qemu/madvise.h"
#include "qemu/main-loop.h"
#include "hw/raminate/memory.h"

static const RaminateTier *tier_of_frame(const RaminateMemory *memory,
                                         uint64_t offset)
{
    for (unsigned i = 0; i < memory->nr_tiers; i++) {
        const RaminateTier *tier = &memory->tiers[i];

        if (offset >= tier->offset && offset - tier->offset < tier->size) {
            return tier;
        }
    }
    g_assert_not_reached();
}

bool raminate_memory_has_costly_reads(const RaminateMemory *memory)
{
    for (unsigned i = 1; i < memory->nr_tiers; i++) {
        if (memory->tiers[i].costs.read > memory->tiers[i - 1].costs.read) {
            return true;
        }
    }
    return false;
}

int raminate_memory_map(const RaminateMemory *memory, uint32_t page,
                        uint32_t frame, uint32_t nr)
{
    uint64_t offset = (uint64_t)frame << RAMINATE_PAGE_BITS;
    uint64_t size = (uint64_t)nr << RAMINATE_PAGE_BITS;
    const RaminateTier *tier = tier_of_frame(memory, offset);
    void *addr = raminate_memory_page(memory, page);

    if (mmap(addr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
             tier->fd, tier->phy_offset + offset - tier->offset)
        == MAP_FAILED) {
        return -errno;
    }
    /*
     * As QEMU does for all guest RAM.  The flags of all pages must be alike,
     * or the kernel won't join neighbouring mappings.
     */
    qemu_madvise(addr, size, QEMU_MADV_DONTFORK);
    if (!memory->backend->dump) {
        qemu_madvise(addr, size, QEMU_MADV_DONTDUMP);
    }
    if (memory->is_huge_advised) {
        qemu_madvise(addr, size, QEMU_MADV_HUGEPAGE);
    }
    return 0;
}

bool raminate_memory_has_failed(const RaminateMemory *memory, uint32_t frame)
{
    uint64_t offset = (uint64_t)frame << RAMINATE_PAGE_BITS;
    const RaminateTier *tier = tier_of_frame(memory, offset);
    uint8_t content[RAMINATE_PAGE_SIZE];

    /*
     * A device never lacks room, nor does memory without a file: whoever uses
     * the last of it is killed.  A hole of a file can be read without any.
     */
    return tier->is_device || tier->node != RAMINATE_NO_NODE ||
           pread(tier->fd, content, sizeof(content),
                 tier->phy_offset + offset - tier->offset) != sizeof(content);
}

/* Whether discards go by frame; those of memory on nodes go by page. */
static bool can_discard(const RaminateMemory *memory)
{
    if (raminate_memory_has_nodes(memory)) {
        return false;
    }
    for (unsigned i = 0; i < memory->nr_tiers; i++) {
        if (!memory->tiers[i].is_device) {
            return true;
        }
    }
    return false;
}

void raminate_memory_exchanged(const RaminateMemory *memory, uint32_t a,
                               uint32_t b)
{
    assert(bql_locked() || !can_discard(memory));
    QEMU_LOCK_GUARD(memory->placement_lock);

    raminate_placement_swap(memory->placement, a, b);
}

void raminate_memory_given(const RaminateMemory *memory, uint32_t page,
                           unsigned tier)
{
    QEMU_LOCK_GUARD(memory->placement_lock);

    raminate_placement_give(memory->placement, page, tier);
}
