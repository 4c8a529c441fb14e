/*
 * RAMinate: heat goes along with a guest, and hot pages are brought up
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "hw/raminate/engine/engine.h"

#define FAST 64
#define PAGES 2048

static const RaminateFrameRange ranges[] = { { 0, FAST },
                                             { FAST, PAGES - FAST } };

static RaminatePlacement *new_placement(const RaminateFrameRange *tiers,
                                        unsigned nr)
{
    RaminateLayout layout;

    raminate_layout_init(&layout, tiers, nr);
    return raminate_placement_new(&layout);
}

static void put_heat(RaminateHeat *heat, const uint32_t *pages, size_t nr,
                     unsigned value)
{
    for (size_t i = 0; i < nr; i++) {
        raminate_heat_put(heat, pages[i], value);
    }
}

/* The source: pages 1000 to 1031 are hot and up, in the place of 0 to 31. */
typedef struct Source {
    RaminatePlacement *placement;
    RaminateHeat *heat;
} Source;

#define HOT_FIRST 1000
#define HOT_NR 32

static Source new_source(void)
{
    Source source = {
        .placement = new_placement(ranges, 2),
        .heat = raminate_heat_new(PAGES),
    };

    for (uint32_t i = 0; i < HOT_NR; i++) {
        raminate_placement_swap(source.placement, i, HOT_FIRST + i);
        raminate_heat_put(source.heat, HOT_FIRST + i, 100 + 4 * i);
    }
    return source;
}

/* Returns: bytes, to be freed. */
static uint8_t *hand_over(Source *source, size_t max, size_t *size)
{
    uint8_t *data = g_malloc(max);

    *size = raminate_handover_encode(source->placement, source->heat, data,
                                     max);
    raminate_placement_free(source->placement);
    raminate_heat_free(source->heat);
    return data;
}

static void test_heat_comes_over(void)
{
    static const uint32_t pages[] = { 0, 1, 2, 511, 512, 1400, PAGES - 1 };
    static const uint32_t cool[] = { 3, 77 };
    Source source = new_source();
    RaminateHeat *heat = raminate_heat_new(PAGES);
    RaminateHandover *handover;
    uint8_t *data;
    size_t size;

    put_heat(source.heat, pages, G_N_ELEMENTS(pages), RAMINATE_HEAT_MAX);
    put_heat(source.heat, cool, G_N_ELEMENTS(cool), 1);
    data = hand_over(&source, 4096, &size);
    g_assert_null(raminate_handover_check(data, size, PAGES));
    handover = raminate_handover_new(data, size, heat);
    for (size_t i = 0; i < G_N_ELEMENTS(pages); i++) {
        g_assert_cmpuint(raminate_heat_get(heat, pages[i]), ==,
                         RAMINATE_HEAT_MAX);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(cool); i++) {
        g_assert_cmpuint(raminate_heat_get(heat, cool[i]), >, 0);
    }
    for (uint32_t i = 0; i < HOT_NR; i++) {
        g_assert_cmpuint(ABS((int)raminate_heat_get(heat, HOT_FIRST + i) -
                             (100 + 4 * (int)i)), <=, 16);
    }
    g_assert_cmpuint(raminate_heat_get(heat, 4), ==, 0);
    raminate_handover_free(handover);
    raminate_heat_free(heat);
}

static void test_no_heat_is_no_bytes(void)
{
    Source source = {
        .placement = new_placement(ranges, 2),
        .heat = raminate_heat_new(PAGES),
    };
    size_t size;

    g_free(hand_over(&source, 4096, &size));
    g_assert_cmpuint(size, ==, 0);
}

/* A guest of 16 TiB with one hot page: the last. */
static void test_largest_guest(void)
{
    uint32_t nr = UINT32_MAX - 1;
    RaminateFrameRange large[] = { { 0, 1 }, { 1, nr - 1 } };
    Source source = {
        .placement = new_placement(large, 2),
        .heat = raminate_heat_new(nr),
    };
    uint8_t *data;
    size_t size;

    raminate_heat_put(source.heat, nr - 1, 200);
    data = hand_over(&source, 4096, &size);
    g_assert_cmpuint(size, <=, 11);
    g_assert_null(raminate_handover_check(data, size, nr));
    g_assert_nonnull(raminate_handover_check(data, size, nr - 1));
    g_free(data);
}

