/*
 * RAMinate: placement by what is going to be written
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "oracle.h"
#include "replay.h"

struct Oracle {
    OracleKind kind;
    const RaminatePlacement *placement;
    uint32_t foresight_ms;
    Trace *ahead;
    const TraceStep *next;      /* read, but not in @lines yet */
    bool ended;                 /* there is no further step to read */
    uint32_t write_worth;       /* of a line that is not written in a slow tier */
    uint32_t read_worth;        /* the same, read */
    uint64_t swap_cost;         /* in terms of those */
    uint32_t written_per_page;  /* lines of one found written, in the mean */
    uint32_t read_per_page;     /* and of one found read */
    GHashTable *worth;          /* by page: of what it will do as foreseen */
    GArray *up;                 /* pages to promote, those worth most first */
    GArray *down;               /* pages to demote, those worth least first */
};

/* A page and what being in a fast tier is worth to it */
typedef struct Prospect {
    uint32_t page;
    uint64_t worth;
} Prospect;

static uint64_t sum_of(const GArray *lines)
{
    uint64_t sum = 0;

    for (guint i = 0; i < lines->len; i++) {
        sum += g_array_index(lines, uint32_t, i);
    }
    return sum;
}

/* Reads all of the recording. */
static bool find_lines_per_page(Oracle *oracle, GError **error)
{
    GError *err = NULL;
    const TraceStep *step;
    uint64_t lines_written = 0;
    uint64_t lines_read = 0;
    uint64_t pages_written = 0;
    uint64_t pages_read = 0;

    while ((step = trace_next(oracle->ahead, &err))) {
        lines_written += sum_of(step->written);
        lines_read += sum_of(step->read);
        pages_written += step->pages->len;
        pages_read += step->read_pages->len;
    }
    oracle->written_per_page = (lines_written + pages_written / 2) /
                               MAX(pages_written, 1);
    oracle->read_per_page = (lines_read + pages_read / 2) /
                            MAX(pages_read, 1);
    if (err) {
        g_propagate_error(error, err);
        return false;
    }
    return true;
}

/*
 * Where reads cost the same everywhere, it goes by the writes to slow tiers
 * alone, those of swaps too; else by what all reads and writes cost.
 */
static void set_worths(Oracle *oracle)
{
    const RaminateLayout *layout =
        raminate_placement_layout(oracle->placement);
    unsigned fast_tiers = raminate_layout_fast_tiers(layout);
    const RaminateCosts *fast = &layout->costs[0];
    const RaminateCosts *slow =
        &layout->costs[MIN(fast_tiers, layout->nr_tiers - 1)];

    oracle->write_worth = 1;
    oracle->read_worth = 0;
    oracle->swap_cost = raminate_layout_unit_lines(layout);
    if (raminate_layout_reads_cost(layout)) {
        oracle->write_worth = slow->write - fast->write;
        oracle->read_worth = MAX(slow->read, fast->read) - fast->read;
        oracle->swap_cost *= (uint64_t)fast->read + slow->read +
                             fast->write + slow->write;
    }
}

Oracle *oracle_new(OracleKind kind, const char *path,
                   const TraceOptions *options,
                   const RaminatePlacement *placement, uint32_t foresight_ms,
                   GError **error)
{
    Trace *ahead = trace_new(path, options, error);
    Oracle *oracle;

    if (!ahead) {
        return NULL;
    }
    oracle = g_new(Oracle, 1);
    *oracle = (Oracle) {
        .kind = kind,
        .placement = placement,
        .foresight_ms = foresight_ms,
        .ahead = ahead,
        .worth = g_hash_table_new(NULL, NULL),
        .up = g_array_new(FALSE, FALSE, sizeof(Prospect)),
        .down = g_array_new(FALSE, FALSE, sizeof(Prospect)),
    };
    set_worths(oracle);
    if (kind == ORACLE_OF_PAGES && !find_lines_per_page(oracle, error)) {
        oracle_free(oracle);
        return NULL;
    }
    oracle_rewind(oracle);
    return oracle;
}

void oracle_free(Oracle *oracle)
{
    if (oracle) {
        trace_free(oracle->ahead);
        g_hash_table_unref(oracle->worth);
        g_array_unref(oracle->up);
        g_array_unref(oracle->down);
        g_free(oracle);
    }
}

void oracle_rewind(Oracle *oracle)
{
    trace_rewind(oracle->ahead);
    oracle->next = NULL;
    oracle->ended = false;
    g_hash_table_remove_all(oracle->worth);
}

static uint64_t worth_of(const Oracle *oracle, uint32_t page)
{
    return GPOINTER_TO_SIZE(g_hash_table_lookup(oracle->worth,
                                                GUINT_TO_POINTER(page)));
}

