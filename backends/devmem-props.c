/*
 * RAMinate: the properties of memory-backend-devmem
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "backends/raminate/devmem-internal.h"

static char *devmem_get_mem_path(Object *obj, Error **errp)
{
    return g_strdup(MEMORY_BACKEND_DEVMEM(obj)->mem_path);
}

static void devmem_set_mem_path(Object *obj, const char *value, Error **errp)
{
    HostMemoryBackendDevmem *devmem = MEMORY_BACKEND_DEVMEM(obj);

    if (raminate_tier_check_early(obj, "mem-path", errp)) {
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

    if (raminate_tier_check_early(obj, "pool", errp)) {
        g_free(devmem->pool);
        devmem->pool = g_strdup(value);
    }
}

static void devmem_get_phy_offset(Object *obj, Visitor *v, const char *name,
                                  void *opaque, Error **errp)
{
    visit_type_size(v, name, &MEMORY_BACKEND_DEVMEM(obj)->phy_offset, errp);
}

static void devmem_set_phy_offset(Object *obj, Visitor *v, const char *name,
                                  void *opaque, Error **errp)
{
    uint64_t value;

    if (visit_type_size(v, name, &value, errp) &&
        raminate_tier_check_early(obj, name, errp)) {
        MEMORY_BACKEND_DEVMEM(obj)->phy_offset = value;
    }
}

static bool devmem_get_scrub(Object *obj, Error **errp)
{
    return MEMORY_BACKEND_DEVMEM(obj)->scrub;
}

static void devmem_set_scrub(Object *obj, bool value, Error **errp)
{
    HostMemoryBackendDevmem *devmem = MEMORY_BACKEND_DEVMEM(obj);

    if (raminate_tier_check_early(obj, "scrub", errp)) {
        devmem->scrub = value;
    }
}

void devmem_add_properties(ObjectClass *oc)
{
    object_class_property_add_str(oc, "mem-path", devmem_get_mem_path,
                                  devmem_set_mem_path);
    object_class_property_set_description(oc, "mem-path",
        "File or device that the range belongs to (default: /dev/mem)");
    object_class_property_add(oc, "phy-offset", "size", devmem_get_phy_offset,
                              devmem_set_phy_offset, NULL, NULL);
    object_class_property_set_description(oc, "phy-offset",
        "Where the range begins in mem-path, a physical address with /dev/mem "
        "(default: 0)");
    object_class_property_add_str(oc, "pool", devmem_get_pool,
                                  devmem_set_pool);
    object_class_property_set_description(oc, "pool",
        "Pool that the range is taken from, in place of mem-path and "
        "phy-offset");
    raminate_tier_add_properties(oc);
    object_class_property_add_bool(oc, "scrub", devmem_get_scrub,
                                   devmem_set_scrub);
    object_class_property_set_description(oc, "scrub",
        "Fill the range with zeroes before use (default: on)");
}