/* Of more than there is room for, the hottest go. */
static void test_hottest_fit(void)
{
    Source source = new_source();
    RaminateHeat *heat = raminate_heat_new(PAGES);
    uint8_t *data;
    size_t size;

    for (uint32_t page = 0; page < PAGES; page += 2) {
        raminate_heat_put(source.heat, page, page == 1800 ? 255 : 20);
    }
    data = hand_over(&source, 256, &size);
    g_assert_cmpuint(size, <=, 256);
    g_assert_null(raminate_handover_check(data, size, PAGES));
    raminate_handover_free(raminate_handover_new(data, size, heat));
    g_assert_cmpuint(raminate_heat_get(heat, 1800), ==, 255);
    g_assert_cmpuint(raminate_heat_get(heat, 2), ==, 0);
    raminate_heat_free(heat);
}

/* The same where not all of memory is looked at for what fits */
static void test_hottest_fit_of_large_guest(void)
{
    enum { REGIONS = 3000, NR = REGIONS * RAMINATE_REGION_PAGES };
    RaminateFrameRange large[] = { { 0, FAST }, { FAST, NR - FAST } };
    RaminateHeat *heat = raminate_heat_new(NR);
    Source source = {
        .placement = new_placement(large, 2),
        .heat = raminate_heat_new(NR),
    };
    uint8_t *data;
    size_t size;

    for (uint32_t page = 0; page < NR; page += 8) {
        raminate_heat_put(source.heat, page,
                          page % RAMINATE_REGION_PAGES ? 20 : 240);
    }
    data = hand_over(&source, 8 * REGIONS, &size);
    g_assert_cmpuint(size, <=, 8 * REGIONS);
    g_assert_null(raminate_handover_check(data, size, NR));
    raminate_handover_free(raminate_handover_new(data, size, heat));
    for (uint32_t region = 0; region < REGIONS; region++) {
        uint32_t page = region * RAMINATE_REGION_PAGES;

        g_assert_cmpuint(raminate_heat_get(heat, page), >=, 240);
        g_assert_cmpuint(raminate_heat_get(heat, page + 8), ==, 0);
    }
    raminate_heat_free(heat);
}

/* Damaged and hostile bytes */

static void assert_wrong(const uint8_t *data, size_t size, const char *what)
{
    g_assert_cmpstr(raminate_handover_check(data, size, PAGES), ==, what);
}

