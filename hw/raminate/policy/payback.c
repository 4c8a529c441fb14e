/*
 * RAMinate: the payback policy
 *
 * Moves a page only if the writes that it saves pay for the swap.  What a
 * page is going to be written is learned from what has become of pages with
 * the same history.  A page's history is
 * - its age: the scans since the last one that found it written,
 * - the age that it had when it was found written that time,
 * - its rate: the decayed share of scans that found it written until then,
 * - its pace: the share of second looks that found it written, among scans
 *   that did; without second looks all pages have the same.
 * Each is put into one of a few classes, and each combination is a state.
 * Counted for each state, and forgotten by and by, is how many of its pages
 * the next scan found written.  With that, a state's worth is the writes to
 * expect of a page, the near ones more than those to come later.  States are
 * chained: a page that is written, or is not, goes on to a state that is
 * known.  Promoted are pages of the worthiest states, for pages of the least
 * worthy ones, as long as the difference pays.
 *
 * So there is no threshold to set for what is hot.  Where all pages are
 * written alike, all states are worth the same, and nothing moves.
 *
 * With more than two tiers, the fastest is served first, from all others,
 * then the next with what is left.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdbool.h>
#include <stdlib.h>

#include "page-list.h"
#include "policy.h"

/* Ages 0, 1, 2 to 3, 4 to 7 and so on; the last class has no end. */
#define AGES 12
#define GAPS 7

/* Steps of about half an octave from 1/64 to 1 */
#define RATES 12
#define RATE_FULL 65535u

/* From 1/24 on, each class reaches twice as high. */
#define PACES 6
#define PACE_BITS 15
#define PACE_FULL ((1u << PACE_BITS) - 1)
#define PACE_LOWEST (PACE_FULL / 24)

#define STATES (PACES * RATES * GAPS * AGES)

/* 2 ^ (-1 / 48): in 48 scans without a write, a rate decays to a half. */
#define RATE_DECAY 0.985663f

/* A second look weighs so much of the pace. */
#define PACE_SHIFT 5

/* By this, a write is worth less if it comes a scan later. */
#define PATIENCE 0.99f

/* By this, what was counted is forgotten from scan to scan. */
#define MEMORY 0.99f

/*
 * How many writes a swap must save.  It writes two whole pages, one of them
 * to slow memory.
 */
#define SWAP_COST 20.0f

/* A state that was hardly seen is taken for what its rate says. */
#define PRIOR_WEIGHT 8.0f
#define RATE_OF_NEVER 0.0005f

/* Worths tend to what they are in sweeps, until none changes by much. */
#define SWEEPS 40
#define SWEEP_CHANGE (SWAP_COST / 20)

/* Packed because there is one for each page of the guest. */
typedef struct PaybackPage {
    uint32_t last;          /* scan that found it written, 0 for none */
    uint16_t rate;          /* as of that scan */
    uint16_t state;
    uint16_t pace:PACE_BITS;
    uint16_t looked:1;      /* found by a second look since the last scan */
    uint8_t tried;          /* number of a plan that it is in, or 0 */
} __attribute__((packed)) PaybackPage;

typedef struct PaybackState {
    float seen;             /* its pages, summed over scans */
    float written;          /* those that the next scan found written */
    float worth;
    uint32_t pages;         /* now */
    uint32_t hits;          /* found written by the scan at hand */
} PaybackState;

/* Where a page's rate goes if it is written: between two classes */
typedef struct PaybackStep {
    unsigned rate;
    float above;            /* share that goes to the class above @rate */
} PaybackStep;

/* What second looks say of pages of one pace */
typedef struct PaybackPace {
    float seen;             /* pages that a scan found written */
    float looked;           /* those that the second look before it found */
    float went[PACES];      /* and the pace that they had then */
    float writes;           /* a scan that finds a page written stands for */
    float chances[PACES];   /* of the pace that a page has once written */
} PaybackPace;

