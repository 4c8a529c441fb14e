/*
 * RAMinate: what no policy can do better than that goes by what was written
 *
 * Such a policy promotes a page after a scan has found it written, not before.
 * The best schedule for all pages together, with all of the future known, is
 * bounded from below by Lagrange's relaxation: the fastest tier takes any
 * number of pages, but each of them pays a price for each step that it stays.
 * Then each page can be scheduled by itself, exactly.  The sum of what they
 * pay, less the price of all the frames that there are, is never above the
 * best schedule's cost, whatever the prices.  They are raised where the tier
 * would be overfull and lowered where it isn't, to bring the bound up.
 *
 * A promotion costs the lines that its exchange writes to the slower tier.
 * Limits on the number and the time of swaps are left out.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <math.h>

#include "bound.h"

#define PRICE_ROUNDS 60
#define FLAT_ROUNDS 24

/* A page's lines in one step */
typedef struct Event {
    uint32_t step;
    uint32_t lines;
} Event;

typedef struct Bound {
    uint32_t nr_pages;
    uint32_t nr_steps;
    double capacity;            /* pages in the fastest tier */
    RaminateFrameRange fast;

    uint64_t *first;            /* of each page's events, and of their end */
    uint32_t *found;            /* first step that found each page written */
    Event *events;
    size_t longest;             /* most events of a page */

    double *prices;             /* of each step */
    double *paid_before;        /* sum of all prices before a step */
    double *occupancy;          /* pages of each step, by differences */
    uint8_t *choices;           /* of one page at each of its events */
} Bound;

#define CAME_BY_PROMOTION 1
#define CAME_BY_DEMOTION 2

static void take_stretch(Bound *b, uint32_t from, uint32_t to)
{
    b->occupancy[from]++;
    b->occupancy[to]--;
}

/* Walks back along the cheapest schedule, and counts where it is fast. */
static void count_occupancy(Bound *b, const Event *events, size_t nr,
                            bool fast)
{
    for (size_t i = nr; i-- > 0;) {
        uint32_t step = events[i].step;
        uint32_t before = i ? events[i - 1].step + 1 : 0;

        if (fast) {
            take_stretch(b, step, step + 1);
            if (b->choices[i] & CAME_BY_PROMOTION) {
                fast = b->choices[i] & CAME_BY_DEMOTION;
            } else {
                take_stretch(b, before, step);
            }
        } else {
            fast = b->choices[i] & CAME_BY_DEMOTION;
        }
    }
}

/* Returns: cost of the cheapest schedule for @page at the present prices. */
static double schedule_page(Bound *b, uint32_t page)
{
    const Event *events = b->events + b->first[page];
    size_t nr = b->first[page + 1] - b->first[page];
    bool starts_fast = page - b->fast.first < b->fast.count;
    double slow = starts_fast ? INFINITY : 0;
    double fast = starts_fast ? 0 : INFINITY;
    uint32_t before = 0;

    for (size_t i = 0; i < nr; i++) {
        uint32_t step = events[i].step;
        double stay = fast + b->paid_before[step] - b->paid_before[before];
        double promote;

        b->choices[i] = fast < slow ? CAME_BY_DEMOTION : 0;
        slow = MIN(slow, fast);
        promote = step > b->found[page] ? slow + REPLAY_SWAP_LINES : INFINITY;
        if (promote < stay) {
            b->choices[i] |= CAME_BY_PROMOTION;
        }
        fast = MIN(stay, promote) + b->prices[step];
        slow += events[i].lines;
        before = step + 1;
    }
    count_occupancy(b, events, nr, fast < slow);
    return MIN(fast, slow);
}

/* Returns: the bound at the present prices; the occupancy is up to date. */
static double relax(Bound *b)
{
    double sum = 0;
    double cost = 0;

    for (uint32_t step = 0; step < b->nr_steps; step++) {
        b->paid_before[step] = sum;
        sum += b->prices[step];
    }
    b->paid_before[b->nr_steps] = sum;
    memset(b->occupancy, 0, (b->nr_steps + 1) * sizeof(*b->occupancy));
    for (uint32_t page = 0; page < b->nr_pages; page++) {
        cost += schedule_page(b, page);
    }
    for (uint32_t step = 1; step < b->nr_steps; step++) {
        b->occupancy[step] += b->occupancy[step - 1];
    }
    return cost - sum * b->capacity;
}

static void set_flat_price(Bound *b, double price)
{
    for (uint32_t step = 0; step < b->nr_steps; step++) {
        b->prices[step] = price;
    }
}

