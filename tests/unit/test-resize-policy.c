/*
 * RAMinate: the engine and its policies go on while the fastest tier changes
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "found.h"
#include "hw/raminate/engine/engine.h"

typedef struct Run {
    RaminateEngine *engine;
    RaminatePlacement *placement;
    int64_t now;
} Run;

#define MAX_SWAPS 64

static Run *run_new(const RaminatePolicyOps *ops, uint32_t fast, uint32_t slow)
{
    RaminateFrameRange ranges[] = { { 0, fast }, { fast, slow } };
    RaminateSettings settings;
    RaminateLayout layout;
    Run *run = g_new0(Run, 1);

    raminate_layout_init(&layout, ranges, 2);
    raminate_settings_init(&settings);
    run->engine = raminate_engine_new(&layout, &settings);
    run->placement = raminate_engine_placement(run->engine);
    g_assert_true(raminate_engine_set_policy(run->engine, ops));
    return run;
}

static void run_free(Run *run)
{
    raminate_engine_free(run->engine);
    g_free(run);
}

static void resize_some(Run *run)
{
    RaminateMove moves[MAX_SWAPS];
    unsigned to;
    size_t nr = raminate_engine_plan_resize(run->engine, run->now, moves,
                                            MAX_SWAPS, &to);

    for (size_t i = 0; i < nr; i++) {
        raminate_placement_give(run->placement, moves[i].page, to);
        moves[i].status = RAMINATE_MOVE_DONE;
    }
    raminate_engine_given(run->engine, run->now, moves, nr, 1 - to);
}

static void exchange_some(Run *run)
{
    RaminateMove moves[MAX_SWAPS];
    size_t nr;

    raminate_engine_begin_batch(run->engine, run->now);
    nr = raminate_engine_plan(run->engine, run->now, moves, MAX_SWAPS);
    for (size_t i = 0; i < nr; i++) {
        g_assert_cmpuint(raminate_placement_tier(run->placement,
                                                 moves[i].page), ==, 1);
        g_assert_cmpuint(raminate_placement_tier(run->placement,
                                                 moves[i].with), ==, 0);
        raminate_placement_swap(run->placement, moves[i].page, moves[i].with);
        moves[i].status = RAMINATE_MOVE_DONE;
    }
    raminate_engine_moved(run->engine, run->now, moves, nr, true);
}

/* Scans find some pages written all the time, others now and then. */
static void go_on(Run *run, uint32_t first, uint32_t nr, unsigned scans)
{
    uint32_t nr_pages = raminate_placement_pages(run->placement);

    for (unsigned i = 0; i < scans; i++) {
        g_autoptr(GArray) pages = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        g_autoptr(Found) found = NULL;
        RaminateScan scan = { 0 };

        run->now += 1000;
        for (uint32_t page = 0; page < nr_pages; page++) {
            if (page - first < nr || g_test_rand_int_range(0, 1000) == 0) {
                g_array_append_val(pages, page);
            }
        }
        found = found_written((const uint32_t *)pages->data, pages->len);
        found->kinds = RAMINATE_WRITTEN;
        scan.now = run->now;
        scan.found = found;
        raminate_engine_begin_policy(run->engine);
        raminate_engine_begin_scan(run->engine, run->now, false);
        raminate_engine_scanned(run->engine, &scan);
        raminate_engine_count_all(run->engine, run->now, found);
        exchange_some(run);
        resize_some(run);
        raminate_engine_end_policy(run->engine);
    }
}

static void check_fast(const Run *run, uint32_t wanted, uint32_t first,
                       uint32_t nr)
{
    uint32_t hot = 0;

    g_assert_cmpint(raminate_engine_excess(run->engine), ==, 0);
    g_assert_cmpuint(raminate_placement_tier_pages(run->placement, 0), ==,
                     wanted);
    for (uint32_t page = first; page < first + nr; page++) {
        hot += raminate_placement_tier(run->placement, page) == 0;
    }
    g_assert_cmpuint(hot, >=, nr - nr / 10);
}

/*
 * Hot pages are in fast memory, whatever its size becomes, and those that get
 * hot later.
 */
static void test_policy_goes_on(const void *data)
{
    Run *run = run_new(data, 400, 1600);
    const RaminateFigures *figures = raminate_engine_figures(run->engine);

    go_on(run, 1000, 300, 60);
    check_fast(run, 400, 1000, 300);
    raminate_engine_set_fast_pages(run->engine, run->now, 100);
    go_on(run, 1000, 60, 150);
    check_fast(run, 100, 1000, 60);
    g_assert_cmpuint(figures->pages_resized, ==, 300);
    raminate_engine_set_fast_pages(run->engine, run->now, 900);
    go_on(run, 600, 700, 150);
    check_fast(run, 900, 600, 700);
    /* Back again before it is done */
    raminate_engine_set_fast_pages(run->engine, run->now, 200);
    go_on(run, 600, 700, 3);
    raminate_engine_set_fast_pages(run->engine, run->now, 400);
    go_on(run, 100, 300, 150);
    check_fast(run, 400, 100, 300);
    g_assert_cmpuint(figures->swaps_failed, ==, 0);
    run_free(run);
}

