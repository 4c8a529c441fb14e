/*
 * RAMinate: moves of an engine's pages, as bytes say, and what became of them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "machine.h"

/*
 * With nothing held back, so many plans in a row find no page to give: one that
 * ends what was begun, one for each time that it has looked at enough.
 */
#define EMPTY_PLANS 4

/* What failed */

static void begin_plan(Machine *m)
{
    m->plan++;
    if (m->plan % RAMINATE_BACKOFF_MAX) {
        return;
    }
    for (uint32_t page = 0; page < m->nr_frames; page++) {
        if (m->failed[page].last_plan + RAMINATE_BACKOFF_MAX < m->plan) {
            m->failed[page] = (Failed) { 0 };
        }
    }
}

static void fail(Machine *m, uint32_t page)
{
    Failed *failed = &m->failed[page];

    failed->plans = failed->plans ? MIN(2 * failed->plans,
                                        RAMINATE_BACKOFF_MAX) : 1;
    failed->last_plan = m->plan + failed->plans;
}

void forget_moves(Machine *m)
{
    raminate_engine_forget_moves(m->engine);
    memset(m->failed, 0, sizeof(m->failed));
}

/* Exchanges */

/* A page that was moved, and is where the placement says */
static void page_moved(Machine *m, uint32_t page, unsigned from)
{
    m->failed[page] = (Failed) { 0 };
    if (page < m->layout.nr_pages) {
        m->reads[from]++;
        m->writes[raminate_placement_tier(m->placement, page)]++;
    }
}

static void swap(Machine *m, const RaminateMove *move)
{
    unsigned page_from = raminate_placement_tier(m->placement, move->page);
    unsigned with_from = raminate_placement_tier(m->placement, move->with);

    raminate_placement_swap(m->placement, move->page, move->with);
    page_moved(m, move->page, page_from);
    page_moved(m, move->with, with_from);
    m->done++;
}

/* Makes moves, or not, as the status of each says, and tells the engine. */
static void move_pages(Machine *m, RaminateMove *moves, size_t nr,
                       bool planned)
{
    for (size_t i = 0; i < nr; i++) {
        const RaminateMove *move = &moves[i];

        if (move->status == RAMINATE_MOVE_DONE) {
            swap(m, move);
        } else {
            m->not_done[move->status]++;
            if (planned && move->status != RAMINATE_MOVE_PENDING) {
                fail(m, move->page);
                fail(m, move->with);
            }
        }
    }
    raminate_engine_begin_policy(m->engine);
    raminate_engine_moved(m->engine, m->now, moves, nr, planned);
    raminate_engine_end_policy(m->engine);
}

void command(Machine *m)
{
    RaminateMove move = {
        .page = take_below(m, m->layout.nr_pages),
        .with = take_below(m, m->nr_frames),
        .status = take_byte(m) % 4 ? RAMINATE_MOVE_DONE : RAMINATE_MOVE_FAILED,
    };

    if (move.page != move.with) {
        move_pages(m, &move, 1, false);
    }
}

static void check_planned_page(const Machine *m, uint32_t page, bool *planned)
{
    const Failed *failed = &m->failed[page];

    g_assert_cmpuint(page, <, m->nr_frames);
    g_assert_false(planned[page]);
    planned[page] = true;
    g_assert_true(!failed->plans || failed->last_plan < m->plan);
}

static void check_plan(const Machine *m, size_t nr)
{
    g_autofree bool *planned = g_new0(bool, m->nr_frames);

    for (size_t i = 0; i < nr; i++) {
        const RaminateMove *move = &m->moves[i];

        check_planned_page(m, move->page, planned);
        check_planned_page(m, move->with, planned);
        g_assert_cmpint(move->status, ==, RAMINATE_MOVE_PENDING);
        g_assert_cmpint(move->error, ==, 0);
        g_assert_cmpuint(raminate_placement_tier(m->placement, move->page), >,
                         raminate_placement_tier(m->placement, move->with));
        /* What is never written has no business in fast memory. */
        g_assert_cmpuint(move->page, <, m->layout.nr_pages);
    }
}

/* Which regions of the guest are in huge pages, as bits say */
typedef struct Huge {
    uint32_t nr_regions;
    uint8_t bits;
} Huge;

static bool is_huge(const void *opaque, uint32_t region)
{
    const Huge *huge = opaque;

    return region < huge->nr_regions && huge->bits >> region % 8 & 1;
}

