/*
 * RAMinate: the inside of memory-backend-devmem, for its files
 *
 * hostmem-devmem.c has its memory and life, devmem-claims.c its claims on
 * ranges, devmem-discard.c what is given back, devmem-host-use.c what the host
 * uses itself, devmem-mapping.c its mapping as a tier, devmem-props.c its
 * properties.
 * All of it is under the big lock.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_DEVMEM_INTERNAL_H
#define RAMINATE_DEVMEM_INTERNAL_H

#include "qemu/notify.h"
#include "qemu/queue.h"
#include "system/hostmem.h"
#include "hw/raminate/memory.h"
#include "backends/raminate/file-identity.h"
#include "backends/raminate/tier.h"

#define TYPE_MEMORY_BACKEND_DEVMEM "memory-backend-devmem"
OBJECT_DECLARE_SIMPLE_TYPE(HostMemoryBackendDevmem, MEMORY_BACKEND_DEVMEM)

struct HostMemoryBackendDevmem {
    HostMemoryBackend parent_obj;

    char *mem_path;
    char *pool;
    uint64_t phy_offset;
    RaminateTierProps tier;
    bool scrub;
    bool is_clean;              /* whether that was done */
    bool was_tier;              /* whether a container has had its memory */

    bool is_unpinnable;         /* whether the host's kernel can't pin pages */
    bool keeps_memory;          /* whether a discard was refused */
    RaminateFileIdentity file;
    uint64_t file_size;
    int device_lock;            /* of a device, or -1 */
    bool is_listed;
    QLIST_ENTRY(HostMemoryBackendDevmem) next;
    NotifierWithReturn postcopy;
};

static inline const char *devmem_id(HostMemoryBackendDevmem *devmem)
{
    return object_get_canonical_path_component(OBJECT(devmem));
}

/* devmem-claims.c */

/* Adds the range to those in use by this process, or takes it away. */
void devmem_list(HostMemoryBackendDevmem *devmem);
void devmem_unlist(HostMemoryBackendDevmem *devmem);

/* What two nodes of a device have in common, to be locked with them. */
void devmem_open_device_lock(HostMemoryBackendDevmem *devmem);

/*
 * Makes sure that nobody else uses the range, here or in another VM.
 * @fd: of the file or device
 * Returns: false with @errp set if somebody does.
 */
bool devmem_claim(HostMemoryBackendDevmem *devmem, int fd, Error **errp);

/*
 * Finds the object's pool, if it is to be of one, and sets its mem_path.
 * @pools: returned for the caller to free; @pool is one of them, or as it was
 * Returns: false with @errp set if there is no such pool.
 */
bool devmem_find_pool(HostMemoryBackendDevmem *devmem, RaminatePools **pools,
                      const RaminatePool **pool, Error **errp);

/*
 * Takes a range of the pool that nobody uses, and sets phy_offset.
 * Returns: false with @errp set if there is none.
 */
bool devmem_take_of_pool(HostMemoryBackendDevmem *devmem,
                         const RaminatePool *pool, int fd, Error **errp);

/* devmem-discard.c */

/*
 * Has discards of the range, once it is mapped, and post-copy refused if it
 * is of a device, which takes no memory back, until raminate_end_discard().
 */
void devmem_begin_discard(HostMemoryBackendDevmem *devmem);

/* devmem-host-use.c */

bool devmem_is_dev_mem(const HostMemoryBackendDevmem *devmem);

/*
 * Returns: false with @errp set if the host itself uses the range of /dev/mem,
 * or KVM would not be safe on it.
 */
bool devmem_check_host_use(HostMemoryBackendDevmem *devmem, Error **errp);

/* devmem-mapping.c */

/* A container maps the memory from now on. */
void devmem_unmap(HostMemoryBackendDevmem *devmem);

/* See HostMemoryBackendClass. */
bool devmem_check_late(HostMemoryBackend *backend, const char *name,
                       Error **errp);

/* devmem-props.c */

void devmem_add_properties(ObjectClass *oc);

#endif
