/*
 * RAMinate: what the engine knows of pages takes memory, and is given back
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "hw/raminate/engine/engine.h"
#include "found.h"
#include "memory-use.h"

/* 1 TiB, of which the first eighth is fast */
#define NR_PAGES (1u << 28)
#define FAST_PAGES (NR_PAGES / 8)

/* Pages of the slow tier, half of which move, and as many of the fast one */
#define BURST_PAGES 100000
#define BURST_START (NR_PAGES / 2)
#define PERIOD_MS 1000
#define MAX_MOVES 64

/* In so many scans policies have forgotten, too; see test-policy.c */
#define REST_SCANS 14500

/* The others keep the order of the fast pages that something happened to. */
static const RaminatePolicyOps *const forgetful[] = {
    &raminate_policy_lru, &raminate_policy_null, &raminate_policy_payback,
};

typedef struct Clocked {
    RaminateEngine *engine;
    int64_t now;
} Clocked;

static void scan(Clocked *c, const RaminateSample *found)
{
    RaminateScan told = { .now = c->now, .found = found };
    RaminateMove moves[MAX_MOVES];
    int64_t wait_ms;

    raminate_engine_begin_scan(c->engine, c->now, false);
    raminate_engine_begin_policy(c->engine);
    raminate_engine_scanned(c->engine, &told);
    raminate_engine_count_all(c->engine, c->now, found);
    if (raminate_engine_next(c->engine, c->now, &wait_ms) ==
        RAMINATE_TASK_BATCH) {
        /* Nothing comes of it. */
        raminate_engine_begin_batch(c->engine, c->now);
        raminate_engine_plan(c->engine, c->now, moves, MAX_MOVES);
    }
    raminate_engine_end_policy(c->engine);
    c->now += PERIOD_MS;
}

/* Moves half of the pages, and back; the move of the others fails. */
static void move_burst(Clocked *c)
{
    RaminatePlacement *placement = raminate_engine_placement(c->engine);

    for (uint32_t i = 0; i < BURST_PAGES; i++) {
        RaminateMove move = {
            .page = BURST_START + i, .with = i, .status = RAMINATE_MOVE_FAILED,
        };

        if (i % 2) {
            move.status = RAMINATE_MOVE_DONE;
            raminate_placement_swap(placement, move.page, move.with);
            raminate_engine_moved(c->engine, c->now, &move, 1, true);
            move.page = i;
            move.with = BURST_START + i;
            raminate_placement_swap(placement, move.page, move.with);
        }
        raminate_engine_moved(c->engine, c->now, &move, 1, true);
    }
}

static void write_burst(Clocked *c, unsigned scans)
{
    g_autofree uint32_t *pages = g_new(uint32_t, BURST_PAGES);
    g_autoptr(Found) found = NULL;

    for (uint32_t i = 0; i < BURST_PAGES; i++) {
        pages[i] = BURST_START + i;
    }
    found = found_written(pages, BURST_PAGES);
    for (unsigned i = 0; i < scans; i++) {
        scan(c, found);
    }
}

static void rest(Clocked *c, unsigned scans)
{
    RaminateSample nothing = { 0 };

    for (unsigned i = 0; i < scans; i++) {
        scan(c, &nothing);
    }
}

static Clocked *clocked_new(const RaminatePolicyOps *ops)
{
    static const RaminateFrameRange ranges[] = {
        { 0, FAST_PAGES }, { FAST_PAGES, NR_PAGES - FAST_PAGES },
    };
    Clocked *c = g_new0(Clocked, 1);
    RaminateSettings settings;
    RaminateLayout layout;

    raminate_settings_init(&settings);
    raminate_layout_init(&layout, ranges, G_N_ELEMENTS(ranges));
    c->engine = raminate_engine_new(&layout, &settings);
    g_assert_nonnull(c->engine);
    g_assert_true(raminate_engine_set_policy(c->engine, ops));
    return c;
}

static void clocked_free(Clocked *c)
{
    raminate_engine_free(c->engine);
    g_free(c);
}

/* Not what the C library rounds up, and what GLib's tables have to spare */
static void assert_is_about(size_t said, size_t allocated)
{
    g_assert_cmpuint(said, >, allocated / 2);
    g_assert_cmpuint(said, <, allocated + allocated / 4);
}

static void test_moves_and_failures_count(void)
{
    Clocked *c;
    size_t before;

    if (!memory_use_is_known()) {
        return;
    }
    c = clocked_new(&raminate_policy_null);
    g_assert_cmpuint(raminate_engine_memory(c->engine), ==, 0);
    before = memory_allocated();
    move_burst(c);
    assert_is_about(raminate_engine_memory(c->engine),
                    memory_allocated() - before);
    /* Of each of them, one thing at least is known. */
    g_assert_cmpuint(raminate_engine_memory(c->engine), >,
                     2 * BURST_PAGES * sizeof(RaminatePastMove));
    raminate_engine_forget_moves(c->engine);
    g_assert_cmpuint(raminate_engine_memory(c->engine), ==, 0);
    clocked_free(c);
}

static void test_burst_is_forgotten(const void *data)
{
    Clocked *c;
    size_t before, most;

    if (!memory_use_is_known()) {
        return;
    }
    c = clocked_new(data);
    rest(c, 10);
    before = memory_allocated();
    g_assert_cmpuint(raminate_engine_memory(c->engine), <, MEMORY_USE_SLACK);
    write_burst(c, 30);
    move_burst(c);
    write_burst(c, 30);
    most = raminate_engine_memory(c->engine);
    g_assert_cmpuint(most, >, 8 * MEMORY_USE_SLACK);
    assert_is_about(most, memory_allocated() - before);
    rest(c, REST_SCANS);
    g_assert_cmpuint(raminate_engine_memory(c->engine), <, MEMORY_USE_SLACK);
    g_assert_cmpuint(memory_allocated() - before, <, 2 * MEMORY_USE_SLACK);
    clocked_free(c);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/engine-memory/moves-and-failures-count",
                    test_moves_and_failures_count);
    for (unsigned i = 0; i < G_N_ELEMENTS(forgetful); i++) {
        g_autofree char *name =
            g_strdup_printf("/engine-memory/burst-is-forgotten/%s",
                            forgetful[i]->name);

        g_test_add_data_func(name, forgetful[i], test_burst_is_forgotten);
    }
    return g_test_run();
}
