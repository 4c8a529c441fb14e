/*
 * RAMinate: memory-backend-container, guest RAM made of several tiers
 *
 * The container is one RAM block, so that the rest of QEMU sees ordinary RAM.
 * Its tiers are the objects that name it as their parent.  The memory belongs
 * to them if they are ranges (memory-backend-devmem), each of which is mapped at
 * its offset.  If they are NUMA nodes (memory-backend-node), it is the
 * container's own.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/module.h"
#include "qemu/rcu.h"
#include "qemu/units.h"
#include "qom/object_interfaces.h"
#include "backends/raminate/container-internal.h"
#include "backends/raminate/tier.h"
#include "exec/ramblock.h"
#include "hw/boards.h"
#include "hw/raminate/device-name.h"
#include "hw/raminate/discard.h"
#include "hw/raminate/kvm.h"
#include "hw/virtio/vhost-user.h"
#include "hw/qdev-core.h"
#include "system/system.h"

/* Huge pages of the host may be used where frames still lie side by side. */
#define HOST_ALIGN (2 * MiB)

/* Memory */

static void reservation_free(Reservation *reservation)
{
    munmap(reservation->addr, reservation->size);
    g_free(reservation);
}

static Reservation *reservation_new(HostMemoryBackendContainer *container,
                                    size_t size, Error **errp)
{
    Reservation *reservation = g_new0(Reservation, 1);

    reservation->size = size + HOST_ALIGN;
    reservation->addr = mmap(NULL, reservation->size, PROT_NONE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                             -1, 0);
    if (reservation->addr == MAP_FAILED) {
        error_setg_errno(errp, errno, "memory-backend-container '%s': can't "
                         "reserve 0x%zx bytes of address space; make size "
                         "smaller, or the limit larger (ulimit -v)",
                         container_id(container), size);
        g_free(reservation);
        return NULL;
    }
    return reservation;
}

/* What other backends can be told, also when their memory is there. */
static bool container_check_late(HostMemoryBackend *backend, const char *name,
                                 Error **errp)
{
    bool prealloc = g_str_equal(name, "prealloc");

    error_setg(errp, "memory-backend-container '%s' has no memory of its own "
               "for %s; set %s on its memory-backend-devmem tiers",
               container_id(MEMORY_BACKEND_CONTAINER(backend)),
               prealloc ? "prealloc=on" : "host-nodes",
               prealloc ? "it" : "host-nodes and policy");
    return false;
}

static bool container_check(HostMemoryBackendContainer *container,
                            Error **errp)
{
    HostMemoryBackend *backend = MEMORY_BACKEND(container);
    const char *id = container_id(container);

    if (!raminate_placing_check(OBJECT(container), errp)) {
        return false;
    }
    if (qemu_real_host_page_size() != RAMINATE_PAGE_SIZE) {
        error_setg(errp, "memory-backend-container '%s': the host's pages "
                   "have %zu bytes, but only %llu are supported", id,
                   (size_t)qemu_real_host_page_size(), RAMINATE_PAGE_SIZE);
    } else if (!backend->size) {
        error_setg(errp, "memory-backend-container '%s': size must not be "
                   "0; give the sum of the sizes of its tiers", id);
    } else if (!QEMU_IS_ALIGNED(backend->size, RAMINATE_PAGE_SIZE)) {
        error_setg(errp, "memory-backend-container '%s': size 0x%" PRIx64
                   " is not a multiple of the page size, 0x%llx", id,
                   backend->size, RAMINATE_PAGE_SIZE);
    } else if (backend->size > RAMINATE_MAX_SIZE) {
        error_setg(errp, "memory-backend-container '%s': size 0x%" PRIx64
                   " is too large; the most is 0x%" PRIx64 ", so give the "
                   "guest more than one container", id, backend->size,
                   RAMINATE_MAX_SIZE);
    } else if (backend->prealloc) {
        return container_check_late(backend, "prealloc", errp);
    } else if (!bitmap_empty(backend->host_nodes, MAX_NODES)) {
        return container_check_late(backend, "host-nodes", errp);
    } else if (backend->guest_memfd) {
        error_setg(errp, "memory-backend-container '%s': a confidential "
                   "guest's pages can't be placed; use another memory backend",
                   id);
    } else {
        return true;
    }
    return false;
}

