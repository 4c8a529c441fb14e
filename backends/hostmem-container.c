/*
 * RAMinate: memory-backend-container, guest RAM made of several tiers
 *
 * The container is one RAM block, so that the rest of QEMU sees ordinary RAM.
 * Its memory belongs to the memory-backend-devmem objects that name it as
 * their parent, each of which is mapped at its offset.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-types-raminate-types.h"
#include "qapi/visitor.h"
#include "qemu/error-report.h"
#include "qemu/module.h"
#include "qemu/rcu.h"
#include "qemu/units.h"
#include "qom/object_interfaces.h"
#include "backends/raminate/hostmem-container.h"
#include "exec/ramblock.h"
#include "hw/boards.h"
#include "hw/qdev-core.h"
#include "hw/raminate/engine/settings.h"
#include "hw/raminate/placer.h"
#include "system/system.h"

/* Huge pages of the host may be used where frames still lie side by side. */
#define HOST_ALIGN (2 * MiB)

/* A tier and the object that it comes from. */
typedef struct Child {
    HostMemoryBackend *backend;
    RaminateTier tier;
    bool has_rank;
} Child;

/* Address space that is given back when nobody can look at it any more. */
typedef struct Reservation {
    struct rcu_head rcu;
    void *addr;
    size_t size;
} Reservation;

struct HostMemoryBackendContainer {
    HostMemoryBackend parent_obj;

    RaminatePlacerSettings settings;
    char *record;               /* file, or NULL for none */
    Reservation *reservation;
    GArray *children;           /* of Child, by offset */
    RaminateMemory memory;
    RaminatePlacer *placer;   /* NULL until all tiers are there */
    Notifier machine_done;
};

static const char *container_id(HostMemoryBackendContainer *container)
{
    return object_get_canonical_path_component(OBJECT(container));
}

/* Numbers among the settings */

static uint32_t *number_of(HostMemoryBackendContainer *container,
                           const RaminateSetting *setting)
{
    return raminate_setting_value(&container->settings.engine, setting);
}

static bool check_number(HostMemoryBackendContainer *container,
                         const RaminateSetting *setting, uint32_t value,
                         Error **errp)
{
    if (value < setting->min || value > setting->max) {
        error_setg(errp, "memory-backend-container '%s': %s must be %" PRIu32
                   " to %" PRIu32 ", not %" PRIu32, container_id(container),
                   setting->name, setting->min, setting->max, value);
        return false;
    }
    return true;
}

/* Memory */

static void reservation_free(Reservation *reservation)
{
    munmap(reservation->addr, reservation->size);
    g_free(reservation);
}

static Reservation *reservation_new(size_t size, Error **errp)
{
    Reservation *reservation = g_new0(Reservation, 1);

    reservation->size = size + HOST_ALIGN;
    reservation->addr = mmap(NULL, reservation->size, PROT_NONE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                             -1, 0);
    if (reservation->addr == MAP_FAILED) {
        error_setg_errno(errp, errno, "can't reserve %zu bytes of address "
                         "space for memory-backend-container", size);
        g_free(reservation);
        return NULL;
    }
    return reservation;
}

static bool container_check(HostMemoryBackendContainer *container,
                            Error **errp)
{
    HostMemoryBackend *backend = MEMORY_BACKEND(container);
    const char *id = container_id(container);

    for (const RaminateSetting *s = raminate_setting_list; s->name; s++) {
        if (!check_number(container, s, *number_of(container, s), errp)) {
            return false;
        }
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
                   " is too large; the most is 0x%" PRIx64, id,
                   backend->size, RAMINATE_MAX_SIZE);
    } else if (backend->prealloc) {
        error_setg(errp, "memory-backend-container '%s' has no memory of its "
                   "own for prealloc=on; set it on its memory-backend-devmem "
                   "tiers", id);
    } else if (!bitmap_empty(backend->host_nodes, MAX_NODES)) {
        error_setg(errp, "memory-backend-container '%s' has no memory of its "
                   "own for host-nodes; set host-nodes and policy on its "
                   "memory-backend-devmem tiers", id);
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

    if (container->placer) {
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
               "memory-backend-devmem with parent=%s,offset=0x%" PRIx64,
               container_id(container), end, backend->size,
               container_id(container), end);
    return false;
}

