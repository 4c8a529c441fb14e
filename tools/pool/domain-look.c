/*
 * RAMinate: what a libvirt domain's XML has, before it is changed
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "domain.h"
#include "domain-look.h"
#include "lib/domain-xml.h"

typedef struct Looking {
    DomainLook *look;
    char *memory_unit;
    GString *text;              /* in the element that began last */
} Looking;

/* A place in the XML whose text or presence matters */
typedef struct Refusal {
    const char *path;
    const char *attribute;      /* or NULL: whatever it has */
    const char *value;
    const char *why;
    gboolean goes_with_nodes;   /* so that it is refused with ranges alone */
} Refusal;

#define PINS "pins the guest's memory, whose pages move; a type whose pools are " \
    "nodes goes with it"

static const Refusal refusals[] = {
    { "domain/maxMemory", NULL, NULL,
      "<maxMemory> wants NUMA cells, whose memory would be ordinary; give the "
      "domain its full size", FALSE },
    { "domain/cpu/numa", NULL, NULL,
      "<numa> cells have memory of their own; a domain on hybrid memory has "
      "one node", FALSE },
    { "domain/memoryBacking/hugepages", NULL, NULL,
      "<hugepages/> takes the domain's size of real memory, which nobody would "
      "use", FALSE },
    { "domain/memoryBacking/locked", NULL, NULL,
      "<locked/> keeps pages from moving", FALSE },
    { "domain/memoryBacking/allocation", "mode", "immediate",
      "<allocation mode='immediate'/> takes the domain's size of real memory, "
      "which nobody would use", FALSE },
    { "domain/launchSecurity", NULL, NULL,
      "<launchSecurity> encrypts memory, whose pages can't move then", FALSE },
    { "domain/devices/filesystem/driver", "type", "virtiofs",
      "virtiofs needs memory that can be shared with its daemon", FALSE },
    { "domain/devices/interface", "type", "vhostuser",
      "an interface of type vhostuser needs memory that can be shared", FALSE },
    { "domain/devices/hostdev", "type", "pci", "<hostdev> " PINS, TRUE },
    { "domain/devices/hostdev", "type", "mdev", "<hostdev> " PINS, TRUE },
    { "domain/devices/interface", "type", "hostdev",
      "an interface of type hostdev " PINS, TRUE },
    { "domain/devices/interface", "type", "vdpa",
      "an interface of type vdpa " PINS, TRUE },
};

GQuark domain_error_quark(void)
{
    return g_quark_from_static_string("raminate-domain-error");
}

/* @reasons: of a kind that a DomainLook has */
static void note(GPtrArray *reasons, const char *why)
{
    g_ptr_array_add(reasons, g_strdup(why));
}

static void look_at_root(DomainLook *look, const char *name,
                         const char **names, const char **values,
                         GError **error)
{
    const char *type = domain_attribute(names, values, "type");

    if (strcmp(name, "domain") != 0) {
        g_set_error(error, DOMAIN_ERROR, 0, "this is no domain, but <%s>; give "
                    "what virsh dumpxml prints", name);
        return;
    }
    look->has_namespace = domain_attribute(names, values, "xmlns:qemu") != NULL;
    if (g_strcmp0(type, "kvm") != 0 && g_strcmp0(type, "qemu") != 0) {
        note(look->refusals, "its type is neither kvm nor qemu");
    }
}

static void look_at_device(DomainLook *look, GMarkupParseContext *context,
                           const char *name, const char **names,
                           const char **values)
{
    const char *driver = domain_attribute(names, values, "name");

    if (domain_is_at(context, "domain/devices/vsock")) {
        note(look->vhost, "leave out <vsock>");
    } else if (domain_is_at(context, "domain/devices/interface") &&
               g_strcmp0(domain_attribute(names, values, "type"),
                         "user") != 0) {
        note(look->vhost, "write <driver name='qemu'/> into <interface>");
    } else if (domain_is_at(context, "domain/devices/interface/driver") &&
               g_strcmp0(driver, "qemu") == 0 && look->vhost->len) {
        g_ptr_array_set_size(look->vhost, look->vhost->len - 1);
    }
}

static void look_start(GMarkupParseContext *context, const char *name,
                       const char **names, const char **values, void *opaque,
                       GError **error)
{
    Looking *looking = opaque;
    DomainLook *look = looking->look;
    const char *arch = domain_attribute(names, values, "arch");
    const char *value = domain_attribute(names, values, "value");
    unsigned i;

    g_string_truncate(looking->text, 0);
    if (!g_markup_parse_context_get_element_stack(context)->next) {
        look_at_root(look, name, names, values, error);
        return;
    }
    if (domain_is_at(context, "domain/memory")) {
        g_free(looking->memory_unit);
        looking->memory_unit = g_strdup(domain_attribute(names, values,
                                                         "unit"));
    } else if (domain_is_at(context, "domain/os/type") &&
               arch && strcmp(arch, "x86_64") != 0) {
        note(look->refusals, "its arch is not x86_64");
    } else if (domain_is_at(context, "domain/qemu:commandline/qemu:arg")) {
        g_ptr_array_add(look->args, g_strdup(value ? value : ""));
    } else if (domain_is_at(context, "domain/qemu:commandline")) {
        look->has_commandline = TRUE;
    } else if (domain_is_at(context, "domain/devices/emulator")) {
        look->has_emulator = TRUE;
    } else if (g_str_has_prefix(name, "qemu:")) {
        look->needs_namespace = TRUE;
    }
    look_at_device(look, context, name, names, values);
    for (i = 0; i < G_N_ELEMENTS(refusals); i++) {
        const Refusal *refusal = &refusals[i];

        if (domain_is_at(context, refusal->path) &&
            (!refusal->attribute ||
             g_strcmp0(domain_attribute(names, values, refusal->attribute),
                       refusal->value) == 0)) {
            note(refusal->goes_with_nodes ? look->range_refusals
                                          : look->refusals, refusal->why);
        }
    }
}

