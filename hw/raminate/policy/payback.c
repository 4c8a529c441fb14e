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
 * Where samples tell reads from writes, and reads cost more in slower tiers,
 * histories are those of accesses, and a state's pages save reads as well as
 * writes.  Where samples can't tell, a page found counts as read: that is what
 * each line costs that is used, also one that is written, since caches fetch
 * it first.  How many lines are read is not known in either case.
 *
 * With more than two tiers, the fastest is served first, from all others,
 * then the next with what is left.  Each border between tiers has a price of
 * its own, and a cost of its swaps, by what reads and writes of the tiers cost.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdbool.h>
#include <stdlib.h>

#include "counts.h"
#include "payback-internal.h"

/* All looks weigh alike in a page's pace, until there were so many. */
#define PACE_LOOKS 31

/* As if there had been so many before the first, that found nothing */
#define PACE_LOOKS_AT_FIRST 3

/* What is noted of a page for a short time */
#define LOOKED 1        /* found by a second look since the last scan */
#define PLANNED 2       /* is in the plan at hand */

/* How far ahead memory is asked for, in runs */
#define AHEAD 16

/* Notes */

static bool payback_has_note(const RaminatePolicy *p, uint32_t page,
                             uint8_t note)
{
    return raminate_counts_get(p->notes, page) & note;
}

static void payback_note(RaminatePolicy *p, uint32_t page, uint8_t note)
{
    raminate_counts_set(p->notes, page,
                        raminate_counts_get(p->notes, page) | note);
}

/* Returns: whether there was such a note. */
static bool payback_drop_note(RaminatePolicy *p, uint32_t page, uint8_t note)
{
    uint8_t notes = raminate_counts_get(p->notes, page);

    raminate_counts_set(p->notes, page, notes & ~note);
    return notes & note;
}

/* Life */

/* What was appraised by other costs, and of other lines, is of no use. */
static void payback_set_use(RaminatePolicy *p, RaminateLineUse use)
{
    p->use = use;
    p->counted = use == RAMINATE_LINE_BOTH ? RAMINATE_ACCESSED
                                           : RAMINATE_WRITTEN;
    payback_model_set_use(&p->model, use);
    for (unsigned tier = 0; tier + 1 < p->nr_tiers; tier++) {
        payback_border_init(&p->borders[tier],
                            raminate_placement_layout(p->placement), tier,
                            use);
    }
}

static void payback_destroy(RaminatePolicy *p)
{
    if (p) {
        payback_lists_destroy(&p->lists);
        raminate_regions_free(p->notes);
        raminate_sample_destroy(&p->looked);
        free(p->borders);
        free(p);
    }
}

static RaminatePolicy *payback_create(const RaminatePolicyConfig *config)
{
    const RaminateLayout *layout =
        raminate_placement_layout(config->placement);
    RaminatePolicy *p = calloc(1, sizeof(*p));

    if (!p) {
        return NULL;
    }
    p->placement = config->placement;
    p->backoff = config->backoff;
    p->nr_tiers = raminate_placement_tiers(config->placement);
    p->borders = calloc(p->nr_tiers, sizeof(*p->borders));
    p->notes =
        raminate_regions_new(raminate_placement_pages(config->placement),
                             sizeof(uint8_t));
    if (!payback_lists_init(&p->lists, p->placement) || !p->borders ||
        !p->notes) {
        payback_destroy(p);
        return NULL;
    }
    p->reads_cost = raminate_layout_reads_cost(layout);
    payback_model_init(&p->model, raminate_layout_unit_lines(layout));
    payback_set_use(p, RAMINATE_LINE_WRITTEN);
    return p;
}

/* Samples */

/* The scan that should have found them may have been dropped. */
static void payback_forget_look(RaminatePolicy *p)
{
    RAMINATE_SAMPLE_FOREACH(run, &p->looked, RAMINATE_ACCESSED) {
        for (unsigned i = 0; i < run->nr; i++) {
            payback_drop_note(p, run->first + i, LOOKED);
        }
    }
    raminate_sample_destroy(&p->looked);
}

static void payback_look(RaminatePolicy *p, int64_t now_ms,
                         uint32_t window_ms, const RaminateSample *found)
{
    const RaminateSample nothing = { 0 };

    (void)now_ms;
    payback_forget_look(p);
    raminate_sample_merge(&p->looked, found, &nothing);
    p->look_window_ms = window_ms;
    RAMINATE_SAMPLE_FOREACH(run, found, p->counted) {
        for (unsigned i = 0; i < run->nr; i++) {
            payback_note(p, run->first + i, LOOKED);
        }
    }
}

static void payback_gauge(RaminatePolicy *p, const uint32_t *pages,
                          const uint32_t *lines, size_t nr)
{
    for (size_t i = 0; i < nr; i++) {
        const PaybackPage *page = payback_lists_get(&p->lists, pages[i]);

        payback_model_gauge(&p->model, payback_lists_state(&p->lists, page),
                            lines[i]);
    }
}