/* @more: may be what was added before, negative */
static void add_worth(Oracle *oracle, uint32_t page, int64_t more)
{
    uint64_t sum = worth_of(oracle, page) + more;

    if (sum) {
        g_hash_table_insert(oracle->worth, GUINT_TO_POINTER(page),
                            GSIZE_TO_POINTER(sum));
    } else {
        g_hash_table_remove(oracle->worth, GUINT_TO_POINTER(page));
    }
}

static void add_pages(Oracle *oracle, const GArray *pages, int64_t each)
{
    for (guint i = 0; each && i < pages->len; i++) {
        add_worth(oracle, g_array_index(pages, uint32_t, i), each);
    }
}

/* Adds what is done in a step, or takes it away. */
static void count_step(Oracle *oracle, const TraceStep *step, int sign)
{
    if (oracle->kind == ORACLE_OF_PAGES) {
        add_pages(oracle, step->pages,
                  sign * (int64_t)oracle->write_worth *
                  oracle->written_per_page);
        add_pages(oracle, step->read_pages,
                  sign * (int64_t)oracle->read_worth * oracle->read_per_page);
        return;
    }
    for (guint i = 0; i < step->traffic_pages->len; i++) {
        int64_t written = g_array_index(step->written, uint32_t, i);
        int64_t read = g_array_index(step->read, uint32_t, i);

        add_worth(oracle, g_array_index(step->traffic_pages, uint32_t, i),
                  sign * (written * oracle->write_worth +
                          read * oracle->read_worth));
    }
}

bool oracle_pass(Oracle *oracle, const TraceStep *step, GError **error)
{
    GError *err = NULL;

    while (!oracle->ended &&
           (!oracle->next ||
            oracle->next->time_ms <= step->time_ms + oracle->foresight_ms)) {
        if (oracle->next) {
            count_step(oracle, oracle->next, 1);
        }
        oracle->next = trace_next(oracle->ahead, &err);
        oracle->ended = !oracle->next;
    }
    count_step(oracle, step, -1);
    if (err) {
        g_propagate_error(error, err);
        return false;
    }
    return true;
}

static int worth_less(gconstpointer a, gconstpointer b)
{
    const Prospect *x = a;
    const Prospect *y = b;

    return x->worth != y->worth ? (x->worth > y->worth) - (x->worth < y->worth)
                                : (x->page > y->page) - (x->page < y->page);
}

static int worth_more(gconstpointer a, gconstpointer b)
{
    return worth_less(b, a);
}

/* Finds the pages to be written that may move. */
static void sort_busy_pages(Oracle *oracle)
{
    GHashTableIter iter;
    gpointer page, worth;

    g_array_set_size(oracle->up, 0);
    g_array_set_size(oracle->down, 0);
    g_hash_table_iter_init(&iter, oracle->worth);
    while (g_hash_table_iter_next(&iter, &page, &worth)) {
        Prospect prospect = {
            .page = GPOINTER_TO_UINT(page),
            .worth = GPOINTER_TO_SIZE(worth),
        };

        if (raminate_placement_is_fast(oracle->placement, prospect.page)) {
            g_array_append_val(oracle->down, prospect);
        } else if (prospect.worth > oracle->swap_cost) {
            g_array_append_val(oracle->up, prospect);
        }
    }
}

/*
 * Adds the first pages of @tier that won't be written, @max at most.
 * Returns: how many.
 */
static size_t add_idle_pages_of(Oracle *oracle, unsigned tier, size_t max)
{
    const RaminatePlacement *placement = oracle->placement;
    uint32_t page = raminate_placement_next_in_tier(placement, tier, 0);
    size_t nr = 0;

    while (nr < max && page != RAMINATE_NO_PAGE) {
        Prospect prospect = { .page = page };

        if (!worth_of(oracle, page)) {
            g_array_append_val(oracle->down, prospect);
            nr++;
        }
        page = raminate_placement_next_in_tier(placement, tier, page + 1);
    }
    return nr;
}

/* Adds @nr fast pages that won't be written, if there are so many. */
static void add_idle_pages(Oracle *oracle, size_t nr)
{
    unsigned nr_tiers = raminate_layout_fast_tiers(
        raminate_placement_layout(oracle->placement));

    for (unsigned tier = 0; tier < nr_tiers; tier++) {
        nr -= add_idle_pages_of(oracle, tier, nr);
    }
}

size_t oracle_plan(Oracle *oracle, RaminateMove *moves, size_t max)
{
    size_t nr = 0;

    sort_busy_pages(oracle);
    add_idle_pages(oracle, MIN(max, oracle->up->len));
    g_array_sort(oracle->up, worth_more);
    g_array_sort(oracle->down, worth_less);
    while (nr < MIN(max, MIN(oracle->up->len, oracle->down->len))) {
        const Prospect *up = &g_array_index(oracle->up, Prospect, nr);
        const Prospect *down = &g_array_index(oracle->down, Prospect, nr);

        if (up->worth <= down->worth + oracle->swap_cost) {
            break;
        }
        moves[nr++] = (RaminateMove) { .page = up->page, .with = down->page };
    }
    return nr;
}