/* A new policy begins with tiers as they have become. */
static void test_new_policy(const void *data)
{
    Run *run = run_new(&raminate_policy_null, 400, 1600);

    raminate_engine_set_fast_pages(run->engine, run->now, 900);
    go_on(run, 600, 700, 5);
    g_assert_true(raminate_engine_set_policy(run->engine, data));
    go_on(run, 600, 700, 150);
    check_fast(run, 900, 600, 700);
    run_free(run);
}

/* Has half of the hot pages that are in fast memory be where they are not. */
static uint32_t adopt_some(Run *run, uint32_t first, uint32_t nr)
{
    g_autoptr(GArray) strays = g_array_new(FALSE, FALSE,
                                           sizeof(RaminateStray));

    for (uint32_t page = first; page < first + nr; page += 2) {
        RaminateStray stray = { .page = page, .to = 1 };

        if (raminate_placement_tier(run->placement, page) == 0) {
            g_array_append_val(strays, stray);
        }
    }
    raminate_engine_begin_policy(run->engine);
    raminate_engine_adopt(run->engine, run->now,
                          (const RaminateStray *)strays->data, strays->len);
    raminate_engine_end_policy(run->engine);
    return strays->len;
}

/*
 * Pages of fast memory that do not stay there are let go, and make place for
 * others; much later, they are taken for pages like others.
 */
static void test_adopted(const void *data)
{
    Run *run = run_new(data, 400, 1600);
    const RaminateFigures *figures = raminate_engine_figures(run->engine);
    uint32_t nr;

    go_on(run, 1000, 300, 60);
    check_fast(run, 400, 1000, 300);
    nr = adopt_some(run, 1000, 300);
    g_assert_cmpuint(nr, >, 100);
    g_assert_cmpint(raminate_engine_excess(run->engine), ==, -(int64_t)nr);
    go_on(run, 1000, 300, 30);
    g_assert_cmpint(raminate_engine_excess(run->engine), ==, 0);
    g_assert_cmpuint(figures->pages_adopted, ==, nr);
    g_assert_cmpuint(figures->pages_resized, ==, nr);
    for (uint32_t page = 1000; page < 1300; page += 2) {
        g_assert_cmpuint(raminate_placement_tier(run->placement, page), ==, 1);
    }
    go_on(run, 1000, 300, 150);
    check_fast(run, 400, 1000, 300);
    run_free(run);
}

/* A tier keeps its last page. */
static void test_last_page(void)
{
    Run *run = run_new(&raminate_policy_null, 40, 160);

    g_assert_cmpuint(adopt_some(run, 0, 40), ==, 20);
    g_assert_cmpuint(adopt_some(run, 1, 39), ==, 20);
    g_assert_cmpuint(raminate_placement_tier_pages(run->placement, 0), ==, 1);
    g_assert_cmpint(raminate_engine_excess(run->engine), ==, -39);
    run_free(run);
}

/* Batches come soon while pages are to go, and then as ever. */
static void test_next_batch(void)
{
    Run *run = run_new(&raminate_policy_null, 400, 1600);
    int64_t wait;

    raminate_engine_put_off_batch(run->engine, run->now);
    raminate_engine_begin_scan(run->engine, run->now, false);
    g_assert_cmpint(raminate_engine_next(run->engine, run->now, &wait), ==,
                    RAMINATE_TASK_WAIT);
    g_assert_cmpint(wait, ==, 1000);
    raminate_engine_set_fast_pages(run->engine, run->now, 400 - MAX_SWAPS);
    g_assert_cmpint(raminate_engine_next(run->engine, run->now, &wait), ==,
                    RAMINATE_TASK_BATCH);
    exchange_some(run);
    resize_some(run);
    g_assert_cmpint(raminate_engine_next(run->engine, run->now, &wait), ==,
                    RAMINATE_TASK_WAIT);
    g_assert_cmpint(wait, ==, 200);
    run->now += 200;
    exchange_some(run);
    resize_some(run);
    raminate_engine_next(run->engine, run->now, &wait);
    g_assert_cmpint(wait, ==, 800);
    run_free(run);
}

int main(int argc, char **argv)
{
    const RaminatePolicyOps *const *list = raminate_policy_list();

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/resize-policy/next-batch", test_next_batch);
    g_test_add_func("/resize-policy/last-page", test_last_page);
    for (; *list; list++) {
        g_autofree char *goes_on =
            g_strdup_printf("/resize-policy/goes-on/%s", (*list)->name);
        g_autofree char *new = g_strdup_printf("/resize-policy/new/%s",
                                               (*list)->name);
        g_autofree char *adopted = g_strdup_printf("/resize-policy/adopted/%s",
                                                   (*list)->name);

        if (*list != &raminate_policy_null) {
            g_test_add_data_func(adopted, *list, test_adopted);
            g_test_add_data_func(goes_on, *list, test_policy_goes_on);
            g_test_add_data_func(new, *list, test_new_policy);
        }
    }
    return g_test_run();
}