static void test_damaged(void)
{
    static const uint8_t endless[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    static const uint8_t far[] = { 0xff, 0x7f, 0, 0x0f };
    static const uint8_t wraps[] = { 0xff, 0xff, 0xff, 0xff, 0x0f,
                                     0xff, 0xff, 0xff, 0xff, 0x0f, 0x0f };
    static const uint8_t cold[] = { 0, 0, 0x10 };
    static const uint8_t cut[] = { 0, 0 };

    assert_wrong(endless, sizeof(endless), "it ends in the middle of a run");
    assert_wrong(cut, sizeof(cut), "it ends in the middle of a run");
    assert_wrong(far, sizeof(far), "a run goes past the last page");
    assert_wrong(wraps, sizeof(wraps), "a run goes past the last page");
    assert_wrong(cold, sizeof(cold), "a run has no heat");
}

/* What passes the check does no harm, whatever it is. */
static void test_random_bytes(void)
{
    RaminatePlacement *placement = new_placement(ranges, 2);
    RaminateBackoff *backoff = raminate_backoff_new();
    RaminateMove moves[PAGES];
    unsigned passed = 0;

    for (unsigned round = 0; round < 20000; round++) {
        size_t size = g_test_rand_int_range(0, 24);
        uint8_t *data = g_malloc(size + 1);

        for (size_t i = 0; i < size; i++) {
            data[i] = g_test_rand_int_range(0, round % 2 ? 256 : 32);
        }
        if (raminate_handover_check(data, size, PAGES)) {
            g_free(data);
        } else {
            RaminateHeat *heat = raminate_heat_new(PAGES);
            RaminateHandover *handover =
                raminate_handover_new(data, size, heat);

            g_assert_cmpuint(raminate_handover_plan(handover, placement, heat,
                                                    backoff, moves, PAGES),
                             <=, FAST);
            raminate_handover_free(handover);
            raminate_heat_free(heat);
            passed++;
        }
    }
    g_assert_cmpuint(passed, >, 100);
    raminate_backoff_free(backoff);
    raminate_placement_free(placement);
}

/* The destination */

typedef struct Destination {
    RaminatePlacement *placement;
    RaminateHeat *heat;
    RaminateBackoff *backoff;
    RaminateHandover *handover;
    RaminateMove moves[PAGES];
    size_t nr;
} Destination;

static void arrive(Destination *d, const RaminateFrameRange *tiers,
                   unsigned nr_tiers)
{
    Source source = new_source();
    size_t size;
    uint8_t *data = hand_over(&source, 4096, &size);

    d->placement = new_placement(tiers, nr_tiers);
    d->heat = raminate_heat_new(PAGES);
    d->backoff = raminate_backoff_new();
    d->handover = raminate_handover_new(data, size, d->heat);
}

static void plan(Destination *d, size_t max)
{
    d->nr = raminate_handover_plan(d->handover, d->placement, d->heat,
                                   d->backoff, d->moves, max);
}

static void make_moves(Destination *d, size_t nr)
{
    for (size_t i = 0; i < nr; i++) {
        raminate_placement_swap(d->placement, d->moves[i].page,
                                d->moves[i].with);
        d->moves[i].status = RAMINATE_MOVE_DONE;
    }
    raminate_handover_put_back(d->handover, d->moves, d->nr);
}

static void leave(Destination *d)
{
    raminate_handover_free(d->handover);
    raminate_backoff_free(d->backoff);
    raminate_heat_free(d->heat);
    raminate_placement_free(d->placement);
}

static void test_hottest_first(void)
{
    Destination d;
    unsigned last = RAMINATE_HEAT_MAX;

    arrive(&d, ranges, 2);
    plan(&d, PAGES);
    g_assert_cmpuint(d.nr, ==, HOT_NR);
    for (size_t i = 0; i < d.nr; i++) {
        unsigned heat = raminate_heat_get(d.heat, d.moves[i].page);

        g_assert_cmpuint(heat, <=, last);
        g_assert_cmpuint(d.moves[i].with, <, FAST);
        last = heat;
    }
    make_moves(&d, d.nr);
    g_assert_true(raminate_handover_is_done(d.handover));
    leave(&d);
}

/* What is as hot where it is stays; what has gone cold doesn't come. */
static void test_hot_pages_are_no_victims(void)
{
    Destination d;

    arrive(&d, ranges, 2);
    for (uint32_t page = 0; page < FAST - 2; page++) {
        raminate_heat_put(d.heat, page, RAMINATE_HEAT_MAX);
    }
    raminate_heat_put(d.heat, HOT_FIRST + HOT_NR - 1, 0);
    plan(&d, PAGES);
    g_assert_cmpuint(d.nr, ==, 2);
    for (size_t i = 0; i < d.nr; i++) {
        g_assert_cmpuint(d.moves[i].with, >=, FAST - 2);
        g_assert_cmpuint(d.moves[i].page, !=, HOT_FIRST + HOT_NR - 1);
    }
    leave(&d);
}

static void test_cut_batch_goes_on(void)
{
    Destination d;
    unsigned up = 0;

    arrive(&d, ranges, 2);
    for (unsigned batches = 0; batches < 40; batches++) {
        plan(&d, 8);
        g_assert_cmpuint(d.nr, <=, 8);
        make_moves(&d, MIN(d.nr, 3));
    }
    for (uint32_t i = 0; i < HOT_NR; i++) {
        up += raminate_placement_tier(d.placement, HOT_FIRST + i) == 0;
    }
    g_assert_cmpuint(up, ==, HOT_NR);
    g_assert_true(raminate_handover_is_done(d.handover));
    leave(&d);
}

/* Tiers of other sizes: the hottest go to the fastest, others below. */
static void test_other_tiers(void)
{
    static const RaminateFrameRange three[] = { { 0, 8 }, { 8, 16 },
                                                { 24, PAGES - 24 } };
    Destination d;
    uint32_t counts[3] = { 0 };
    bool used[PAGES] = { false };

    arrive(&d, three, 3);
    plan(&d, PAGES);
    g_assert_cmpuint(d.nr, ==, 24);
    for (size_t i = 0; i < d.nr; i++) {
        g_assert_false(used[d.moves[i].page] || used[d.moves[i].with]);
        used[d.moves[i].page] = used[d.moves[i].with] = true;
        counts[raminate_placement_tier(d.placement, d.moves[i].with)]++;
    }
    g_assert_cmpuint(counts[0], ==, 8);
    g_assert_cmpuint(counts[1], ==, 16);
    leave(&d);
}

static void test_one_tier(void)
{
    static const RaminateFrameRange one[] = { { 0, PAGES } };
    Destination d;

    arrive(&d, one, 1);
    plan(&d, PAGES);
    g_assert_cmpuint(d.nr, ==, 0);
    g_assert_true(raminate_handover_is_done(d.handover));
    leave(&d);
}

/* The engine */

static RaminateEngine *new_engine(const RaminatePolicyOps *policy)
{
    RaminateLayout layout;
    RaminateSettings settings;
    RaminateEngine *engine;
    Source source = new_source();
    size_t size;
    uint8_t *data = hand_over(&source, 4096, &size);

    raminate_layout_init(&layout, ranges, 2);
    raminate_settings_init(&settings);
    engine = raminate_engine_new(&layout, &settings);
    raminate_engine_take_over(engine, data, size);
    g_assert_true(raminate_engine_set_policy(engine, policy));
    return engine;
}

static void test_engine_comes_back_soon(void)
{
    RaminateEngine *engine = new_engine(&raminate_policy_cmq);
    RaminateMove moves[8];
    int64_t wait_ms;

    /* So that no scan is due meanwhile */
    raminate_engine_begin_scan(engine, 5000, false);
    g_assert_cmpuint(raminate_engine_plan_handover(engine, 5000, moves, 8),
                     ==, 8);
    g_assert_cmpint(raminate_engine_next(engine, 5199, &wait_ms), ==,
                    RAMINATE_TASK_WAIT);
    g_assert_cmpint(wait_ms, ==, 1);
    g_assert_cmpint(raminate_engine_next(engine, 5200, &wait_ms), ==,
                    RAMINATE_TASK_BATCH);
    g_assert_cmpuint(raminate_engine_plan_handover(engine, 64999, moves, 8),
                     ==, 8);
    g_assert_cmpuint(raminate_engine_plan_handover(engine, 65000, moves, 8),
                     ==, 0);
    raminate_engine_put_back(engine, moves, 8);
    g_assert_cmpuint(raminate_engine_plan_handover(engine, 65000, moves, 8),
                     ==, 0);
    raminate_engine_free(engine);
}

/* However often it comes, it costs once until it is used. */
static void test_comes_twice(void)
{
    RaminateEngine *engine = new_engine(&raminate_policy_cmq);
    const RaminateHeat *heat = raminate_engine_heat(engine);
    const uint8_t last[] = { 0xff, 0x0f, 0, 0x1f }; /* page 2047, level 15 */
    RaminateMove moves[8];

    for (unsigned used = 0; used < 2; used++) {
        raminate_engine_take_over(engine, g_memdup2(last, sizeof(last)),
                                  sizeof(last));
        g_assert_cmpint(raminate_heat_get(heat, PAGES - 1) > 0, ==, used);
        raminate_engine_plan_handover(engine, 5000, moves, 8);
    }
    raminate_engine_free(engine);
}

static void test_null_moves_nothing(void)
{
    RaminateEngine *engine = new_engine(&raminate_policy_null);
    RaminateMove moves[8];

    g_assert_cmpuint(raminate_engine_plan_handover(engine, 0, moves, 8), ==,
                     0);
    raminate_engine_free(engine);
}

/* Whatever policy gets pages that it didn't plan for goes on with them. */
static void test_policies_go_on(void)
{
    for (const RaminatePolicyOps *const *ops = raminate_policy_list(); *ops;
         ops++) {
        RaminateEngine *engine = new_engine(*ops);
        RaminatePlacement *placement = raminate_engine_placement(engine);
        RaminateMove moves[PAGES];
        size_t nr = raminate_engine_plan_handover(engine, 0, moves, PAGES);

        g_assert_cmpuint(nr, ==, (*ops)->kinds ? HOT_NR : 0);
        for (size_t i = 0; i < nr; i++) {
            raminate_placement_swap(placement, moves[i].page, moves[i].with);
            moves[i].status = RAMINATE_MOVE_DONE;
        }
        raminate_engine_moved(engine, 0, moves, nr, false);
        nr = raminate_engine_plan(engine, 1000, moves, 100);
        for (size_t i = 0; i < nr; i++) {
            g_assert_true(moves[i].with < HOT_FIRST ||
                          moves[i].with >= HOT_FIRST + HOT_NR);
        }
        raminate_engine_free(engine);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/handover/heat-comes-over", test_heat_comes_over);
    g_test_add_func("/handover/no-heat-is-no-bytes", test_no_heat_is_no_bytes);
    g_test_add_func("/handover/largest-guest", test_largest_guest);
    g_test_add_func("/handover/hottest-fit", test_hottest_fit);
    g_test_add_func("/handover/hottest-fit-of-large-guest",
                    test_hottest_fit_of_large_guest);
    g_test_add_func("/handover/damaged", test_damaged);
    g_test_add_func("/handover/random-bytes", test_random_bytes);
    g_test_add_func("/handover/hottest-first", test_hottest_first);
    g_test_add_func("/handover/hot-pages-are-no-victims",
                    test_hot_pages_are_no_victims);
    g_test_add_func("/handover/cut-batch-goes-on", test_cut_batch_goes_on);
    g_test_add_func("/handover/other-tiers", test_other_tiers);
    g_test_add_func("/handover/one-tier", test_one_tier);
    g_test_add_func("/handover/engine-comes-back-soon",
                    test_engine_comes_back_soon);
    g_test_add_func("/handover/null-moves-nothing", test_null_moves_nothing);
    g_test_add_func("/handover/policies-go-on", test_policies_go_on);
    g_test_add_func("/handover/comes-twice-costs-once", test_comes_twice);
    return g_test_run();
}
