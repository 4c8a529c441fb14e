/*
 * RAMinate: the Corked Multi Queue (CMQ) policy
 *
 * As in T. Hirofuchi and R. Takano, "RAMinate: Hypervisor-based
 * Virtualization for Hybrid Main Memory Systems", SoCC 2016.  A page climbs
 * with the logarithm of its writes through queues 0 to 7, and sinks a queue
 * a second once it was not written for the life time.  From queue 0 a fast
 * page sinks to the victims, a slow page out of all queues.  Slow pages in
 * queues are promoted, from the highest queue and within it the latest
 * first, each for the victim that waits longest.
 *
 * Where the paper leaves a choice:
 * - The logarithm is to base 2, as in Multi Queue, where it comes from.
 * - The lowest queue ages first, so that a page sinks one queue a second.
 * - The queues age before the pages that a scan found written take their new
 *   places, and without them: a page is never dropped while it is written,
 *   however rare the scans, and never behind one that sinks just then.
 * - A slow page in no queue has no writes on its account, a demoted one
 *   neither: it enters at queue 0.
 * - The fastest tier is the paper's DRAM, all others are its MRAM.
 * - Pages of a pair that failed are passed over once, so that pages that
 *   cannot be moved leave every other plan to the rest.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdbool.h>
#include <stdlib.h>

#include "page-list.h"
#include "policy.h"

#define CMQ_LEVELS 8

/* Beyond the level queues */
#define CMQ_VICTIMS CMQ_LEVELS
#define CMQ_QUEUES (CMQ_LEVELS + 1)
#define CMQ_NO_QUEUE CMQ_QUEUES

/* More writes don't lift a page any higher. */
#define CMQ_MAX_WRITES (1 << (CMQ_LEVELS - 1))

#define CMQ_AGING_PERIOD_MS 1000

/* 34 years */
#define CMQ_MAX_TIME ((INT64_C(1) << 40) - 1)

/* Packed because there is one for each page of the guest. */
typedef struct CmqPage {
    uint32_t last_low;      /* when it was last written, since the start */
    uint8_t last_high;
    uint8_t writes;         /* at most CMQ_MAX_WRITES */
    uint8_t queue:7;
    uint8_t tried:1;        /* in a plan, and not reported as swapped since */
} __attribute__((packed)) CmqPage;

struct RaminatePolicy {
    const RaminatePlacement *placement;
    uint32_t life_time;
    bool started;
    int64_t start;          /* time of the first call */
    int64_t next_aging;     /* since the start */

    CmqPage *pages;
    RaminatePageList queues[CMQ_QUEUES];
    RaminatePageLink *queue_links;

    /*
     * The slow pages of each level in the order of its queue, so that a plan
     * need not search for them among the fast ones.
     */
    RaminatePageList candidates[CMQ_LEVELS];
    RaminatePageLink *candidate_links;
};

static bool cmq_is_fast(const RaminatePolicy *p, uint32_t page)
{
    return raminate_placement_tier(p->placement, page) == 0;
}

/* Returns: @now_ms as time since the first call. */
static int64_t cmq_time(RaminatePolicy *p, int64_t now_ms)
{
    if (!p->started) {
        p->started = true;
        p->start = now_ms;
    }
    return now_ms - p->start;
}

static int64_t cmq_last(const RaminatePolicy *p, uint32_t page)
{
    return (int64_t)p->pages[page].last_high << 32 | p->pages[page].last_low;
}

static void cmq_set_last(RaminatePolicy *p, uint32_t page, int64_t now)
{
    int64_t last = now < CMQ_MAX_TIME ? now : CMQ_MAX_TIME;

    p->pages[page].last_low = last;
    p->pages[page].last_high = last >> 32;
}

/* Returns: base 2 logarithm of @writes, which is not 0, rounded down. */
static unsigned cmq_level(unsigned writes)
{
    unsigned level = 0;

    while (writes >>= 1) {
        level++;
    }
    return level;
}

/* @slow: whether the page was in a slow tier when it entered its queue */
static void cmq_dequeue(RaminatePolicy *p, uint32_t page, bool slow)
{
    unsigned queue = p->pages[page].queue;

    if (queue == CMQ_NO_QUEUE) {
        return;
    }
    raminate_page_list_remove(&p->queues[queue], p->queue_links, page);
    if (slow) {
        raminate_page_list_remove(&p->candidates[queue], p->candidate_links,
                                  page);
    }
    p->pages[page].queue = CMQ_NO_QUEUE;
}