/* A state by its worth */
typedef struct PaybackRank {
    float worth;
    uint16_t state;
} PaybackRank;

struct RaminatePolicy {
    const RaminatePlacement *placement;
    unsigned nr_tiers;
    uint32_t nr_pages;
    uint32_t scan;
    int64_t last_ms;
    uint32_t look_window_ms;    /* 0: none since the last scan */

    PaybackPage *pages;
    RaminatePageLink *links;
    PaybackState states[STATES];
    PaybackPace paces[PACES];
    PaybackStep steps[RATES][AGES];
    RaminatePageList *lists;    /* by tier and state */

    uint8_t plan;               /* number of the last one, 1 to 255 */
    PaybackRank ranks[STATES];
};

/* Classes */

static unsigned age_class(uint32_t age)
{
    unsigned class = age ? 32 - __builtin_clz(age) : 0;

    return class < AGES ? class : AGES - 1;
}

/* Returns: number of ages in the class. */
static float age_width(unsigned age)
{
    return age ? 1u << (age - 1) : 1;
}

static unsigned rate_class(unsigned rate)
{
    unsigned step = rate >> 10;
    unsigned octave;

    if (step == 0) {
        return 0;
    }
    octave = 31 - __builtin_clz(step);
    return 2 * octave + (octave ? step >> (octave - 1) & 1
                                : rate >> 9 & 1);
}

/* Returns: the rate in the middle of a class. */
static float rate_of_class(unsigned rate)
{
    float low = (1u << rate / 2) * (rate % 2 ? 1.5f : 1.0f) / 64;

    return low * (rate % 2 ? 1.155f : 1.225f);
}

static unsigned pace_class(unsigned pace)
{
    unsigned class = 0;

    for (unsigned limit = PACE_LOWEST; pace >= limit && class < PACES - 1;
         limit *= 2) {
        class++;
    }
    return class;
}

static unsigned state_of(unsigned pace, unsigned rate, unsigned gap,
                         unsigned age)
{
    return ((pace * RATES + rate) * GAPS + gap) * AGES + age;
}

static unsigned state_age(unsigned state)
{
    return state % AGES;
}

static unsigned state_rate(unsigned state)
{
    return state / AGES / GAPS % RATES;
}

static unsigned state_pace(unsigned state)
{
    return state / AGES / GAPS / RATES;
}

/* Lists */

static RaminatePageList *payback_list(const RaminatePolicy *p, unsigned tier,
                                      unsigned state)
{
    return &p->lists[tier * STATES + state];
}

static void payback_leave(RaminatePolicy *p, uint32_t page, unsigned tier)
{
    unsigned state = p->pages[page].state;

    raminate_page_list_remove(payback_list(p, tier, state), p->links, page);
    p->states[state].pages--;
}

static void payback_enter(RaminatePolicy *p, uint32_t page, unsigned tier,
                          unsigned state)
{
    raminate_page_list_append(payback_list(p, tier, state), p->links, page);
    p->states[state].pages++;
    p->pages[page].state = state;
}

/* Learning */

static float power(float base, unsigned exponent)
{
    float result = 1;

    for (; exponent; exponent >>= 1) {
        if (exponent & 1) {
            result *= base;
        }
        base *= base;
    }
    return result;
}

/* Returns: the rate of a page that is written @age scans after it was. */
static float rate_after_write(float rate, uint32_t age)
{
    return 1 - (1 - rate * power(RATE_DECAY, age)) * RATE_DECAY;
}

static void payback_make_steps(RaminatePolicy *p)
{
    for (unsigned rate = 0; rate < RATES; rate++) {
        for (unsigned age = 0; age < AGES; age++) {
            uint32_t scans = 1 + (age ? 3u << (age - 1) >> 1 : 0);
            float after = rate_after_write(rate_of_class(rate), scans);
            PaybackStep *step = &p->steps[rate][age];
            float low;

            while (step->rate + 2 < RATES &&
                   rate_of_class(step->rate + 1) <= after) {
                step->rate++;
            }
            low = rate_of_class(step->rate);
            step->above = (after - low) /
                          (rate_of_class(step->rate + 1) - low);
            step->above = step->above < 0 ? 0 :
                          step->above > 1 ? 1 : step->above;
        }
    }
}

