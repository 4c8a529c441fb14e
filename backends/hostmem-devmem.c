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
#include "qemu/error-report.h"
#include "qemu/mmap-alloc.h"
#include "qemu/module.h"
#include "qom/object_interfaces.h"
#include "backends/raminate/dax.h"
#include "backends/raminate/devmem-internal.h"
#include "backends/raminate/hostmem-container.h"
#include "backends/raminate/sys-lock.h"
#include "exec/ramblock.h"
#include "hw/raminate/discard.h"

#define DEFAULT_MEM_PATH "/dev/mem"

static void (*base_complete)(UserCreatable *uc, Error **errp);
static bool (*base_can_be_deleted)(UserCreatable *uc);

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
    if (devmem->tier.parent && page_size != RAMINATE_PAGE_SIZE) {
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

/* Such a device is mapped in large pieces, each at a multiple of its size. */
static bool devmem_check_dax(HostMemoryBackendDevmem *devmem, Error **errp)
{
    g_autofree char *advice = NULL;
    RaminateDax dax;

    if (!S_ISCHR(devmem->file.type) ||
        !raminate_dax_find("/sys", devmem->file.dev, &dax)) {
        return true;
    }
    advice = raminate_dax_advice(&dax, devmem->tier.parent);
    g_free(dax.name);
    if (dax.align <= RAMINATE_PAGE_SIZE) {
        return true;
    }
    error_setg(errp, "memory-backend-devmem '%s': %s is a DAX device that is "
               "mapped 0x%" PRIx64 " bytes at a time, not by pages of 0x%llx; "
               "%s", devmem_id(devmem), devmem->mem_path, dax.align,
               RAMINATE_PAGE_SIZE, advice);
    return false;
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

/*
 * Reads a page that is mapped.
 * Returns: 0; EFAULT if it can't be accessed; another errno if the kernel
 * doesn't tell: before 5.14, and where there is no struct page.
 */
static int try_page(void *page)
{
#ifdef MADV_POPULATE_READ
    return madvise(page, qemu_real_host_page_size(), MADV_POPULATE_READ) < 0
           ? errno : 0;
#else
    return ENOSYS;
#endif
}

/*
 * QEMU takes a device that has no length for a file, to be made longer.  A
 * driver may map what isn't there, and each access is a SIGBUS: so does that of
 * /dev/zero, but at its beginning.
 */
static bool devmem_check_mappable(HostMemoryBackendDevmem *devmem, int fd,
                                  Error **errp)
{
    uint64_t size = MEMORY_BACKEND(devmem)->size;
    bool accessible;
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
    accessible =
        try_page(host) != EFAULT &&
        try_page(host + size - qemu_real_host_page_size()) != EFAULT;
    munmap(host, size);
    if (!accessible) {
        error_setg(errp, "memory-backend-devmem '%s': %s has no memory in the "
                   "range 0x%" PRIx64 " to 0x%" PRIx64 "; use another range, "
                   "file or device", devmem_id(devmem), devmem->mem_path,
                   devmem->phy_offset, devmem->phy_offset + size - 1);
    }
    return accessible;
}

/* Memory */

/* Returns: whether the file has no hole, as one that fallocate(1) made. */
static bool is_allocated(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && st.st_blocks >= st.st_size / 512;
}

/*
 * Fills the range with zeroes, by giving its blocks back where that works and
 * they weren't allocated on purpose.
 */
static void devmem_scrub(HostMemoryBackendDevmem *devmem)
{
    HostMemoryBackend *backend = MEMORY_BACKEND(devmem);
    int fd = memory_region_get_fd(&backend->mr);
    bool is_file = !raminate_is_device(&devmem->file);

    if (is_file && (backend->prealloc || is_allocated(fd)) &&
        fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
                  devmem->phy_offset, backend->size) == 0) {
        return;
    }
    if (is_file && !backend->prealloc &&
        fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  devmem->phy_offset, backend->size) == 0) {
        return;
    }
    memset(memory_region_get_ram_ptr(&backend->mr), 0, backend->size);
}

/*
 * Not before it is used: a device that keeps its data there is known only then.
 */
static bool devmem_prepare(HostMemoryBackend *backend, bool persistent,
                           Error **errp)
{
    HostMemoryBackendDevmem *devmem = MEMORY_BACKEND_DEVMEM(backend);

    if (devmem->was_tier && !host_memory_backend_is_mapped(backend)) {
        error_setg(errp, "memory-backend-devmem '%s' was a tier of container "
                   "'%s'; delete it and create it again without parent",
                   devmem_id(devmem), devmem->tier.parent);
        return false;
    }
    if (persistent && devmem->scrub) {
        error_setg(errp, "memory-backend-devmem '%s': scrub=on fills the "
                   "memory with zeroes at each start of QEMU, but the device "
                   "is to find there what was kept; set scrub=off",
                   devmem_id(devmem));
        return false;
    }
    if (devmem->scrub && !devmem->is_clean) {
        devmem_scrub(devmem);
        devmem->is_clean = true;
    }
    return true;
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
    return try_page(start) == 0;
}

static void devmem_check_pinnable(HostMemoryBackendDevmem *devmem)
{
    HostMemoryBackend *backend = MEMORY_BACKEND(devmem);
    void *host = memory_region_get_ram_ptr(&backend->mr);

    devmem_begin_discard(devmem);
    if (raminate_is_device(&devmem->file) && !can_be_pinned(host)) {
        qemu_ram_set_unpinnable(backend->mr.ram_block);
        devmem->is_unpinnable = true;
    }
}

