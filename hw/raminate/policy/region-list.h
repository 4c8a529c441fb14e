/*
 * RAMinate: doubly linked lists of pages whose links are in a table's entries
 *
 * A page that is in a list has an entry.  Who is in which list is the caller's
 * to know.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_REGION_LIST_H
#define RAMINATE_REGION_LIST_H

#include <stddef.h>

#include "hw/raminate/engine/regions.h"
#include "page-list.h"

/* Where the links of some lists are: @offset bytes into an entry of @table */
typedef struct RaminateLinks {
    const RaminateRegions *table;
    size_t offset;
} RaminateLinks;

static inline RaminatePageLink *raminate_link(const RaminateLinks *links,
                                              uint32_t page)
{
    char *entry = raminate_regions_get(links->table, page);

    return (RaminatePageLink *)(entry + links->offset);
}

static inline void raminate_region_list_append(RaminatePageList *list,
                                               const RaminateLinks *links,
                                               uint32_t page)
{
    RaminatePageLink *link = raminate_link(links, page);

    link->prev = list->tail;
    link->next = RAMINATE_NO_PAGE;
    if (list->tail == RAMINATE_NO_PAGE) {
        list->head = page;
    } else {
        raminate_link(links, list->tail)->next = page;
    }
    list->tail = page;
}

static inline void raminate_region_list_remove(RaminatePageList *list,
                                               const RaminateLinks *links,
                                               uint32_t page)
{
    const RaminatePageLink link = *raminate_link(links, page);

    if (link.prev == RAMINATE_NO_PAGE) {
        list->head = link.next;
    } else {
        raminate_link(links, link.prev)->next = link.next;
    }
    if (link.next == RAMINATE_NO_PAGE) {
        list->tail = link.prev;
    } else {
        raminate_link(links, link.next)->prev = link.prev;
    }
}

#endif
