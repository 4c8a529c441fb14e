/*
 * RAMinate: the least recently used (LRU) policy
 *
 * Keeps the pages that were written last in the fastest tier, and in those that
 * are as fast to write as it is: all others are slow.  The slow page written
 * last is promoted for the fast page that was not written for the longest time,
 * while the former was written later than the latter.  To be promoted counts as
 * a write, so that both orders are by time.  A demoted page is no candidate
 * before it is written again.  The life time plays no part.
 *
 * Nothing is kept of a slow page that can't be promoted before it is written
 * again, nor of any page after LRU_FORGET_MS.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <stdbool.h>
#include <stdlib.h>

#include "policy.h"
#include "reasons.h"
#include "region-list.h"
#include "untouched.h"

/* 8900 years */
#define LRU_MAX_TIME ((INT64_C(1) << 48) - 1)

/*
 * For so long it is known when a page was written: four hours.  Of two pages
 * that were not written in that time, it makes hardly a difference which is
 * demoted first: neither had a write that its frame saved.  So those that are
 * forgotten go before all others, by number.
 */
#define LRU_FORGET_MS (INT64_C(4) * 3600 * 1000)

/* At most so many pages are forgotten by a scan: it takes milliseconds. */
#define LRU_FORGET_PAGES 32768

/* All zero for slow pages that are in no list, and untouched fast ones */
typedef struct LruPage {
    uint8_t listed;         /* in one of the lists */
    uint16_t last_high;     /* when it was written, since the start */
    uint32_t last_low;
    RaminatePageLink link;
} LruPage;

struct RaminatePolicy {
    const RaminatePlacement *placement;
    const RaminateBackoff *backoff;
    unsigned counted;       /* kinds of samples */
    RaminateRegions *pages; /* of LruPage */
    RaminateLinks links;
    bool started;
    int64_t start_ms;       /* time of the first call */
    uint32_t first_untouched;       /* no fast page before it is untouched */

    /* From the page written longest ago to the one written last */
    RaminatePageList fast;  /* fast pages, but untouched ones */
    RaminatePageList slow;  /* pages written since they came to a slow tier */
    uint32_t nr_fast;       /* in the former */
};

static bool lru_is_fast(const RaminatePolicy *p, uint32_t page)
{
    return raminate_placement_is_fast(p->placement, page);
}

/* Returns: @now_ms as time since the first call, 1 at least. */
static int64_t lru_time(RaminatePolicy *p, int64_t now_ms)
{
    if (!p->started) {
        p->started = true;
        p->start_ms = now_ms;
    }
    return now_ms - p->start_ms + 1;
}

/* Returns: when it was written, 0 for never. */
static int64_t lru_last(const RaminatePolicy *p, uint32_t page)
{
    const LruPage *entry = raminate_regions_get(p->pages, page);

    return entry && entry->listed
           ? (int64_t)entry->last_high << 32 | entry->last_low : 0;
}

/* @list: where it is, if it is in a list */
static void lru_leave(RaminatePolicy *p, RaminatePageList *list, uint32_t page)
{
    LruPage *entry = raminate_regions_get(p->pages, page);

    if (entry && entry->listed) {
        raminate_region_list_remove(list, &p->links, page);
        p->nr_fast -= list == &p->fast;
        entry->listed = false;
        raminate_regions_release(p->pages, page);
    }
}

static void lru_enter(RaminatePolicy *p, RaminatePageList *list, uint32_t page,
                      int64_t now)
{
    LruPage *entry = raminate_regions_need(p->pages, page);
    int64_t last = now < LRU_MAX_TIME ? now : LRU_MAX_TIME;

    raminate_regions_hold(p->pages, page);
    entry->listed = true;
    entry->last_low = last;
    entry->last_high = last >> 32;
    raminate_region_list_append(list, &p->links, page);
    p->nr_fast += list == &p->fast;
}

static void lru_destroy(RaminatePolicy *p)
{
    if (p) {
        raminate_regions_free(p->pages);
        free(p);
    }
}

static RaminatePolicy *lru_create(const RaminatePolicyConfig *config)
{
    RaminatePolicy *p = calloc(1, sizeof(*p));

    if (!p) {
        return NULL;
    }
    p->placement = config->placement;
    p->backoff = config->backoff;
    p->counted = raminate_policy_counted(config);
    p->pages =
        raminate_regions_new(raminate_placement_pages(config->placement),
                             sizeof(LruPage));
    if (!p->pages) {
        lru_destroy(p);
        return NULL;
    }
    p->links.table = p->pages;
    p->links.offset = offsetof(LruPage, link);
    raminate_page_list_init(&p->fast);
    raminate_page_list_init(&p->slow);
    return p;
}

