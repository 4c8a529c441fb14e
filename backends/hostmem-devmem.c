/*
 * RAMinate: memory-backend-devmem, a range of physical memory
 *
 * Or of a file or device that stands for it.  With a parent, the range is a
 * tier of a memory-backend-container; without, a memory backend of its own.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qemu/error-report.h"
#include "qemu/mmap-alloc.h"
#include "qemu/module.h"
#include "qemu/rcu.h"
#include "qom/object_interfaces.h"
#include "backends/raminate/device-lock.h"
#include "backends/raminate/file-identity.h"
#include "backends/raminate/hostmem-container.h"
#include "backends/raminate/iomem.h"
#include "backends/raminate/pools.h"
#include "exec/ramblock.h"
#include <sys/sysmacros.h>

#define TYPE_MEMORY_BACKEND_DEVMEM "memory-backend-devmem"
OBJECT_DECLARE_SIMPLE_TYPE(HostMemoryBackendDevmem, MEMORY_BACKEND_DEVMEM)

#define DEFAULT_MEM_PATH "/dev/mem"

/* Device numbers that all Linux hosts share: mem(4). */
#define MEM_MAJOR 1
#define MEM_MINOR 1

struct HostMemoryBackendDevmem {
    HostMemoryBackend parent_obj;

    char *mem_path;
    char *pool;
    char *parent;
    uint64_t phy_offset;
    uint64_t offset;
    bool has_rank;
    uint8_t rank;
    bool scrub;

    bool is_unpinnable;         /* whether the host's kernel can't pin pages */
    RaminateFileIdentity file;
    uint64_t file_size;
    int device_lock;            /* of a device, or -1 */
    bool is_listed;
    QLIST_ENTRY(HostMemoryBackendDevmem) next;
};

/* All ranges in use by this process. */
static QLIST_HEAD(, HostMemoryBackendDevmem) ranges =
    QLIST_HEAD_INITIALIZER(ranges);

static void (*base_complete)(UserCreatable *uc, Error **errp);
static bool (*base_can_be_deleted)(UserCreatable *uc);

static const char *devmem_id(HostMemoryBackendDevmem *devmem)
{
    return object_get_canonical_path_component(OBJECT(devmem));
}

/* Checks */

static bool devmem_check_properties(HostMemoryBackendDevmem *devmem,
                                    Error **errp)
{
    HostMemoryBackend *backend = MEMORY_BACKEND(devmem);
    const char *id = devmem_id(devmem);

    if (!backend->size) {
        error_setg(errp, "memory-backend-devmem '%s': size must not be 0; "
                   "give the size of the range", id);
    } else if (!QEMU_IS_ALIGNED(backend->size, RAMINATE_PAGE_SIZE)) {
        error_setg(errp, "memory-backend-devmem '%s': size 0x%" PRIx64
                   " is not a multiple of the page size, 0x%llx", id,
                   backend->size, RAMINATE_PAGE_SIZE);
    } else if (!QEMU_IS_ALIGNED(devmem->phy_offset, RAMINATE_PAGE_SIZE)) {
        error_setg(errp, "memory-backend-devmem '%s': phy-offset 0x%" PRIx64
                   " is not a multiple of the page size, 0x%llx", id,
                   devmem->phy_offset, RAMINATE_PAGE_SIZE);
    } else if (devmem->phy_offset > INT64_MAX - backend->size) {
        error_setg(errp, "memory-backend-devmem '%s': range of 0x%" PRIx64
                   " bytes from 0x%" PRIx64 " ends beyond the largest offset; "
                   "make phy-offset or size smaller", id, backend->size,
                   devmem->phy_offset);
    } else if (devmem->pool && (devmem->phy_offset ||
                                strcmp(devmem->mem_path, DEFAULT_MEM_PATH))) {
        error_setg(errp, "memory-backend-devmem '%s': pool '%s' says what "
                   "mem-path and phy-offset are; leave them out, or pool",
                   id, devmem->pool);
    } else if (!backend->share) {
        error_setg(errp, "memory-backend-devmem '%s': share=off would copy "
                   "pages to other memory; leave share on", id);
    } else {
        return true;
    }
    return false;
}