/* Returns: what to think of a state of which nothing is known. */
static float payback_prior(unsigned state)
{
    unsigned age = state_age(state);

    if (age == AGES - 1) {
        return RATE_OF_NEVER;
    }
    return rate_of_class(state_rate(state)) *
           power(RATE_DECAY, age ? 1u << (age - 1) : 0);
}

/* Returns: the worth of a page of state @index that was just written. */
static float payback_worth_after_write(const RaminatePolicy *p,
                                       unsigned index)
{
    unsigned age = state_age(index);
    const PaybackPace *pace = &p->paces[state_pace(index)];
    const PaybackStep *step = &p->steps[state_rate(index)][age];
    unsigned gap = age < GAPS ? age : GAPS - 1;
    float worth = 0;

    for (unsigned to = 0; to < PACES; to++) {
        if (pace->chances[to] > 0) {
            float low = p->states[state_of(to, step->rate, gap, 0)].worth;
            float high = p->states[state_of(to, step->rate + 1, gap, 0)].worth;

            worth += pace->chances[to] * (low + step->above * (high - low));
        }
    }
    return worth;
}

/* Returns: the worth of a page of state @index, going by the worths so far. */
static float payback_worth(const RaminatePolicy *p, unsigned index)
{
    const PaybackState *state = &p->states[index];
    unsigned age = state_age(index);
    float chance = (state->written + PRIOR_WEIGHT * payback_prior(index)) /
                   (state->seen + PRIOR_WEIGHT);
    float writes = p->paces[state_pace(index)].writes;
    float worth = chance * (writes + PATIENCE *
                            payback_worth_after_write(p, index));
    float stay = (1 - chance) * PATIENCE;

    if (age < AGES - 1) {
        float leave = 1 / age_width(age);

        worth += stay * leave * p->states[index + 1].worth;
        stay *= 1 - leave;
    }
    return worth / (1 - stay);
}

static void payback_learn(RaminatePolicy *p)
{
    for (unsigned i = 0; i < STATES; i++) {
        PaybackState *state = &p->states[i];

        state->seen = state->seen * MEMORY + state->pages;
        state->written = state->written * MEMORY + state->hits;
        state->hits = 0;
    }
}