static bool devmem_alloc(HostMemoryBackend *backend, Error **errp)
{
    ERRP_GUARD();
    HostMemoryBackendDevmem *devmem = MEMORY_BACKEND_DEVMEM(backend);
    g_autofree char *name = host_memory_backend_get_name(backend);
    uint32_t ram_flags = RAM_SHARED | (backend->reserve ? 0 : RAM_NORESERVE);
    HostMemoryBackendContainer *container;
    g_autoptr(RaminatePools) pools = NULL;
    const RaminatePool *pool = NULL;
    int fd;

    if (!devmem_check_properties(devmem, errp) ||
        !raminate_tier_find_parent(OBJECT(backend), &container, errp) ||
        !devmem_find_pool(devmem, &pools, &pool, errp)) {
        return false;
    }
    /* Named files are what x-ignore-shared leaves to the next QEMU. */
    ram_flags |= devmem->scrub ? 0 : RAM_NAMED_FILE;
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
        !devmem_check_dax(devmem, errp) ||
        !devmem_check_length(devmem, errp) ||
        !devmem_check_host_use(devmem, errp) ||
        (!pool && !devmem_claim(devmem, fd, errp)) ||
        !devmem_check_mappable(devmem, fd, errp)) {
        close(fd);
        return false;
    }
    devmem_list(devmem);
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
    devmem_check_pinnable(devmem);
    return true;
}

static void devmem_complete(UserCreatable *uc, Error **errp)
{
    ERRP_GUARD();
    HostMemoryBackendDevmem *devmem = MEMORY_BACKEND_DEVMEM(uc);
    HostMemoryBackend *backend = MEMORY_BACKEND(uc);
    HostMemoryBackendContainer *container;
    RaminateTier tier;

    if (!raminate_tier_check_costs(OBJECT(uc), errp)) {
        return;
    }
    base_complete(uc, errp);
    if (*errp || !raminate_tier_find_parent(OBJECT(uc), &container, errp) ||
        !container) {
        return;
    }
    if (!devmem_prepare(backend, false, errp)) {
        return;
    }
    tier = raminate_tier_of_props(OBJECT(uc));
    tier.size = backend->size;
    tier.mem_path = devmem->mem_path;
    tier.fd = memory_region_get_fd(&backend->mr);
    tier.is_device = raminate_is_device(&devmem->file);
    tier.is_dev_mem = devmem_is_dev_mem(devmem);
    tier.is_unpinnable = devmem->is_unpinnable;
    tier.is_reserved = !tier.is_device &&
                       (backend->prealloc || is_allocated(tier.fd));
    tier.phy_offset = devmem->phy_offset;
    host_memory_container_add_tier(container, OBJECT(uc), &tier,
                                   devmem->tier.has_rank, errp);
}

/* A container that was deleted lets go of its tiers when RCU is through. */
static bool devmem_can_be_deleted(UserCreatable *uc)
{
    if (!base_can_be_deleted(uc) && MEMORY_BACKEND_DEVMEM(uc)->tier.parent) {
        raminate_tier_wait_deleted();
    }
    return base_can_be_deleted(uc);
}

/* As a tier */

static RaminateTierProps *devmem_tier_props(Object *obj)
{
    return &MEMORY_BACKEND_DEVMEM(obj)->tier;
}

static bool devmem_is_fixed(Object *obj)
{
    return host_memory_backend_mr_inited(MEMORY_BACKEND(obj));
}

static void devmem_set_used(Object *obj, bool used)
{
    host_memory_backend_set_mapped(MEMORY_BACKEND(obj), used);
    if (used) {
        devmem_unmap(MEMORY_BACKEND_DEVMEM(obj));
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

    devmem_unlist(devmem);
    raminate_end_discard(&devmem->postcopy);
    if (devmem->device_lock >= 0) {
        raminate_sys_lock_close(devmem->device_lock);
    }
    g_free(devmem->mem_path);
    g_free(devmem->pool);
    raminate_tier_props_destroy(&devmem->tier);
}

static void devmem_class_init(ObjectClass *oc, void *data)
{
    HostMemoryBackendClass *bc = MEMORY_BACKEND_CLASS(oc);
    UserCreatableClass *ucc = USER_CREATABLE_CLASS(oc);
    RaminateTierClass *tc = RAMINATE_TIER_CLASS(oc);

    tc->props = devmem_tier_props;
    tc->is_fixed = devmem_is_fixed;
    tc->set_used = devmem_set_used;
    bc->alloc = devmem_alloc;
    bc->prepare = devmem_prepare;
    bc->check_late = devmem_check_late;
    base_complete = ucc->complete;
    ucc->complete = devmem_complete;
    base_can_be_deleted = ucc->can_be_deleted;
    ucc->can_be_deleted = devmem_can_be_deleted;

    devmem_add_properties(oc);
}

static const TypeInfo devmem_info = {
    .name = TYPE_MEMORY_BACKEND_DEVMEM,
    .parent = TYPE_MEMORY_BACKEND,
    .instance_size = sizeof(HostMemoryBackendDevmem),
    .instance_init = devmem_init,
    .instance_finalize = devmem_finalize,
    .class_init = devmem_class_init,
    .interfaces = (InterfaceInfo[]) {
        { TYPE_RAMINATE_TIER },
        { }
    },
};

static void register_types(void)
{
    type_register_static(&devmem_info);
}

type_init(register_types)
