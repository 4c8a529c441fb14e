/*
 * RAMinate: a libvirt domain's XML, between ordinary and hybrid memory
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>
#include <sys/un.h>

#include "domain.h"
#include "domain-look.h"
#include "lib/domain-xml.h"

#define NAMESPACE "http://libvirt.org/schemas/domain/qemu/1.0"

typedef struct Writer {
    const DomainOptions *options;
    const DomainLook *look;
    GPtrArray *words;           /* of QEMU's command line; or NULL */
    gboolean resizes;
    GString *out;
    GString *space;             /* before what may be left out */
    gboolean is_open;           /* a tag has no '>' yet */
    unsigned skipped;           /* depth in what is left out */
    unsigned arg;               /* number of the next <qemu:arg> */
} Writer;

/* Text */

/* Like g_markup_escape_text(), but leaves alone what may stay. */
static void append_escaped(GString *out, const char *text, gsize length,
                           gboolean is_attribute)
{
    gsize i;

    for (i = 0; i < length; i++) {
        switch (text[i]) {
        case '&':
            g_string_append(out, "&amp;");
            break;
        case '<':
            g_string_append(out, "&lt;");
            break;
        case '>':
            g_string_append(out, "&gt;");
            break;
        case '\'':
            g_string_append(out, is_attribute ? "&apos;" : "'");
            break;
        case '\n':
        case '\t':
        case '\r':
            if (is_attribute || text[i] == '\r') {
                g_string_append_printf(out, "&#%d;", text[i]);
                break;
            }
            /* fall through */
        default:
            g_string_append_c(out, text[i]);
            break;
        }
    }
}

static void append_attribute(Writer *writer, const char *name,
                             const char *value)
{
    g_string_append_printf(writer->out, " %s='", name);
    append_escaped(writer->out, value, strlen(value), TRUE);
    g_string_append_c(writer->out, '\'');
}

static void close_tag(Writer *writer)
{
    if (writer->is_open) {
        g_string_append_c(writer->out, '>');
        writer->is_open = FALSE;
    }
    g_string_append(writer->out, writer->space->str);
    g_string_truncate(writer->space, 0);
}

static void append_arg(Writer *writer, const char *value)
{
    g_string_append(writer->out, "\n    <qemu:arg");
    append_attribute(writer, "value", value);
    g_string_append(writer->out, "/>");
}

static void append_words(Writer *writer)
{
    unsigned i;

    for (i = 0; i < writer->words->len; i++) {
        append_arg(writer, g_ptr_array_index(writer->words, i));
    }
}

/* In the place of an element, or as a new one. */
static void append_emulator(Writer *writer)
{
    const char *path = writer->options->emulator;

    g_string_append(writer->out, "<emulator>");
    append_escaped(writer->out, path, strlen(path), FALSE);
    g_string_append(writer->out, "</emulator>");
}

/* Elements */

/* Whether nothing is left of QEMU's own command line. */
static gboolean commandline_is_empty(const Writer *writer)
{
    const DomainLook *look = writer->look;
    unsigned i;

    for (i = 0; i < look->args->len; i++) {
        if (!look->ours[i]) {
            return FALSE;
        }
    }
    return !writer->words;
}

/* Returns: whether the element goes, or something else takes its place. */
static gboolean leave_out(Writer *writer, GMarkupParseContext *context)
{
    if (domain_is_at(context, "domain/qemu:commandline/qemu:arg")) {
        return writer->look->ours[writer->arg++];
    }
    if (domain_is_at(context, "domain/qemu:commandline")) {
        return writer->look->args->len && commandline_is_empty(writer);
    }
    if (domain_is_at(context, "domain/currentMemory")) {
        return writer->resizes;
    }
    if (domain_is_at(context, "domain/memory") && writer->resizes) {
        close_tag(writer);
        g_string_append_printf(writer->out, "<memory unit='KiB'>%"
                               G_GUINT64_FORMAT "</memory>",
                               args_size(writer->options->instance) / 1024);
        return TRUE;
    }
    if (domain_is_at(context, "domain/devices/emulator") &&
        writer->options->emulator) {
        close_tag(writer);
        append_emulator(writer);
        return TRUE;
    }
    return FALSE;
}

static void append_tag(Writer *writer, GMarkupParseContext *context,
                       const char *name, const char **names,
                       const char **values)
{
    gboolean is_root = domain_is_at(context, "domain");
    gboolean drops = is_root && !writer->words &&
                     !writer->look->needs_namespace &&
                     commandline_is_empty(writer);

    g_string_append_printf(writer->out, "<%s", name);
    for (; *names; names++, values++) {
        if (!drops || strcmp(*names, "xmlns:qemu") != 0) {
            append_attribute(writer, *names, *values);
        }
    }
    if (is_root && writer->words && !writer->look->has_namespace) {
        append_attribute(writer, "xmlns:qemu", NAMESPACE);
    }
    writer->is_open = TRUE;
}

static void write_start(GMarkupParseContext *context, const char *name,
                        const char **names, const char **values, void *opaque,
                        GError **error)
{
    Writer *writer = opaque;

    if (writer->skipped || leave_out(writer, context)) {
        g_string_truncate(writer->space, 0);
        writer->skipped++;
        return;
    }
    close_tag(writer);
    append_tag(writer, context, name, names, values);
    if (domain_is_at(context, "domain/devices") &&
        !writer->look->has_emulator && writer->options->emulator) {
        close_tag(writer);
        g_string_append(writer->out, "\n    ");
        append_emulator(writer);
    }
}

/*
 * Adds QEMU's words, between @before and @after.
 * @end: what is to come before the end tag if there is no space as yet
 */