/* Returns: whether the head of @list was written at @time or before. */
static bool lru_begins_by(const RaminatePolicy *p, const RaminatePageList *list,
                          int64_t time)
{
    return list->head != RAMINATE_NO_PAGE && lru_last(p, list->head) <= time;
}

/*
 * Returns: when the fast page was written that was for the longest time, 0 for
 * never.  That only grows, as what comes to the fast tier counts as written
 * then, unless a page is forgotten.
 */
static int64_t lru_fast_since(const RaminatePolicy *p)
{
    uint32_t nr = raminate_placement_fast_pages(p->placement);

    return nr && p->nr_fast == nr ? lru_last(p, p->fast.head) : 0;
}

/*
 * Forgets slow pages that were written no later than any fast page, and can be
 * promoted for none.  Forgets all that was not written for long, slow pages
 * first: none may be left that was written before a fast page which is
 * forgotten, and would be promoted for it.
 */
static void lru_forget(RaminatePolicy *p, int64_t now)
{
    int64_t fast_since = lru_fast_since(p);
    int64_t too_old = now - LRU_FORGET_MS;
    unsigned left = LRU_FORGET_PAGES;

    while (left && lru_begins_by(p, &p->slow, MAX(fast_since, too_old))) {
        lru_leave(p, &p->slow, p->slow.head);
        left--;
    }
    while (left && lru_begins_by(p, &p->fast, too_old)) {
        p->first_untouched = MIN(p->first_untouched, p->fast.head);
        lru_leave(p, &p->fast, p->fast.head);
        left--;
    }
}

static void lru_sample(RaminatePolicy *p, int64_t now_ms,
                       const RaminateSample *found)
{
    int64_t now = lru_time(p, now_ms);

    RAMINATE_SAMPLE_FOREACH(run, found, p->counted) {
        for (uint32_t page = run->first; page < run->first + run->nr; page++) {
            RaminatePageList *list = lru_is_fast(p, page) ? &p->fast
                                                          : &p->slow;

            /* Its region lives on in between. */
            raminate_regions_need(p->pages, page);
            raminate_regions_hold(p->pages, page);
            lru_leave(p, list, page);
            lru_enter(p, list, page, now);
            raminate_regions_release(p->pages, page);
        }
    }
    lru_forget(p, now);
}

/* Returns: the candidate behind @page, or the first one. */
static uint32_t lru_next_candidate(const RaminatePolicy *p, uint32_t page)
{
    do {
        page = page == RAMINATE_NO_PAGE ? p->slow.tail
                                        : raminate_link(&p->links, page)->prev;
    } while (page != RAMINATE_NO_PAGE &&
             raminate_backoff_holds(p->backoff, page));
    return page;
}

/* Returns: the fast page behind @page, or the first one. */
static uint32_t lru_next_fast(RaminatePolicy *p, uint32_t page)
{
    uint32_t from = p->first_untouched;

    if (page != RAMINATE_NO_PAGE) {
        if (raminate_is_touched(p->pages, page)) {
            return raminate_link(&p->links, page)->next;
        }
        from = page + 1;
    }
    from = raminate_next_untouched_fast(p->placement, p->pages, from);
    if (page == RAMINATE_NO_PAGE) {
        p->first_untouched = from == RAMINATE_NO_PAGE
                             ? raminate_placement_pages(p->placement) : from;
    }
    return from == RAMINATE_NO_PAGE ? p->fast.head : from;
}

static uint32_t lru_next_victim(RaminatePolicy *p, uint32_t page)
{
    do {
        page = lru_next_fast(p, page);
    } while (page != RAMINATE_NO_PAGE &&
             raminate_backoff_holds(p->backoff, page));
    return page;
}

static size_t lru_plan(RaminatePolicy *p, int64_t now_ms,
                       RaminateMove *moves, size_t max)
{
    uint32_t page = RAMINATE_NO_PAGE;
    uint32_t victim = RAMINATE_NO_PAGE;
    size_t nr = 0;

    (void)now_ms;
    while (nr < max) {
        page = lru_next_candidate(p, page);
        if (page == RAMINATE_NO_PAGE) {
            break;
        }
        victim = lru_next_victim(p, victim);
        if (victim == RAMINATE_NO_PAGE ||
            lru_last(p, page) <= lru_last(p, victim)) {
            break;
        }
        moves[nr].page = page;
        moves[nr].with = victim;
        nr++;
    }
    return nr;
}