static void payback_appraise(RaminatePolicy *p)
{
    bool changes = true;

    for (unsigned sweep = 0; changes && sweep < SWEEPS; sweep++) {
        changes = false;
        for (unsigned i = STATES; i-- > 0;) {
            float worth = payback_worth(p, i);
            float change = worth - p->states[i].worth;

            changes |= change > SWEEP_CHANGE || change < -SWEEP_CHANGE;
            p->states[i].worth = worth;
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
        free(p);
    }
}

static RaminatePolicy *payback_create(const RaminatePolicyConfig *config)
{
    RaminatePolicy *p = calloc(1, sizeof(*p));

    if (!p) {
        return NULL;
    }
    p->placement = config->placement;
    p->nr_tiers = raminate_placement_tiers(config->placement);
    p->nr_pages = raminate_placement_pages(config->placement);
    p->pages = calloc(p->nr_pages, sizeof(*p->pages));
    p->links = calloc(p->nr_pages, sizeof(*p->links));
    p->lists = calloc((size_t)p->nr_tiers * STATES, sizeof(*p->lists));
    if (!p->pages || !p->links || !p->lists) {
        payback_destroy(p);
        return NULL;
    }
    for (unsigned i = 0; i < p->nr_tiers * STATES; i++) {
        raminate_page_list_init(&p->lists[i]);
    }
    for (unsigned i = 0; i < PACES; i++) {
        p->paces[i].writes = 1;
        p->paces[i].chances[i] = 1;
    }
    payback_make_steps(p);
    for (uint32_t page = 0; page < p->nr_pages; page++) {
        payback_enter(p, page, raminate_placement_tier(p->placement, page),
                      state_of(0, 0, GAPS - 1, AGES - 1));
    }
    return p;
}

/* Samples */

static void payback_look(RaminatePolicy *p, int64_t now_ms,
                         uint32_t window_ms, const uint32_t *pages, size_t nr)
{
    (void)now_ms;
    p->look_window_ms = window_ms;
    for (size_t i = 0; i < nr; i++) {
        p->pages[pages[i]].looked = true;
    }
}

/*
 * A look through a window finds a page with a chance that grows with its
 * writes: of one write, by the window's share of the scan period.
 */
static void payback_learn_paces(RaminatePolicy *p, int64_t period_ms)
{
    for (unsigned i = 0; i < PACES; i++) {
        PaybackPace *pace = &p->paces[i];
        float share = pace->looked / (pace->seen + 1);
        float writes = share / (1 - share / 2) * period_ms /
                       p->look_window_ms;

        pace->writes = writes > 1 ? writes : 1;
        for (unsigned to = 0; to < PACES; to++) {
            pace->chances[to] = (pace->went[to] + (to == i)) /
                                (pace->seen + 1);
            pace->went[to] *= MEMORY;
        }
        pace->seen *= MEMORY;
        pace->looked *= MEMORY;
    }
}

static void payback_set_pace(RaminatePolicy *p, PaybackPage *page)
{
    PaybackPace *from = &p->paces[state_pace(page->state)];
    unsigned pace = page->pace;

    from->seen++;
    from->looked += page->looked;
    if (page->looked) {
        pace += (PACE_FULL - pace) >> PACE_SHIFT;
    } else {
        pace -= pace >> PACE_SHIFT;
    }
    from->went[pace_class(pace)]++;
    page->pace = pace;
    page->looked = false;
}

static void payback_write(RaminatePolicy *p, uint32_t number)
{
    PaybackPage *page = &p->pages[number];
    unsigned tier = raminate_placement_tier(p->placement, number);
    unsigned age = state_age(page->state);
    uint32_t scans = p->scan - page->last;
    float rate = page->last ? page->rate / (float)RATE_FULL : 0;

    payback_leave(p, number, tier);
    if (p->look_window_ms) {
        payback_set_pace(p, page);
    }
    page->rate = rate_after_write(rate, scans) * RATE_FULL;
    page->last = p->scan;
    payback_enter(p, number, tier,
                  state_of(pace_class(page->pace), rate_class(page->rate),
                           age < GAPS ? age : GAPS - 1, 0));
}

/* Moves pages on whose age has left its class; a write pays for AGES moves. */
static void payback_age(RaminatePolicy *p)
{
    for (unsigned i = 0; i < STATES; i++) {
        if (!p->states[i].pages || state_age(i) == AGES - 1) {
            continue;
        }
        for (unsigned tier = 0; tier < p->nr_tiers; tier++) {
            RaminatePageList *list = payback_list(p, tier, i);

            while (list->head != RAMINATE_NO_PAGE) {
                uint32_t page = list->head;
                unsigned age = age_class(p->scan - p->pages[page].last);

                if (age == state_age(i)) {
                    break;
                }
                payback_leave(p, page, tier);
                payback_enter(p, page, tier, i - state_age(i) + age);
            }
        }
    }
}

static void payback_sample(RaminatePolicy *p, int64_t now_ms,
                           const uint32_t *pages, size_t nr)
{
    for (size_t i = 0; i < nr; i++) {
        p->states[p->pages[pages[i]].state].hits++;
    }
    payback_learn(p);
    p->scan++;
    for (size_t i = 0; i < nr; i++) {
        payback_write(p, pages[i]);
    }
    payback_age(p);
    if (p->look_window_ms) {
        payback_learn_paces(p, p->scan > 1 ? now_ms - p->last_ms : 0);
        p->look_window_ms = 0;
    }
    p->last_ms = now_ms;
}

/* Plans */

/* A way through pages of some tiers, by the worth of their states */
typedef struct PaybackWalk {
    bool promote;           /* from the worthiest state down */
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

    return (rank_a->worth < rank_b->worth) - (rank_a->worth > rank_b->worth);
}

/* Returns: number of ranks, of states that have pages. */
static unsigned payback_rank(RaminatePolicy *p)
{
    unsigned nr = 0;

    for (unsigned i = 0; i < STATES; i++) {
        if (p->states[i].pages) {
            p->ranks[nr].worth = p->states[i].worth;
            p->ranks[nr].state = i;
            nr++;
        }
    }
    qsort(p->ranks, nr, sizeof(p->ranks[0]), compare_ranks);
    return nr;
}

/* Returns: whether to pass over @page, because it is planned or failed. */
static bool payback_passes_over(RaminatePolicy *p, uint32_t page)
{
    uint8_t tried = p->pages[page].tried;

    if (tried && tried != p->plan) {
        p->pages[page].tried = 0;
    }
    return tried;
}

/* What is passed over was in a plan: that one has paid for it. */
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
            list = payback_list(p, walk->tier++, walk->rank->state);
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
static size_t payback_plan_tier(RaminatePolicy *p, unsigned tier, unsigned nr,
                                RaminatePair *pairs, size_t max)
{
    PaybackWalk up = payback_walk(p, nr, true, tier + 1, p->nr_tiers);
    PaybackWalk down = payback_walk(p, nr, false, tier, tier + 1);
    size_t planned = 0;

    while (planned < max && up.page != RAMINATE_NO_PAGE &&
           down.page != RAMINATE_NO_PAGE &&
           up.rank->worth - down.rank->worth > SWAP_COST) {
        pairs[planned].promote = up.page;
        pairs[planned].demote = down.page;
        planned++;
        p->pages[up.page].tried = p->plan;
        p->pages[down.page].tried = p->plan;
        payback_go_on(p, &up);
        payback_go_on(p, &down);
    }
    return planned;
}

static size_t payback_plan(RaminatePolicy *p, int64_t now_ms,
                           RaminatePair *pairs, size_t max)
{
    size_t planned = 0;
    unsigned nr;

    (void)now_ms;
    payback_appraise(p);
    nr = payback_rank(p);
    p->plan = p->plan % UINT8_MAX + 1;
    for (unsigned tier = 0; tier + 1 < p->nr_tiers; tier++) {
        planned += payback_plan_tier(p, tier, nr, pairs + planned,
                                     max - planned);
    }
    return planned;
}

static void payback_swapped(RaminatePolicy *p, int64_t now_ms,
                            uint32_t a, uint32_t b)
{
    unsigned tier_a = raminate_placement_tier(p->placement, a);
    unsigned tier_b = raminate_placement_tier(p->placement, b);

    (void)now_ms;
    p->pages[a].tried = 0;
    p->pages[b].tried = 0;
    payback_leave(p, a, tier_b);
    payback_enter(p, a, tier_a, p->pages[a].state);
    payback_leave(p, b, tier_a);
    payback_enter(p, b, tier_b, p->pages[b].state);
}

static void payback_set_life_time(RaminatePolicy *p, uint32_t life_time_ms)
{
    (void)p;
    (void)life_time_ms;
}

const RaminatePolicyOps raminate_policy_payback = {
    .name = "payback",
    .summary = "pages go up whose writes will pay for the swap, as learned "
               "from pages with the same history",
    .bytes_per_page = sizeof(PaybackPage) + sizeof(RaminatePageLink),
    .create = payback_create,
    .destroy = payback_destroy,
    .look = payback_look,
    .sample = payback_sample,
    .plan = payback_plan,
    .swapped = payback_swapped,
    .set_life_time = payback_set_life_time,
};