void batch(Machine *m)
{
    size_t max = MIN(m->settings.max_swaps, MAX_MOVES);
    Huge huge = { .nr_regions = m->layout.nr_pages >> RAMINATE_REGION_BITS };
    unsigned how = take_byte(m);
    size_t nr, nr_fresh;

    if (how & 0x40) {
        max = MIN(max, take_byte(m));
    }
    raminate_engine_begin_batch(m->engine, m->now);
    raminate_engine_begin_policy(m->engine);
    begin_plan(m);
    nr = raminate_engine_plan(m->engine, m->now, m->moves, max);
    raminate_engine_end_policy(m->engine);
    g_assert_cmpuint(nr, <=, max);
    check_plan(m, nr);
    if (how & 0x10) {
        huge.bits = take_byte(m);
        nr = raminate_engine_mind_huge(m->engine, m->moves, nr, max, is_huge,
                                       &huge);
        g_assert_cmpuint(nr, <=, max);
        check_plan(m, nr);
    }
    if (how & 0x80) {
        command(m);
    }
    nr_fresh = raminate_engine_drop_stale(m->engine, m->moves, nr);
    g_assert_cmpuint(nr_fresh, <=, nr);
    for (size_t i = 0; i < nr_fresh; i++) {
        m->moves[i].status = how & 0x20 ? (how + i) % 4 : RAMINATE_MOVE_DONE;
    }
    move_pages(m, m->moves, nr, true);
}

/* The size of the fastest tier */

static unsigned last_tier(const Machine *m)
{
    return m->layout.nr_tiers - 1;
}

static void set_fast_pages_to(Machine *m, uint32_t pages)
{
    int64_t wait_ms;

    m->wanted = pages;
    raminate_engine_set_fast_pages(m->engine, m->now, pages);
    g_assert_cmpint(raminate_engine_next(m->engine, m->now, &wait_ms), !=,
                    RAMINATE_TASK_WAIT);
}

void set_fast_pages(Machine *m)
{
    if (m->layout.nr_tiers > 1) {
        /* The slowest tier keeps a page. */
        set_fast_pages_to(m, 1 + take_below(m, m->tier_pages[0] +
                                               m->tier_pages[last_tier(m)] -
                                               1));
    }
}

static void check_resize_plan(const Machine *m, size_t nr, unsigned from,
                              unsigned to)
{
    g_autofree bool *planned = g_new0(bool, m->nr_frames);
    int64_t excess = raminate_engine_excess(m->engine);

    g_assert_cmpuint(nr, <=, ABS(excess));
    if (nr) {
        g_assert_cmpuint(from, ==, excess > 0 ? 0 : last_tier(m));
        g_assert_cmpuint(to, ==, excess > 0 ? last_tier(m) : 0);
    }
    for (size_t i = 0; i < nr; i++) {
        const RaminateMove *move = &m->moves[i];

        check_planned_page(m, move->page, planned);
        g_assert_cmpuint(move->with, ==, RAMINATE_NO_PAGE);
        g_assert_cmpint(move->status, ==, RAMINATE_MOVE_PENDING);
        g_assert_cmpint(move->error, ==, 0);
        g_assert_cmpuint(raminate_placement_tier(m->placement, move->page), ==,
                         from);
    }
}

/* The placement has to show it. */
static void note_given(Machine *m, uint32_t page, unsigned from, unsigned to)
{
    m->tiers[raminate_placement_frame(m->placement, page)] = to;
    m->tier_pages[from]--;
    m->tier_pages[to]++;
}

static void give(Machine *m, uint32_t page, unsigned from, unsigned to)
{
    raminate_placement_give(m->placement, page, to);
    note_given(m, page, from, to);
    page_moved(m, page, from);
    m->resized++;
}

static void check_given(const Machine *m, uint32_t page, unsigned from,
                        unsigned to)
{
    const RaminatePastMove *last = raminate_engine_last_move(m->engine, page);

    if (page < m->layout.nr_pages) {
        g_assert_nonnull(last);
        g_assert_cmpint(last->ms, ==, m->now);
        g_assert_null(last->policy);
        g_assert_cmpuint(last->with, ==, RAMINATE_NO_PAGE);
        g_assert_cmpuint(last->from, ==, from);
        g_assert_cmpuint(last->to, ==, to);
    }
}

/* Gives pages, or not, as the status of each says, and tells the engine. */
static void give_pages(Machine *m, const RaminateMove *moves, size_t nr,
                       unsigned from, unsigned to)
{
    for (size_t i = 0; i < nr; i++) {
        const RaminateMove *move = &moves[i];

        if (move->status == RAMINATE_MOVE_DONE) {
            give(m, move->page, from, to);
        } else {
            m->not_done[move->status]++;
            if (move->status != RAMINATE_MOVE_PENDING) {
                fail(m, move->page);
            }
        }
    }
    raminate_engine_given(m->engine, m->now, moves, nr, from);
    for (size_t i = 0; i < nr; i++) {
        if (moves[i].status == RAMINATE_MOVE_DONE) {
            check_given(m, moves[i].page, from, to);
        }
    }
}