/* A container on the command line must have its tiers there as well. */
static void container_machine_done(Notifier *notifier, void *data)
{
    HostMemoryBackendContainer *container =
        container_of(notifier, HostMemoryBackendContainer, machine_done);

    container_check_ready(MEMORY_BACKEND(container), &error_fatal);
}

static bool container_alloc(HostMemoryBackend *backend, Error **errp)
{
    HostMemoryBackendContainer *container = MEMORY_BACKEND_CONTAINER(backend);
    g_autofree char *name = host_memory_backend_get_name(backend);

    if (!container_check(container, errp)) {
        return false;
    }
    container->reservation = reservation_new(backend->size, errp);
    if (!container->reservation) {
        return false;
    }
    container->memory.backend = backend;
    container->memory.id = container_id(container);
    container->memory.host =
        QEMU_ALIGN_PTR_UP(container->reservation->addr, HOST_ALIGN);
    memory_region_init_ram_flags_ptr(&backend->mr, OBJECT(backend), name,
                                     backend->size, RAM_CLEAN,
                                     container->memory.host);
    /* For those who need it: TCG, so that it knows of no code there. */
    memory_region_set_dirty(&backend->mr, 0, backend->size);
    backend->mr.align = HOST_ALIGN;
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

    return !container->placer ||
           !host_memory_backend_is_mapped(MEMORY_BACKEND(uc));
}

/* Tiers */

static gint compare_offset(gconstpointer a, gconstpointer b)
{
    const Child *child_a = a, *child_b = b;

    return child_a->tier.offset < child_b->tier.offset ? -1 : 1;
}

static gint compare_rank(gconstpointer a, gconstpointer b)
{
    const RaminateTier *tier_a = a, *tier_b = b;

    return tier_a->rank < tier_b->rank ? -1 : 1;
}

static bool check_tier(HostMemoryBackendContainer *container,
                       const RaminateTier *tier, bool has_rank, Error **errp)
{
    HostMemoryBackend *backend = MEMORY_BACKEND(container);
    const char *id = container_id(container);

    if (!QEMU_IS_ALIGNED(tier->offset, RAMINATE_PAGE_SIZE)) {
        error_setg(errp, "memory-backend-devmem '%s': offset 0x%" PRIx64
                   " is not a multiple of the page size, 0x%llx", tier->id,
                   tier->offset, RAMINATE_PAGE_SIZE);
        return false;
    }
    if (tier->offset > backend->size ||
        tier->size > backend->size - tier->offset) {
        error_setg(errp, "memory-backend-devmem '%s': range of 0x%" PRIx64
                   " bytes from 0x%" PRIx64 " is beyond container '%s' of 0x%"
                   PRIx64 " bytes; make the container larger, or size or "
                   "offset smaller", tier->id, tier->size, tier->offset, id,
                   backend->size);
        return false;
    }
    if (container->children->len == RAMINATE_MAX_TIERS) {
        error_setg(errp, "memory-backend-devmem '%s': container '%s' has %d "
                   "tiers already, the most there can be; use larger ones",
                   tier->id, id, RAMINATE_MAX_TIERS);
        return false;
    }
    for (guint i = 0; i < container->children->len; i++) {
        const Child *other = &g_array_index(container->children, Child, i);

        if (tier->offset < other->tier.offset + other->tier.size &&
            other->tier.offset < tier->offset + tier->size) {
            error_setg(errp, "memory-backend-devmem '%s': range 0x%" PRIx64
                       " to 0x%" PRIx64 " overlaps that of '%s', 0x%" PRIx64
                       " to 0x%" PRIx64 ", in container '%s'; change offset "
                       "or size", tier->id, tier->offset,
                       tier->offset + tier->size - 1, other->tier.id,
                       other->tier.offset,
                       other->tier.offset + other->tier.size - 1, id);
            return false;
        }
        if (has_rank && other->has_rank && tier->rank == other->tier.rank) {
            error_setg(errp, "memory-backend-devmem '%s': tier %u of container "
                       "'%s' is '%s' already; give it another rank", tier->id,
                       tier->rank, id, other->tier.id);
            return false;
        }
    }
    return true;
}

