/*
 * RAMinate: the payback policy
 *
 * Moves a page only if the writes that it saves pay for the swap.  What a
 * page is going to be written is learned from what has become of pages with
 * the same history: see payback-state.h for what a history is, and
 * payback-model.c for what is made of it.  Promoted are pages of the states
 * with the greatest advantage, for pages of those with the smallest, as long
 * as the difference pays.
 *
 * So there is no threshold to set for what is hot.  Where all pages are
 * written alike, all states have the same advantage, and nothing moves.
 *
 * With more than two tiers, the fastest is served first, from all others,
 * then the next with what is left.  Each border between tiers has a price of
 * its own.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdbool.h>
#include <stdlib.h>

#include "page-list.h"
#include "payback-model.h"
#include "policy.h"

/* Until a page was written for the first time */
#define STATE_OF_NEVER (PAYBACK_GAPS * PAYBACK_AGES - 1)

/* All looks weigh alike in a page's pace, until there were so many. */
#define PACE_LOOKS 31

/* As if there had been so many before the first, that found nothing */
#define PACE_LOOKS_AT_FIRST 3

/* Packed because there is one for each page of the guest. */
typedef struct PaybackPage {
    uint32_t last;          /* scan that found it written, 0 for none */
    uint16_t rate;          /* as of that scan */
    uint16_t state;
    uint16_t pace:PAYBACK_PACE_BITS;
    uint16_t looks:5;       /* taken, PACE_LOOKS at most */
    uint16_t looked:1;      /* found by a second look since the last scan */
    uint8_t planned;        /* number of the last plan that it was in, or 0 */
} __attribute__((packed)) PaybackPage;

/* A state by its advantage */
typedef struct PaybackRank {
    float advantage;
    uint16_t state;
} PaybackRank;

struct RaminatePolicy {
    const RaminatePlacement *placement;
    const RaminateBackoff *backoff;
    unsigned nr_tiers;
    uint32_t nr_pages;
    uint32_t scan;
    int64_t last_ms;
    uint32_t look_window_ms;    /* 0: none since the last scan */

    PaybackPage *pages;
    RaminatePageLink *links;
    RaminatePageList *lists;    /* by tier and state */
    uint32_t *counts;           /* of their pages */

    PaybackModel model;
    PaybackBorder *borders;     /* behind each tier but the last */

    uint8_t plan;               /* number of the last one, 1 to 255 */
    PaybackRank ranks[PAYBACK_STATES];
};

/* Lists */

static unsigned payback_list_index(unsigned tier, unsigned state)
{
    return tier * PAYBACK_STATES + state;
}

static void payback_leave(RaminatePolicy *p, uint32_t page, unsigned tier)
{
    unsigned list = payback_list_index(tier, p->pages[page].state);

    raminate_page_list_remove(&p->lists[list], p->links, page);
    p->counts[list]--;
}

static void payback_enter(RaminatePolicy *p, uint32_t page, unsigned tier,
                          unsigned state)
{
    unsigned list = payback_list_index(tier, state);

    raminate_page_list_append(&p->lists[list], p->links, page);
    p->counts[list]++;
    p->pages[page].state = state;
}

/* @counts: returns the pages of each state in some tiers */
static void payback_count(const RaminatePolicy *p, unsigned first_tier,
                          unsigned end_tier, uint32_t *counts)
{
    for (unsigned i = 0; i < PAYBACK_STATES; i++) {
        counts[i] = 0;
        for (unsigned tier = first_tier; tier < end_tier; tier++) {
            counts[i] += p->counts[payback_list_index(tier, i)];
        }
    }
}

/* Life */

static void payback_destroy(RaminatePolicy *p)
{
    if (p) {
        free(p->pages);
        free(p->links);
        free(p->lists);
        free(p->counts);
        free(p->borders);
        free(p);
    }
}

static RaminatePolicy *payback_create(const RaminatePolicyConfig *config)
{
    RaminatePolicy *p = calloc(1, sizeof(*p));
    size_t nr_lists;

    if (!p) {
        return NULL;
    }
    p->placement = config->placement;
    p->backoff = config->backoff;
    p->nr_tiers = raminate_placement_tiers(config->placement);
    p->nr_pages = raminate_placement_pages(config->placement);
    nr_lists = (size_t)p->nr_tiers * PAYBACK_STATES;
    p->pages = calloc(p->nr_pages, sizeof(*p->pages));
    p->links = calloc(p->nr_pages, sizeof(*p->links));
    p->lists = calloc(nr_lists, sizeof(*p->lists));
    p->counts = calloc(nr_lists, sizeof(*p->counts));
    p->borders = calloc(p->nr_tiers, sizeof(*p->borders));
    if (!p->pages || !p->links || !p->lists || !p->counts || !p->borders) {
        payback_destroy(p);
        return NULL;
    }
    for (size_t i = 0; i < nr_lists; i++) {
        raminate_page_list_init(&p->lists[i]);
    }
    payback_model_init(&p->model);
    for (uint32_t page = 0; page < p->nr_pages; page++) {
        payback_enter(p, page, raminate_placement_tier(p->placement, page),
                      STATE_OF_NEVER);
    }
    return p;
}