/* Returns: whether @container is set if there is to be one. */
static bool devmem_find_parent(HostMemoryBackendDevmem *devmem,
                               HostMemoryBackendContainer **container,
                               Error **errp)
{
    const char *id = devmem_id(devmem);
    Object *obj;

    *container = NULL;
    if (!devmem->parent) {
        if (devmem->offset || devmem->has_rank) {
            error_setg(errp, "memory-backend-devmem '%s': %s is for a range "
                       "in a container; set parent as well", id,
                       devmem->offset ? "offset" : "tier");
            return false;
        }
        return true;
    }
    obj = object_resolve_path_component(object_get_objects_root(),
                                        devmem->parent);
    if (!obj) {
        error_setg(errp, "memory-backend-devmem '%s': there is no parent '%s';"
                   " create the memory-backend-container before its tiers",
                   id, devmem->parent);
        return false;
    }
    *container = (HostMemoryBackendContainer *)
        object_dynamic_cast(obj, TYPE_MEMORY_BACKEND_CONTAINER);
    if (!*container) {
        error_setg(errp, "memory-backend-devmem '%s': parent '%s' is a %s; it "
                   "must be a memory-backend-container", id, devmem->parent,
                   object_get_typename(obj));
        return false;
    }
    return true;
}

static bool devmem_identify(HostMemoryBackendDevmem *devmem, int fd,
                            Error **errp)
{
    const char *id = devmem_id(devmem);
    size_t page_size = qemu_fd_getpagesize(fd);
    struct stat st;

    if (fstat(fd, &st) < 0) {
        error_setg_errno(errp, errno, "memory-backend-devmem '%s': can't find "
                         "out what %s is", id, devmem->mem_path);
        return false;
    }
    if (devmem->parent && page_size != RAMINATE_PAGE_SIZE) {
        error_setg(errp, "memory-backend-devmem '%s': %s has pages of 0x%zx "
                   "bytes, but those of a container have 0x%llx; use a file "
                   "that is not on hugetlbfs", id, devmem->mem_path, page_size,
                   RAMINATE_PAGE_SIZE);
        return false;
    }
    devmem->file = raminate_file_identity(&st);
    devmem->file_size = st.st_size;
    return true;
}

static bool devmem_check_length(HostMemoryBackendDevmem *devmem, Error **errp)
{
    uint64_t end = devmem->phy_offset + MEMORY_BACKEND(devmem)->size;

    if (S_ISREG(devmem->file.type) && devmem->file_size < end) {
        error_setg(errp, "memory-backend-devmem '%s': %s has 0x%" PRIx64
                   " bytes, too short for the range 0x%" PRIx64 " to 0x%"
                   PRIx64 "; make the file longer or the range smaller",
                   devmem_id(devmem), devmem->mem_path, devmem->file_size,
                   devmem->phy_offset, end - 1);
        return false;
    }
    return true;
}

static bool is_dev_mem(const RaminateFileIdentity *file)
{
    return S_ISCHR(file->type) && file->dev == makedev(MEM_MAJOR, MEM_MINOR);
}

/* Refuses memory that the host itself uses. */
static bool devmem_check_host_use(HostMemoryBackendDevmem *devmem,
                                  Error **errp)
{
    HostMemoryBackend *backend = MEMORY_BACKEND(devmem);
    const char *id = devmem_id(devmem);
    g_autofree char *text = NULL;
    g_autofree char *name = NULL;
    RaminateIomemUse use = RAMINATE_IOMEM_UNKNOWN;

    if (!is_dev_mem(&devmem->file)) {
        return true;
    }
    if (g_file_get_contents("/proc/iomem", &text, NULL, NULL)) {
        use = raminate_iomem_use(text, devmem->phy_offset, backend->size,
                                 &name);
    }
    switch (use) {
    case RAMINATE_IOMEM_FREE:
        return true;
    case RAMINATE_IOMEM_UNKNOWN:
        warn_report("memory-backend-devmem '%s': can't check in /proc/iomem "
                    "whether the host uses 0x%" PRIx64 " to 0x%" PRIx64,
                    id, devmem->phy_offset,
                    devmem->phy_offset + backend->size - 1);
        return true;
    case RAMINATE_IOMEM_SYSTEM_RAM:
        error_setg(errp, "memory-backend-devmem '%s': physical range 0x%"
                   PRIx64 " to 0x%" PRIx64 " is memory of the host itself "
                   "(%s in /proc/iomem); set a range aside with the kernel "
                   "parameter memmap=SIZE$ADDRESS", id, devmem->phy_offset,
                   devmem->phy_offset + backend->size - 1, name);
        return false;
    case RAMINATE_IOMEM_CLAIMED:
        error_setg(errp, "memory-backend-devmem '%s': physical range 0x%"
                   PRIx64 " to 0x%" PRIx64 " is claimed by '%s' in "
                   "/proc/iomem; unbind its driver or choose another range",
                   id, devmem->phy_offset,
                   devmem->phy_offset + backend->size - 1, name);
        return false;
    }
    g_assert_not_reached();
}