/* @before: the page's state; @looked: whether the second look found it */
static void payback_set_pace(RaminatePolicy *p, PaybackPage *page,
                             unsigned before, bool looked)
{
    unsigned weight = page->looks + PACE_LOOKS_AT_FIRST + 1;
    unsigned pace = page->pace;

    if (looked) {
        pace += (PAYBACK_PACE_FULL - pace) / weight;
    } else {
        pace -= pace / weight;
    }
    page->looks += page->looks < PACE_LOOKS;
    payback_model_pace(&p->model, payback_state_pace(before),
                       payback_pace_class(pace), looked);
    page->pace = pace;
}

static void payback_write(RaminatePolicy *p, uint32_t number)
{
    PaybackPage *page = payback_lists_need(&p->lists, number);
    unsigned before = payback_lists_state(&p->lists, page);
    unsigned gap = payback_gap_class(payback_state_age(before));
    uint32_t scans = p->lists.scan + 1 - page->last;
    float rate = page->last ? page->rate / (float)PAYBACK_RATE_FULL : 0;
    unsigned state;

    if (p->look_window_ms) {
        payback_set_pace(p, page, before,
                         payback_drop_note(p, number, LOOKED));
    }
    page->rate = payback_rate_after_write(rate, scans) * PAYBACK_RATE_FULL;
    state = payback_state(payback_pace_class(page->pace),
                          payback_rate_class(page->rate), gap, 0);
    payback_lists_write(&p->lists, number, page, before,
                        raminate_placement_tier(p->placement, number),
                        state / PAYBACK_AGES);
}

/* Returns: whether a run is so far ahead of @run. */
static bool has_ahead(const RaminateSample *found, const RaminateRun *run)
{
    return (size_t)(found->runs + found->nr_runs - run) > AHEAD;
}

static void payback_hit(RaminatePolicy *p, const RaminateSample *found)
{
    RAMINATE_SAMPLE_FOREACH(run, found, p->counted) {
        if (has_ahead(found, run)) {
            payback_lists_fetch(&p->lists, run[AHEAD].first);
        }
        for (unsigned i = 0; i < run->nr; i++) {
            const PaybackPage *page = payback_lists_get(&p->lists,
                                                        run->first + i);

            payback_model_hit(&p->model,
                              payback_lists_state(&p->lists, page),
                              run->kinds & RAMINATE_WRITTEN);
        }
    }
}

static RaminateLineUse payback_find_use(RaminatePolicy *p,
                                        const RaminateSample *found)
{
    if (!(found->kinds & RAMINATE_READ)) {
        return RAMINATE_LINE_WRITTEN;
    }
    p->tells = p->tells || raminate_sample_has(found, RAMINATE_READ);
    return !p->tells ? RAMINATE_LINE_READ
           : p->reads_cost ? RAMINATE_LINE_BOTH : RAMINATE_LINE_WRITTEN;
}

static void payback_sample(RaminatePolicy *p, int64_t now_ms,
                           const RaminateSample *found)
{
    uint32_t counts[PAYBACK_STATES];
    RaminateLineUse use = payback_find_use(p, found);

    if (use != p->use) {
        payback_set_use(p, use);
    }
    payback_hit(p, found);
    payback_lists_sum(&p->lists, 0, p->nr_tiers, counts);
    payback_model_learn(&p->model, counts);
    RAMINATE_SAMPLE_FOREACH(run, found, p->counted) {
        if (has_ahead(found, run)) {
            payback_lists_fetch_around(&p->lists, &run[AHEAD]);
        }
        for (unsigned i = 0; i < run->nr; i++) {
            payback_write(p, run->first + i);
        }
    }
    payback_lists_age(&p->lists);
    if (p->look_window_ms) {
        payback_model_learn_paces(&p->model,
                                  p->lists.scan > 1 ? now_ms - p->last_ms : 0,
                                  p->look_window_ms);
        p->look_window_ms = 0;
    }
    payback_forget_look(p);
    p->last_ms = now_ms;
}

/* Plans */

/* A way through pages of some tiers, by the advantage of their states */
typedef struct PaybackWalk {
    bool promote;           /* from the greatest advantage down */
    unsigned nr;            /* of ranks */
    unsigned rank;          /* it is in */
    unsigned first_tier;
    unsigned end_tier;
    unsigned tier;
    uint32_t page;          /* where it is, RAMINATE_NO_PAGE at the end */
} PaybackWalk;

