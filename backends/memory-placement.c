/*
 * RAMinate: memory-placement, which places the pages of a memory backend that
 * a guest has already
 *
 * The memory stays what it is, where it is mapped: ordinary RAM, private or a
 * memfd.  Its pages are kept on NUMA nodes of the host, by the placer that a
 * memory-backend-container has, from when the object is created until it is
 * deleted.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-builtin-visit.h"
#include "qapi/visitor.h"
#include "qemu/error-report.h"
#include "qemu/mmap-alloc.h"
#include "qemu/module.h"
#include "qom/object_interfaces.h"
#include "backends/raminate/hostmem-container.h"
#include "backends/raminate/memory-placement-internal.h"
#include "backends/raminate/nodes.h"
#include "backends/raminate/tier.h"
#include "exec/ramblock.h"
#include "hw/qdev-core.h"
#include "system/system.h"

/* The memory */

/*
 * Returns: its backend, or NULL with @errp set if there is none of that name, or
 * its pages can't be placed.
 */
static HostMemoryBackend *find_memory(MemoryPlacement *placement, Error **errp)
{
    const char *id = placement_id(placement);
    Object *obj = object_resolve_path_component(object_get_objects_root(),
                                                placement->memdev);
    HostMemoryBackend *backend;
    RAMBlock *block;

    if (!obj || !object_dynamic_cast(obj, TYPE_MEMORY_BACKEND)) {
        error_setg(errp, "memory-placement '%s': there is no memory backend "
                   "'%s'; query-memdev shows those there are", id,
                   placement->memdev);
        return NULL;
    }
    if (object_dynamic_cast(obj, TYPE_RAMINATE_PLACING) ||
        object_dynamic_cast(obj, TYPE_RAMINATE_TIER)) {
        error_setg(errp, "memory-placement '%s': memdev '%s' is a %s, whose "
                   "pages the container places; set the container's properties "
                   "instead", id, placement->memdev, object_get_typename(obj));
        return NULL;
    }
    backend = MEMORY_BACKEND(obj);
    if (!host_memory_backend_mr_inited(backend)) {
        error_setg(errp, "memory-placement '%s': memdev '%s' has no memory yet",
                   id, placement->memdev);
        return NULL;
    }
    block = backend->mr.ram_block;
    if (backend->guest_memfd) {
        error_setg(errp, "memory-placement '%s': memdev '%s' is of a "
                   "confidential guest, whose pages can't be moved", id,
                   placement->memdev);
    } else if (qemu_ram_pagesize(block) != RAMINATE_PAGE_SIZE) {
        error_setg(errp, "memory-placement '%s': memdev '%s' has pages of "
                   "0x%zx bytes; only memory with pages of 0x%llx can be "
                   "placed", id, placement->memdev, qemu_ram_pagesize(block),
                   RAMINATE_PAGE_SIZE);
    } else if (block->fd >= 0 &&
               qemu_fd_getfs(block->fd) != QEMU_FS_TYPE_TMPFS) {
        error_setg(errp, "memory-placement '%s': memdev '%s' is a file that is "
                   "not on a tmpfs; use memory-backend-ram or "
                   "memory-backend-memfd", id, placement->memdev);
    } else if (backend->size > RAMINATE_MAX_SIZE) {
        error_setg(errp, "memory-placement '%s': memdev '%s' of 0x%" PRIx64
                   " bytes is too large; the most is 0x%" PRIx64, id,
                   placement->memdev, backend->size, RAMINATE_MAX_SIZE);
    } else if (!QEMU_IS_ALIGNED(backend->size, RAMINATE_PAGE_SIZE)) {
        error_setg(errp, "memory-placement '%s': size 0x%" PRIx64 " of memdev "
                   "'%s' is not a multiple of the page size, 0x%llx", id,
                   backend->size, placement->memdev, RAMINATE_PAGE_SIZE);
    } else {
        return backend;
    }
    return NULL;
}

static int is_same_memory(Object *obj, void *opaque)
{
    return object_dynamic_cast(obj, TYPE_MEMORY_PLACEMENT) &&
           MEMORY_PLACEMENT(obj)->memory.backend == opaque;
}

