/*
 * RAMinate: what the payback policy has learned, and what it makes of it
 *
 * Let b be the lines that a page of state s is expected to write until the
 * next scan, p the price of a fast frame for that time, and C the cost of a
 * swap.  To be in fast memory is worth
 *
 *     A(s) = b(s) - p + g E[A(s')], with A(s') between 0 and C
 *
 * more than not to be, where s' is the state at the next scan, and g is how
 * much less a line is worth that is saved a scan later.  A page whose
 * frame is not worth its price can be demoted then for nothing, at another's
 * expense, and one that is worth more than a swap can be promoted then for C.
 * This is a Markov decision process for each page by itself; the price binds
 * them together, as in Whittle's "Restless bandits" (1988).  Value iteration
 * solves it; the price is found by bisection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <math.h>
#include <string.h>

#include "payback-model.h"

/* By this, what was counted is forgotten from scan to scan. */
#define MEMORY 0.99f

/*
 * A swap that takes longer to pay than so many scans is not made.  What was
 * seen for a while is expected to go on for twice as long, so that there is
 * less patience at first.
 */
#define PATIENCE_MAX 200.0f
#define PATIENCE_MIN 10.0f
#define OUTLOOK 2.0f

/* A state that was hardly seen is taken for what its rate says. */
#define PRIOR_WEIGHT 8.0f
#define RATE_OF_NEVER 0.0005f

/* One hardly gauged has the lines of its pace, and that those of all. */
#define LINES_WEIGHT 8.0f
#define PACE_LINES_WEIGHT 8.0f
#define LINES_AT_FIRST 0.5f         /* of those in a page */
#define LINES_AT_FIRST_WEIGHT 2.0f

/*
 * Lines written for each that is seen to change.  Those that were written with
 * what they held are not seen, nor how often a line is written back: in
 * docs/evaluation.md's workloads for choosing, 1.7 to 4.6 lines are.
 */
#define LINES_PER_CHANGE 1.5f

/* Share of the pages of a state, found by scans, that are written */
#define WROTE_AT_FIRST 0.5f

/*
 * So many are taken to have changed in a page that was written, though none
 * is seen to have: memory does not compare, and takes what is written with
 * what it held.
 */
#define LINES_UNSEEN 4

/* Advantages tend to what they are in sweeps, until none changes by much. */
#define SWEEPS 100
#define SWEEP_CHANGE (1 / 50.0f)     /* of the cost of a swap */

/* The price is found to a hundredth. */
#define BISECTIONS 10
#define PRICE_STEP 0.01f
#define PRICE_MAX 64.0f             /* for each line in a page */

/*
 * What all states have one of, with those of one age next to each other: they
 * don't depend on each other, so that several are worked out at once.
 */
typedef float ByAge[PAYBACK_AGES][PAYBACK_HISTORIES];

typedef struct Appraisal {
    float swap_cost;
    float price;
    float patience;
    ByAge chance;
    ByAge saving;
    ByAge advantage;
} Appraisal;

static void make_steps(PaybackModel *model)
{
    for (unsigned rate = 0; rate < PAYBACK_RATES; rate++) {
        for (unsigned age = 0; age < PAYBACK_AGES; age++) {
            uint32_t scans = 1 + (age ? 3u << (age - 1) >> 1 : 0);
            float after = payback_rate_after_write(payback_rate_of_class(rate),
                                                   scans);
            PaybackStep *step = &model->steps[rate][age];
            float low;

            while (step->rate + 2 < PAYBACK_RATES &&
                   payback_rate_of_class(step->rate + 1) <= after) {
                step->rate++;
            }
            low = payback_rate_of_class(step->rate);
            step->above = (after - low) /
                          (payback_rate_of_class(step->rate + 1) - low);
            step->above = fminf(fmaxf(step->above, 0), 1);
        }
    }
}

void payback_model_init(PaybackModel *model, uint32_t page_lines)
{
    memset(model, 0, sizeof(*model));
    model->page_lines = page_lines;
    for (unsigned i = 0; i < PAYBACK_PACES; i++) {
        model->paces[i].writes = 1;
        model->paces[i].chances[i] = 1;
    }
    make_steps(model);
}