static bool container_check_ready(HostMemoryBackend *backend, Error **errp)
{
    HostMemoryBackendContainer *container = MEMORY_BACKEND_CONTAINER(backend);
    uint64_t end = 0;

    if (container->placing.placer) {
        return true;
    }
    for (guint i = 0; i < container->children->len; i++) {
        const RaminateTier *tier =
            &g_array_index(container->children, Child, i).tier;

        if (tier->offset > end) {
            break;
        }
        end = tier->offset + tier->size;
    }
    error_setg(errp, "memory-backend-container '%s' has a gap: no tier covers "
               "offset 0x%" PRIx64 " of its 0x%" PRIx64 " bytes; add a "
               "memory-backend-devmem or memory-backend-node with parent=%s,"
               "offset=0x%" PRIx64,
               container_id(container), end, backend->size,
               container_id(container), end);
    return false;
}

/* Finds a display that makes buffers of guest memory. */
static int look_for_blobs(Object *obj, void *opaque)
{
    Object **found = opaque;

    if (g_str_equal(object_get_typename(obj), "virtio-gpu-device") &&
        object_property_get_bool(obj, "blob", NULL)) {
        *found = obj;
    }
    return *found != NULL;
}

/* Returns: false with @errp set if a device needs other memory. */
static bool check_devices(HostMemoryBackendContainer *container, Error **errp)
{
    static const char *const types[] = { "vhost-user-", NULL };
    g_autofree char *name = NULL;
    Object *display = NULL;

    if (vhost_user_is_in_use()) {
        name = raminate_find_device(types, NET_CLIENT_DRIVER_VHOST_USER);
        error_setg(errp, "memory-backend-container '%s' can't be used beside "
                   "a vhost-user device%s, with whose process its pages can't "
                   "be shared; use memory-backend-memfd, or another device",
                   container_id(container), name);
        return false;
    }
    object_child_foreach_recursive(qdev_get_machine(), look_for_blobs,
                                   &display);
    if (display) {
        name = raminate_device_name(display);
        error_setg(errp, "memory-backend-container '%s' can't be used beside "
                   "a virtio-gpu device%s with blob=on, which makes buffers of "
                   "memory of a memfd; use memory-backend-memfd, or blob=off",
                   container_id(container), name);
        return false;
    }
    return true;
}

static bool container_prepare(HostMemoryBackend *backend, bool persistent,
                              Error **errp)
{
    HostMemoryBackendContainer *container = MEMORY_BACKEND_CONTAINER(backend);

    if (!container_check_ready(backend, errp)) {
        return false;
    }
    if (persistent) {
        error_setg(errp, "memory-backend-container '%s' doesn't keep its "
                   "contents from one start of QEMU to the next, since its "
                   "pages move; use memory-backend-devmem without parent and "
                   "with scrub=off, or memory-backend-file",
                   container_id(container));
        return false;
    }
    return check_devices(container, errp);
}

/*
 * A container on the command line must have its tiers there as well, and is
 * there to be used.
 */
static void container_machine_done(Notifier *notifier, void *data)
{
    HostMemoryBackendContainer *container =
        container_of(notifier, HostMemoryBackendContainer, machine_done);

    container_check_ready(MEMORY_BACKEND(container), &error_fatal);
    raminate_placing_warn_unused(&container->placing);
}

static bool container_alloc(HostMemoryBackend *backend, Error **errp)
{
    HostMemoryBackendContainer *container = MEMORY_BACKEND_CONTAINER(backend);
    g_autofree char *name = host_memory_backend_get_name(backend);

    if (!container_check(container, errp)) {
        return false;
    }
    container->reservation = reservation_new(container, backend->size, errp);
    if (!container->reservation) {
        return false;
    }
    container->memory.backend = backend;
    container->memory.type = TYPE_MEMORY_BACKEND_CONTAINER;
    container->memory.id = container_id(container);
    container->memory.host =
        QEMU_ALIGN_PTR_UP(container->reservation->addr, HOST_ALIGN);
    memory_region_init_ram_flags_ptr(&backend->mr, OBJECT(backend), name,
                                     backend->size, RAM_CLEAN,
                                     container->memory.host);
    /* For those who need it: TCG, so that it knows of no code there. */
    memory_region_set_dirty(&backend->mr, 0, backend->size);
    backend->mr.align = HOST_ALIGN;
    backend->mr.ram_block->unshareable =
        "it is a memory-backend-container, whose pages are in several files "
        "and move; use memory-backend-memfd";
    /* So that nobody uses it before it is complete. */
    host_memory_backend_set_mapped(backend, true);
    if (!phase_check(PHASE_MACHINE_READY)) {
        container->machine_done.notify = container_machine_done;
        qemu_add_machine_init_done_notifier(&container->machine_done);
    }
    return true;
}