static void cmq_enqueue(RaminatePolicy *p, uint32_t page, bool slow,
                        unsigned queue)
{
    raminate_page_list_append(&p->queues[queue], p->queue_links, page);
    if (slow) {
        raminate_page_list_append(&p->candidates[queue], p->candidate_links,
                                  page);
    }
    p->pages[page].queue = queue;
}

/* Moves @page, which is in a level queue, one queue down. */
static void cmq_sink(RaminatePolicy *p, uint32_t page)
{
    bool slow = !cmq_is_fast(p, page);
    unsigned level = p->pages[page].queue;

    cmq_dequeue(p, page, slow);
    if (level > 0) {
        cmq_enqueue(p, page, slow, level - 1);
    } else if (!slow) {
        cmq_enqueue(p, page, slow, CMQ_VICTIMS);
    } else {
        p->pages[page].writes = 0;
        p->pages[page].tried = false;
    }
}

/* Returns: after which time a head is too old, INT64_MAX for never. */
static int64_t cmq_first_expiry(const RaminatePolicy *p)
{
    int64_t first = INT64_MAX;

    for (unsigned level = 0; level < CMQ_LEVELS; level++) {
        uint32_t head = p->queues[level].head;

        if (head != RAMINATE_NO_PAGE) {
            int64_t expiry = cmq_last(p, head) + p->life_time;

            first = expiry < first ? expiry : first;
        }
    }
    return first;
}

static void cmq_age_once(RaminatePolicy *p, int64_t now)
{
    for (unsigned level = 0; level < CMQ_LEVELS; level++) {
        const RaminatePageList *queue = &p->queues[level];

        while (queue->head != RAMINATE_NO_PAGE &&
               now - cmq_last(p, queue->head) > p->life_time) {
            cmq_sink(p, queue->head);
        }
    }
}

/*
 * Ages the queues for each second that has passed.  A write pays for at most
 * CMQ_LEVELS moves later, and seconds in which nothing would move are left
 * out, so that it doesn't matter how far time has jumped.
 */
static void cmq_age(RaminatePolicy *p, int64_t now)
{
    while (p->next_aging <= now) {
        int64_t first = cmq_first_expiry(p);

        if (first >= p->next_aging) {
            int64_t until = first < now ? first : now;

            p->next_aging += (until - p->next_aging) / CMQ_AGING_PERIOD_MS *
                             CMQ_AGING_PERIOD_MS;
        } else {
            cmq_age_once(p, p->next_aging);
        }
        p->next_aging += CMQ_AGING_PERIOD_MS;
    }
}

static void cmq_destroy(RaminatePolicy *p)
{
    if (p) {
        free(p->pages);
        free(p->queue_links);
        free(p->candidate_links);
        free(p);
    }
}

static RaminatePolicy *cmq_create(const RaminatePolicyConfig *config)
{
    uint32_t nr_pages = raminate_placement_pages(config->placement);
    RaminatePolicy *p = calloc(1, sizeof(*p));

    if (!p) {
        return NULL;
    }
    p->placement = config->placement;
    p->life_time = config->life_time_ms;
    p->next_aging = CMQ_AGING_PERIOD_MS;
    p->pages = calloc(nr_pages, sizeof(*p->pages));
    p->queue_links = calloc(nr_pages, sizeof(*p->queue_links));
    p->candidate_links = calloc(nr_pages, sizeof(*p->candidate_links));
    if (!p->pages || !p->queue_links || !p->candidate_links) {
        cmq_destroy(p);
        return NULL;
    }

    for (unsigned queue = 0; queue < CMQ_QUEUES; queue++) {
        raminate_page_list_init(&p->queues[queue]);
    }
    for (unsigned level = 0; level < CMQ_LEVELS; level++) {
        raminate_page_list_init(&p->candidates[level]);
    }
    for (uint32_t page = 0; page < nr_pages; page++) {
        if (cmq_is_fast(p, page)) {
            cmq_enqueue(p, page, false, 0);
        } else {
            p->pages[page].queue = CMQ_NO_QUEUE;
        }
    }
    return p;
}