void payback_border_init(PaybackBorder *border, const RaminateLayout *layout,
                         unsigned tier, RaminateLineUse use)
{
    const RaminateCosts *costs = &layout->costs[tier];
    const RaminateCosts *behind;
    float read;
    float written;

    memset(border, 0, sizeof(*border));
    border->behind = raminate_layout_costlier(layout, tier, use);
    if (border->behind == layout->nr_tiers) {
        return;
    }
    border->swap_cost = raminate_layout_swap_cost(layout, tier,
                                                  border->behind, use);
    border->write_worth = 1;
    if (use == RAMINATE_LINE_BOTH) {
        behind = &layout->costs[border->behind];
        read = (float)behind->read - costs->read;
        written = (float)behind->write - costs->write;
        border->write_worth = written / (read + written);
        border->read_worth = read / (read + written);
    }
}

/* Learning */

void payback_model_gauge(PaybackModel *model, unsigned state, uint32_t lines)
{
    model->states[state].gauged++;
    model->states[state].lines += lines ? lines : LINES_UNSEEN;
}

void payback_model_set_use(PaybackModel *model, RaminateLineUse use)
{
    model->use = use;
    for (unsigned i = 0; i < PAYBACK_STATES; i++) {
        model->states[i].gauged = 0;
        model->states[i].lines = 0;
    }
}

void payback_model_learn(PaybackModel *model, const uint32_t *pages)
{
    for (unsigned i = 0; i < PAYBACK_STATES; i++) {
        PaybackState *state = &model->states[i];

        state->seen = state->seen * MEMORY + pages[i];
        state->found = state->found * MEMORY + state->hits;
        state->wrote = state->wrote * MEMORY + state->writes;
        state->gauged *= MEMORY;
        state->lines *= MEMORY;
        state->hits = 0;
        state->writes = 0;
    }
}

void payback_model_pace(PaybackModel *model, unsigned from, unsigned to,
                        bool looked)
{
    PaybackPace *pace = &model->paces[from];

    pace->seen++;
    pace->looked += looked;
    pace->went[to]++;
}

/*
 * A look through a window finds a page with a chance that grows with its
 * writes: of one write, by the window's share of the scan period.
 */
void payback_model_learn_paces(PaybackModel *model, int64_t period_ms,
                               uint32_t window_ms)
{
    for (unsigned i = 0; i < PAYBACK_PACES; i++) {
        PaybackPace *pace = &model->paces[i];
        float share = pace->looked / (pace->seen + 1);

        pace->writes = fmaxf(1, share / (1 - share / 2) * period_ms /
                                window_ms);
        for (unsigned to = 0; to < PAYBACK_PACES; to++) {
            pace->chances[to] = (pace->went[to] + (to == i)) /
                                (pace->seen + 1);
            pace->went[to] *= MEMORY;
        }
        pace->seen *= MEMORY;
        pace->looked *= MEMORY;
    }
}

/* Weighing */

/*
 * Returns: the chance of a state of which nothing is known: what its rate says,
 * but no less than that of pages that were written less often, and are like
 * them otherwise.
 */
static float chance_at_first(const PaybackModel *model, unsigned state)
{
    unsigned rate = payback_state_rate(state);
    unsigned age = payback_state_age(state);
    float chance = RATE_OF_NEVER;

    if (age < PAYBACK_AGES - 1) {
        chance = payback_rate_after_rest(payback_rate_of_class(rate),
                                         age ? 1u << (age - 1) : 0);
    }
    return rate ? fmaxf(chance, model->chance[payback_state_below(state)])
                : chance;
}

/* Returns: a mean of @nr values, of which @weight more are as @expected. */
static float mean(float sum, float nr, float expected, float weight)
{
    return (sum + weight * expected) / (nr + weight);
}

/*
 * @lines: returns those that change in a page found written, by pace
 * Returns: the same of all paces.
 */
static float weigh_paces(const PaybackModel *model, float *lines)
{
    float nr[PAYBACK_PACES] = { 0 };
    float sum[PAYBACK_PACES] = { 0 };
    float all_nr = 0;
    float all_sum = 0;
    float all;

    for (unsigned i = 0; i < PAYBACK_STATES; i++) {
        nr[payback_state_pace(i)] += model->states[i].gauged;
        sum[payback_state_pace(i)] += model->states[i].lines;
    }
    for (unsigned i = 0; i < PAYBACK_PACES; i++) {
        all_nr += nr[i];
        all_sum += sum[i];
    }
    all = mean(all_sum, all_nr, model->page_lines * LINES_AT_FIRST,
               LINES_AT_FIRST_WEIGHT);
    for (unsigned i = 0; i < PAYBACK_PACES; i++) {
        lines[i] = mean(sum[i], nr[i], all, PACE_LINES_WEIGHT);
    }
    return all;
}