static void insert_words(Writer *writer, const char *before, const char *after,
                         const char *end)
{
    g_autofree char *space = g_strdup(writer->space->str);

    g_string_truncate(writer->space, 0);
    close_tag(writer);
    g_string_append(writer->out, before);
    append_words(writer);
    g_string_append(writer->out, after);
    g_string_append(writer->space, *space ? space : end);
}

static void write_end(GMarkupParseContext *context, const char *name,
                      void *opaque, GError **error)
{
    Writer *writer = opaque;

    if (writer->skipped) {
        writer->skipped--;
        return;
    }
    if (writer->words && strcmp(name, "qemu:commandline") == 0) {
        insert_words(writer, "", "", "\n  ");
    } else if (writer->words && !writer->look->has_commandline &&
               domain_is_at(context, "domain")) {
        insert_words(writer, "\n  <qemu:commandline>",
                     "\n  </qemu:commandline>", "\n");
    }
    if (writer->is_open && !writer->space->len) {
        g_string_append(writer->out, "/>");
        writer->is_open = FALSE;
    } else {
        close_tag(writer);
        g_string_append_printf(writer->out, "</%s>", name);
    }
}

static void write_text(GMarkupParseContext *context, const char *text,
                       gsize length, void *opaque, GError **error)
{
    Writer *writer = opaque;
    g_autofree char *stripped = g_strstrip(g_strndup(text, length));

    if (writer->skipped) {
        return;
    }
    if (*stripped) {
        close_tag(writer);
        append_escaped(writer->out, text, length, FALSE);
    } else {
        append_escaped(writer->space, text, length, FALSE);
    }
}

/* Comments, and what comes before the domain */
static void write_other(GMarkupParseContext *context, const char *text,
                        gsize length, void *opaque, GError **error)
{
    Writer *writer = opaque;

    if (!writer->skipped) {
        close_tag(writer);
        g_string_append_len(writer->out, text, length);
        if (!g_markup_parse_context_get_element(context)) {
            g_string_append_c(writer->out, '\n');
        }
    }
}

/* Checks */

/* Returns: whether the tiers are nodes; if not, they are ranges. */
static gboolean has_nodes(const RaminateInstance *instance)
{
    return raminate_pool_has_nodes(
        g_array_index(instance->parts, RaminatePoolPart, 0).pool);
}

static gboolean check(const DomainLook *look, const DomainOptions *options,
                      GError **error)
{
    guint64 size = args_size(options->instance);
    const GPtrArray *refusals =
        look->refusals->len || has_nodes(options->instance)
        ? look->refusals : look->range_refusals;

    if (refusals->len) {
        g_set_error(error, DOMAIN_ERROR, 0, "domain '%s' can't have hybrid "
                    "memory: %s", look->name,
                    (char *)g_ptr_array_index(refusals, 0));
        return FALSE;
    }
    if (size != look->memory && !options->resize) {
        g_set_error(error, DOMAIN_ERROR, 0, "domain '%s' has %"
                    G_GUINT64_FORMAT " KiB of memory, type '%s' %"
                    G_GUINT64_FORMAT "; with --resize the domain gets what "
                    "the type has", look->name, look->memory / 1024,
                    options->instance->name, size / 1024);
        return FALSE;
    }
    return TRUE;
}

/* With files, the guest stands still for exchanges. */
static void warn_of_vhost(const DomainLook *look, const DomainOptions *options,
                          GPtrArray *warnings)
{
    unsigned i;

    if (has_nodes(options->instance)) {
        return;
    }
    for (i = 0; i < look->vhost->len; i++) {
        g_ptr_array_add(warnings,
            g_strdup_printf("without the KVM extension, no page moves beside "
                            "vhost: %s",
                            (char *)g_ptr_array_index(look->vhost, i)));
    }
}

/* Gives the domain a socket for tools. */
static void add_socket(const DomainLook *look, GPtrArray *words,
                       GPtrArray *warnings)
{
    g_autofree char *path = g_strconcat(DOMAIN_SOCKETS, look->name, ".sock",
                                        NULL);
    g_auto(GStrv) parts = g_strsplit(path, ",", -1);
    g_autofree char *escaped = g_strjoinv(",,", parts);

    if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
        g_ptr_array_add(warnings, g_strdup_printf(
            "the domain gets no QMP socket, because its name is too long for "
            "a path to one: %s", path));
        return;
    }
    g_ptr_array_add(words, g_strdup("-qmp"));
    g_ptr_array_add(words, g_strdup_printf("unix:%s,server=on,wait=off",
                                           escaped));
}

char *domain_change(const char *xml, gsize size, const DomainOptions *options,
                    GPtrArray *warnings, GError **error)
{
    static const GMarkupParser parser = {
        .start_element = write_start,
        .end_element = write_end,
        .text = write_text,
        .passthrough = write_other,
    };
    g_autoptr(DomainLook) look = domain_look(xml, size, error);
    Writer writer = { .options = options, .look = look };
    g_autoptr(GMarkupParseContext) context =
        g_markup_parse_context_new(&parser, 0, &writer, NULL);
    gboolean good;

    if (!look || (options->instance && !check(look, options, error))) {
        return NULL;
    }
    writer.out = g_string_new(NULL);
    writer.space = g_string_new(NULL);
    if (options->instance) {
        writer.words = args_words(options->instance, options->id);
        add_socket(look, writer.words, warnings);
        writer.resizes = args_size(options->instance) != look->memory;
        warn_of_vhost(look, options, warnings);
    }
    good = g_markup_parse_context_parse(context, xml, size, error) &&
           g_markup_parse_context_end_parse(context, error);
    g_string_append_c(writer.out, '\n');
    g_string_free(writer.space, TRUE);
    g_clear_pointer(&writer.words, g_ptr_array_unref);
    return g_string_free(writer.out, !good);
}