/* Samples */

static void payback_look(RaminatePolicy *p, int64_t now_ms,
                         uint32_t window_ms, const RaminateSample *found)
{
    (void)now_ms;
    p->look_window_ms = window_ms;
    RAMINATE_SAMPLE_FOREACH(run, found) {
        for (unsigned i = 0; i < run->nr; i++) {
            p->pages[run->first + i].looked = true;
        }
    }
}

static void payback_gauge(RaminatePolicy *p, const uint32_t *pages,
                          const uint32_t *lines, size_t nr)
{
    for (size_t i = 0; i < nr; i++) {
        payback_model_gauge(&p->model, p->pages[pages[i]].state, lines[i]);
    }
}

static void payback_set_pace(RaminatePolicy *p, PaybackPage *page)
{
    unsigned weight = page->looks + PACE_LOOKS_AT_FIRST + 1;
    unsigned pace = page->pace;

    if (page->looked) {
        pace += (PAYBACK_PACE_FULL - pace) / weight;
    } else {
        pace -= pace / weight;
    }
    page->looks += page->looks < PACE_LOOKS;
    payback_model_pace(&p->model, payback_state_pace(page->state),
                       payback_pace_class(pace), page->looked);
    page->pace = pace;
    page->looked = false;
}

static void payback_write(RaminatePolicy *p, uint32_t number)
{
    PaybackPage *page = &p->pages[number];
    unsigned tier = raminate_placement_tier(p->placement, number);
    unsigned gap = payback_gap_class(payback_state_age(page->state));
    uint32_t scans = p->scan - page->last;
    float rate = page->last ? page->rate / (float)PAYBACK_RATE_FULL : 0;

    payback_leave(p, number, tier);
    if (p->look_window_ms) {
        payback_set_pace(p, page);
    }
    page->rate = payback_rate_after_write(rate, scans) * PAYBACK_RATE_FULL;
    page->last = p->scan;
    payback_enter(p, number, tier,
                  payback_state(payback_pace_class(page->pace),
                                payback_rate_class(page->rate), gap, 0));
}

/* Moves pages on whose age has left its class; a write pays for all moves. */
static void payback_age(RaminatePolicy *p)
{
    for (unsigned i = 0; i < PAYBACK_STATES; i++) {
        if (payback_state_age(i) == PAYBACK_AGES - 1) {
            continue;
        }
        for (unsigned tier = 0; tier < p->nr_tiers; tier++) {
            RaminatePageList *list = &p->lists[payback_list_index(tier, i)];

            while (list->head != RAMINATE_NO_PAGE) {
                uint32_t page = list->head;
                unsigned age = payback_age_class(p->scan -
                                                 p->pages[page].last);

                if (age == payback_state_age(i)) {
                    break;
                }
                payback_leave(p, page, tier);
                payback_enter(p, page, tier, i - payback_state_age(i) + age);
            }
        }
    }
}

static void payback_sample(RaminatePolicy *p, int64_t now_ms,
                           const RaminateSample *found)
{
    uint32_t counts[PAYBACK_STATES];

    RAMINATE_SAMPLE_FOREACH(run, found) {
        for (unsigned i = 0; i < run->nr; i++) {
            payback_model_hit(&p->model, p->pages[run->first + i].state);
        }
    }
    payback_count(p, 0, p->nr_tiers, counts);
    payback_model_learn(&p->model, counts);
    p->scan++;
    RAMINATE_SAMPLE_FOREACH(run, found) {
        for (unsigned i = 0; i < run->nr; i++) {
            payback_write(p, run->first + i);
        }
    }
    payback_age(p);
    if (p->look_window_ms) {
        payback_model_learn_paces(&p->model,
                                  p->scan > 1 ? now_ms - p->last_ms : 0,
                                  p->look_window_ms);
        p->look_window_ms = 0;
    }
    p->last_ms = now_ms;
}

/* Plans */

/* A way through pages of some tiers, by the advantage of their states */
typedef struct PaybackWalk {
    bool promote;           /* from the greatest advantage down */
    unsigned left;          /* states behind the one it is in */
    const PaybackRank *rank;
    unsigned first_tier;
    unsigned end_tier;
    unsigned tier;
    uint32_t page;          /* where it is, RAMINATE_NO_PAGE at the end */
} PaybackWalk;

static int compare_ranks(const void *a, const void *b)
{
    const PaybackRank *rank_a = a;
    const PaybackRank *rank_b = b;

    return (rank_a->advantage < rank_b->advantage) -
           (rank_a->advantage > rank_b->advantage);
}

/*
 * Ranks the states by what the border behind @tier says.
 * Returns: number of ranks, of states that have pages behind or in it.
 */
