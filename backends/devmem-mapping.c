/*
 * RAMinate: the mapping that memory-backend-devmem has of its range
 *
 * A tier is mapped by its container, so that one of its own would be one too
 * many: page tables for all of the range.  QEMU wants addresses for it, though.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "backends/raminate/devmem-internal.h"

void devmem_unmap(HostMemoryBackendDevmem *devmem)
{
    HostMemoryBackend *backend = MEMORY_BACKEND(devmem);

    devmem->was_tier = true;
    /* If that fails, it is mapped twice. */
    mmap(memory_region_get_ram_ptr(&backend->mr), backend->size, PROT_NONE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

/* To allocate its memory, QEMU touches it there. */
bool devmem_check_late(HostMemoryBackend *backend, const char *name,
                       Error **errp)
{
    HostMemoryBackendDevmem *devmem = MEMORY_BACKEND_DEVMEM(backend);

    if (!devmem->was_tier || !g_str_equal(name, "prealloc") ||
        mmap(memory_region_get_ram_ptr(&backend->mr), backend->size,
             PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
             memory_region_get_fd(&backend->mr), devmem->phy_offset)
        != MAP_FAILED) {
        return true;
    }
    error_setg_errno(errp, errno, "memory-backend-devmem '%s': can't map %s to "
                     "allocate it", devmem_id(devmem), devmem->mem_path);
    return false;
}
