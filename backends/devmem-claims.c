/*
 * RAMinate: the claims of memory-backend-devmem on ranges
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "backends/raminate/devmem-internal.h"
#include "backends/raminate/sys-lock.h"
#include "hw/raminate/memory.h"

/* All ranges in use by this process. */
static QLIST_HEAD(, HostMemoryBackendDevmem) ranges =
    QLIST_HEAD_INITIALIZER(ranges);

void devmem_list(HostMemoryBackendDevmem *devmem)
{
    QLIST_INSERT_HEAD(&ranges, devmem, next);
    devmem->is_listed = true;
}

void devmem_unlist(HostMemoryBackendDevmem *devmem)
{
    if (devmem->is_listed) {
        QLIST_REMOVE(devmem, next);
        devmem->is_listed = false;
    }
}

/* Returns: an object of this VM that uses the range, or NULL. */
static HostMemoryBackendDevmem *devmem_rival(HostMemoryBackendDevmem *devmem)
{
    uint64_t end = devmem->phy_offset + MEMORY_BACKEND(devmem)->size;
    HostMemoryBackendDevmem *other;

    QLIST_FOREACH(other, &ranges, next) {
        if (raminate_is_same_file(&devmem->file, &other->file) &&
            devmem->phy_offset <
            other->phy_offset + MEMORY_BACKEND(other)->size &&
            other->phy_offset < end) {
            return other;
        }
    }
    return NULL;
}

static bool is_locked(int ret)
{
    return ret == -EAGAIN || ret == -EACCES;
}

void devmem_open_device_lock(HostMemoryBackendDevmem *devmem)
{
    int ret;

    if (!raminate_is_device(&devmem->file)) {
        return;
    }
    ret = raminate_sys_lock_open_device(&devmem->file);
    if (ret < 0) {
        warn_report("memory-backend-devmem '%s': device %s is not found in "
                    "/sys (%s): make sure that no VM uses the range by another "
                    "node of the device", devmem_id(devmem), devmem->mem_path,
                    strerror(-ret));
    } else {
        devmem->device_lock = ret;
    }
}

static int devmem_lock(HostMemoryBackendDevmem *devmem, int fd)
{
    uint64_t size = MEMORY_BACKEND(devmem)->size;
    int ret = qemu_lock_fd(fd, devmem->phy_offset, size, true);

    if (ret == 0 && devmem->device_lock >= 0) {
        ret = raminate_sys_lock(devmem->device_lock, devmem->phy_offset, size);
        if (ret < 0) {
            qemu_unlock_fd(fd, devmem->phy_offset, size);
        }
    }
    return ret;
}

static void devmem_set_lock_error(HostMemoryBackendDevmem *devmem, int error,
                                  Error **errp)
{
    error_setg_errno(errp, error, "memory-backend-devmem '%s': can't lock "
                     "range 0x%" PRIx64 " to 0x%" PRIx64 " of %s against "
                     "other VMs; use a file system that has file locks",
                     devmem_id(devmem), devmem->phy_offset,
                     devmem->phy_offset + MEMORY_BACKEND(devmem)->size - 1,
                     devmem->mem_path);
}

bool devmem_claim(HostMemoryBackendDevmem *devmem, int fd, Error **errp)
{
    uint64_t end = devmem->phy_offset + MEMORY_BACKEND(devmem)->size;
    /* A lock doesn't conflict with one by the same open file. */
    HostMemoryBackendDevmem *other = devmem_rival(devmem);
    int ret;

    if (other) {
        error_setg(errp, "memory-backend-devmem '%s': range 0x%" PRIx64
                   " to 0x%" PRIx64 " of %s is in use by '%s' already; "
                   "choose another range", devmem_id(devmem),
                   devmem->phy_offset, end - 1, devmem->mem_path,
                   devmem_id(other));
        return false;
    }
    ret = devmem_lock(devmem, fd);
    if (is_locked(ret)) {
        /* By an object of ours that was deleted but is not gone yet? */
        raminate_tier_wait_deleted();
        ret = devmem_lock(devmem, fd);
    }
    if (is_locked(ret)) {
        error_setg(errp, "memory-backend-devmem '%s': range 0x%" PRIx64
                   " to 0x%" PRIx64 " of %s is in use by another process, "
                   "perhaps another VM; choose another range",
                   devmem_id(devmem), devmem->phy_offset, end - 1,
                   devmem->mem_path);
        return false;
    }
    if (ret < 0) {
        devmem_set_lock_error(devmem, -ret, errp);
        return false;
    }
    return true;
}

/* Pools */

bool devmem_find_pool(HostMemoryBackendDevmem *devmem, RaminatePools **pools,
                      const RaminatePool **pool, Error **errp)
{
    if (devmem->pool) {
        *pool = raminate_tier_find_pool(OBJECT(devmem), devmem->pool, false,
                                        pools, errp);
        if (!*pool) {
            return false;
        }
        g_free(devmem->mem_path);
        devmem->mem_path = g_strdup((*pool)->path);
    }
    return true;
}

typedef struct PoolClaim {
    HostMemoryBackendDevmem *devmem;
    int fd;
    int error;
} PoolClaim;

/* Returns: the end of what another process has locked in the range. */
static uint64_t devmem_locked_end(HostMemoryBackendDevmem *devmem, int fd)
{
    uint64_t start = devmem->phy_offset;
    uint64_t size = MEMORY_BACKEND(devmem)->size;
    RaminateRange locked;

    if (raminate_find_lock(fd, start, size, &locked) ||
        (devmem->device_lock >= 0 &&
         raminate_find_lock(devmem->device_lock, start, size, &locked))) {
        return locked.start + locked.size;
    }
    /* It is gone in the meantime, or can't be found. */
    return start + RAMINATE_PAGE_SIZE;
}

static bool devmem_claim_of_pool(uint64_t start, uint64_t size, uint64_t *next,
                                 void *opaque)
{
    PoolClaim *claim = opaque;
    HostMemoryBackendDevmem *other;
    int ret;

    claim->devmem->phy_offset = start;
    other = devmem_rival(claim->devmem);
    if (other) {
        *next = other->phy_offset + MEMORY_BACKEND(other)->size;
        return false;
    }
    ret = devmem_lock(claim->devmem, claim->fd);
    if (is_locked(ret)) {
        *next = devmem_locked_end(claim->devmem, claim->fd);
        return false;
    }
    /* Where one can't be locked, none can. */
    claim->error = -ret;
    return true;
}

bool devmem_take_of_pool(HostMemoryBackendDevmem *devmem,
                                const RaminatePool *pool, int fd,
                                Error **errp)
{
    PoolClaim claim = { .devmem = devmem, .fd = fd };
    uint64_t size = MEMORY_BACKEND(devmem)->size;
    uint64_t start;
    bool taken = raminate_pool_take(pool, size, &start, devmem_claim_of_pool,
                                    &claim);

    if (!taken) {
        raminate_tier_wait_deleted();
        taken = raminate_pool_take(pool, size, &start, devmem_claim_of_pool,
                                   &claim);
    }
    if (!taken) {
        error_setg(errp, "memory-backend-devmem '%s': pool '%s' has no free "
                   "range of 0x%" PRIx64 " bytes; raminate-pool list shows "
                   "who uses it", devmem_id(devmem), pool->name, size);
        return false;
    }
    if (claim.error) {
        devmem_set_lock_error(devmem, claim.error, errp);
        return false;
    }
    return true;
}