/* Returns: the best bound with one price for all steps, and sets it. */
static double find_flat_price(Bound *b, double max)
{
    double low = 0;
    double high = max;
    double best = -INFINITY;
    double best_price = 0;

    for (unsigned i = 0; i < FLAT_ROUNDS; i++) {
        double price = (low + high) / 2;
        double used = 0;
        double bound;

        set_flat_price(b, price);
        bound = relax(b);
        if (bound > best) {
            best = bound;
            best_price = price;
        }
        for (uint32_t step = 0; step < b->nr_steps; step++) {
            used += b->occupancy[step];
        }
        if (used > b->capacity * b->nr_steps) {
            low = price;
        } else {
            high = price;
        }
    }
    set_flat_price(b, best_price);
    return MAX(best, 0);
}

/* Returns: the best bound found with prices of their own for all steps. */
static double find_prices(Bound *b, double best)
{
    g_autofree double *best_prices = g_memdup2(b->prices, b->nr_steps *
                                               sizeof(*b->prices));
    double reach = 0.05;

    for (unsigned i = 0; i < PRICE_ROUNDS; i++) {
        double bound = relax(b);
        double norm = 0;
        double scale;

        if (bound > best) {
            best = bound;
            memcpy(best_prices, b->prices, b->nr_steps * sizeof(*b->prices));
        } else if (i % 4 == 3) {
            memcpy(b->prices, best_prices, b->nr_steps * sizeof(*b->prices));
            relax(b);
            reach /= 2;
        }
        for (uint32_t step = 0; step < b->nr_steps; step++) {
            double excess = b->occupancy[step] - b->capacity;

            if (excess > 0 || b->prices[step] > 0) {
                norm += excess * excess;
            }
        }
        if (norm == 0) {
            break;
        }
        /* Polyak's step: as if the best possible were a little above */
        scale = (reach * fabs(best) + 1 + best - MIN(bound, best)) / norm;
        for (uint32_t step = 0; step < b->nr_steps; step++) {
            double excess = b->occupancy[step] - b->capacity;

            b->prices[step] = MAX(0, b->prices[step] + scale * excess);
        }
    }
    return best;
}

/* Sorts the recording by page. */
static bool load_events(Bound *b, Trace *trace, GError **error)
{
    g_autofree uint64_t *next = NULL;
    GError *err = NULL;
    const TraceStep *step;
    uint32_t nr = 0;

    b->first = g_new0(uint64_t, (size_t)b->nr_pages + 1);
    b->found = g_new(uint32_t, b->nr_pages);
    memset(b->found, 0xff, b->nr_pages * sizeof(*b->found));
    while ((step = trace_next(trace, &err))) {
        for (guint i = 0; i < step->pages->len; i++) {
            uint32_t page = g_array_index(step->pages, uint32_t, i);

            b->found[page] = MIN(b->found[page], b->nr_steps);
        }
        for (guint i = 0; i < step->traffic_pages->len; i++) {
            b->first[g_array_index(step->traffic_pages, uint32_t, i) + 1]++;
        }
        b->nr_steps++;
    }
    if (err) {
        g_propagate_error(error, err);
        return false;
    }
    for (uint32_t page = 0; page < b->nr_pages; page++) {
        b->longest = MAX(b->longest, b->first[page + 1]);
        b->first[page + 1] += b->first[page];
    }
    b->events = g_new(Event, b->first[b->nr_pages] + 1);
    next = g_memdup2(b->first, b->nr_pages * sizeof(*b->first));
    trace_rewind(trace);
    while (nr < b->nr_steps && (step = trace_next(trace, NULL))) {
        for (guint i = 0; i < step->traffic_pages->len; i++) {
            uint32_t page = g_array_index(step->traffic_pages, uint32_t, i);

            b->events[next[page]++] = (Event) {
                .step = nr,
                .lines = g_array_index(step->written, uint32_t, i),
            };
        }
        nr++;
    }
    return true;
}

static double largest_price(const Bound *b)
{
    double max = 1;

    for (uint64_t i = 0; i < b->first[b->nr_pages]; i++) {
        max = MAX(max, b->events[i].lines);
    }
    return max;
}

bool bound_find(const char *path, const TraceOptions *options,
                const ReplayTiers *tiers, double *lines, GError **error)
{
    g_autoptr(Trace) trace = trace_new(path, options, error);
    Bound b = { .fast = tiers->ranges[0], .capacity = tiers->ranges[0].count };
    bool ok;

    if (!trace) {
        return false;
    }
    b.nr_pages = trace_header(trace)->nr_pages;
    ok = load_events(&b, trace, error);
    if (ok) {
        b.prices = g_new0(double, b.nr_steps + 1);
        b.paid_before = g_new0(double, b.nr_steps + 1);
        b.occupancy = g_new0(double, b.nr_steps + 1);
        b.choices = g_new0(uint8_t, b.longest + 1);
        *lines = find_prices(&b, find_flat_price(&b, largest_price(&b)));
    }
    g_free(b.first);
    g_free(b.found);
    g_free(b.events);
    g_free(b.prices);
    g_free(b.paid_before);
    g_free(b.occupancy);
    g_free(b.choices);
    return ok;
}