/* Returns: g, for a swap that is given the time to pay. */
static float patience_after(uint32_t scans)
{
    return 1 - 1 / fminf(fmaxf(OUTLOOK * scans, PATIENCE_MIN), PATIENCE_MAX);
}

/*
 * A cache writes back each line that changed once at least, and at most as
 * often as its page was written.  The geometric mean of the two is taken.  No
 * gauge tells how many lines are read: of all pages alike, it is supposed, as
 * many as change in the mean of those that are written.
 */
void payback_model_weigh(PaybackModel *model, uint32_t scans)
{
    float pace_lines[PAYBACK_PACES];
    float all_lines;

    model->patience = patience_after(scans);
    all_lines = weigh_paces(model, pace_lines);
    /* From low rates to high ones */
    for (unsigned i = 0; i < PAYBACK_STATES; i++) {
        const PaybackState *state = &model->states[i];
        unsigned pace = payback_state_pace(i);
        float lines = mean(state->lines, state->gauged, pace_lines[pace],
                           LINES_WEIGHT);
        float writes = sqrtf(model->paces[pace].writes);

        model->chance[i] = mean(state->found, state->seen,
                                chance_at_first(model, i), PRIOR_WEIGHT);
        model->saving[i] = model->chance[i] * lines * LINES_PER_CHANGE *
                           writes;
        if (model->use == RAMINATE_LINE_BOTH) {
            float wrote = mean(state->wrote, state->found, WROTE_AT_FIRST,
                               PRIOR_WEIGHT);

            model->saving[i] *= wrote;
            model->read_saving[i] = model->chance[i] * all_lines *
                                    LINES_PER_CHANGE * writes;
        }
    }
}

/* Appraising */

/* Returns: an advantage that can be had or left at the next scan. */
static inline float optional(float advantage, float swap_cost)
{
    advantage = advantage > 0 ? advantage : 0;
    return advantage < swap_cost ? advantage : swap_cost;
}

/* @written: returns values of pages just written, by history before */
static void set_written_values(const PaybackModel *model,
                               const Appraisal *appraisal, float *written)
{
    enum { NR = PAYBACK_RATES * PAYBACK_GAPS };

    memset(written, 0, PAYBACK_HISTORIES * sizeof(*written));
    for (unsigned from = 0; from < PAYBACK_PACES; from++) {
        for (unsigned to = 0; to < PAYBACK_PACES; to++) {
            float chance = model->paces[from].chances[to];
            const float *advantage = &appraisal->advantage[0][to * NR];

            for (unsigned i = 0; i < NR; i++) {
                written[from * NR + i] +=
                    chance * optional(advantage[i], appraisal->swap_cost);
            }
        }
    }
}

/* @values: returns what a write is worth to pages of @age, by history */
static void set_values(const PaybackModel *model, const float *written,
                       unsigned age, float *values)
{
    for (unsigned i = 0; i < PAYBACK_HISTORIES; i += PAYBACK_GAPS) {
        unsigned rate = i / PAYBACK_GAPS % PAYBACK_RATES;
        const PaybackStep *step = &model->steps[rate][age];
        const float *low = &written[i - (rate - step->rate) * PAYBACK_GAPS +
                                    payback_gap_class(age)];
        float value = low[0] + step->above * (low[PAYBACK_GAPS] - low[0]);

        for (unsigned gap = 0; gap < PAYBACK_GAPS; gap++) {
            values[i + gap] = value;
        }
    }
}

/*
 * Sets advantages of pages of @age, going by those so far.
 * @change: the greatest so far, by history
 */