/* @how: as bytes have it.  Returns: number of pages that were planned. */
static size_t resize_some(Machine *m, size_t max, unsigned how)
{
    unsigned from = 0, to = 0;
    size_t nr;

    raminate_engine_begin_policy(m->engine);
    nr = raminate_engine_plan_resize(m->engine, m->now, m->moves, max, &to);
    g_assert_cmpuint(nr, <=, max);
    if (nr) {
        from = raminate_placement_tier(m->placement, m->moves[0].page);
    }
    check_resize_plan(m, nr, from, to);
    for (size_t i = 0; i < nr; i++) {
        m->moves[i].status = how & 0x20 ? (how + i) % 4 : RAMINATE_MOVE_DONE;
    }
    give_pages(m, m->moves, nr, from, to);
    raminate_engine_end_policy(m->engine);
    return nr;
}

void resize(Machine *m)
{
    unsigned how = take_byte(m);

    resize_some(m, how & 0x40 ? take_byte(m) : MAX_MOVES, how);
}

/* Pages that do not stay */

static void note_adopted(Machine *m, const RaminateStray *stray,
                         unsigned from)
{
    note_given(m, stray->page, from, stray->to);
    m->failed[stray->page] = (Failed) {
        .last_plan = m->plan + RAMINATE_BACKOFF_MAX,
        .plans = RAMINATE_BACKOFF_MAX,
    };
    m->adopted++;
}

/* One by one in the model, all at once in the engine */
void adopt(Machine *m)
{
    RaminateStray strays[8];
    uint8_t from[G_N_ELEMENTS(strays)];
    g_autofree bool *taken = g_new0(bool, m->layout.nr_pages);
    unsigned tries = take_byte(m) % G_N_ELEMENTS(strays);
    size_t nr = 0;

    for (unsigned i = 0; i < tries; i++) {
        uint32_t page = take_below(m, m->layout.nr_pages);
        unsigned tier = raminate_placement_tier(m->placement, page);

        if (last_tier(m) && !taken[page] &&
            (tier == 0 || tier == last_tier(m))) {
            taken[page] = true;
            from[nr] = tier;
            strays[nr++] = (RaminateStray) {
                .page = page,
                .to = tier ? 0 : last_tier(m),
            };
        }
    }
    raminate_engine_begin_policy(m->engine);
    raminate_engine_adopt(m->engine, m->now, strays, nr);
    raminate_engine_end_policy(m->engine);
    for (size_t i = 0; i < nr; i++) {
        /* A tier keeps its last page. */
        if (m->tier_pages[from[i]] > 1) {
            note_adopted(m, &strays[i], from[i]);
        }
    }
}

/* The end */

/* Where nothing fails, what was asked for comes to its end. */
static void end_resize(Machine *m)
{
    unsigned empty = 0;

    forget_moves(m);
    while (raminate_engine_excess(m->engine)) {
        empty = resize_some(m, MAX_MOVES, 0) ? 0 : empty + 1;
        g_assert_cmpuint(empty, <=, EMPTY_PLANS);
    }
    g_assert_cmpuint(resize_some(m, MAX_MOVES, 0), ==, 0);
}

/* Tiers have as many pages as at the start, but not the same ones. */
static void give_back(Machine *m, uint32_t page)
{
    RaminateMove move = {
        .page = page,
        .with = RAMINATE_NO_PAGE,
        .status = RAMINATE_MOVE_DONE,
    };
    unsigned from = raminate_placement_tier(m->placement, page);
    unsigned to = raminate_placement_first_tier(m->placement, page);

    if (from != to) {
        raminate_engine_begin_policy(m->engine);
        give_pages(m, &move, 1, from, to);
        raminate_engine_end_policy(m->engine);
    }
}

void bring_all_back(Machine *m)
{
    end_resize(m);
    set_fast_pages_to(m, m->layout.ranges[0].count);
    end_resize(m);
    for (uint32_t page = 0; page < m->nr_frames; page++) {
        while (raminate_placement_frame(m->placement, page) != page) {
            RaminateMove move = {
                .page = page,
                .with = raminate_placement_frame(m->placement, page),
                .status = RAMINATE_MOVE_DONE,
            };

            move_pages(m, &move, 1, false);
        }
    }
    for (uint32_t page = 0; page < m->nr_frames; page++) {
        give_back(m, page);
    }
    forget_moves(m);
}
