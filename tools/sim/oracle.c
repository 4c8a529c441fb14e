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
    uint32_t swap_lines;        /* that a swap writes to a slower tier */
    uint32_t lines_per_page;    /* that is found written, in the mean */
    GHashTable *lines;          /* by page: to be written in the time foreseen */
    GArray *up;                 /* pages to promote, most lines first */
    GArray *down;               /* pages to demote, fewest lines first */
};

/* A page and the lines that are going to be written to it */
typedef struct Prospect {
    uint32_t page;
    uint32_t lines;
} Prospect;

/* Reads all of the recording. */
static bool find_lines_per_page(Oracle *oracle, GError **error)
{
    GError *err = NULL;
    const TraceStep *step;
    uint64_t lines = 0;
    uint64_t pages = 0;

    while ((step = trace_next(oracle->ahead, &err))) {
        for (guint i = 0; i < step->written->len; i++) {
            lines += g_array_index(step->written, uint32_t, i);
        }
        pages += step->pages->len;
    }
    oracle->lines_per_page = pages ? (lines + pages / 2) / pages : 0;
    if (err) {
        g_propagate_error(error, err);
        return false;
    }
    return true;
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
        .swap_lines = raminate_layout_unit_lines(
            raminate_placement_layout(placement)),
        .ahead = ahead,
        .lines = g_hash_table_new(NULL, NULL),
        .up = g_array_new(FALSE, FALSE, sizeof(Prospect)),
        .down = g_array_new(FALSE, FALSE, sizeof(Prospect)),
    };
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
        g_hash_table_unref(oracle->lines);
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
    g_hash_table_remove_all(oracle->lines);
}

static uint32_t lines_of(const Oracle *oracle, uint32_t page)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(oracle->lines,
                                                GUINT_TO_POINTER(page)));
}

/* Adds what is written in a step, or takes it away. */
static void count_step(Oracle *oracle, const TraceStep *step, int sign)
{
    bool by_lines = oracle->kind == ORACLE_OF_LINES;
    const GArray *pages = by_lines ? step->traffic_pages : step->pages;

    for (guint i = 0; i < pages->len; i++) {
        uint32_t page = g_array_index(pages, uint32_t, i);
        uint32_t lines = by_lines ? g_array_index(step->written, uint32_t, i)
                                  : oracle->lines_per_page;
        uint32_t sum = lines_of(oracle, page) + sign * lines;

        if (sum) {
            g_hash_table_insert(oracle->lines, GUINT_TO_POINTER(page),
                                GUINT_TO_POINTER(sum));
        } else {
            g_hash_table_remove(oracle->lines, GUINT_TO_POINTER(page));
        }
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

static int fewer_lines(gconstpointer a, gconstpointer b)
{
    const Prospect *x = a;
    const Prospect *y = b;

    return x->lines != y->lines ? (x->lines > y->lines) - (x->lines < y->lines)
                                : (x->page > y->page) - (x->page < y->page);
}

static int more_lines(gconstpointer a, gconstpointer b)
{
    return fewer_lines(b, a);
}

/* Finds the pages to be written that may move. */
static void sort_busy_pages(Oracle *oracle)
{
    GHashTableIter iter;
    gpointer page, lines;

    g_array_set_size(oracle->up, 0);
    g_array_set_size(oracle->down, 0);
    g_hash_table_iter_init(&iter, oracle->lines);
    while (g_hash_table_iter_next(&iter, &page, &lines)) {
        Prospect prospect = {
            .page = GPOINTER_TO_UINT(page),
            .lines = GPOINTER_TO_UINT(lines),
        };

        if (raminate_placement_is_fast(oracle->placement, prospect.page)) {
            g_array_append_val(oracle->down, prospect);
        } else if (prospect.lines > oracle->swap_lines) {
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

        if (!lines_of(oracle, page)) {
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
    g_array_sort(oracle->up, more_lines);
    g_array_sort(oracle->down, fewer_lines);
    while (nr < MIN(max, MIN(oracle->up->len, oracle->down->len))) {
        const Prospect *up = &g_array_index(oracle->up, Prospect, nr);
        const Prospect *down = &g_array_index(oracle->down, Prospect, nr);

        if (up->lines <= down->lines + oracle->swap_lines) {
            break;
        }
        moves[nr++] = (RaminateMove) { .page = up->page, .with = down->page };
    }
    return nr;
}