static bool start(MemoryPlacement *placement, Error **errp)
{
    RaminateMemory *memory = &placement->memory;
    HostMemoryBackend *backend = find_memory(placement, errp);

    if (!backend) {
        return false;
    }
    if (object_child_foreach(object_get_objects_root(), is_same_memory,
                             backend)) {
        error_setg(errp, "memory-placement '%s': another one places the pages "
                   "of memdev '%s'", placement_id(placement),
                   placement->memdev);
        return false;
    }
    memory->backend = backend;
    memory->type = TYPE_MEMORY_PLACEMENT;
    memory->id = placement_id(placement);
    memory->host = memory_region_get_ram_ptr(&backend->mr);
    memory->tiers = placement->tiers;
    if (!placement_fill_tiers(placement, errp) ||
        !raminate_tiers_set_costs(memory, errp) ||
        !raminate_placing_start(OBJECT(placement), memory, errp)) {
        placement_end_claims(placement);
        memory->backend = NULL;
        return false;
    }
    object_ref(OBJECT(backend));
    raminate_node_warn_of_host(memory);
    for (unsigned i = 0; i < memory->nr_tiers; i++) {
        const RaminateTier *tier = &memory->tiers[i];
        int ret = raminate_node_prefer(memory->host + tier->offset, tier->size,
                                       tier->node);

        if (ret < 0) {
            warn_report("memory-placement '%s': pages that the guest touches "
                        "for the first time can't be had from node %d: %s",
                        memory->id, tier->node, strerror(-ret));
        }
    }
    return true;
}

/* Life */

/* The machine's own memory is there by now. */
static void placement_machine_done(Notifier *notifier, void *data)
{
    MemoryPlacement *placement =
        container_of(notifier, MemoryPlacement, machine_done);

    start(placement, &error_fatal);
    raminate_placing_warn_unused(&placement->placing);
}

static void placement_complete(UserCreatable *uc, Error **errp)
{
    MemoryPlacement *placement = MEMORY_PLACEMENT(uc);

    if (!placement->memdev) {
        error_setg(errp, "memory-placement '%s': memdev is missing; name a "
                   "memory backend, as query-memdev shows them",
                   placement_id(placement));
        return;
    }
    if (placement->nodes && placement->pools) {
        error_setg(errp, "memory-placement '%s': pools say which nodes they "
                   "are; leave out nodes, or pools", placement_id(placement));
        return;
    }
    if (!raminate_placing_check(OBJECT(uc), errp)) {
        return;
    }
    if (phase_check(PHASE_MACHINE_READY)) {
        start(placement, errp);
    } else {
        placement->machine_done.notify = placement_machine_done;
        qemu_add_machine_init_done_notifier(&placement->machine_done);
    }
}

static RaminatePlacing *placement_placing(Object *obj)
{
    return &MEMORY_PLACEMENT(obj)->placing;
}

static void placement_init(Object *obj)
{
    raminate_placing_init(&MEMORY_PLACEMENT(obj)->placing);
}

/* Pages stay where they are; from now on the kernel decides. */
static void placement_unparent(Object *obj)
{
    MemoryPlacement *placement = MEMORY_PLACEMENT(obj);

    raminate_placing_stop(&placement->placing);
    if (placement->memory.backend) {
        raminate_node_forget(placement->memory.backend);
        object_unref(OBJECT(placement->memory.backend));
        placement->memory.backend = NULL;
    }
}

static void placement_finalize(Object *obj)
{
    MemoryPlacement *placement = MEMORY_PLACEMENT(obj);

    if (placement->machine_done.notify) {
        qemu_remove_machine_init_done_notifier(&placement->machine_done);
    }
    raminate_placing_destroy(&placement->placing);
    placement_end_claims(placement);
    for (unsigned i = 0; i < RAMINATE_MAX_TIERS; i++) {
        g_free(placement->tier_ids[i]);
    }
    qapi_free_uint16List(placement->nodes);
    qapi_free_strList(placement->pools);
    qapi_free_sizeList(placement->budgets);
    g_free(placement->memdev);
}

/* Properties */

static bool check_early(MemoryPlacement *placement, const char *name,
                        Error **errp)
{
    if (placement->memory.backend) {
        error_setg(errp, "memory-placement '%s': %s can't be changed; delete "
                   "the object and create it again", placement_id(placement),
                   name);
        return false;
    }
    return true;
}

