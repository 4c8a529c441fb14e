/*
 * RAMinate: memory of memory-backend-container that is given back
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "backends/raminate/container-internal.h"
#include "exec/ramblock.h"
#include "hw/raminate/discard.h"
#include "migration/postcopy-ram.h"

static int container_discard(RAMBlock *rb, uint64_t start, size_t length)
{
    HostMemoryBackendContainer *container =
        MEMORY_BACKEND_CONTAINER(memory_region_owner(rb->mr));

    return raminate_memory_discard(&container->memory, start, length);
}

static int container_postcopy(NotifierWithReturn *notifier, void *data,
                              Error **errp)
{
    HostMemoryBackendContainer *container =
        container_of(notifier, HostMemoryBackendContainer, postcopy);
    const struct PostcopyNotifyData *what = data;

    switch (what->reason) {
    case POSTCOPY_NOTIFY_PROBE:
        return raminate_memory_check_postcopy(&container->memory, errp)
               ? 0 : -ENOTSUP;
    case POSTCOPY_NOTIFY_INBOUND_LISTEN:
        /* At its end, it advises so all of the RAM that is mapped now. */
        container->memory.is_huge_advised = true;
        return 0;
    default:
        return 0;
    }
}

void container_begin_discard(HostMemoryBackendContainer *container)
{
    raminate_begin_discard(MEMORY_BACKEND(container), container_discard,
                           &container->postcopy, container_postcopy);
}
