/*
 * RAMinate: what the payback policy keeps of each page, in lists by state
 *
 * There is a list for each tier and state.  A page that was written is last in
 * its list; when its age leaves its class, it becomes the last in the list of
 * the next one; so does one that changes its tier, in its state's list there.
 *
 * Pages that were never written have no memory: they are at the head of the
 * list of their tier and PAYBACK_STATE_OF_NEVER, by number, unless they were
 * moved.  Those that were written in one scan, and have the same history, grow
 * old together: they are moved on at once, without a look at each.  In the
 * end they are forgotten, and as never written nor moved.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_PAYBACK_LISTS_H
#define RAMINATE_PAYBACK_LISTS_H

#include <stdbool.h>

#include "hw/raminate/engine/placement.h"
#include "hw/raminate/engine/regions.h"
#include "hw/raminate/engine/sample.h"
#include "page-list.h"
#include "payback-state.h"
#include "untouched.h"

/* Until a page was written for the first time */
#define PAYBACK_STATE_OF_NEVER (PAYBACK_GAPS * PAYBACK_AGES - 1)

/*
 * A page is forgotten so many scans after the last that found it written; one
 * that was moved but never written, so many after the start.  With a scan each
 * second, that is after four hours, as with lru, so that what is done again
 * within an afternoon finds its pages known for what they were.  Until then,
 * plans are as if nothing were ever forgotten.  Little is lost after so long:
 * - The rate that a page has after its next write is as if that were the first:
 *   after 768 scans, less than 1 / PAYBACK_RATE_FULL is left of a rate of 1.
 * - The gap is that of the last class in any case.
 * - Its class of rates tells, at most, whether pages that were written so often
 *   come back sooner than others after so long.  The model forgets by half in
 *   69 scans what it counted of that, and a swap has to pay within 200.
 * - Its pace is learned anew, from the first few scans that find it written.
 *   That is what it costs: see docs/how-it-works.md.
 */
#define PAYBACK_FORGET_SCANS 14400u

/* At most so many are forgotten by a scan, which takes some milliseconds. */
#define PAYBACK_FORGET_PAGES 32768

/* All zero for one that is not in a list by itself, as never written */
typedef struct PaybackPage {
    uint8_t listed:1;       /* in the first byte, as untouched.h has it */
    uint8_t single:1;       /* came by itself, and grows old by itself */
    uint8_t age:4;          /* class, if @single */
    uint8_t history;
    uint16_t rate;          /* as of the scan @last */
    uint32_t prev;          /* in its list */
    uint32_t next;
    uint32_t last;          /* scan that found it written, 0 for none */
    uint16_t pace:PAYBACK_PACE_BITS;
    uint16_t looks:5;       /* taken, until they count no more */
} PaybackPage;

/* Pages next to each other in a list, found written by the same scan */
typedef struct PaybackRun {
    uint32_t nr;
    uint32_t end;           /* the last of them */
} PaybackRun;

/* Those of a tier that were never written nor moved, or are forgotten */
typedef struct PaybackUntouched {
    uint32_t nr;
    uint32_t first;         /* none is before it */
    uint32_t end;           /* none is from it on */
} PaybackUntouched;

typedef struct PaybackLists {
    const RaminatePlacement *placement;     /* borrowed */
    unsigned nr_tiers;
    uint32_t scan;              /* the ages are as of it */
    RaminateRegions *pages;     /* of PaybackPage, held while listed */
    RaminatePageList *lists;    /* by tier and state */
    uint32_t *counts;           /* of their pages, untouched ones included */
    PaybackUntouched *untouched;        /* by tier */
    PaybackRun *runs;           /* by scan, tier and history */
} PaybackLists;

/*
 * All pages of @placement, as never written.  Cost: O(tiers * states).
 * Returns: whether there was memory; if not, payback_lists_destroy() is due.
 */
bool payback_lists_init(PaybackLists *lists,
                        const RaminatePlacement *placement);
void payback_lists_destroy(PaybackLists *lists);

/* Returns: what is kept of @page, or NULL if that is nothing. */
static inline PaybackPage *payback_lists_get(const PaybackLists *lists,
                                             uint32_t page)
{
    return raminate_regions_get(lists->pages, page);
}

/* Returns: what is kept, brought to life if need be, to be listed next. */
static inline PaybackPage *payback_lists_need(PaybackLists *lists,
                                              uint32_t page)
{
    return raminate_regions_need(lists->pages, page);
}

/*
 * Asks for the memory of what is kept of a page, and of those before and behind
 * each of a run's pages in its list: they are far apart, and needed soon.
 */
void payback_lists_fetch(const PaybackLists *lists, uint32_t page);
void payback_lists_fetch_around(const PaybackLists *lists,
                                const RaminateRun *run);

/* Returns: the state of a page. @page: what is kept of it, NULL is fine */
unsigned payback_lists_state(const PaybackLists *lists,
                             const PaybackPage *page);

static inline uint32_t payback_lists_count(const PaybackLists *lists,
                                           unsigned tier, unsigned state)
{
    return lists->counts[tier * PAYBACK_STATES + state];
}

/* @counts: returns the pages of each state in some tiers */
void payback_lists_sum(const PaybackLists *lists, unsigned first_tier,
                       unsigned end_tier, uint32_t *counts);

/*
 * The next scan, the one after @lists->scan, found @number written, and its
 * history is then @history; payback_lists_age() follows.
 * @page: what is kept of it; @before: its state until then
 */
void payback_lists_write(PaybackLists *lists, uint32_t number,
                         PaybackPage *page, unsigned before, unsigned tier,
                         unsigned history);

/* @number went from tier @from to tier @to. */
void payback_lists_move(PaybackLists *lists, uint32_t number, unsigned from,
                        unsigned to);

/*
 * The next scan is over.
 * Cost: O(runs that leave their age), at most one a scan for each history, plus
 * pages forgotten, each of which was written or moved before.
 */
void payback_lists_age(PaybackLists *lists);

/*
 * Steps through the list of a tier and state, forwards from its head or
 * backwards from its tail.
 * @number: a page of the list, or RAMINATE_NO_PAGE to begin
 * Returns: the one after it, RAMINATE_NO_PAGE at the end.
 */
uint32_t payback_lists_next(PaybackLists *lists, unsigned tier,
                            unsigned state, uint32_t number);
uint32_t payback_lists_prev(PaybackLists *lists, unsigned tier,
                            unsigned state, uint32_t number);

#endif
