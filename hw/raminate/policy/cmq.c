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
 * - The fastest tier is the paper's DRAM, with those that are as fast to write
 *   as it is.  All others are its MRAM.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdlib.h>

#include "cmq-internal.h"
#include "untouched.h"

#define CMQ_AGING_PERIOD_MS 1000

/* 34 years */
#define CMQ_MAX_TIME ((INT64_C(1) << 40) - 1)

/* Returns: @now_ms as time since the first call. */
static int64_t cmq_time(RaminatePolicy *p, int64_t now_ms)
{
    if (!p->started) {
        p->started = true;
        p->start = now_ms;
    }
    return now_ms - p->start;
}

static void cmq_set_last(CmqPage *entry, int64_t now)
{
    int64_t last = now < CMQ_MAX_TIME ? now : CMQ_MAX_TIME;

    entry->last_low = last;
    entry->last_high = last >> 32;
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

/* Takes @page into account, with nothing written, unless it is already. */
static CmqPage *cmq_touch(RaminatePolicy *p, uint32_t page)
{
    CmqPage *entry = raminate_regions_need(p->pages, page);

    if (!entry->touched) {
        *entry = (CmqPage) { .touched = true, .queue = CMQ_NO_QUEUE };
        raminate_regions_hold(p->pages, page);
    }
    return entry;
}

/* Forgets a slow page that is in no queue. */
static void cmq_forget(RaminatePolicy *p, uint32_t page)
{
    CmqPage *entry = cmq_page(p, page);

    if (entry) {
        entry->touched = false;
        raminate_regions_release(p->pages, page);
    }
}

static void cmq_drop_candidate(RaminatePolicy *p, uint32_t page,
                               unsigned level)
{
    raminate_region_list_remove(&p->candidates[level], &p->candidate_links,
                                page);
    p->nr_candidates[level]--;
}

/* @slow: whether the page was in a slow tier when it entered its queue */
static void cmq_dequeue(RaminatePolicy *p, uint32_t page, bool slow)
{
    CmqPage *entry = cmq_touch(p, page);
    unsigned queue = entry->queue;

    if (queue == CMQ_NO_QUEUE) {
        return;
    }
    raminate_region_list_remove(&p->queues[queue], &p->queue_links, page);
    p->nr_pages[queue]--;
    if (slow) {
        cmq_drop_candidate(p, page, queue);
    }
    entry->queue = CMQ_NO_QUEUE;
}

static void cmq_enqueue(RaminatePolicy *p, uint32_t page, bool slow,
                        unsigned queue)
{
    cmq_touch(p, page)->queue = queue;
    raminate_region_list_append(&p->queues[queue], &p->queue_links, page);
    p->nr_pages[queue]++;
    if (slow) {
        raminate_region_list_append(&p->candidates[queue],
                                    &p->candidate_links, page);
        p->nr_candidates[queue]++;
    }
}

/* Moves @page, which is in a level queue, one queue down. */
static void cmq_sink(RaminatePolicy *p, uint32_t page)
{
    bool slow = !cmq_is_fast(p, page);
    unsigned level = cmq_queue(p, page);

    cmq_dequeue(p, page, slow);
    if (level > 0) {
        cmq_enqueue(p, page, slow, level - 1);
    } else if (!slow) {
        cmq_enqueue(p, page, slow, CMQ_VICTIMS);
    } else {
        cmq_forget(p, page);
    }
}

/* Returns: the first untouched fast page from @page upwards, or NO_PAGE. */
static uint32_t cmq_next_untouched(const RaminatePolicy *p, uint32_t page)
{
    return raminate_next_untouched_fast(p->placement, p->pages, page);
}

static uint32_t cmq_first_untouched(RaminatePolicy *p)
{
    uint32_t first = cmq_next_untouched(p, p->first_untouched);

    p->first_untouched = first == RAMINATE_NO_PAGE
                         ? raminate_placement_pages(p->placement) : first;
    return first;
}

/* Returns: after which time a head is too old, INT64_MAX for never. */
static int64_t cmq_first_expiry(RaminatePolicy *p)
{
    int64_t first = INT64_MAX;

    if (!p->untouched_sank && cmq_first_untouched(p) != RAMINATE_NO_PAGE) {
        first = p->life_time;
    }
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
    p->untouched_sank |= now > p->life_time;
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
        raminate_regions_free(p->pages);
        free(p);
    }
}

static RaminatePolicy *cmq_create(const RaminatePolicyConfig *config)
{
    RaminatePolicy *p = calloc(1, sizeof(*p));

    if (!p) {
        return NULL;
    }
    p->placement = config->placement;
    p->backoff = config->backoff;
    p->counted = raminate_policy_counted(config);
    p->life_time = config->life_time_ms;
    p->next_aging = CMQ_AGING_PERIOD_MS;
    p->pages =
        raminate_regions_new(raminate_placement_pages(config->placement),
                             sizeof(CmqPage));
    if (!p->pages) {
        cmq_destroy(p);
        return NULL;
    }
    p->queue_links.table = p->pages;
    p->queue_links.offset = offsetof(CmqPage, queue_link);
    p->candidate_links.table = p->pages;
    p->candidate_links.offset = offsetof(CmqPage, candidate_link);
    for (unsigned queue = 0; queue < CMQ_QUEUES; queue++) {
        raminate_page_list_init(&p->queues[queue]);
    }
    for (unsigned level = 0; level < CMQ_LEVELS; level++) {
        raminate_page_list_init(&p->candidates[level]);
    }
    return p;
}

