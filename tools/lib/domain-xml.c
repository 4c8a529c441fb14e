/*
 * RAMinate: what is where in a libvirt domain's XML
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "domain-xml.h"

gboolean domain_is_at(GMarkupParseContext *context, const char *path)
{
    const GSList *element = g_markup_parse_context_get_element_stack(context);
    g_auto(GStrv) names = g_strsplit(path, "/", -1);
    unsigned i = g_strv_length(names);

    for (; i > 0 && element; element = element->next) {
        if (strcmp(element->data, names[--i]) != 0) {
            return FALSE;
        }
    }
    return i == 0 && !element;
}

const char *domain_attribute(const char **names, const char **values,
                             const char *name)
{
    for (; *names; names++, values++) {
        if (strcmp(*names, name) == 0) {
            return *values;
        }
    }
    return NULL;
}

static void take_emulator(GMarkupParseContext *context, const char *text,
                          gsize size, void *opaque, GError **error)
{
    char **emulator = opaque;

    if (domain_is_at(context, "domain/devices/emulator")) {
        g_free(*emulator);
        *emulator = g_strndup(text, size);
    }
}

char *domain_emulator(const char *xml, gsize size)
{
    static const GMarkupParser parser = { .text = take_emulator };
    char *emulator = NULL;
    g_autoptr(GMarkupParseContext) context =
        g_markup_parse_context_new(&parser, G_MARKUP_TREAT_CDATA_AS_TEXT,
                                   &emulator, NULL);

    if (!g_markup_parse_context_parse(context, xml, size, NULL) ||
        !g_markup_parse_context_end_parse(context, NULL)) {
        g_clear_pointer(&emulator, g_free);
    }
    return emulator;
}