static unsigned payback_rank(RaminatePolicy *p, unsigned tier)
{
    PaybackBorder *border = &p->borders[tier];
    uint32_t before[PAYBACK_STATES];
    uint32_t behind[PAYBACK_STATES];
    unsigned nr = 0;

    payback_count(p, 0, tier + 1, before);
    payback_count(p, tier + 1, p->nr_tiers, behind);
    payback_model_appraise(&p->model, before, behind, border);
    for (unsigned i = 0; i < PAYBACK_STATES; i++) {
        if (before[i] || behind[i]) {
            p->ranks[nr].advantage = border->advantage[i];
            p->ranks[nr].state = i;
            nr++;
        }
    }
    qsort(p->ranks, nr, sizeof(p->ranks[0]), compare_ranks);
    return nr;
}

/*
 * Returns: whether to pass over @page, because it can't be moved, or is planned
 * for the tier before.
 */
static bool payback_passes_over(const RaminatePolicy *p, uint32_t page)
{
    return p->pages[page].planned == p->plan ||
           raminate_backoff_holds(p->backoff, page);
}

static void payback_go_on(RaminatePolicy *p, PaybackWalk *walk)
{
    do {
        if (walk->page != RAMINATE_NO_PAGE) {
            walk->page = walk->promote ? p->links[walk->page].prev
                                       : p->links[walk->page].next;
        }
        while (walk->page == RAMINATE_NO_PAGE) {
            const RaminatePageList *list;

            if (walk->tier == walk->end_tier) {
                if (walk->left == 0) {
                    return;
                }
                walk->left--;
                walk->tier = walk->first_tier;
                walk->rank += walk->promote ? 1 : -1;
            }
            list = &p->lists[payback_list_index(walk->tier++,
                                                walk->rank->state)];
            walk->page = walk->promote ? list->tail : list->head;
        }
    } while (payback_passes_over(p, walk->page));
}

static PaybackWalk payback_walk(RaminatePolicy *p, unsigned nr, bool promote,
                                unsigned first_tier, unsigned end_tier)
{
    PaybackWalk walk = {
        .promote = promote,
        .left = nr,
        .rank = promote ? p->ranks - 1 : p->ranks + nr,
        .first_tier = first_tier,
        .end_tier = end_tier,
        .tier = end_tier,
        .page = RAMINATE_NO_PAGE,
    };

    payback_go_on(p, &walk);
    return walk;
}

/* Returns: number of pairs that bring pages from slower tiers to @tier. */
static size_t payback_plan_tier(RaminatePolicy *p, unsigned tier,
                                RaminateMove *moves, size_t max)
{
    unsigned nr = payback_rank(p, tier);
    PaybackWalk up = payback_walk(p, nr, true, tier + 1, p->nr_tiers);
    PaybackWalk down = payback_walk(p, nr, false, tier, tier + 1);
    size_t planned = 0;

    while (planned < max && up.page != RAMINATE_NO_PAGE &&
           down.page != RAMINATE_NO_PAGE &&
           up.rank->advantage - down.rank->advantage > PAYBACK_SWAP_COST) {
        moves[planned].page = up.page;
        moves[planned].with = down.page;
        planned++;
        p->pages[up.page].planned = p->plan;
        p->pages[down.page].planned = p->plan;
        payback_go_on(p, &up);
        payback_go_on(p, &down);
    }
    return planned;
}

static size_t payback_plan(RaminatePolicy *p, int64_t now_ms,
                           RaminateMove *moves, size_t max)
{
    size_t planned = 0;

    (void)now_ms;
    payback_model_weigh(&p->model, p->scan);
    p->plan = p->plan % UINT8_MAX + 1;
    for (unsigned tier = 0; tier + 1 < p->nr_tiers; tier++) {
        planned += payback_plan_tier(p, tier, moves + planned, max - planned);
    }
    return planned;
}

static void payback_moved(RaminatePolicy *p, int64_t now_ms,
                          const RaminateMove *move)
{
    uint32_t a = move->page;
    uint32_t b = move->with;
    unsigned tier_a = raminate_placement_tier(p->placement, a);
    unsigned tier_b = raminate_placement_tier(p->placement, b);

    (void)now_ms;
    p->pages[a].planned = 0;
    p->pages[b].planned = 0;
    payback_leave(p, a, tier_b);
    payback_enter(p, a, tier_a, p->pages[a].state);
    payback_leave(p, b, tier_a);
    payback_enter(p, b, tier_b, p->pages[b].state);
}

const RaminatePolicyOps raminate_policy_payback = {
    .name = "payback",
    .summary = "pages go up whose writes will pay for the swap, as learned "
               "from pages with the same history",
    .kinds = RAMINATE_WRITTEN,
    .bytes_per_page = sizeof(PaybackPage) + sizeof(RaminatePageLink),
    .create = payback_create,
    .destroy = payback_destroy,
    .look = payback_look,
    .gauge = payback_gauge,
    .sample = payback_sample,
    .plan = payback_plan,
    .moved = payback_moved,
};
