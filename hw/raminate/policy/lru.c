/*
 * RAMinate: the least recently used (LRU) policy
 *
 * Keeps the pages that were written last in the fastest tier.  The slow page
 * written last is promoted for the fast page that was not written for the
 * longest time, while the former was written later than the latter.  To be
 * promoted counts as a write, so that both orders are by time.  A demoted
 * page is no candidate before it is written again.  The life time plays no
 * part.  Pages of a pair that failed are passed over once.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdbool.h>
#include <stdlib.h>

#include "page-list.h"
#include "policy.h"

#define LRU_NEVER INT64_MIN

typedef struct LruState {
    bool candidate:1;       /* in the list of slow pages */
    bool tried:1;           /* in a plan, and not reported as swapped since */
} LruState;

struct RaminatePolicy {
    const RaminatePlacement *placement;

    /* From the page written longest ago to the one written last */
    RaminatePageList fast;  /* all pages of the fastest tier */
    RaminatePageList slow;  /* pages written since they came to a slow tier */
    RaminatePageLink *links;

    int64_t *last;          /* when each page was written; valid in a list */
    LruState *state;
};

static bool lru_is_fast(const RaminatePolicy *p, uint32_t page)
{
    return raminate_placement_tier(p->placement, page) == 0;
}

static void lru_leave_candidates(RaminatePolicy *p, uint32_t page)
{
    if (p->state[page].candidate) {
        raminate_page_list_remove(&p->slow, p->links, page);
        p->state[page].candidate = false;
    }
}

static void lru_destroy(RaminatePolicy *p)
{
    if (p) {
        free(p->links);
        free(p->last);
        free(p->state);
        free(p);
    }
}

static RaminatePolicy *lru_create(const RaminatePolicyConfig *config)
{
    uint32_t nr_pages = raminate_placement_pages(config->placement);
    RaminatePolicy *p = calloc(1, sizeof(*p));

    if (!p) {
        return NULL;
    }
    p->placement = config->placement;
    p->links = calloc(nr_pages, sizeof(*p->links));
    p->last = calloc(nr_pages, sizeof(*p->last));
    p->state = calloc(nr_pages, sizeof(*p->state));
    if (!p->links || !p->last || !p->state) {
        lru_destroy(p);
        return NULL;
    }

    raminate_page_list_init(&p->fast);
    raminate_page_list_init(&p->slow);
    for (uint32_t page = 0; page < nr_pages; page++) {
        if (lru_is_fast(p, page)) {
            p->last[page] = LRU_NEVER;
            raminate_page_list_append(&p->fast, p->links, page);
        }
    }
    return p;
}

static void lru_sample(RaminatePolicy *p, int64_t now_ms,
                       const uint32_t *pages, size_t nr)
{
    for (size_t i = 0; i < nr; i++) {
        uint32_t page = pages[i];

        if (lru_is_fast(p, page)) {
            raminate_page_list_remove(&p->fast, p->links, page);
            raminate_page_list_append(&p->fast, p->links, page);
        } else {
            lru_leave_candidates(p, page);
            raminate_page_list_append(&p->slow, p->links, page);
            p->state[page].candidate = true;
        }
        p->last[page] = now_ms;
    }
}

/* Returns: whether the last plan with @page failed; now it may be tried. */
static bool lru_has_failed(RaminatePolicy *p, uint32_t page)
{
    bool failed = p->state[page].tried;

    p->state[page].tried = false;
    return failed;
}

/* What is passed over was in an earlier plan: that one has paid for it. */
static size_t lru_plan(RaminatePolicy *p, int64_t now_ms,
                       RaminatePair *pairs, size_t max)
{
    uint32_t page = p->slow.tail;
    uint32_t victim = p->fast.head;
    size_t nr = 0;

    (void)now_ms;
    while (nr < max) {
        while (page != RAMINATE_NO_PAGE && lru_has_failed(p, page)) {
            page = p->links[page].prev;
        }
        while (victim != RAMINATE_NO_PAGE && lru_has_failed(p, victim)) {
            victim = p->links[victim].next;
        }
        if (page == RAMINATE_NO_PAGE || victim == RAMINATE_NO_PAGE ||
            p->last[page] <= p->last[victim]) {
            break;
        }
        pairs[nr].promote = page;
        pairs[nr].demote = victim;
        nr++;
        p->state[page].tried = true;
        p->state[victim].tried = true;
        page = p->links[page].prev;
        victim = p->links[victim].next;
    }
    return nr;
}

static void lru_swapped(RaminatePolicy *p, int64_t now_ms,
                        uint32_t a, uint32_t b)
{
    uint32_t up = lru_is_fast(p, a) ? a : b;
    uint32_t down = up == a ? b : a;

    p->state[a].tried = false;
    p->state[b].tried = false;
    if (lru_is_fast(p, a) == lru_is_fast(p, b)) {
        return;
    }

    raminate_page_list_remove(&p->fast, p->links, down);
    lru_leave_candidates(p, up);
    raminate_page_list_append(&p->fast, p->links, up);
    p->last[up] = now_ms;
}

static void lru_set_life_time(RaminatePolicy *p, uint32_t life_time_ms)
{
    (void)p;
    (void)life_time_ms;
}

const RaminatePolicyOps raminate_policy_lru = {
    .name = "lru",
    .summary = "least recently used: the pages written last go up",
    .kinds = RAMINATE_WRITTEN,
    .bytes_per_page = sizeof(RaminatePageLink) + sizeof(int64_t) +
                      sizeof(LruState),
    .create = lru_create,
    .destroy = lru_destroy,
    .sample = lru_sample,
    .plan = lru_plan,
    .swapped = lru_swapped,
    .set_life_time = lru_set_life_time,
};