static void set_advantages_of(Appraisal *appraisal, unsigned age,
                              const float *values, float *change)
{
    float swap_cost = appraisal->swap_cost;
    bool end = age == PAYBACK_AGES - 1;
    const float *older = appraisal->advantage[end ? age : age + 1];
    const float *saving = appraisal->saving[age];
    const float *chance = appraisal->chance[age];
    float *advantage = appraisal->advantage[age];
    /* A power of two, so that nothing is lost */
    float leaving = end ? 0 : 1 / payback_age_width(age);

    for (unsigned i = 0; i < PAYBACK_HISTORIES; i++) {
        float before = optional(advantage[i], swap_cost);
        float stay = 1 - chance[i];
        float leave = stay * leaving;
        float next = chance[i] * values[i] +
                     leave * optional(older[i], swap_cost) +
                     (stay - leave) * before;
        float now = saving[i] - appraisal->price + appraisal->patience * next;
        float difference = fabsf(optional(now, swap_cost) - before);

        advantage[i] = now;
        change[i] = change[i] > difference ? change[i] : difference;
    }
}

static void set_advantages(const PaybackModel *model, Appraisal *appraisal)
{
    float little = appraisal->swap_cost * SWEEP_CHANGE;
    float most = little;

    for (unsigned sweep = 0; most >= little && sweep < SWEEPS; sweep++) {
        float written[PAYBACK_HISTORIES];
        float values[PAYBACK_HISTORIES];
        float change[PAYBACK_HISTORIES] = { 0 };

        set_written_values(model, appraisal, written);
        for (unsigned age = PAYBACK_AGES; age-- > 0;) {
            set_values(model, written, age, values);
            set_advantages_of(appraisal, age, values, change);
        }
        most = 0;
        for (unsigned i = 0; i < PAYBACK_HISTORIES; i++) {
            most = change[i] > most ? change[i] : most;
        }
    }
}

/* Returns: whether more pages are worth a swap than there are frames. */
static bool too_cheap(const PaybackModel *model, float price,
                      const uint32_t *before, const uint32_t *behind,
                      Appraisal *appraisal)
{
    int64_t excess = 0;

    appraisal->price = price;
    set_advantages(model, appraisal);
    for (unsigned i = 0; i < PAYBACK_HISTORIES; i++) {
        for (unsigned age = 0; age < PAYBACK_AGES; age++) {
            float advantage = appraisal->advantage[age][i];

            if (advantage > appraisal->swap_cost) {
                excess += behind[i * PAYBACK_AGES + age];
            } else if (advantage < 0) {
                excess -= before[i * PAYBACK_AGES + age];
            }
        }
    }
    return excess > 0;
}

static void begin_appraisal(Appraisal *appraisal, const PaybackModel *model,
                            const PaybackBorder *border)
{
    appraisal->swap_cost = border->swap_cost;
    appraisal->patience = model->patience;
    for (unsigned i = 0; i < PAYBACK_STATES; i++) {
        unsigned age = i % PAYBACK_AGES;
        unsigned history = i / PAYBACK_AGES;

        appraisal->chance[age][history] = model->chance[i];
        appraisal->saving[age][history] =
            border->write_worth * model->saving[i] +
            border->read_worth * model->read_saving[i];
        appraisal->advantage[age][history] = border->advantage[i];
    }
}

static void end_appraisal(const Appraisal *appraisal, PaybackBorder *border)
{
    border->price = appraisal->price;
    for (unsigned i = 0; i < PAYBACK_STATES; i++) {
        border->advantage[i] =
            appraisal->advantage[i % PAYBACK_AGES][i / PAYBACK_AGES];
    }
}

void payback_model_appraise(const PaybackModel *model, const uint32_t *before,
                            const uint32_t *behind, PaybackBorder *border)
{
    Appraisal appraisal;
    float low = 0;
    float high = fmaxf(1, border->price * 2);

    begin_appraisal(&appraisal, model, border);
    while (too_cheap(model, high, before, behind, &appraisal) &&
           high < PRICE_MAX * model->page_lines) {
        low = high;
        high *= 4;
    }
    for (unsigned i = 0;
         i < BISECTIONS && high - low > PRICE_STEP * fmaxf(1, low); i++) {
        float price = (low + high) / 2;

        if (too_cheap(model, price, before, behind, &appraisal)) {
            low = price;
        } else {
            high = price;
        }
    }
    /* If all that want a frame are alike, none does at the higher price. */
    too_cheap(model, low, before, behind, &appraisal);
    end_appraisal(&appraisal, border);
}
