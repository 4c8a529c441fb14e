/*
 * RAMinate: what is where in a libvirt domain's XML
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_DOMAIN_XML_H
#define RAMINATE_DOMAIN_XML_H

#include <glib.h>

/* Returns: whether an element is at the place that @path names, as "a/b". */
gboolean domain_is_at(GMarkupParseContext *context, const char *path);

/* Returns: the value of an attribute, or NULL. */
const char *domain_attribute(const char **names, const char **values,
                             const char *name);

/*
 * @size: bytes of @xml
 * Returns: what <emulator> says, which the caller frees; NULL if there is
 * none, or @xml is no XML.
 */
char *domain_emulator(const char *xml, gsize size);

#endif