static bool container_is_covered(HostMemoryBackendContainer *container)
{
    uint64_t covered = 0;

    for (guint i = 0; i < container->children->len; i++) {
        covered += g_array_index(container->children, Child, i).tier.size;
    }
    return covered == MEMORY_BACKEND(container)->size;
}

/* Gives tiers without a rank the lowest ones left, in the order of offset. */
static void container_rank_tiers(HostMemoryBackendContainer *container)
{
    RaminateMemory *memory = &container->memory;
    DECLARE_BITMAP(taken, UINT8_MAX + 1) = { 0 };

    memory->nr_tiers = container->children->len;
    memory->tiers = g_new(RaminateTier, memory->nr_tiers);
    for (guint i = 0; i < container->children->len; i++) {
        const Child *child = &g_array_index(container->children, Child, i);

        if (child->has_rank) {
            set_bit(child->tier.rank, taken);
        }
    }
    for (guint i = 0; i < container->children->len; i++) {
        Child *child = &g_array_index(container->children, Child, i);

        if (!child->has_rank) {
            child->tier.rank = find_first_zero_bit(taken, UINT8_MAX + 1);
            set_bit(child->tier.rank, taken);
        }
        memory->tiers[i] = child->tier;
    }
    qsort(memory->tiers, memory->nr_tiers, sizeof(*memory->tiers),
          compare_rank);
}

/* Some devices, /dev/zero for one, give each mapping memory of its own. */
static bool shows_same_memory(HostMemoryBackend *backend, uint8_t *host)
{
    volatile uint8_t *own = memory_region_get_ram_ptr(&backend->mr);
    volatile uint8_t *shown = host;
    uint8_t old = *own;
    uint8_t other = ~old;
    bool same;

    *own = other;
    same = *shown == other;
    *own = old;
    return same && *shown == old;
}

/* Maps all tiers and brings the placer to life. */
static bool container_complete(HostMemoryBackendContainer *container,
                               Error **errp)
{
    RaminateMemory *memory = &container->memory;

    container_rank_tiers(container);
    for (guint i = 0; i < container->children->len; i++) {
        const Child *child = &g_array_index(container->children, Child, i);
        const RaminateTier *tier = &child->tier;
        uint32_t first = tier->offset >> RAMINATE_PAGE_BITS;
        int ret = raminate_memory_map(memory, first, first,
                                      tier->size >> RAMINATE_PAGE_BITS);

        if (ret < 0) {
            error_setg_errno(errp, -ret, "memory-backend-devmem '%s': can't "
                             "map 0x%" PRIx64 " bytes from 0x%" PRIx64
                             " of %s into container '%s'", tier->id,
                             tier->size, tier->phy_offset, tier->mem_path,
                             memory->id);
            goto fail;
        }
        if (!shows_same_memory(child->backend,
                               raminate_memory_page(memory, first))) {
            error_setg(errp, "memory-backend-devmem '%s': %s has other memory "
                       "for each mapping, so that its pages can't move; use "
                       "another file or device", tier->id, tier->mem_path);
            goto fail;
        }
    }
    container->placer = raminate_placer_new(memory, &container->settings,
                                            errp);
    if (container->placer && container->record && *container->record &&
        !raminate_placer_record(container->placer, container->record,
                                errp)) {
        g_clear_pointer(&container->placer, raminate_placer_free);
    }
    if (container->placer) {
        for (unsigned i = 0; i < memory->nr_tiers; i++) {
            if (memory->tiers[i].is_unpinnable) {
                /* All of the container: pages move. */
                qemu_ram_set_unpinnable(memory->backend->mr.ram_block);
            }
        }
        host_memory_backend_set_mapped(MEMORY_BACKEND(container), false);
        return true;
    }
fail:
    g_clear_pointer(&memory->tiers, g_free);
    memory->nr_tiers = 0;
    return false;
}

