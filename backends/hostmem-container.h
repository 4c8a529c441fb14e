/*
 * RAMinate: memory-backend-container, guest RAM made of several tiers
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_HOSTMEM_CONTAINER_H
#define RAMINATE_HOSTMEM_CONTAINER_H

#include "hw/raminate/memory.h"

#define TYPE_MEMORY_BACKEND_CONTAINER "memory-backend-container"
OBJECT_DECLARE_SIMPLE_TYPE(HostMemoryBackendContainer,
                           MEMORY_BACKEND_CONTAINER)

/*
 * Adds a tier and maps its frames at its offset.  With the tier that makes the
 * container complete, the placer comes to life.
 *
 * @obj: has the interface raminate-tier; the container keeps a reference
 * @tier: copied; its strings and file descriptor must live as long as @obj
 * @has_rank: whether @tier->rank is set, or is to follow from the offset
 *
 * Returns: false with @errp set if the tier can't be part of the container;
 * then the container is as it was.
 */
bool host_memory_container_add_tier(HostMemoryBackendContainer *container,
                                    Object *obj,
                                    const RaminateTier *tier, bool has_rank,
                                    Error **errp);

/* Returns: whether a tier of the container is that node of the host. */
bool host_memory_container_has_node(HostMemoryBackendContainer *container,
                                    int node);

#endif