static char *placement_get_memdev(Object *obj, Error **errp)
{
    return g_strdup(MEMORY_PLACEMENT(obj)->memdev ?: "");
}

static void placement_set_memdev(Object *obj, const char *value, Error **errp)
{
    MemoryPlacement *placement = MEMORY_PLACEMENT(obj);

    if (check_early(placement, "memdev", errp)) {
        g_free(placement->memdev);
        placement->memdev = g_strdup(value);
    }
}

static void placement_get_nodes(Object *obj, Visitor *v, const char *name,
                                void *opaque, Error **errp)
{
    visit_type_uint16List(v, name, &MEMORY_PLACEMENT(obj)->nodes, errp);
}

static void placement_set_nodes(Object *obj, Visitor *v, const char *name,
                                void *opaque, Error **errp)
{
    MemoryPlacement *placement = MEMORY_PLACEMENT(obj);
    uint16List *value = NULL;

    if (check_early(placement, name, errp) &&
        visit_type_uint16List(v, name, &value, errp)) {
        qapi_free_uint16List(placement->nodes);
        placement->nodes = value;
    }
}

static void placement_get_pools(Object *obj, Visitor *v, const char *name,
                                void *opaque, Error **errp)
{
    visit_type_strList(v, name, &MEMORY_PLACEMENT(obj)->pools, errp);
}

static void placement_set_pools(Object *obj, Visitor *v, const char *name,
                                void *opaque, Error **errp)
{
    MemoryPlacement *placement = MEMORY_PLACEMENT(obj);
    strList *value = NULL;

    if (check_early(placement, name, errp) &&
        visit_type_strList(v, name, &value, errp)) {
        qapi_free_strList(placement->pools);
        placement->pools = value;
    }
}

static void placement_get_budgets(Object *obj, Visitor *v, const char *name,
                                  void *opaque, Error **errp)
{
    visit_type_sizeList(v, name, &MEMORY_PLACEMENT(obj)->budgets, errp);
}

static void placement_set_budgets(Object *obj, Visitor *v, const char *name,
                                  void *opaque, Error **errp)
{
    MemoryPlacement *placement = MEMORY_PLACEMENT(obj);
    sizeList *value = NULL;

    /* First: HMP's qom-set can't visit such lists, and would assert. */
    if (check_early(placement, name, errp) &&
        visit_type_sizeList(v, name, &value, errp)) {
        qapi_free_sizeList(placement->budgets);
        placement->budgets = value;
    }
}

static void placement_class_init(ObjectClass *oc, void *data)
{
    UserCreatableClass *ucc = USER_CREATABLE_CLASS(oc);

    ucc->complete = placement_complete;
    oc->unparent = placement_unparent;
    RAMINATE_PLACING_CLASS(oc)->placing = placement_placing;
    RAMINATE_PLACING_CLASS(oc)->resize_claim = placement_resize_claim;

    object_class_property_add_str(oc, "memdev", placement_get_memdev,
                                  placement_set_memdev);
    object_class_property_set_description(oc, "memdev",
        "Memory backend whose pages are placed");
    object_class_property_add(oc, "nodes", "uint16List", placement_get_nodes,
                              placement_set_nodes, NULL, NULL);
    object_class_property_set_description(oc, "nodes",
        "NUMA nodes of the host, the fastest first");
    object_class_property_add(oc, "pools", "strList", placement_get_pools,
                              placement_set_pools, NULL, NULL);
    object_class_property_set_description(oc, "pools",
        "Pools that the nodes are taken from, in place of nodes");
    object_class_property_add(oc, "budgets", "sizeList", placement_get_budgets,
                              placement_set_budgets, NULL, NULL);
    object_class_property_set_description(oc, "budgets",
        "How much of the memory is to be on each node; the last has the rest");
    raminate_placing_add_properties(oc);
}

static const TypeInfo placement_info = {
    .name = TYPE_MEMORY_PLACEMENT,
    .parent = TYPE_OBJECT,
    .instance_size = sizeof(MemoryPlacement),
    .instance_init = placement_init,
    .instance_finalize = placement_finalize,
    .class_init = placement_class_init,
    .interfaces = (InterfaceInfo[]) {
        { TYPE_USER_CREATABLE },
        { TYPE_RAMINATE_PLACING },
        { }
    },
};

static void register_types(void)
{
    type_register_static(&placement_info);
}

type_init(register_types)