static void cmq_write(RaminatePolicy *p, uint32_t page, int64_t now)
{
    CmqPage *entry = cmq_touch(p, page);

    cmq_set_last(entry, now);
    entry->writes += entry->writes < CMQ_MAX_WRITES;
    cmq_dequeue(p, page, !cmq_is_fast(p, page));
}

static void cmq_sample(RaminatePolicy *p, int64_t now_ms,
                       const RaminateSample *found)
{
    int64_t now = cmq_time(p, now_ms);

    RAMINATE_SAMPLE_FOREACH(run, found, p->counted) {
        for (unsigned i = 0; i < run->nr; i++) {
            cmq_write(p, run->first + i, now);
        }
    }
    cmq_age(p, now);
    RAMINATE_SAMPLE_FOREACH(run, found, p->counted) {
        for (uint32_t page = run->first; page < run->first + run->nr; page++) {
            cmq_enqueue(p, page, !cmq_is_fast(p, page),
                        cmq_level(cmq_page(p, page)->writes));
        }
    }
}

/* Returns: the victim behind @page, or the first one. */
static uint32_t cmq_next_victim(RaminatePolicy *p, uint32_t page)
{
    uint32_t next = RAMINATE_NO_PAGE;

    if (page != RAMINATE_NO_PAGE && cmq_page(p, page)) {
        return cmq_page(p, page)->queue_link.next;
    }
    if (p->untouched_sank) {
        next = page == RAMINATE_NO_PAGE ? cmq_first_untouched(p)
                                        : cmq_next_untouched(p, page + 1);
    }
    return next == RAMINATE_NO_PAGE ? p->queues[CMQ_VICTIMS].head : next;
}

static size_t cmq_plan(RaminatePolicy *p, int64_t now_ms,
                       RaminateMove *moves, size_t max)
{
    uint32_t victim = RAMINATE_NO_PAGE;
    uint32_t page;
    size_t nr = 0;

    cmq_age(p, cmq_time(p, now_ms));

    for (unsigned level = CMQ_LEVELS; level-- > 0;) {
        for (page = p->candidates[level].tail;
             page != RAMINATE_NO_PAGE && nr < max;
             page = cmq_page(p, page)->candidate_link.prev) {
            if (raminate_backoff_holds(p->backoff, page)) {
                continue;
            }
            do {
                victim = cmq_next_victim(p, victim);
            } while (victim != RAMINATE_NO_PAGE &&
                     raminate_backoff_holds(p->backoff, victim));
            if (victim == RAMINATE_NO_PAGE) {
                return nr;
            }
            moves[nr].page = page;
            moves[nr].with = victim;
            nr++;
        }
    }
    return nr;
}

static void cmq_went_up(RaminatePolicy *p, uint32_t page, int64_t now)
{
    /* The queue that it was in while it was slow */
    unsigned level = cmq_page(p, page) ? cmq_page(p, page)->queue
                                       : CMQ_NO_QUEUE;

    if (level == CMQ_NO_QUEUE) {
        /* Not planned: like a page that was fast at first */
        cmq_set_last(cmq_touch(p, page), now);
        cmq_enqueue(p, page, false, 0);
    } else {
        cmq_drop_candidate(p, page, level);
    }
}

static void cmq_went_down(RaminatePolicy *p, uint32_t page)
{
    /* The queue that it was in while it was fast */
    unsigned level = cmq_page(p, page) ? cmq_page(p, page)->queue
                     : p->untouched_sank ? CMQ_VICTIMS : 0;

    cmq_dequeue(p, page, false);
    if (level == CMQ_VICTIMS ||
        raminate_placement_is_room(p->placement, page)) {
        cmq_forget(p, page);
    } else {
        /* Not planned, or written since: it is hot, and a candidate now */
        cmq_enqueue(p, page, true, level);
    }
}

static void cmq_moved(RaminatePolicy *p, int64_t now_ms,
                      const RaminateMove *move)
{
    int64_t now = cmq_time(p, now_ms);
    bool page_is_fast = cmq_is_fast(p, move->page);
    uint32_t up = page_is_fast ? move->page : move->with;
    uint32_t down = page_is_fast ? move->with : move->page;

    if (page_is_fast != cmq_is_fast(p, move->with)) {
        cmq_went_up(p, up, now);
        cmq_went_down(p, down);
    }
}

static void cmq_given(RaminatePolicy *p, int64_t now_ms, uint32_t page,
                      unsigned from)
{
    int64_t now = cmq_time(p, now_ms);
    bool was_fast = raminate_placement_is_fast_tier(p->placement, from);

    if (was_fast == cmq_is_fast(p, page)) {
        return;
    }
    if (was_fast) {
        cmq_went_down(p, page);
    } else {
        cmq_went_up(p, page, now);
    }
}

static void cmq_set_life_time(RaminatePolicy *p, uint32_t life_time_ms)
{
    p->life_time = life_time_ms;
}

static size_t cmq_memory(const RaminatePolicy *p)
{
    return raminate_regions_memory(p->pages);
}

const RaminatePolicyOps raminate_policy_cmq = {
    .name = "cmq",
    .summary = "Corked Multi Queue: pages written often and lately go up",
    .kinds = RAMINATE_WRITTEN,
    .bytes_per_page = sizeof(CmqPage),
    .memory = cmq_memory,
    .create = cmq_create,
    .destroy = cmq_destroy,
    .sample = cmq_sample,
    .plan = cmq_plan,
    .moved = cmq_moved,
    .given = cmq_given,
    .explain = cmq_explain,
    .set_life_time = cmq_set_life_time,
};
