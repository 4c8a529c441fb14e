/*
 * RAMinate: what QEMU says of a page, checked
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "page-info.h"
#include "reader.h"

#define MAX_HEAT 255

void page_info_free(PageInfo *page)
{
    g_free(page->tier);
    g_free(page->why);
    g_free(page);
}

PageInfo *page_info_parse(JsonNode *node, GError **error)
{
    g_autoptr(PageInfo) page = g_new0(PageInfo, 1);
    Reader reader = { .command = "query-raminate-page", .error = error };

    if (!reader_open(&reader, node)) {
        return NULL;
    }
    page->page = reader_uint(&reader, "page", FALSE);
    page->tier = reader_string(&reader, "tier", FALSE);
    page->heat = reader_uint(&reader, "heat", FALSE);
    if (page->heat > MAX_HEAT) {
        reader_fail(&reader, "heat");
    }
    page->why = reader_string(&reader, "why", TRUE);
    return reader.failed ? NULL : g_steal_pointer(&page);
}
