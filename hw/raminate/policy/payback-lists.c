/*
 * RAMinate: what the payback policy keeps of each page, in lists by state
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "payback-lists.h"

/*
 * Once a run is in the last class of ages, it stays there, and its pages are
 * as good as single.  So there is a run for each scan until then, and one for
 * the scan at hand.
 */
#define RUN_SCANS ((1u << (PAYBACK_AGES - 2)) + 1)

/* Lists */

static unsigned list_index(unsigned tier, unsigned state)
{
    return tier * PAYBACK_STATES + state;
}

static unsigned state_of(unsigned history, unsigned age)
{
    return history * PAYBACK_AGES + age;
}

static PaybackRun *run_of(PaybackLists *lists, uint32_t scan, unsigned tier,
                          unsigned history)
{
    return &lists->runs[(scan % RUN_SCANS * lists->nr_tiers + tier) *
                        PAYBACK_HISTORIES + history];
}

/* Makes @next follow @page; either may be the end of the list. */
static inline void join(PaybackLists *lists, RaminatePageList *list,
                        uint32_t page, uint32_t next)
{
    if (page == RAMINATE_NO_PAGE) {
        list->head = next;
    } else {
        payback_lists_get(lists, page)->next = next;
    }
    if (next == RAMINATE_NO_PAGE) {
        list->tail = page;
    } else {
        payback_lists_get(lists, next)->prev = page;
    }
}

/* Appends pages that are linked already, from @first to @end. */
static void append(PaybackLists *lists, RaminatePageList *list,
                   uint32_t first, uint32_t end)
{
    join(lists, list, list->tail, first);
    join(lists, list, end, RAMINATE_NO_PAGE);
}

static void leave_run(PaybackLists *lists, uint32_t number,
                      const PaybackPage *page, unsigned tier)
{
    PaybackRun *run = run_of(lists, page->last, tier, page->history);

    run->nr--;
    if (run->end == number) {
        run->end = page->prev;
    }
}

/* @state: of @page */
static void leave(PaybackLists *lists, uint32_t number, PaybackPage *page,
                  unsigned tier, unsigned state)
{
    unsigned index = list_index(tier, state);

    lists->counts[index]--;
    if (!page->listed) {
        lists->untouched[tier].nr--;
        page->listed = true;
        raminate_regions_hold(lists->pages, number);
        return;
    }
    if (!page->single && payback_state_age(state) < PAYBACK_AGES - 1) {
        leave_run(lists, number, page, tier);
    }
    join(lists, &lists->lists[index], page->prev, page->next);
}

static void enter(PaybackLists *lists, uint32_t number, unsigned tier,
                  unsigned state)
{
    unsigned index = list_index(tier, state);

    lists->counts[index]++;
    append(lists, &lists->lists[index], number, number);
}

void payback_lists_fetch(const PaybackLists *lists, uint32_t page)
{
    const PaybackPage *kept = payback_lists_get(lists, page);

    if (kept) {
        __builtin_prefetch(kept);
    }
}

void payback_lists_fetch_around(const PaybackLists *lists,
                                const RaminateRun *run)
{
    for (unsigned i = 0; i < run->nr; i++) {
        const PaybackPage *page = payback_lists_get(lists, run->first + i);

        if (page && page->listed) {
            if (page->prev != RAMINATE_NO_PAGE) {
                payback_lists_fetch(lists, page->prev);
            }
            if (page->next != RAMINATE_NO_PAGE) {
                payback_lists_fetch(lists, page->next);
            }
        }
    }
}

unsigned payback_lists_state(const PaybackLists *lists,
                             const PaybackPage *page)
{
    if (!page || !page->listed) {
        return PAYBACK_STATE_OF_NEVER;
    }
    return state_of(page->history, page->single ? page->age
                    : payback_age_class(lists->scan - page->last));
}

void payback_lists_sum(const PaybackLists *lists, unsigned first_tier,
                       unsigned end_tier, uint32_t *counts)
{
    for (unsigned i = 0; i < PAYBACK_STATES; i++) {
        counts[i] = 0;
        for (unsigned tier = first_tier; tier < end_tier; tier++) {
            counts[i] += payback_lists_count(lists, tier, i);
        }
    }
}