static int compare_ranks(const void *a, const void *b)
{
    const PaybackRank *rank_a = a;
    const PaybackRank *rank_b = b;

    if (rank_a->advantage != rank_b->advantage) {
        return rank_a->advantage < rank_b->advantage ? 1 : -1;
    }
    /* Not all C libraries leave what is alike in its order. */
    return (rank_a->state > rank_b->state) - (rank_a->state < rank_b->state);
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

    payback_lists_sum(&p->lists, 0, border->behind, before);
    payback_lists_sum(&p->lists, border->behind, p->nr_tiers, behind);
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
    return payback_has_note(p, page, PLANNED) ||
           raminate_backoff_holds(p->backoff, page);
}

/* Takes a step in the list that @walk is in. */
static void payback_step(RaminatePolicy *p, PaybackWalk *walk)
{
    unsigned state = p->ranks[walk->rank].state;

    walk->page = walk->promote
                 ? payback_lists_prev(&p->lists, walk->tier, state, walk->page)
                 : payback_lists_next(&p->lists, walk->tier, state,
                                      walk->page);
}

/* Returns: whether there is a list after the one that @walk is in. */
static bool payback_turn(PaybackWalk *walk)
{
    if (walk->tier + 1 < walk->end_tier) {
        walk->tier++;
        return true;
    }
    if (walk->promote ? walk->rank + 1 == walk->nr : walk->rank == 0) {
        return false;
    }
    walk->rank += walk->promote ? 1 : -1;
    walk->tier = walk->first_tier;
    return true;
}

static void payback_go_on(RaminatePolicy *p, PaybackWalk *walk)
{
    do {
        payback_step(p, walk);
        while (walk->page == RAMINATE_NO_PAGE) {
            if (!payback_turn(walk)) {
                return;
            }
            payback_step(p, walk);
        }
    } while (payback_passes_over(p, walk->page));
}

static PaybackWalk payback_walk(RaminatePolicy *p, unsigned nr, bool promote,
                                unsigned first_tier, unsigned end_tier)
{
    PaybackWalk walk = {
        .promote = promote,
        .nr = nr,
        .rank = promote ? 0 : nr - 1,
        .first_tier = first_tier,
        .end_tier = end_tier,
        .tier = first_tier,
        .page = RAMINATE_NO_PAGE,
    };

    payback_go_on(p, &walk);
    return walk;
}

/* Returns: number of moves that bring pages from slower tiers to @tier. */
static size_t payback_plan_tier(RaminatePolicy *p, unsigned tier,
                                RaminateMove *moves, size_t max)
{
    unsigned nr = payback_rank(p, tier);
    const PaybackBorder *border = &p->borders[tier];
    PaybackWalk up = payback_walk(p, nr, true, border->behind, p->nr_tiers);
    PaybackWalk down = payback_walk(p, nr, false, tier, tier + 1);
    size_t planned = 0;

    while (planned < max && up.page != RAMINATE_NO_PAGE &&
           down.page != RAMINATE_NO_PAGE &&
           p->ranks[up.rank].advantage - p->ranks[down.rank].advantage >
           border->swap_cost) {
        moves[planned].page = up.page;
        moves[planned].with = down.page;
        planned++;
        payback_note(p, up.page, PLANNED);
        payback_note(p, down.page, PLANNED);
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
    payback_model_weigh(&p->model, p->lists.scan);
    for (unsigned tier = 0; tier + 1 < p->nr_tiers; tier++) {
        /* Between tiers that cost the same, no move pays. */
        if (p->borders[tier].behind < p->nr_tiers) {
            planned += payback_plan_tier(p, tier, moves + planned,
                                         max - planned);
        }
    }
    for (size_t i = 0; i < planned; i++) {
        payback_drop_note(p, moves[i].page, PLANNED);
        payback_drop_note(p, moves[i].with, PLANNED);
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
    payback_lists_move(&p->lists, a, tier_b, tier_a);
    payback_lists_move(&p->lists, b, tier_a, tier_b);
}

static void payback_given(RaminatePolicy *p, int64_t now_ms, uint32_t page,
                          unsigned from)
{
    (void)now_ms;
    payback_lists_move(&p->lists, page, from,
                       raminate_placement_tier(p->placement, page));
}

static size_t payback_memory(const RaminatePolicy *p)
{
    return raminate_regions_memory(p->lists.pages) +
           raminate_regions_memory(p->notes);
}

const RaminatePolicyOps raminate_policy_payback = {
    .name = "payback",
    .summary = "pages go up whose writes will pay for the swap, as learned "
               "from pages with the same history",
    .kinds = RAMINATE_WRITTEN,
    .bytes_per_page = sizeof(PaybackPage) + sizeof(uint8_t),
    .memory = payback_memory,
    .create = payback_create,
    .destroy = payback_destroy,
    .look = payback_look,
    .gauge = payback_gauge,
    .sample = payback_sample,
    .plan = payback_plan,
    .moved = payback_moved,
    .given = payback_given,
    .explain = payback_explain,
};
