/*
 * RAMinate: the properties of memory-backend-devmem
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "backends/raminate/devmem-internal.h"

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

/* A cost of the tier, a uint32_t at @offset */
typedef struct DevmemCost {
    const char *name;
    size_t offset;
    uint32_t min;
    const char *description;
} DevmemCost;

static const DevmemCost devmem_costs[] = {
    { "read-cost", offsetof(HostMemoryBackendDevmem, costs.read), 1,
      "What a read costs, relative to the costs of the other tiers "
      "(default: as in the next faster tier; 1 in the fastest)" },
    { "write-cost", offsetof(HostMemoryBackendDevmem, costs.write), 1,
      "What a write costs, relative to the costs of the other tiers "
      "(default: 1 in the fastest tier, 5 in the next)" },
    { "idle-power", offsetof(HostMemoryBackendDevmem, costs.idle), 0,
      "What the memory takes while idle, in milliwatts a GiB "
      "(default: 125 in the fastest tier, 0 in others)" },
};
QEMU_BUILD_BUG_ON(BIT(ARRAY_SIZE(devmem_costs)) - 1 != RAMINATE_ALL_COSTS);

static uint32_t *devmem_cost(HostMemoryBackendDevmem *devmem,
                             const DevmemCost *cost)
{
    return (uint32_t *)((char *)devmem + cost->offset);
}

static void devmem_get_cost(Object *obj, Visitor *v, const char *name,
                            void *opaque, Error **errp)
{
    uint32_t value = *devmem_cost(MEMORY_BACKEND_DEVMEM(obj), opaque);

    visit_type_uint32(v, name, &value, errp);
}

static void devmem_set_cost(Object *obj, Visitor *v, const char *name,
                            void *opaque, Error **errp)
{
    HostMemoryBackendDevmem *devmem = MEMORY_BACKEND_DEVMEM(obj);
    const DevmemCost *cost = opaque;
    uint32_t value;

    if (visit_type_uint32(v, name, &value, errp) &&
        devmem_check_early(devmem, name, errp)) {
        *devmem_cost(devmem, cost) = value;
        devmem->costs_given |= BIT(cost - devmem_costs);
    }
}

const char *devmem_cost_given(HostMemoryBackendDevmem *devmem)
{
    return devmem->costs_given ? devmem_costs[ctz32(devmem->costs_given)].name
                               : NULL;
}

bool devmem_check_costs(HostMemoryBackendDevmem *devmem, Error **errp)
{
    for (unsigned i = 0; i < ARRAY_SIZE(devmem_costs); i++) {
        const DevmemCost *cost = &devmem_costs[i];
        uint32_t value = *devmem_cost(devmem, cost);

        if ((devmem->costs_given & BIT(i)) &&
            (value < cost->min || value > RAMINATE_MAX_COST)) {
            error_setg(errp, "memory-backend-devmem '%s': %s must be %" PRIu32
                       " to %d, not %" PRIu32, devmem_id(devmem), cost->name,
                       cost->min, RAMINATE_MAX_COST, value);
            return false;
        }
    }
    return true;
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

void devmem_add_properties(ObjectClass *oc)
{
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
    for (unsigned i = 0; i < ARRAY_SIZE(devmem_costs); i++) {
        const DevmemCost *cost = &devmem_costs[i];

        object_class_property_add(oc, cost->name, "uint32", devmem_get_cost,
                                  devmem_set_cost, NULL, (void *)cost);
        object_class_property_set_description(oc, cost->name,
                                              cost->description);
    }
    object_class_property_add_bool(oc, "scrub", devmem_get_scrub,
                                   devmem_set_scrub);
    object_class_property_set_description(oc, "scrub",
        "Fill the range with zeroes before use");
}
