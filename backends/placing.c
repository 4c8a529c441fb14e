/*
 * RAMinate: what all objects have in common whose memory is placed
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-types-raminate-types.h"
#include "qapi/visitor.h"
#include "qemu/error-report.h"
#include "qemu/module.h"
#include "backends/raminate/fast-budget.h"
#include "backends/raminate/placing.h"
#include "hw/raminate/engine/settings.h"

static RaminatePlacing *placing_of(Object *obj)
{
    return RAMINATE_PLACING_GET_CLASS(obj)->placing(obj);
}

/* Returns: its id; NULL while it is in the making. */
static const char *id_of(Object *obj)
{
    return object_get_canonical_path_component(obj);
}

/* Numbers among the settings */

static uint32_t *number_of(Object *obj, const RaminateSetting *setting)
{
    return raminate_setting_value(&placing_of(obj)->settings.engine, setting);
}

static bool check_number(Object *obj, const RaminateSetting *setting,
                         uint32_t value, Error **errp)
{
    if (value < setting->min || value > setting->max) {
        error_setg(errp, "%s '%s': %s must be %" PRIu32 " to %" PRIu32
                   ", not %" PRIu32, object_get_typename(obj), id_of(obj),
                   setting->name, setting->min, setting->max, value);
        return false;
    }
    return true;
}

