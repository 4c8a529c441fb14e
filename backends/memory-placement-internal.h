/*
 * RAMinate: the inside of memory-placement, for its files
 *
 * memory-placement.c has its memory, life and properties, placement-tiers.c its
 * tiers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_MEMORY_PLACEMENT_INTERNAL_H
#define RAMINATE_MEMORY_PLACEMENT_INTERNAL_H

#include "qapi/qapi-builtin-types.h"
#include "qemu/notify.h"
#include "backends/raminate/node-claims.h"
#include "backends/raminate/placing.h"

#define TYPE_MEMORY_PLACEMENT "memory-placement"
OBJECT_DECLARE_SIMPLE_TYPE(MemoryPlacement, MEMORY_PLACEMENT)

/* All of it under the big lock */
struct MemoryPlacement {
    Object parent_obj;

    char *memdev;
    uint16List *nodes;          /* the fastest first; NULL if pools have them */
    strList *pools;             /* that nodes are taken from, or NULL */
    sizeList *budgets;          /* of all nodes but the last */
    RaminatePlacing placing;
    RaminateMemory memory;      /* its backend: with a reference, or NULL */
    RaminateTier tiers[RAMINATE_MAX_TIERS];
    char *tier_ids[RAMINATE_MAX_TIERS];
    RaminateNodeClaim *claims[RAMINATE_MAX_TIERS];      /* or NULL */
    Notifier machine_done;
};

static inline const char *placement_id(MemoryPlacement *placement)
{
    return object_get_canonical_path_component(OBJECT(placement));
}

/* placement-tiers.c */

/*
 * Makes a tier of each node, or of a node of each pool.
 * Returns: false with @errp set if a node, pool or budget is not what it may be.
 */
bool placement_fill_tiers(MemoryPlacement *placement, Error **errp);

/* Gives claims on pools back. */
void placement_end_claims(MemoryPlacement *placement);

/* See RaminatePlacingClass. */
bool placement_resize_claim(Object *obj, unsigned rank, uint64_t size,
                            Error **errp);

#endif
