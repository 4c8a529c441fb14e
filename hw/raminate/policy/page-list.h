/*
 * RAMinate: doubly linked lists of pages, linked by page number
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_PAGE_LIST_H
#define RAMINATE_PAGE_LIST_H

#include "hw/raminate/engine/layout.h"

/*
 * One link of a page serves any number of lists as long as the page is in one
 * of them at a time.
 */
typedef struct RaminatePageLink {
    uint32_t prev;
    uint32_t next;
} RaminatePageLink;

typedef struct RaminatePageList {
    uint32_t head;
    uint32_t tail;
} RaminatePageList;

static inline void raminate_page_list_init(RaminatePageList *list)
{
    list->head = RAMINATE_NO_PAGE;
    list->tail = RAMINATE_NO_PAGE;
}

#endif
