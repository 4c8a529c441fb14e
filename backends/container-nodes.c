/*
 * RAMinate: the memory of a container whose tiers are NUMA nodes
 *
 * It is one anonymous mapping, the container's own.  Each tier's part of it
 * prefers the tier's node, so that its pages begin there; no page is refused
 * for want of room.  Such a preference also tells NUMA balancing to leave them
 * alone (vma_policy_mof() of Linux).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/madvise.h"
#include "backends/raminate/container-internal.h"
#include "backends/raminate/nodes.h"

bool container_map_nodes(HostMemoryBackendContainer *container, Error **errp)
{
    HostMemoryBackend *backend = MEMORY_BACKEND(container);
    const RaminateMemory *memory = &container->memory;

    if (mmap(memory->host, backend->size, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0)
        == MAP_FAILED) {
        error_setg_errno(errp, errno, "memory-backend-container '%s': can't "
                         "map 0x%" PRIx64 " bytes of memory", memory->id,
                         backend->size);
        return false;
    }
    /* As QEMU does for all guest RAM. */
    qemu_madvise(memory->host, backend->size, QEMU_MADV_DONTFORK);
    qemu_madvise(memory->host, backend->size, QEMU_MADV_HUGEPAGE);
    if (!backend->dump) {
        qemu_madvise(memory->host, backend->size, QEMU_MADV_DONTDUMP);
    }
    if (backend->merge) {
        qemu_madvise(memory->host, backend->size, QEMU_MADV_MERGEABLE);
    }
    raminate_node_warn_of_host(memory);
    for (unsigned i = 0; i < memory->nr_tiers; i++) {
        const RaminateTier *tier = &memory->tiers[i];
        int ret = raminate_node_prefer(memory->host + tier->offset, tier->size,
                                       tier->node);

        if (ret < 0) {
            error_setg_errno(errp, -ret, "%s '%s': can't have memory of node "
                             "%d", tier->type, tier->id, tier->node);
            return false;
        }
    }
    return true;
}
