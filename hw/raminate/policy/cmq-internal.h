/*
 * RAMinate: the state of the Corked Multi Queue policy, for its files
 *
 * cmq.c has the queues, cmq-explain.c what is told of a page.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_CMQ_INTERNAL_H
#define RAMINATE_CMQ_INTERNAL_H

#include <stdbool.h>

#include "policy.h"
#include "region-list.h"
#include "untouched.h"

#define CMQ_LEVELS 8

/* Beyond the level queues */
#define CMQ_VICTIMS CMQ_LEVELS
#define CMQ_QUEUES (CMQ_LEVELS + 1)
#define CMQ_NO_QUEUE CMQ_QUEUES

/* More writes don't lift a page any higher. */
#define CMQ_MAX_WRITES (1 << (CMQ_LEVELS - 1))

/* All zero for slow pages in no queue, and untouched fast ones */
typedef struct CmqPage {
    uint8_t touched;        /* in a queue */
    uint8_t queue;
    uint8_t writes;         /* at most CMQ_MAX_WRITES */
    uint8_t last_high;      /* when it was last written, since the start */
    uint32_t last_low;
    RaminatePageLink queue_link;
    RaminatePageLink candidate_link;
} CmqPage;

struct RaminatePolicy {
    const RaminatePlacement *placement;
    const RaminateBackoff *backoff;
    unsigned counted;       /* kinds of samples */
    uint32_t life_time;
    bool started;
    int64_t start;          /* time of the first call */
    int64_t next_aging;     /* since the start */

    RaminateRegions *pages; /* of CmqPage */
    RaminatePageList queues[CMQ_QUEUES];
    uint32_t nr_pages[CMQ_QUEUES];
    RaminateLinks queue_links;

    /*
     * Fast pages that are untouched were written at time 0.  They come before
     * all others in queue 0, and once they have sunk, among the victims.
     */
    bool untouched_sank;
    uint32_t first_untouched;       /* no fast page before it is untouched */

    /*
     * The slow pages of each level in the order of its queue, so that a plan
     * need not search for them among the fast ones.
     */
    RaminatePageList candidates[CMQ_LEVELS];
    uint32_t nr_candidates[CMQ_LEVELS];
    RaminateLinks candidate_links;
};

static inline bool cmq_is_fast(const RaminatePolicy *p, uint32_t page)
{
    return raminate_placement_is_fast(p->placement, page);
}

/* Returns: what is kept of @page, or NULL if it is untouched. */
static inline CmqPage *cmq_page(const RaminatePolicy *p, uint32_t page)
{
    return raminate_is_touched(p->pages, page)
           ? raminate_regions_get(p->pages, page) : NULL;
}

static inline int64_t cmq_last(const RaminatePolicy *p, uint32_t page)
{
    const CmqPage *entry = cmq_page(p, page);

    return entry ? (int64_t)entry->last_high << 32 | entry->last_low : 0;
}

/* Returns: the queue that @page is in. */
static inline unsigned cmq_queue(const RaminatePolicy *p, uint32_t page)
{
    const CmqPage *entry = cmq_page(p, page);

    if (entry) {
        return entry->queue;
    }
    return !cmq_is_fast(p, page) ? CMQ_NO_QUEUE
         : p->untouched_sank ? CMQ_VICTIMS : 0;
}

/* See RaminatePolicyOps */
void cmq_explain(const RaminatePolicy *p, int64_t now_ms, uint32_t page,
                 RaminateReasons *reasons);

#endif
