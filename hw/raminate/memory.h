/*
 * RAMinate: a container's memory, as samplers and movers see it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_MEMORY_H
#define HW_RAMINATE_MEMORY_H

#include "system/hostmem.h"
#include "hw/raminate/engine/placement.h"

#define RAMINATE_PAGE_SIZE (1ULL << RAMINATE_PAGE_BITS)

/* Page and frame numbers have 32 bits, and the last two are spoken for. */
#define RAMINATE_MAX_SIZE ((uint64_t)(UINT32_MAX - 1) << RAMINATE_PAGE_BITS)

/* Costs of a tier that a user gave; the others are the usual ones. */
#define RAMINATE_READ_COST 1
#define RAMINATE_WRITE_COST 2
#define RAMINATE_IDLE_POWER 4
#define RAMINATE_ALL_COSTS 7

/* Of a tier that is no NUMA node of the host */
#define RAMINATE_NO_NODE (-1)

/*
 * One kind of memory.  Either a range, a run of frames that the VM owns: one
 * memory-backend-devmem.  Or a NUMA node of the host, on which so many of the
 * guest's pages are to be: one memory-backend-node.  The frames are the kernel's
 * then; those of a placement are numbers for room on the node.
 */
typedef struct RaminateTier {
    const char *id;             /* borrowed from the object's path */
    const char *type;           /* of the object; static */

    /* Of a range; NULL, -1 and zeros for a node */
    const char *mem_path;       /* borrowed from the object */
    int fd;                     /* borrowed from the object's RAM block */
    bool is_device;             /* whether @fd is a device */
    bool is_dev_mem;            /* whether it is the host's /dev/mem */
    bool is_unpinnable;         /* whether the host's kernel can't pin pages */
    bool is_reserved;           /* whether all its blocks are to stay */
    uint64_t phy_offset;        /* where the frames begin in @fd, in bytes */

    int node;                   /* of the host, or RAMINATE_NO_NODE */
    uint64_t offset;            /* of the frames in the container, in bytes */
    uint64_t size;              /* in bytes */
    uint8_t rank;               /* unique in the container, 0 is the fastest */
    RaminateCosts costs;
    unsigned costs_given;       /* RAMINATE_READ_COST and so on */

    /* These change, under the big lock. */
    bool is_attached;           /* whether KVM has the range; see kvm.h */
    bool keeps_memory;          /* whether a discard of frames has failed */
    uint64_t budget;            /* bytes of pages that are to be there; @size
                                   at first, and always for a range */
} RaminateTier;

/*
 * Owned by a memory-backend-container or a memory-placement; complete once its
 * placer exists, and fixed from then on, but for what changes under the big
 * lock.
 */
typedef struct RaminateMemory {
    HostMemoryBackend *backend; /* whose memory it is; borrowed */
    const char *type;           /* of the object that owns this; static */
    const char *id;             /* borrowed from that object's path */
    uint8_t *host;              /* start of the memory's host range */
    RaminateTier *tiers;        /* in order of rank */
    unsigned nr_tiers;
    RaminatePlacement *placement;       /* the engine's; NULL without one */
    QemuMutex *placement_lock;          /* guards it; the placer's */

    /* These change, under the big lock. */
    bool is_lost;               /* whether not all pages can be reached */
    bool is_huge_advised;       /* whether mappings are to be MADV_HUGEPAGE */
} RaminateMemory;

/* Returns: whether tiers are nodes; all are, or none. */
static inline bool raminate_memory_has_nodes(const RaminateMemory *memory)
{
    return memory->tiers[0].node != RAMINATE_NO_NODE;
}

/* As raminate_layout_reads_cost() has it, before there is a layout. */
bool raminate_memory_has_costly_reads(const RaminateMemory *memory);

static inline uint8_t *raminate_memory_page(const RaminateMemory *memory,
                                            uint32_t page)
{
    return memory->host + ((uint64_t)page << RAMINATE_PAGE_BITS);
}

/* Returns: the first page of a region. */
static inline uint8_t *raminate_memory_region(const RaminateMemory *memory,
                                              uint32_t region)
{
    return memory->host + region * RAMINATE_REGION_SIZE;
}

/*
 * Maps a run of @nr pages from @page on to the frames from @frame on, all of
 * one tier, which is a range.  Contents stay with the frames.
 *
 * Returns: 0, or -errno; the pages may then have lost their old mapping.
 */
int raminate_memory_map(const RaminateMemory *memory, uint32_t page,
                        uint32_t frame, uint32_t nr);

/*
 * Finds out why the kernel could not copy a page that has @frame.
 * Returns: whether the memory has failed, or the file is too short.  If not,
 * the file system has no room for the page at present.
 */
bool raminate_memory_has_failed(const RaminateMemory *memory, uint32_t frame);

/*
 * Says in the placement that two pages have exchanged their frames.  Takes the
 * placement's lock.  For the mover of the batch under way, which is the only
 * one to write the placement meanwhile, and so may read it without the lock.
 *
 * Pages move under the big lock if there is a tier whose frames can be
 * discarded, since that is done under it; see discard.h.
 */
void raminate_memory_exchanged(const RaminateMemory *memory, uint32_t a,
                               uint32_t b);

/*
 * Says in the placement that @page was given to another tier, which is a node:
 * see raminate_placement_give().  The same holds.
 */
void raminate_memory_given(const RaminateMemory *memory, uint32_t page,
                           unsigned tier);

#endif