static bool container_can_be_deleted(UserCreatable *uc)
{
    HostMemoryBackendContainer *container = MEMORY_BACKEND_CONTAINER(uc);

    return !container->placing.placer ||
           !host_memory_backend_is_mapped(MEMORY_BACKEND(uc));
}

/* The memory belongs to the tiers, and so do these. */
static bool container_hides_option(const char *name)
{
    return g_str_equal(name, "host-nodes") || g_str_equal(name, "reserve") ||
           g_str_equal(name, "share") || g_str_has_prefix(name, "prealloc");
}

/* Life */

static void container_init(Object *obj)
{
    HostMemoryBackendContainer *container = MEMORY_BACKEND_CONTAINER(obj);

    raminate_placing_init(&container->placing);
    container->children = g_array_new(false, false, sizeof(Child));
}

static RaminatePlacing *container_placing(Object *obj)
{
    return &MEMORY_BACKEND_CONTAINER(obj)->placing;
}

/* Before the memory region goes: the placer works on it. */
static void container_unparent(Object *obj)
{
    HostMemoryBackendContainer *container = MEMORY_BACKEND_CONTAINER(obj);

    raminate_placing_stop(&container->placing);
}

static void container_finalize(Object *obj)
{
    HostMemoryBackendContainer *container = MEMORY_BACKEND_CONTAINER(obj);

    if (container->machine_done.notify) {
        qemu_remove_machine_init_done_notifier(&container->machine_done);
    }
    raminate_end_discard(&container->postcopy);
    raminate_kvm_detach(&container->memory);
    for (guint i = 0; i < container->children->len; i++) {
        Object *child = g_array_index(container->children, Child, i).obj;

        RAMINATE_TIER_GET_CLASS(child)->set_used(child, false);
        object_unref(child);
    }
    g_array_free(container->children, true);
    g_free(container->memory.tiers);
    raminate_placing_destroy(&container->placing);
    if (container->reservation) {
        call_rcu(container->reservation, reservation_free, rcu);
    }
}

static void container_class_init(ObjectClass *oc, void *data)
{
    HostMemoryBackendClass *bc = MEMORY_BACKEND_CLASS(oc);
    UserCreatableClass *ucc = USER_CREATABLE_CLASS(oc);

    RAMINATE_PLACING_CLASS(oc)->placing = container_placing;
    RAMINATE_PLACING_CLASS(oc)->resize_claim = container_resize_claim;
    bc->alloc = container_alloc;
    bc->prepare = container_prepare;
    bc->check_late = container_check_late;
    bc->no_default_prealloc = true;
    ucc->can_be_deleted = container_can_be_deleted;
    ucc->hides_option = container_hides_option;
    oc->unparent = container_unparent;

    raminate_placing_add_properties(oc);
}

/* "policy" is the placement policy. */
static const HostMemoryBackendClassData container_class_data = {
    .no_numa_policy = true,
};

static const TypeInfo container_info = {
    .name = TYPE_MEMORY_BACKEND_CONTAINER,
    .parent = TYPE_MEMORY_BACKEND,
    .instance_size = sizeof(HostMemoryBackendContainer),
    .instance_init = container_init,
    .instance_finalize = container_finalize,
    .class_init = container_class_init,
    .class_data = (void *)&container_class_data,
    .interfaces = (InterfaceInfo[]) {
        { TYPE_RAMINATE_PLACING },
        { }
    },
};

static void register_types(void)
{
    type_register_static(&container_info);
}

type_init(register_types)