static void lru_moved(RaminatePolicy *p, int64_t now_ms,
                      const RaminateMove *move)
{
    bool page_is_fast = lru_is_fast(p, move->page);
    uint32_t up = page_is_fast ? move->page : move->with;
    uint32_t down = page_is_fast ? move->with : move->page;
    int64_t now = lru_time(p, now_ms);

    if (page_is_fast != lru_is_fast(p, move->with)) {
        lru_leave(p, &p->fast, down);
        lru_leave(p, &p->slow, up);
        lru_enter(p, &p->fast, up, now);
    }
}

static void lru_given(RaminatePolicy *p, int64_t now_ms, uint32_t page,
                      unsigned from)
{
    bool was_fast = raminate_placement_is_fast_tier(p->placement, from);
    int64_t now = lru_time(p, now_ms);

    if (was_fast != lru_is_fast(p, page)) {
        lru_leave(p, was_fast ? &p->fast : &p->slow, page);
        if (!was_fast) {
            lru_enter(p, &p->fast, page, now);
        }
    }
}

/* Of the fast page that is next to go */
static void lru_say_fast_idle(RaminateReasons *reasons)
{
    if (reasons->lru.has_fast_idle) {
        raminate_reasons_say_ms(reasons, reasons->lru.fast_idle_ms);
    } else {
        g_string_append(reasons->why, "longer than is known");
    }
}

static void lru_say_fast(RaminateReasons *reasons)
{
    if (reasons->lru.has_idle) {
        g_string_append(reasons->why, "a scan found it, or it came there, ");
        raminate_reasons_say_ms(reasons, reasons->lru.idle_ms);
        g_string_append(reasons->why, " ago, and pages of fast memory go in "
                        "turn, the longest now ");
        lru_say_fast_idle(reasons);
    } else {
        g_string_append(reasons->why, "no scan has found it for as long as is "
                        "known, so that it goes once a page of slow memory is "
                        "found");
    }
}

static void lru_say_slow(RaminateReasons *reasons)
{
    const RaminateLruFigures *figures = &reasons->lru;
    bool goes = !figures->has_fast_idle ||
                figures->idle_ms < figures->fast_idle_ms;

    if (!figures->has_idle) {
        g_string_append(reasons->why, "no scan has found it since all pages of "
                        "fast memory were, or it came there");
        return;
    }
    g_string_append(reasons->why, "a scan found it ");
    raminate_reasons_say_ms(reasons, figures->idle_ms);
    g_string_append_printf(reasons->why, " ago, %s the page of fast memory "
                           "that was not for the longest time, ",
                           goes ? "after" : "not after");
    lru_say_fast_idle(reasons);
    g_string_append(reasons->why, goes ? ", so that it goes up"
                                       : ", so that it stays");
}

static void lru_explain(const RaminatePolicy *p, int64_t now_ms,
                        uint32_t page, RaminateReasons *reasons)
{
    RaminateLruFigures *figures = &reasons->lru;
    int64_t now = now_ms - p->start_ms + 1;
    int64_t last = lru_last(p, page);
    int64_t fast_since = lru_fast_since(p);

    figures->has_idle = last > 0;
    figures->idle_ms = figures->has_idle ? now - last : 0;
    figures->has_fast_idle = fast_since > 0;
    figures->fast_idle_ms = figures->has_fast_idle ? now - fast_since : 0;
    if (lru_is_fast(p, page)) {
        lru_say_fast(reasons);
    } else {
        lru_say_slow(reasons);
    }
}

static size_t lru_memory(const RaminatePolicy *p)
{
    return raminate_regions_memory(p->pages);
}

const RaminatePolicyOps raminate_policy_lru = {
    .name = "lru",
    .summary = "least recently used: the pages written last go up",
    .kinds = RAMINATE_WRITTEN,
    .bytes_per_page = sizeof(LruPage),
    .memory = lru_memory,
    .create = lru_create,
    .destroy = lru_destroy,
    .sample = lru_sample,
    .plan = lru_plan,
    .moved = lru_moved,
    .given = lru_given,
    .explain = lru_explain,
};