/* Life */

bool payback_lists_init(PaybackLists *lists,
                        const RaminatePlacement *placement)
{
    size_t nr_lists;

    lists->placement = placement;
    lists->nr_tiers = raminate_placement_tiers(placement);
    nr_lists = (size_t)lists->nr_tiers * PAYBACK_STATES;
    lists->pages = raminate_regions_new(raminate_placement_pages(placement),
                                        sizeof(PaybackPage));
    lists->lists = calloc(nr_lists, sizeof(*lists->lists));
    lists->counts = calloc(nr_lists, sizeof(*lists->counts));
    lists->untouched = calloc(lists->nr_tiers, sizeof(*lists->untouched));
    lists->runs = calloc((size_t)RUN_SCANS * lists->nr_tiers *
                         PAYBACK_HISTORIES, sizeof(*lists->runs));
    if (!lists->pages || !lists->lists || !lists->counts ||
        !lists->untouched || !lists->runs) {
        return false;
    }
    for (size_t i = 0; i < nr_lists; i++) {
        raminate_page_list_init(&lists->lists[i]);
    }
    for (unsigned tier = 0; tier < lists->nr_tiers; tier++) {
        uint32_t nr = raminate_placement_tier_pages(placement, tier);

        lists->counts[list_index(tier, PAYBACK_STATE_OF_NEVER)] = nr;
        lists->untouched[tier].nr = nr;
        lists->untouched[tier].end = RAMINATE_NO_PAGE;
    }
    return true;
}

void payback_lists_destroy(PaybackLists *lists)
{
    raminate_regions_free(lists->pages);
    free(lists->lists);
    free(lists->counts);
    free(lists->untouched);
    free(lists->runs);
}

/* What happens to pages */

void payback_lists_write(PaybackLists *lists, uint32_t number,
                         PaybackPage *page, unsigned before, unsigned tier,
                         unsigned history)
{
    PaybackRun *run = run_of(lists, lists->scan + 1, tier, history);

    leave(lists, number, page, tier, before);
    page->last = lists->scan + 1;
    page->history = history;
    page->single = false;
    run->nr++;
    run->end = number;
    enter(lists, number, tier, state_of(history, 0));
}

void payback_lists_move(PaybackLists *lists, uint32_t number, unsigned from,
                        unsigned to)
{
    PaybackPage *page = payback_lists_need(lists, number);
    unsigned state = payback_lists_state(lists, page);

    leave(lists, number, page, from, state);
    page->history = state / PAYBACK_AGES;
    page->age = payback_state_age(state);
    page->single = true;
    enter(lists, number, to, state);
}

/* Moves the run at the head of a list on to the tail of another one. */
static void move_run(PaybackLists *lists, uint32_t scan, unsigned tier,
                     unsigned history, unsigned age, unsigned to_age)
{
    PaybackRun *run = run_of(lists, scan, tier, history);
    unsigned from = list_index(tier, state_of(history, age));
    unsigned to = list_index(tier, state_of(history, to_age));
    uint32_t first = lists->lists[from].head;

    join(lists, &lists->lists[from], RAMINATE_NO_PAGE,
         payback_lists_get(lists, run->end)->next);
    append(lists, &lists->lists[to], first, run->end);
    lists->counts[from] -= run->nr;
    lists->counts[to] += run->nr;
    if (to_age == PAYBACK_AGES - 1) {
        run->nr = 0;
    }
}

/*
 * A page that came by itself may be older than those before it.  It stays
 * behind them, and has its age looked at when it is at the head.
 */
static void age_list(PaybackLists *lists, unsigned tier, unsigned history,
                     unsigned age)
{
    const RaminatePageList *list =
        &lists->lists[list_index(tier, state_of(history, age))];

    while (list->head != RAMINATE_NO_PAGE) {
        uint32_t number = list->head;
        PaybackPage *page = payback_lists_get(lists, number);
        unsigned now = payback_age_class(lists->scan - page->last);

        if (now == age) {
            break;
        }
        if (page->single) {
            leave(lists, number, page, tier, state_of(history, age));
            page->age = now;
            enter(lists, number, tier, state_of(history, now));
        } else {
            move_run(lists, page->last, tier, history, age, now);
        }
    }
}

