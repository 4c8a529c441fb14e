/*
 * RAMinate: the properties of memory-backend-container
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-types-raminate-types.h"
#include "qapi/visitor.h"
#include "backends/raminate/container-internal.h"
#include "hw/raminate/engine/settings.h"

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

bool container_check_settings(HostMemoryBackendContainer *container,
                              Error **errp)
{
    for (const RaminateSetting *s = raminate_setting_list; s->name; s++) {
        if (!check_number(container, s, *number_of(container, s), errp)) {
            return false;
        }
    }
    return true;
}

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

static bool container_get_migrate_heat(Object *obj, Error **errp)
{
    return MEMORY_BACKEND_CONTAINER(obj)->settings.migrate_heat;
}

static void container_set_migrate_heat(Object *obj, bool value, Error **errp)
{
    HostMemoryBackendContainer *container = MEMORY_BACKEND_CONTAINER(obj);
    RaminatePlacerSettings settings = container->settings;

    settings.migrate_heat = value;
    container_set(container, &settings, errp);
}

static char *container_get_record(Object *obj, Error **errp)
{
    return g_strdup(MEMORY_BACKEND_CONTAINER(obj)->record ?: "");
}

static void container_set_record(Object *obj, const char *value, Error **errp)
{
    HostMemoryBackendContainer *container = MEMORY_BACKEND_CONTAINER(obj);

    if (container->placer &&
        !raminate_placer_record(container->placer, value, errp)) {
        return;
    }
    g_free(container->record);
    container->record = g_strdup(value);
}

void container_add_properties(ObjectClass *oc)
{
    object_class_property_add_bool(oc, "monitor", container_get_monitor,
                                   container_set_monitor);
    object_class_property_set_description(oc, "monitor",
        "Find the pages that are written most and move them to the fastest "
        "tier");
    object_class_property_add_bool(oc, "migrate-heat",
                                   container_get_migrate_heat,
                                   container_set_migrate_heat);
    object_class_property_set_description(oc, "migrate-heat",
        "Send along which pages are hot when the guest migrates");
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
