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

/* A page that the recording has */
typedef struct Page {
    uint32_t page;
    uint32_t found;             /* first step that found it written */
    size_t first;               /* of its events; those of the next follow */
} Page;

typedef struct Bound {
    GHashTable *numbers;        /* by page: its place in @pages, from 1 */
    GArray *pages;              /* of Page, ascending; one more at the end */
    uint32_t nr_steps;
    double capacity;            /* pages in the fastest tier */
    RaminateFrameRange fast;

    /*
     * Lines that a swap writes to a slower tier, put down to one of its two
     * pages; where there is room, to the one that has to go
     */
    double promotion;
    double demotion;

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

/*
 * @page: followed by the next one
 * Returns: cost of its cheapest schedule at the present prices.
 */
static double schedule_page(Bound *b, const Page *page)
{
    const Event *events = b->events + page->first;
    size_t nr = page[1].first - page->first;
    bool starts_fast = page->page - b->fast.first < b->fast.count;
    double slow = starts_fast ? INFINITY : 0;
    double fast = starts_fast ? 0 : INFINITY;
    uint32_t before = 0;

    for (size_t i = 0; i < nr; i++) {
        uint32_t step = events[i].step;
        double stay = fast + b->paid_before[step] - b->paid_before[before];
        double promote;

        b->choices[i] = fast + b->demotion < slow ? CAME_BY_DEMOTION : 0;
        slow = MIN(slow, fast + b->demotion);
        promote = step > page->found ? slow + b->promotion : INFINITY;
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
    for (guint i = 0; i + 1 < b->pages->len; i++) {
        cost += schedule_page(b, &g_array_index(b->pages, Page, i));
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

/* Returns: what is known of the page, which is new if need be. */
static Page *find_page(Bound *b, uint32_t page)
{
    gpointer key = GUINT_TO_POINTER(page);
    guint number = GPOINTER_TO_UINT(g_hash_table_lookup(b->numbers, key));

    if (!number) {
        Page new = { .page = page, .found = UINT32_MAX };

        g_array_append_val(b->pages, new);
        number = b->pages->len;
        g_hash_table_insert(b->numbers, key, GUINT_TO_POINTER(number));
    }
    return &g_array_index(b->pages, Page, number - 1);
}

/* Each page has the number of its events in @first then. */
static bool count_events(Bound *b, Trace *trace, GError **error)
{
    GError *err = NULL;
    const TraceStep *step;

    while ((step = trace_next(trace, &err))) {
        for (guint i = 0; i < step->pages->len; i++) {
            Page *page = find_page(b, g_array_index(step->pages, uint32_t, i));

            page->found = MIN(page->found, b->nr_steps);
        }
        for (guint i = 0; i < step->traffic_pages->len; i++) {
            find_page(b, g_array_index(step->traffic_pages, uint32_t,
                                       i))->first++;
        }
        b->nr_steps++;
    }
    if (err) {
        g_propagate_error(error, err);
    }
    return !err;
}

static int compare_pages(gconstpointer a, gconstpointer b)
{
    const Page *x = a;
    const Page *y = b;

    return (x->page > y->page) - (x->page < y->page);
}

/* Sorts the pages, and gives each its part of the events. */
static void share_out_events(Bound *b)
{
    Page end = { .page = UINT32_MAX };
    size_t first = 0;

    g_array_sort(b->pages, compare_pages);
    for (guint i = 0; i < b->pages->len; i++) {
        Page *page = &g_array_index(b->pages, Page, i);
        size_t nr = page->first;

        g_hash_table_insert(b->numbers, GUINT_TO_POINTER(page->page),
                            GUINT_TO_POINTER(i + 1));
        page->first = first;
        first += nr;
        b->longest = MAX(b->longest, nr);
    }
    end.first = first;
    g_array_append_val(b->pages, end);
}

static size_t nr_events(const Bound *b)
{
    return g_array_index(b->pages, Page, b->pages->len - 1).first;
}

/* Sorts the recording by page. */
static bool load_events(Bound *b, Trace *trace, GError **error)
{
    const TraceStep *step;
    uint32_t nr = 0;

    if (!count_events(b, trace, error)) {
        return false;
    }
    share_out_events(b);
    b->events = g_try_new(Event, nr_events(b) + 1);
    if (!b->events) {
        trace_set_no_memory(error, "what is written", b->pages->len - 1);
        return false;
    }
    trace_rewind(trace);
    while (nr < b->nr_steps && (step = trace_next(trace, NULL))) {
        for (guint i = 0; i < step->traffic_pages->len; i++) {
            Page *page = find_page(b, g_array_index(step->traffic_pages,
                                                    uint32_t, i));

            b->events[page->first++] = (Event) {
                .step = nr,
                .lines = g_array_index(step->written, uint32_t, i),
            };
        }
        nr++;
    }
    /* Each stands behind its events now, where those of the next begin. */
    for (guint i = b->pages->len - 1; i > 0; i--) {
        g_array_index(b->pages, Page, i).first =
            g_array_index(b->pages, Page, i - 1).first;
    }
    g_array_index(b->pages, Page, 0).first = 0;
    return true;
}

static double largest_price(const Bound *b)
{
    double max = 1;

    for (size_t i = 0; i < nr_events(b); i++) {
        max = MAX(max, b->events[i].lines);
    }
    return max;
}

bool bound_find(const char *path, const TraceOptions *options,
                const RaminateLayout *layout, double *lines, GError **error)
{
    g_autoptr(Trace) trace = trace_new(path, options, error);
    Bound b = {
        .fast = layout->ranges[0],
        .capacity = layout->ranges[0].count,
    };
    double swap_lines = raminate_layout_unit_lines(layout);
    bool ok;

    if (!trace) {
        return false;
    }
    if (layout->nr_pages < raminate_layout_frames(layout)) {
        b.demotion = swap_lines;
    } else {
        b.promotion = swap_lines;
    }
    b.numbers = g_hash_table_new(NULL, NULL);
    b.pages = g_array_new(FALSE, FALSE, sizeof(Page));
    ok = load_events(&b, trace, error);
    if (ok) {
        b.prices = g_new0(double, b.nr_steps + 1);
        b.paid_before = g_new0(double, b.nr_steps + 1);
        b.occupancy = g_new0(double, b.nr_steps + 1);
        b.choices = g_new0(uint8_t, b.longest + 1);
        *lines = find_prices(&b, find_flat_price(&b, largest_price(&b)));
    }
    g_hash_table_unref(b.numbers);
    g_array_unref(b.pages);
    g_free(b.events);
    g_free(b.prices);
    g_free(b.paid_before);
    g_free(b.occupancy);
    g_free(b.choices);
    return ok;
}
