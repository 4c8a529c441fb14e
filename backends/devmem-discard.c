/*
 * RAMinate: memory of memory-backend-devmem that is given back
 *
 * QEMU does it, and knows which files post-copy can work with.  But it takes
 * devices for files: their nodes are on a tmpfs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "backends/raminate/devmem-internal.h"
#include "exec/ramblock.h"
#include "hw/raminate/discard.h"
#include "migration/postcopy-ram.h"

static int device_discard(RAMBlock *rb, uint64_t start, size_t length)
{
    HostMemoryBackendDevmem *devmem =
        MEMORY_BACKEND_DEVMEM(memory_region_owner(rb->mr));

    if (!devmem->keeps_memory) {
        devmem->keeps_memory = true;
        raminate_warn_discard(devmem_id(devmem), devmem->mem_path);
    }
    return -ENOTSUP;
}

static int device_postcopy(NotifierWithReturn *notifier, void *data,
                           Error **errp)
{
    HostMemoryBackendDevmem *devmem =
        container_of(notifier, HostMemoryBackendDevmem, postcopy);
    const struct PostcopyNotifyData *what = data;

    if (what->reason != POSTCOPY_NOTIFY_PROBE) {
        return 0;
    }
    error_setg(errp, "memory-backend-devmem '%s': %s is a device, not a file "
               "on a tmpfs; use one, or migrate without post-copy",
               devmem_id(devmem), devmem->mem_path);
    return -ENOTSUP;
}

void devmem_begin_discard(HostMemoryBackendDevmem *devmem)
{
    /* The guest uses a tier through the container, which answers for it. */
    if (raminate_is_device(&devmem->file) && !devmem->tier.parent) {
        raminate_begin_discard(MEMORY_BACKEND(devmem), device_discard,
                               &devmem->postcopy, device_postcopy);
    }
}
