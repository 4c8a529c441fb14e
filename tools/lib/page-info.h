/*
 * RAMinate: what QEMU says of a page, checked
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_PAGE_INFO_H
#define RAMINATE_PAGE_INFO_H

#include <json-glib/json-glib.h>

typedef struct PageInfo {
    guint64 page;
    char *tier;
    guint64 heat;               /* 0 to 255 */
    char *why;                  /* NULL if QEMU is too old to say */
} PageInfo;

void page_info_free(PageInfo *page);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PageInfo, page_info_free)

/* Returns: what query-raminate-page returned; or NULL. */
PageInfo *page_info_parse(JsonNode *node, GError **error);

#endif