/* QEMU takes a device that has no length for a file, to be made longer. */
static bool devmem_check_mappable(HostMemoryBackendDevmem *devmem, int fd,
                                  Error **errp)
{
    uint64_t size = MEMORY_BACKEND(devmem)->size;
    void *host;

    if (S_ISREG(devmem->file.type)) {
        return true;
    }
    host = mmap(NULL, size, PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_NORESERVE, fd, devmem->phy_offset);
    if (host == MAP_FAILED) {
        error_setg_errno(errp, errno, "memory-backend-devmem '%s': range 0x%"
                         PRIx64 " to 0x%" PRIx64 " of %s can't be mapped; use "
                         "another range, file or device", devmem_id(devmem),
                         devmem->phy_offset, devmem->phy_offset + size - 1,
                         devmem->mem_path);
        return false;
    }
    munmap(host, size);
    return true;
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

/* What two nodes of a device have in common, to be locked with them. */
static void devmem_open_device_lock(HostMemoryBackendDevmem *devmem)
{
    int ret;

    if (!raminate_is_device(&devmem->file)) {
        return;
    }
    ret = raminate_device_lock_open(&devmem->file);
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
        ret = raminate_device_lock(devmem->device_lock, devmem->phy_offset,
                                   size);
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

/* Makes sure that nobody else uses the range, here or in another VM. */
static bool devmem_claim(HostMemoryBackendDevmem *devmem, int fd, Error **errp)
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
        drain_call_rcu();
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

/* Reads which file the pool is in. */
static bool devmem_find_pool(HostMemoryBackendDevmem *devmem,
                             RaminatePools **pools, const RaminatePool **pool,
                             Error **errp)
{
    g_autoptr(GError) error = NULL;

    *pool = NULL;
    *pools = raminate_pools_load(&error);
    if (*pools) {
        *pool = raminate_pools_find(*pools, devmem->pool, &error);
    }
    if (!*pool) {
        error_setg(errp, "memory-backend-devmem '%s': %s", devmem_id(devmem),
                   error->message);
        return false;
    }
    g_free(devmem->mem_path);
    devmem->mem_path = g_strdup((*pool)->path);
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
    uint64_t end = raminate_locked_end(fd, start, size);

    if (!end && devmem->device_lock >= 0) {
        end = raminate_locked_end(devmem->device_lock, start, size);
    }
    /* It is gone in the meantime, or can't be found. */
    return end ?: start + RAMINATE_PAGE_SIZE;
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

static bool devmem_take_of_pool(HostMemoryBackendDevmem *devmem,
                                const RaminatePool *pool, int fd,
                                Error **errp)
{
    PoolClaim claim = { .devmem = devmem, .fd = fd };
    uint64_t size = MEMORY_BACKEND(devmem)->size;
    uint64_t start;
    bool taken = raminate_pool_take(pool, size, &start, devmem_claim_of_pool,
                                    &claim);

    if (!taken) {
        drain_call_rcu();
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

/* Memory */

/* Fills the range with zeroes, by giving its blocks back where that works. */
static void devmem_scrub(HostMemoryBackendDevmem *devmem, int fd)
{
    HostMemoryBackend *backend = MEMORY_BACKEND(devmem);

    if (!raminate_is_device(&devmem->file) &&
        (fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
                   devmem->phy_offset, backend->size) == 0 ||
         fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                   devmem->phy_offset, backend->size) == 0)) {
        return;
    }
    memset(memory_region_get_ram_ptr(&backend->mr), 0, backend->size);
}

static int devmem_open(HostMemoryBackendDevmem *devmem, Error **errp)
{
    ERRP_GUARD();
    int fd = qemu_open(devmem->mem_path, O_RDWR, errp);

    if (fd < 0) {
        error_prepend(errp, "memory-backend-devmem '%s': mem-path must name a "
                      "file or device that exists and can be written: ",
                      devmem_id(devmem));
    }
    return fd;
}

/*
 * Finds out by the first page of a mapped range of a device: without a struct
 * page, O_DIRECT fails with EFAULT.  A kernel before 5.14 doesn't tell; the
 * answer is then that it can't be pinned, which is always safe.
 */
static bool can_be_pinned(void *start)
{
#ifdef MADV_POPULATE_READ
    return madvise(start, qemu_real_host_page_size(), MADV_POPULATE_READ) == 0;
#else
    return false;
#endif
}

/* What is done with the range once it is mapped */
static void devmem_prepare(HostMemoryBackendDevmem *devmem, int fd)
{
    HostMemoryBackend *backend = MEMORY_BACKEND(devmem);
    void *host = memory_region_get_ram_ptr(&backend->mr);

    if (raminate_is_device(&devmem->file) && !can_be_pinned(host)) {
        qemu_ram_set_unpinnable(backend->mr.ram_block);
        devmem->is_unpinnable = true;
    }
    if (devmem->scrub) {
        devmem_scrub(devmem, fd);
    }
}

static bool devmem_alloc(HostMemoryBackend *backend, Error **errp)
{
    ERRP_GUARD();
    HostMemoryBackendDevmem *devmem = MEMORY_BACKEND_DEVMEM(backend);
    g_autofree char *name = host_memory_backend_get_name(backend);
    uint32_t ram_flags = RAM_SHARED | RAM_NAMED_FILE |
                         (backend->reserve ? 0 : RAM_NORESERVE);
    HostMemoryBackendContainer *container;
    g_autoptr(RaminatePools) pools = NULL;
    const RaminatePool *pool = NULL;
    int fd;

    if (!devmem_check_properties(devmem, errp) ||
        !devmem_find_parent(devmem, &container, errp) ||
        (devmem->pool && !devmem_find_pool(devmem, &pools, &pool, errp))) {
        return false;
    }
    /* The guest uses a tier through the container alone. */
    ram_flags |= container ? RAM_CLEAN : 0;
    fd = devmem_open(devmem, errp);
    if (fd < 0) {
        return false;
    }
    if (!devmem_identify(devmem, fd, errp)) {
        close(fd);
        return false;
    }
    devmem_open_device_lock(devmem);
    if ((pool && !devmem_take_of_pool(devmem, pool, fd, errp)) ||
        !devmem_check_length(devmem, errp) ||
        !devmem_check_host_use(devmem, errp) ||
        !devmem_check_mappable(devmem, fd, errp) ||
        (!pool && !devmem_claim(devmem, fd, errp))) {
        close(fd);
        return false;
    }
    QLIST_INSERT_HEAD(&ranges, devmem, next);
    devmem->is_listed = true;
    if (!memory_region_init_ram_from_fd(&backend->mr, OBJECT(backend), name,
                                        backend->size, ram_flags, fd,
                                        devmem->phy_offset, errp)) {
        error_prepend(errp, "memory-backend-devmem '%s': range 0x%" PRIx64
                      " to 0x%" PRIx64 " of %s can't be mapped: ",
                      devmem_id(devmem), devmem->phy_offset,
                      devmem->phy_offset + backend->size - 1,
                      devmem->mem_path);
        close(fd);
        return false;
    }
    devmem_prepare(devmem, fd);
    return true;
}

static void devmem_complete(UserCreatable *uc, Error **errp)
{
    ERRP_GUARD();
    HostMemoryBackendDevmem *devmem = MEMORY_BACKEND_DEVMEM(uc);
    HostMemoryBackend *backend = MEMORY_BACKEND(uc);
    HostMemoryBackendContainer *container;
    RaminateTier tier;

    base_complete(uc, errp);
    if (*errp || !devmem_find_parent(devmem, &container, errp) || !container) {
        return;
    }
    tier = (RaminateTier) {
        .id = devmem_id(devmem),
        .mem_path = devmem->mem_path,
        .fd = memory_region_get_fd(&backend->mr),
        .is_device = raminate_is_device(&devmem->file),
        .is_dev_mem = is_dev_mem(&devmem->file),
        .is_unpinnable = devmem->is_unpinnable,
        .phy_offset = devmem->phy_offset,
        .offset = devmem->offset,
        .size = backend->size,
        .rank = devmem->rank,
    };
    host_memory_container_add_tier(container, backend, &tier,
                                   devmem->has_rank, errp);
}

/* A container that was deleted lets go of its tiers when RCU is through. */
static bool devmem_can_be_deleted(UserCreatable *uc)
{
    if (!base_can_be_deleted(uc) && MEMORY_BACKEND_DEVMEM(uc)->parent) {
        drain_call_rcu();
    }
    return base_can_be_deleted(uc);
}

/* Properties */

/* Says so if it is too late to change a property. */
static bool devmem_check_early(HostMemoryBackendDevmem *devmem,
                               const char *name, Error **errp)
{
    if (host_memory_backend_mr_inited(MEMORY_BACKEND(devmem))) {
        error_setg(errp, "memory-backend-devmem '%s': %s can't be changed; "
                   "delete the object and create it again",
                   devmem_id(devmem), name);
        return false;
    }
    return true;
}

static char *devmem_get_mem_path(Object *obj, Error **errp)
{
    return g_strdup(MEMORY_BACKEND_DEVMEM(obj)->mem_path);
}

static void devmem_set_mem_path(Object *obj, const char *value, Error **errp)
{
    HostMemoryBackendDevmem *devmem = MEMORY_BACKEND_DEVMEM(obj);

    if (devmem_check_early(devmem, "mem-path", errp)) {
        g_free(devmem->mem_path);
        devmem->mem_path = g_strdup(value);
    }
}

static char *devmem_get_pool(Object *obj, Error **errp)
{
    return g_strdup(MEMORY_BACKEND_DEVMEM(obj)->pool ?: "");
}

static void devmem_set_pool(Object *obj, const char *value, Error **errp)
{
    HostMemoryBackendDevmem *devmem = MEMORY_BACKEND_DEVMEM(obj);

    if (devmem_check_early(devmem, "pool", errp)) {
        g_free(devmem->pool);
        devmem->pool = g_strdup(value);
    }
}

static char *devmem_get_parent(Object *obj, Error **errp)
{
    return g_strdup(MEMORY_BACKEND_DEVMEM(obj)->parent ?: "");
}

static void devmem_set_parent(Object *obj, const char *value, Error **errp)
{
    HostMemoryBackendDevmem *devmem = MEMORY_BACKEND_DEVMEM(obj);

    if (devmem_check_early(devmem, "parent", errp)) {
        g_free(devmem->parent);
        devmem->parent = g_strdup(value);
    }
}

static void devmem_get_size(Object *obj, Visitor *v, const char *name,
                            void *opaque, Error **errp)
{
    uint64_t value = *(uint64_t *)((char *)obj + (size_t)opaque);

    visit_type_size(v, name, &value, errp);
}

static void devmem_set_size(Object *obj, Visitor *v, const char *name,
                            void *opaque, Error **errp)
{
    uint64_t value;

    if (visit_type_size(v, name, &value, errp) &&
        devmem_check_early(MEMORY_BACKEND_DEVMEM(obj), name, errp)) {
        *(uint64_t *)((char *)obj + (size_t)opaque) = value;
    }
}

static void devmem_get_tier(Object *obj, Visitor *v, const char *name,
                            void *opaque, Error **errp)
{
    visit_type_uint8(v, name, &MEMORY_BACKEND_DEVMEM(obj)->rank, errp);
}

static void devmem_set_tier(Object *obj, Visitor *v, const char *name,
                            void *opaque, Error **errp)
{
    HostMemoryBackendDevmem *devmem = MEMORY_BACKEND_DEVMEM(obj);
    uint8_t value;

    if (visit_type_uint8(v, name, &value, errp) &&
        devmem_check_early(devmem, name, errp)) {
        devmem->rank = value;
        devmem->has_rank = true;
    }
}

static bool devmem_get_scrub(Object *obj, Error **errp)
{
    return MEMORY_BACKEND_DEVMEM(obj)->scrub;
}

static void devmem_set_scrub(Object *obj, bool value, Error **errp)
{
    HostMemoryBackendDevmem *devmem = MEMORY_BACKEND_DEVMEM(obj);

    if (devmem_check_early(devmem, "scrub", errp)) {
        devmem->scrub = value;
    }
}

/* Life */

static void devmem_init(Object *obj)
{
    HostMemoryBackendDevmem *devmem = MEMORY_BACKEND_DEVMEM(obj);

    MEMORY_BACKEND(obj)->share = true;
    devmem->mem_path = g_strdup(DEFAULT_MEM_PATH);
    devmem->scrub = true;
    devmem->device_lock = -1;
}

static void devmem_finalize(Object *obj)
{
    HostMemoryBackendDevmem *devmem = MEMORY_BACKEND_DEVMEM(obj);

    if (devmem->is_listed) {
        QLIST_REMOVE(devmem, next);
    }
    if (devmem->device_lock >= 0) {
        raminate_device_lock_close(devmem->device_lock);
    }
    g_free(devmem->mem_path);
    g_free(devmem->pool);
    g_free(devmem->parent);
}

static void devmem_class_init(ObjectClass *oc, void *data)
{
    HostMemoryBackendClass *bc = MEMORY_BACKEND_CLASS(oc);
    UserCreatableClass *ucc = USER_CREATABLE_CLASS(oc);

    bc->alloc = devmem_alloc;
    base_complete = ucc->complete;
    ucc->complete = devmem_complete;
    base_can_be_deleted = ucc->can_be_deleted;
    ucc->can_be_deleted = devmem_can_be_deleted;

    object_class_property_add_str(oc, "mem-path", devmem_get_mem_path,
                                  devmem_set_mem_path);
    object_class_property_set_description(oc, "mem-path",
        "File or device that the range belongs to (default: /dev/mem)");
    object_class_property_add(oc, "phy-offset", "size", devmem_get_size,
        devmem_set_size, NULL,
        (void *)offsetof(HostMemoryBackendDevmem, phy_offset));
    object_class_property_set_description(oc, "phy-offset",
        "Where the range begins in mem-path (with /dev/mem, a physical "
        "address)");
    object_class_property_add_str(oc, "pool", devmem_get_pool,
                                  devmem_set_pool);
    object_class_property_set_description(oc, "pool",
        "Pool that the range is taken from, in place of mem-path and "
        "phy-offset");
    object_class_property_add_str(oc, "parent", devmem_get_parent,
                                  devmem_set_parent);
    object_class_property_set_description(oc, "parent",
        "memory-backend-container that the range is a tier of");
    object_class_property_add(oc, "offset", "size", devmem_get_size,
        devmem_set_size, NULL,
        (void *)offsetof(HostMemoryBackendDevmem, offset));
    object_class_property_set_description(oc, "offset",
        "Where in the container the range is mapped at first");
    object_class_property_add(oc, "tier", "uint8", devmem_get_tier,
                              devmem_set_tier, NULL, NULL);
    object_class_property_set_description(oc, "tier",
        "Rank of the tier in the container, the fastest is the lowest");
    object_class_property_add_bool(oc, "scrub", devmem_get_scrub,
                                   devmem_set_scrub);
    object_class_property_set_description(oc, "scrub",
        "Fill the range with zeroes before use");
}

static const TypeInfo devmem_info = {
    .name = TYPE_MEMORY_BACKEND_DEVMEM,
    .parent = TYPE_MEMORY_BACKEND,
    .instance_size = sizeof(HostMemoryBackendDevmem),
    .instance_init = devmem_init,
    .instance_finalize = devmem_finalize,
    .class_init = devmem_class_init,
};

static void register_types(void)
{
    type_register_static(&devmem_info);
}

type_init(register_types)