/*
 * Forgets the page at the head of the last list of a history, if it is old
 * enough.  As with ages, one that came by itself may have to wait.
 * Returns: whether it was.
 */
static bool forget_first(PaybackLists *lists, unsigned tier, unsigned history)
{
    PaybackUntouched *untouched = &lists->untouched[tier];
    unsigned state = state_of(history, PAYBACK_AGES - 1);
    uint32_t number = lists->lists[list_index(tier, state)].head;
    PaybackPage *page;

    if (number == RAMINATE_NO_PAGE) {
        return false;
    }
    page = payback_lists_get(lists, number);
    if (lists->scan - page->last < PAYBACK_FORGET_SCANS) {
        return false;
    }
    leave(lists, number, page, tier, state);
    memset(page, 0, sizeof(*page));
    raminate_regions_release(lists->pages, number);
    lists->counts[list_index(tier, PAYBACK_STATE_OF_NEVER)]++;
    untouched->nr++;
    untouched->first = MIN(untouched->first, number);
    untouched->end = MAX(untouched->end, number + 1);
    return true;
}

/* What is left over has its turn in the next scan. */
static void forget(PaybackLists *lists)
{
    unsigned left = PAYBACK_FORGET_PAGES;

    for (unsigned tier = 0; tier < lists->nr_tiers; tier++) {
        for (unsigned i = 0; i < PAYBACK_HISTORIES; i++) {
            while (left && forget_first(lists, tier, i)) {
                left--;
            }
        }
    }
}

void payback_lists_age(PaybackLists *lists)
{
    lists->scan++;
    for (unsigned tier = 0; tier < lists->nr_tiers; tier++) {
        for (unsigned i = 0; i < PAYBACK_HISTORIES; i++) {
            for (unsigned age = 0; age < PAYBACK_AGES - 1; age++) {
                age_list(lists, tier, i, age);
            }
        }
    }
    forget(lists);
}

/* Steps */

/* Returns: the first untouched page of @tier from @number upwards. */
static uint32_t untouched_from(const PaybackLists *lists, unsigned tier,
                               uint32_t number)
{
    return !lists->untouched[tier].nr ? RAMINATE_NO_PAGE
           : raminate_next_untouched(lists->placement, lists->pages, tier,
                                     number);
}

/* Returns: the last untouched page of @tier before @end. */
static uint32_t untouched_before(const PaybackLists *lists, unsigned tier,
                                 uint32_t end)
{
    return !lists->untouched[tier].nr || !end ? RAMINATE_NO_PAGE
           : raminate_prev_untouched(lists->placement, lists->pages, tier,
                                     end - 1);
}

uint32_t payback_lists_next(PaybackLists *lists, unsigned tier,
                            unsigned state, uint32_t number)
{
    PaybackUntouched *untouched = &lists->untouched[tier];
    uint32_t next = RAMINATE_NO_PAGE;

    if (number == RAMINATE_NO_PAGE) {
        if (state == PAYBACK_STATE_OF_NEVER) {
            next = untouched->first = untouched_from(lists, tier,
                                                     untouched->first);
        }
    } else if (raminate_is_touched(lists->pages, number)) {
        return payback_lists_get(lists, number)->next;
    } else {
        next = untouched_from(lists, tier, number + 1);
    }
    return next != RAMINATE_NO_PAGE
           ? next : lists->lists[list_index(tier, state)].head;
}

uint32_t payback_lists_prev(PaybackLists *lists, unsigned tier,
                            unsigned state, uint32_t number)
{
    PaybackUntouched *untouched = &lists->untouched[tier];
    uint32_t prev;

    if (number == RAMINATE_NO_PAGE) {
        prev = lists->lists[list_index(tier, state)].tail;
    } else if (raminate_is_touched(lists->pages, number)) {
        prev = payback_lists_get(lists, number)->prev;
    } else {
        return untouched_before(lists, tier, number);
    }
    if (prev == RAMINATE_NO_PAGE && state == PAYBACK_STATE_OF_NEVER) {
        prev = untouched_before(lists, tier, untouched->end);
        untouched->end = prev == RAMINATE_NO_PAGE ? 0 : prev + 1;
    }
    return prev;
}
