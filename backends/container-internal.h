/*
 * RAMinate: the inside of memory-backend-container, for its files
 *
 * hostmem-container.c has its memory and life, container-tiers.c its tiers,
 * container-nodes.c the memory of those that are NUMA nodes,
 * container-discard.c what is given back.  Its properties are in placing.c.
 * All of it is under the big lock.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_CONTAINER_INTERNAL_H
#define RAMINATE_CONTAINER_INTERNAL_H

#include "qemu/notify.h"
#include "qemu/rcu.h"
#include "backends/raminate/hostmem-container.h"
#include "backends/raminate/placing.h"

/* A tier and the object that it comes from. */
typedef struct Child {
    Object *obj;
    RaminateTier tier;
    bool has_rank;
} Child;

/* Address space that is given back when nobody can look at it any more. */
typedef struct Reservation {
    struct rcu_head rcu;
    void *addr;
    size_t size;
} Reservation;

struct HostMemoryBackendContainer {
    HostMemoryBackend parent_obj;

    RaminatePlacing placing;    /* has no placer until all tiers are there */
    Reservation *reservation;
    GArray *children;           /* of Child, by offset */
    RaminateMemory memory;
    Notifier machine_done;
    NotifierWithReturn postcopy;
};

static inline const char *container_id(HostMemoryBackendContainer *container)
{
    return object_get_canonical_path_component(OBJECT(container));
}

/* container-tiers.c; see RaminatePlacingClass */
bool container_resize_claim(Object *obj, unsigned rank, uint64_t size,
                            Error **errp);

/* container-nodes.c */

/*
 * Maps anonymous memory in the place of all tiers, which are NUMA nodes of the
 * host, and has each begin on its node.
 * Returns: false with @errp set if it can't be.
 */
bool container_map_nodes(HostMemoryBackendContainer *container, Error **errp);

/* container-discard.c */

/*
 * Has discards of the complete container free the frames of its pages, and
 * post-copy ask whether it can be, until raminate_end_discard().
 */
void container_begin_discard(HostMemoryBackendContainer *container);

#endif