bool raminate_placing_check(Object *obj, Error **errp)
{
    for (const RaminateSetting *s = raminate_setting_list; s->name; s++) {
        if (!check_number(obj, s, *number_of(obj, s), errp)) {
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

static char *enum_choices(const QEnumLookup *lookup)
{
    GString *choices = g_string_new("");

    for (int i = 0; i < lookup->size; i++) {
        g_string_append_printf(choices, "%s%s", i ? ", " : "",
                               qapi_enum_lookup(lookup, i));
    }
    return g_string_free(choices, false);
}

static bool placing_set(RaminatePlacing *placing,
                        const RaminatePlacerSettings *settings, Error **errp)
{
    if (placing->placer &&
        !raminate_placer_set(placing->placer, settings, errp)) {
        return false;
    }
    placing->settings = *settings;
    return true;
}

static void placing_get_number(Object *obj, Visitor *v, const char *name,
                                 void *opaque, Error **errp)
{
    visit_type_uint32(v, name, number_of(obj, opaque), errp);
}

static void placing_set_number(Object *obj, Visitor *v, const char *name,
                                 void *opaque, Error **errp)
{
    RaminatePlacing *placing = placing_of(obj);
    const RaminateSetting *setting = opaque;
    RaminatePlacerSettings settings = placing->settings;
    uint32_t value;

    if (!visit_type_uint32(v, name, &value, errp)) {
        return;
    }
    /* One in the making has no id yet; raminate_placing_check() will look. */
    if (id_of(obj) && !check_number(obj, setting, value, errp)) {
        return;
    }
    *raminate_setting_value(&settings.engine, setting) = value;
    placing_set(placing, &settings, errp);
}

static void placing_get_enum(Object *obj, Visitor *v, const char *name,
                               void *opaque, Error **errp)
{
    RaminatePlacing *placing = placing_of(obj);
    const EnumProperty *property = opaque;
    int value = *(int *)((char *)&placing->settings + property->offset);

    visit_type_enum(v, name, &value, property->lookup, errp);
}

static void placing_set_enum(Object *obj, Visitor *v, const char *name,
                               void *opaque, Error **errp)
{
    RaminatePlacing *placing = placing_of(obj);
    const EnumProperty *property = opaque;
    RaminatePlacerSettings settings = placing->settings;
    g_autofree char *text = NULL;
    int value;

    if (!visit_type_str(v, name, &text, errp)) {
        return;
    }
    value = qapi_enum_parse(property->lookup, text, -1, NULL);
    if (value < 0) {
        g_autofree char *choices = enum_choices(property->lookup);

        error_setg(errp, "%s '%s': %s must be one of %s, not '%s'",
                   object_get_typename(obj), id_of(obj), name, choices, text);
        return;
    }
    *(int *)((char *)&settings + property->offset) = value;
    placing_set(placing, &settings, errp);
}

static bool placing_get_monitor(Object *obj, Error **errp)
{
    return placing_of(obj)->settings.monitor;
}

static void placing_set_monitor(Object *obj, bool value, Error **errp)
{
    RaminatePlacing *placing = placing_of(obj);
    RaminatePlacerSettings settings = placing->settings;

    settings.monitor = value;
    placing_set(placing, &settings, errp);
}

static bool placing_get_migrate_heat(Object *obj, Error **errp)
{
    return placing_of(obj)->settings.migrate_heat;
}

static void placing_set_migrate_heat(Object *obj, bool value, Error **errp)
{
    RaminatePlacing *placing = placing_of(obj);
    RaminatePlacerSettings settings = placing->settings;

    settings.migrate_heat = value;
    placing_set(placing, &settings, errp);
}

static char *placing_get_record(Object *obj, Error **errp)
{
    return g_strdup(placing_of(obj)->record ?: "");
}

static void placing_set_record(Object *obj, const char *value, Error **errp)
{
    RaminatePlacing *placing = placing_of(obj);

    if (placing->placer &&
        !raminate_placer_record(placing->placer, value, errp)) {
        return;
    }
    g_free(placing->record);
    placing->record = g_strdup(value);
}

static void placing_get_fast_budget(Object *obj, Visitor *v, const char *name,
                                    void *opaque, Error **errp)
{
    uint64_t value = raminate_fast_budget_get(placing_of(obj));

    visit_type_size(v, name, &value, errp);
}

static void placing_set_fast_budget(Object *obj, Visitor *v, const char *name,
                                    void *opaque, Error **errp)
{
    uint64_t value;

    if (visit_type_size(v, name, &value, errp)) {
        raminate_fast_budget_set(obj, placing_of(obj), value, errp);
    }
}

/* The values that it may have, so that help shows them. */
static void add_enum(ObjectClass *oc, const EnumProperty *property,
                     const RaminatePlacerSettings *defaults)
{
    int value = *(const int *)((const char *)defaults + property->offset);
    g_autofree char *choices = enum_choices(property->lookup);
    g_autofree char *text = g_strdup_printf("%s: %s", property->description,
                                            choices);
    ObjectProperty *prop =
        object_class_property_add(oc, property->name, property->type,
                                  placing_get_enum, placing_set_enum, NULL,
                                  (void *)property);

    object_property_set_default_str(prop, qapi_enum_lookup(property->lookup,
                                                           value));
    object_class_property_set_description(oc, property->name, text);
}

static void add_number(ObjectClass *oc, const RaminateSetting *setting)
{
    g_autofree char *text = setting->min
        ? g_strdup_printf("%s, %" PRIu32 " to %" PRIu32, setting->help,
                          setting->min, setting->max)
        : g_strdup_printf("%s, up to %" PRIu32, setting->help, setting->max);
    ObjectProperty *prop =
        object_class_property_add(oc, setting->name, "uint32",
                                  placing_get_number, placing_set_number,
                                  NULL, (void *)setting);

    object_property_set_default_uint(prop, setting->initial);
    object_class_property_set_description(oc, setting->name, text);
}

void raminate_placing_add_properties(ObjectClass *oc)
{
    RaminatePlacerSettings defaults;

    raminate_placer_settings_init(&defaults);
    object_property_set_default_bool(
        object_class_property_add_bool(oc, "monitor", placing_get_monitor,
                                       placing_set_monitor),
        defaults.monitor);
    object_class_property_set_description(oc, "monitor",
        "Find the pages that are written most and move them to the fastest "
        "tier");
    object_property_set_default_bool(
        object_class_property_add_bool(oc, "migrate-heat",
                                       placing_get_migrate_heat,
                                       placing_set_migrate_heat),
        defaults.migrate_heat);
    object_class_property_set_description(oc, "migrate-heat",
        "Send along which pages are hot when the guest migrates");
    object_class_property_add_str(oc, "record", placing_get_record,
                                  placing_set_record);
    object_class_property_set_description(oc, "record",
        "File to record the scans to; an empty one ends the recording "
        "(default: none)");
    object_class_property_add(oc, "fast-budget", "size",
                              placing_get_fast_budget,
                              placing_set_fast_budget, NULL, NULL);
    object_class_property_set_description(oc, "fast-budget",
        "How much of the memory is to be in the fastest tier; for changes "
        "while the guest runs (default: the tier's size)");
    for (unsigned i = 0; i < ARRAY_SIZE(enums); i++) {
        add_enum(oc, &enums[i], &defaults);
    }
    for (const RaminateSetting *s = raminate_setting_list; s->name; s++) {
        add_number(oc, s);
    }
}

/* Life */

void raminate_placing_init(RaminatePlacing *placing)
{
    raminate_placer_settings_init(&placing->settings);
}

bool raminate_placing_start(Object *obj, RaminateMemory *memory, Error **errp)
{
    RaminatePlacing *placing = placing_of(obj);

    for (unsigned i = 0; i < memory->nr_tiers; i++) {
        memory->tiers[i].budget = memory->tiers[i].size;
    }
    placing->memory = memory;
    placing->placer = raminate_placer_new(memory, &placing->settings, errp);
    if (placing->placer && placing->record && *placing->record &&
        !raminate_placer_record(placing->placer, placing->record, errp)) {
        raminate_placing_stop(placing);
    }
    return placing->placer;
}

void raminate_placing_warn_unused(const RaminatePlacing *placing)
{
    const RaminateMemory *memory = placing->memory;
    HostMemoryBackend *backend = memory->backend;

    if (!host_memory_backend_is_mapped(backend)) {
        const char *id =
            object_get_canonical_path_component(OBJECT(backend));

        warn_report("%s '%s' is not used, since the guest has other RAM; give "
                    "it this by -machine memory-backend=%s", memory->type,
                    memory->id, id);
    }
}

void raminate_placing_stop(RaminatePlacing *placing)
{
    g_clear_pointer(&placing->placer, raminate_placer_free);
}

void raminate_placing_destroy(RaminatePlacing *placing)
{
    g_free(placing->record);
}

static const TypeInfo placing_info = {
    .name = TYPE_RAMINATE_PLACING,
    .parent = TYPE_INTERFACE,
    .class_size = sizeof(RaminatePlacingClass),
};

static void register_types(void)
{
    type_register_static(&placing_info);
}

type_init(register_types)