bool host_memory_container_add_tier(HostMemoryBackendContainer *container,
                                    HostMemoryBackend *backend,
                                    const RaminateTier *tier, bool has_rank,
                                    Error **errp)
{
    Child child = { .backend = backend, .tier = *tier, .has_rank = has_rank };

    if (!check_tier(container, tier, has_rank, errp)) {
        return false;
    }
    g_array_append_val(container->children, child);
    g_array_sort(container->children, compare_offset);
    if (container_is_covered(container) &&
        !container_complete(container, errp)) {
        for (guint i = 0; i < container->children->len; i++) {
            if (g_array_index(container->children, Child, i).backend ==
                backend) {
                g_array_remove_index(container->children, i);
                break;
            }
        }
        return false;
    }
    object_ref(OBJECT(backend));
    host_memory_backend_set_mapped(backend, true);
    return true;
}

/* Settings */

/* What is one of several; the values' type is generated from QAPI. */
typedef struct EnumProperty {
    const char *name;
    const char *type;
    const char *description;
    size_t offset;              /* in RaminatePlacerSettings */
    const QEnumLookup *lookup;
} EnumProperty;

static const EnumProperty enums[] = {
    { "policy", "RaminatePolicyType",
      "How to decide which pages belong in fast memory",
      offsetof(RaminatePlacerSettings, policy), &RaminatePolicyType_lookup },
    { "sampler", "RaminateSamplerType",
      "How to find the pages that the guest has written",
      offsetof(RaminatePlacerSettings, sampler), &RaminateSamplerType_lookup },
    { "mover", "RaminateMoverType",
      "How to exchange the frames of two pages",
      offsetof(RaminatePlacerSettings, mover), &RaminateMoverType_lookup },
};

static bool container_set(HostMemoryBackendContainer *container,
                          const RaminatePlacerSettings *settings, Error **errp)
{
    if (container->placer &&
        !raminate_placer_set(container->placer, settings, errp)) {
        return false;
    }
    container->settings = *settings;
    return true;
}

static void container_get_number(Object *obj, Visitor *v, const char *name,
                                 void *opaque, Error **errp)
{
    HostMemoryBackendContainer *container = MEMORY_BACKEND_CONTAINER(obj);
    const RaminateSetting *setting = opaque;

    visit_type_uint32(v, name, number_of(container, setting), errp);
}

static void container_set_number(Object *obj, Visitor *v, const char *name,
                                 void *opaque, Error **errp)
{
    HostMemoryBackendContainer *container = MEMORY_BACKEND_CONTAINER(obj);
    const RaminateSetting *setting = opaque;
    RaminatePlacerSettings settings = container->settings;
    uint32_t value;

    if (!visit_type_uint32(v, name, &value, errp)) {
        return;
    }
    /* An object in the making has no id yet: container_check() will look. */
    if (container_id(container) &&
        !check_number(container, setting, value, errp)) {
        return;
    }
    *raminate_setting_value(&settings.engine, setting) = value;
    container_set(container, &settings, errp);
}

static void container_get_enum(Object *obj, Visitor *v, const char *name,
                               void *opaque, Error **errp)
{
    HostMemoryBackendContainer *container = MEMORY_BACKEND_CONTAINER(obj);
    const EnumProperty *property = opaque;
    int value = *(int *)((char *)&container->settings + property->offset);

    visit_type_enum(v, name, &value, property->lookup, errp);
}

static void container_set_enum(Object *obj, Visitor *v, const char *name,
                               void *opaque, Error **errp)
{
    HostMemoryBackendContainer *container = MEMORY_BACKEND_CONTAINER(obj);
    const EnumProperty *property = opaque;
    RaminatePlacerSettings settings = container->settings;
    g_autofree char *text = NULL;
    int value;

    if (!visit_type_str(v, name, &text, errp)) {
        return;
    }
    value = qapi_enum_parse(property->lookup, text, -1, NULL);
    if (value < 0) {
        g_autoptr(GString) choices = g_string_new("");

        for (int i = 0; i < property->lookup->size; i++) {
            g_string_append_printf(choices, "%s%s", i ? ", " : "",
                                   qapi_enum_lookup(property->lookup, i));
        }
        error_setg(errp, "memory-backend-container '%s': %s must be one of "
                   "%s, not '%s'", container_id(container), name,
                   choices->str, text);
        return;
    }
    *(int *)((char *)&settings + property->offset) = value;
    container_set(container, &settings, errp);
}

