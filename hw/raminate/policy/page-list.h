/*
 * RAMinate: doubly linked lists of pages, linked by page number
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_PAGE_LIST_H
#define RAMINATE_PAGE_LIST_H

#include "hw/raminate/engine/layout.h"

/*
 * One array of links, indexed by page, serves any number of lists as long as
 * a page is in one of them at a time.  Who is in which list is the caller's
 * to know.
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

static inline void raminate_page_list_append(RaminatePageList *list,
                                             RaminatePageLink *links,
                                             uint32_t page)
{
    links[page].prev = list->tail;
    links[page].next = RAMINATE_NO_PAGE;
    if (list->tail == RAMINATE_NO_PAGE) {
        list->head = page;
    } else {
        links[list->tail].next = page;
    }
    list->tail = page;
}

static inline void raminate_page_list_remove(RaminatePageList *list,
                                             RaminatePageLink *links,
                                             uint32_t page)
{
    uint32_t prev = links[page].prev;
    uint32_t next = links[page].next;

    if (prev == RAMINATE_NO_PAGE) {
        list->head = next;
    } else {
        links[prev].next = next;
    }
    if (next == RAMINATE_NO_PAGE) {
        list->tail = prev;
    } else {
        links[next].prev = prev;
    }
}

#endif