/* Returns: bytes in a unit of libvirt's, or 0 if there is no such unit. */
static guint64 bytes_of_unit(const char *unit)
{
    static const char letters[] = "KMGTPE";
    const char *letter = unit && *unit ? strchr(letters,
                                                g_ascii_toupper(*unit)) : NULL;
    gboolean is_decimal;
    guint64 bytes = 1;

    if (!unit) {
        return 1024;
    }
    if (strcmp(unit, "b") == 0 || strcmp(unit, "bytes") == 0) {
        return 1;
    }
    if (!letter || !(unit[1] == '\0' || strcmp(unit + 1, "iB") == 0 ||
                     strcmp(unit + 1, "B") == 0)) {
        return 0;
    }
    is_decimal = unit[1] == 'B';
    for (; letter >= letters; letter--) {
        bytes *= is_decimal ? 1000 : 1024;
    }
    return bytes;
}

/* A comment or CDATA divides it. */
static void look_text(GMarkupParseContext *context, const char *text,
                      gsize length, void *opaque, GError **error)
{
    Looking *looking = opaque;

    g_string_append_len(looking->text, text, length);
}

static void look_at_memory(Looking *looking, const char *value, GError **error)
{
    guint64 unit = bytes_of_unit(looking->memory_unit);
    guint64 number;

    if (!unit || !g_ascii_string_to_unsigned(value, 10, 1, G_MAXINT64 / unit,
                                             &number, NULL)) {
        g_set_error(error, DOMAIN_ERROR, 0, "<memory> is no size: '%s' in "
                    "units of '%s'", value,
                    looking->memory_unit ? looking->memory_unit : "KiB");
        return;
    }
    /* libvirt has whole KiB, rounded up. */
    looking->look->memory = (number * unit + 1023) / 1024 * 1024;
}

static void look_end(GMarkupParseContext *context, const char *name,
                     void *opaque, GError **error)
{
    Looking *looking = opaque;
    const char *value = g_strstrip(looking->text->str);

    if (domain_is_at(context, "domain/name")) {
        g_free(looking->look->name);
        looking->look->name = g_strdup(value);
    } else if (domain_is_at(context, "domain/memory")) {
        look_at_memory(looking, value, error);
    }
    g_string_truncate(looking->text, 0);
}

/* Returns: whether QEMU's option is one that gives it hybrid memory. */
static gboolean is_ours(const GPtrArray *args, const char *option,
                        const char *value)
{
    unsigned i;

    if (strcmp(option, "-object") == 0) {
        return g_str_has_prefix(value, "memory-backend-container,") ||
               ((g_str_has_prefix(value, "memory-backend-devmem,") ||
                 g_str_has_prefix(value, "memory-backend-node,")) &&
                strstr(value, ",parent="));
    }
    if (strcmp(option, "-qmp") == 0) {
        return g_str_has_prefix(value, "unix:" DOMAIN_SOCKETS);
    }
    if (strcmp(option, "-machine") != 0 ||
        !g_str_has_prefix(value, "memory-backend=")) {
        return FALSE;
    }
    value += strlen("memory-backend=");
    for (i = 0; i < args->len; i++) {
        const char *object = g_ptr_array_index(args, i);
        g_autofree char *start =
            g_strdup_printf("memory-backend-container,id=%s,", value);

        if (g_str_has_prefix(object, start)) {
            return TRUE;
        }
    }
    return FALSE;
}

static void find_ours(DomainLook *look)
{
    unsigned i;

    look->ours = g_new0(gboolean, look->args->len + 1);
    for (i = 0; i + 1 < look->args->len; i++) {
        if (is_ours(look->args, g_ptr_array_index(look->args, i),
                    g_ptr_array_index(look->args, i + 1))) {
            look->ours[i] = TRUE;
            look->ours[++i] = TRUE;
        }
    }
}

DomainLook *domain_look(const char *xml, gsize size, GError **error)
{
    static const GMarkupParser parser = {
        .start_element = look_start,
        .end_element = look_end,
        .text = look_text,
    };
    g_autoptr(DomainLook) look = g_new0(DomainLook, 1);
    Looking looking = { .look = look, .text = g_string_new(NULL) };
    g_autoptr(GMarkupParseContext) context =
        g_markup_parse_context_new(&parser, G_MARKUP_TREAT_CDATA_AS_TEXT,
                                   &looking, NULL);
    gboolean good;

    look->args = g_ptr_array_new_with_free_func(g_free);
    look->refusals = g_ptr_array_new_with_free_func(g_free);
    look->range_refusals = g_ptr_array_new_with_free_func(g_free);
    look->vhost = g_ptr_array_new_with_free_func(g_free);
    good = g_markup_parse_context_parse(context, xml, size, error) &&
           g_markup_parse_context_end_parse(context, error);
    g_free(looking.memory_unit);
    g_string_free(looking.text, TRUE);
    if (!good) {
        g_prefix_error(error, "can't read the domain: ");
    }
    if (good && (!look->name || !*look->name || !look->memory)) {
        g_set_error(error, DOMAIN_ERROR, 0, "this domain has no <%s>",
                    look->memory ? "name" : "memory");
        good = FALSE;
    }
    find_ours(look);
    return good ? g_steal_pointer(&look) : NULL;
}

void domain_look_free(DomainLook *look)
{
    g_ptr_array_unref(look->args);
    g_ptr_array_unref(look->refusals);
    g_ptr_array_unref(look->range_refusals);
    g_ptr_array_unref(look->vhost);
    g_free(look->ours);
    g_free(look->name);
    g_free(look);
}