static bool container_get_monitor(Object *obj, Error **errp)
{
    return MEMORY_BACKEND_CONTAINER(obj)->settings.monitor;
}

static void container_set_monitor(Object *obj, bool value, Error **errp)
{
    HostMemoryBackendContainer *container = MEMORY_BACKEND_CONTAINER(obj);
    RaminatePlacerSettings settings = container->settings;

    settings.monitor = value;
    container_set(container, &settings, errp);
}

static char *container_get_record(Object *obj, Error **errp)
{
    return g_strdup(MEMORY_BACKEND_CONTAINER(obj)->record ?: "");
}

static void container_set_record(Object *obj, const char *value, Error **errp)
{
    HostMemoryBackendContainer *container = MEMORY_BACKEND_CONTAINER(obj);
    bool ok = !container->placer ||
              raminate_placer_record(container->placer, value, errp);

    g_free(container->record);
    container->record = ok ? g_strdup(value) : NULL;
}

/* Life */

static void container_init(Object *obj)
{
    HostMemoryBackendContainer *container = MEMORY_BACKEND_CONTAINER(obj);

    raminate_placer_settings_init(&container->settings);
    container->children = g_array_new(false, false, sizeof(Child));
}

/* Before the memory region goes: the placer works on it. */
static void container_unparent(Object *obj)
{
    HostMemoryBackendContainer *container = MEMORY_BACKEND_CONTAINER(obj);

    g_clear_pointer(&container->placer, raminate_placer_free);
}

static void container_finalize(Object *obj)
{
    HostMemoryBackendContainer *container = MEMORY_BACKEND_CONTAINER(obj);

    if (container->machine_done.notify) {
        qemu_remove_machine_init_done_notifier(&container->machine_done);
    }
    for (guint i = 0; i < container->children->len; i++) {
        HostMemoryBackend *backend =
            g_array_index(container->children, Child, i).backend;

        host_memory_backend_set_mapped(backend, false);
        object_unref(OBJECT(backend));
    }
    g_array_free(container->children, true);
    g_free(container->memory.tiers);
    g_free(container->record);
    if (container->reservation) {
        call_rcu(container->reservation, reservation_free, rcu);
    }
}

static void container_class_init(ObjectClass *oc, void *data)
{
    HostMemoryBackendClass *bc = MEMORY_BACKEND_CLASS(oc);
    UserCreatableClass *ucc = USER_CREATABLE_CLASS(oc);

    bc->alloc = container_alloc;
    bc->check_ready = container_check_ready;
    bc->no_default_prealloc = true;
    ucc->can_be_deleted = container_can_be_deleted;
    oc->unparent = container_unparent;

    object_class_property_add_bool(oc, "monitor", container_get_monitor,
                                   container_set_monitor);
    object_class_property_set_description(oc, "monitor",
        "Find the pages that are written most and move them to the fastest "
        "tier");
    object_class_property_add_str(oc, "record", container_get_record,
                                  container_set_record);
    object_class_property_set_description(oc, "record",
        "File to record the scans to; an empty one ends the recording");
    for (unsigned i = 0; i < ARRAY_SIZE(enums); i++) {
        object_class_property_add(oc, enums[i].name, enums[i].type,
                                  container_get_enum, container_set_enum, NULL,
                                  (void *)&enums[i]);
        object_class_property_set_description(oc, enums[i].name,
                                              enums[i].description);
    }
    for (const RaminateSetting *s = raminate_setting_list; s->name; s++) {
        object_class_property_add(oc, s->name, "uint32", container_get_number,
                                  container_set_number, NULL, (void *)s);
        object_class_property_set_description(oc, s->name, s->help);
    }
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
};

static void register_types(void)
{
    type_register_static(&container_info);
}

type_init(register_types)