static void cmq_sample(RaminatePolicy *p, int64_t now_ms,
                       const uint32_t *pages, size_t nr)
{
    int64_t now = cmq_time(p, now_ms);

    for (size_t i = 0; i < nr; i++) {
        uint32_t page = pages[i];

        cmq_set_last(p, page, now);
        if (p->pages[page].writes < CMQ_MAX_WRITES) {
            p->pages[page].writes++;
        }
        cmq_dequeue(p, page, !cmq_is_fast(p, page));
    }
    cmq_age(p, now);
    for (size_t i = 0; i < nr; i++) {
        uint32_t page = pages[i];

        cmq_enqueue(p, page, !cmq_is_fast(p, page),
                    cmq_level(p->pages[page].writes));
    }
}

/* Returns: whether the last plan with @page failed; now it may be tried. */
static bool cmq_has_failed(RaminatePolicy *p, uint32_t page)
{
    bool failed = p->pages[page].tried;

    p->pages[page].tried = false;
    return failed;
}

static uint32_t cmq_next_victim(RaminatePolicy *p, uint32_t victim)
{
    while (victim != RAMINATE_NO_PAGE && cmq_has_failed(p, victim)) {
        victim = p->queue_links[victim].next;
    }
    return victim;
}

/* What is passed over was in an earlier plan: that one has paid for it. */
static size_t cmq_plan(RaminatePolicy *p, int64_t now_ms,
                       RaminatePair *pairs, size_t max)
{
    uint32_t victim, page;
    size_t nr = 0;

    cmq_age(p, cmq_time(p, now_ms));

    victim = p->queues[CMQ_VICTIMS].head;
    for (unsigned level = CMQ_LEVELS; level-- > 0;) {
        for (page = p->candidates[level].tail;
             page != RAMINATE_NO_PAGE && nr < max;
             page = p->candidate_links[page].prev) {
            if (cmq_has_failed(p, page)) {
                continue;
            }
            victim = cmq_next_victim(p, victim);
            if (victim == RAMINATE_NO_PAGE) {
                return nr;
            }
            pairs[nr].promote = page;
            pairs[nr].demote = victim;
            nr++;
            p->pages[page].tried = true;
            p->pages[victim].tried = true;
            victim = p->queue_links[victim].next;
        }
    }
    return nr;
}

static void cmq_swapped(RaminatePolicy *p, int64_t now_ms,
                        uint32_t a, uint32_t b)
{
    int64_t now = cmq_time(p, now_ms);
    uint32_t up = cmq_is_fast(p, a) ? a : b;
    uint32_t down = up == a ? b : a;
    unsigned level;

    p->pages[a].tried = false;
    p->pages[b].tried = false;
    if (cmq_is_fast(p, a) == cmq_is_fast(p, b)) {
        return;
    }

    level = p->pages[up].queue;
    if (level == CMQ_NO_QUEUE) {
        /* Not planned: like a page that was in the fastest tier at first */
        cmq_set_last(p, up, now);
        cmq_enqueue(p, up, false, 0);
    } else {
        raminate_page_list_remove(&p->candidates[level], p->candidate_links,
                                  up);
    }

    level = p->pages[down].queue;
    cmq_dequeue(p, down, false);
    if (level == CMQ_VICTIMS) {
        p->pages[down].writes = 0;
    } else {
        /* Not planned, or written since: it is hot, and a candidate now */
        cmq_enqueue(p, down, true, level);
    }
}

static void cmq_set_life_time(RaminatePolicy *p, uint32_t life_time_ms)
{
    p->life_time = life_time_ms;
}

const RaminatePolicyOps raminate_policy_cmq = {
    .name = "cmq",
    .summary = "Corked Multi Queue: pages written often and lately go up",
    .kinds = RAMINATE_WRITTEN,
    .bytes_per_page = sizeof(CmqPage) + 2 * sizeof(RaminatePageLink),
    .create = cmq_create,
    .destroy = cmq_destroy,
    .sample = cmq_sample,
    .plan = cmq_plan,
    .swapped = cmq_swapped,
    .set_life_time = cmq_set_life_time,
};
