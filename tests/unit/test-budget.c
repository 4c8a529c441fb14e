/*
 * RAMinate: a placer takes no more processor time than it may
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "hw/raminate/engine/budget.h"
#include "hw/raminate/engine/engine.h"

#define NS_PER_MS 1000000
#define MINUTES 10
#define RUN_MS (MINUTES * 60 * 1000)

/* A placer whose tasks take what a test says, and when it took what */
typedef struct Run {
    RaminateEngine *engine;
    uint64_t scan_ms;           /* processor time of a scan */
    uint64_t look_ms;
    uint64_t batch_ms;
    uint64_t took_ms[RUN_MS];   /* by the time when the work began */
    unsigned scans;
    unsigned looks;
    unsigned batches;
} Run;

static Run *run_new(uint32_t max_cpu)
{
    const RaminateFrameRange ranges[] = { { 0, 4 }, { 4, 12 } };
    RaminateLayout layout;
    Run *run = g_new0(Run, 1);
    RaminateSettings settings;

    raminate_layout_init(&layout, ranges, G_N_ELEMENTS(ranges));
    raminate_settings_init(&settings);
    settings.max_cpu = max_cpu;
    run->engine = raminate_engine_new(&layout, &settings);
    g_assert_true(raminate_engine_set_policy(
        run->engine, raminate_policy_find("null")));
    return run;
}

static void run_free(Run *run)
{
    raminate_engine_free(run->engine);
    g_free(run);
}

/* Returns: milliseconds that it takes, of one processor, all to itself. */
static uint64_t do_task(Run *run, RaminateTask task, int64_t now)
{
    switch (task) {
    case RAMINATE_TASK_SCAN:
        run->scans++;
        raminate_engine_begin_scan(run->engine, now, true);
        return run->scan_ms;
    case RAMINATE_TASK_LOOK:
        run->looks++;
        raminate_engine_begin_look(run->engine);
        return run->look_ms;
    case RAMINATE_TASK_BATCH:
        run->batches++;
        raminate_engine_begin_batch(run->engine, now);
        return run->batch_ms;
    default:
        g_assert_not_reached();
    }
}

static void run_until(Run *run, int64_t now, int64_t end)
{
    while (now < end) {
        int64_t wait_ms;
        RaminateTask task = raminate_engine_next(run->engine, now, &wait_ms);
        uint64_t took;

        if (task == RAMINATE_TASK_WAIT) {
            g_assert_cmpint(wait_ms, >, 0);
            now += wait_ms;
            continue;
        }
        took = do_task(run, task, now);
        run->took_ms[now] += took;
        now += took;
        raminate_engine_took(run->engine, now, took * NS_PER_MS);
    }
}

/* Returns: the most taken in any stretch of @ms. */
static uint64_t most_in(const Run *run, int64_t ms)
{
    uint64_t sum = 0;
    uint64_t most = 0;

    for (int64_t now = 0; now < RUN_MS; now++) {
        sum += run->took_ms[now];
        if (now >= ms) {
            sum -= run->took_ms[now - ms];
        }
        most = MAX(most, sum);
    }
    return most;
}

static uint64_t put_off(const Run *run)
{
    return raminate_engine_figures(run->engine)->scans_put_off;
}

static void test_cheap_work_is_not_put_off(void)
{
    Run *run = run_new(10);

    run->scan_ms = 63;
    run->look_ms = 10;
    run->batch_ms = 20;
    run_until(run, 0, RUN_MS);
    g_assert_cmpuint(put_off(run), ==, 0);
    g_assert_cmpuint(run->scans, >=, RUN_MS / 1000 - 1);
    g_assert_cmpuint(run->looks, >=, RUN_MS / 1000 - 1);
    g_assert_cmpuint(run->batches, >=, RUN_MS / 2000 - 1);
    run_free(run);
}

static void test_share_stays_in_bounds(void)
{
    static const uint64_t costs_ms[] = { 50, 300, 1500, 20000 };
    static const uint32_t percents[] = { 1, 10, 50 };

    for (unsigned i = 0; i < G_N_ELEMENTS(costs_ms); i++) {
        for (unsigned j = 0; j < G_N_ELEMENTS(percents); j++) {
            Run *run = run_new(percents[j]);
            uint64_t most = 0;

            run->scan_ms = costs_ms[i];
            run->look_ms = costs_ms[i] / 2;
            run->batch_ms = costs_ms[i];
            run_until(run, 0, RUN_MS);
            for (int64_t ms = 1000; ms <= RUN_MS / 2; ms *= 2) {
                most = most_in(run, ms);
                g_assert_cmpuint(most, <=, costs_ms[i] + percents[j] *
                                 (ms + RAMINATE_BUDGET_SAVED_MS) / 100);
            }
            /* It is not put off more than that, either. */
            g_assert_cmpuint(run->scans, >, 0);
            if (put_off(run)) {
                g_assert_cmpuint(most, >=, percents[j] * (RUN_MS / 4) / 100 /
                                 2);
            }
            run_free(run);
        }
    }
}

static void test_without_a_bound_it_takes_all(void)
{
    Run *run = run_new(0);

    run->scan_ms = 900;
    run->look_ms = 400;
    run->batch_ms = 900;
    run_until(run, 0, RUN_MS);
    g_assert_cmpuint(put_off(run), ==, 0);
    g_assert_cmpuint(most_in(run, 60000), >, 30000);
    run_free(run);
}

static void test_batches_are_made_still(void)
{
    Run *run = run_new(10);

    run->scan_ms = 800;
    run->batch_ms = 20;
    run_until(run, 0, RUN_MS);
    g_assert_cmpuint(put_off(run), >, run->scans / 2);
    /* As without put-offs: one after each two scans. */
    g_assert_cmpuint(run->batches, >=, run->scans / 2 - 1);
    run_free(run);
}

/* A look that comes long after its scan tells nothing. */
static void test_late_look_is_left_out(void)
{
    Run *run = run_new(10);

    run->scan_ms = 2000;
    run_until(run, 0, RUN_MS);
    g_assert_cmpuint(run->scans, >, 10);
    g_assert_cmpuint(run->looks, ==, 0);
    run_free(run);
}

static void test_new_bound_is_so_at_once(void)
{
    Run *run = run_new(1);
    RaminateSettings settings;
    int64_t wait_ms;

    raminate_settings_init(&settings);
    run->scan_ms = 9000;
    run_until(run, 0, 1);
    g_assert_cmpuint(run->scans, ==, 1);
    g_assert_cmpint(raminate_engine_next(run->engine, 20000, &wait_ms), ==,
                    RAMINATE_TASK_WAIT);
    g_assert_cmpint(wait_ms, >, 800000);
    settings.max_cpu = 0;
    raminate_engine_set(run->engine, 20000, &settings);
    g_assert_cmpint(raminate_engine_next(run->engine, 20000, &wait_ms), !=,
                    RAMINATE_TASK_WAIT);
    run_free(run);
}

/* As if a clock of the host had jumped. */
static void test_largest_times(void)
{
    RaminateBudget budget;

    raminate_budget_init(&budget, 0);
    for (int i = 0; i < 1000; i++) {
        raminate_budget_take(&budget, 5, UINT64_MAX, 1);
        g_assert_cmpint(raminate_budget_free_at(&budget), >, 5);
        g_assert_cmpint(raminate_budget_free_at(&budget), <,
                        INT64_C(1) << 36);
    }
    raminate_budget_init(&budget, INT64_MAX);
    g_assert_cmpint(raminate_budget_free_at(&budget), >, INT64_C(1) << 40);
    raminate_budget_take(&budget, INT64_MAX, UINT64_MAX, 1);
    g_assert_cmpint(raminate_budget_free_at(&budget), >, INT64_C(1) << 40);
    g_assert_cmpint(raminate_budget_free_at(&budget), <, INT64_MAX);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/budget/cheap-work-is-not-put-off",
                    test_cheap_work_is_not_put_off);
    g_test_add_func("/budget/share-stays-in-bounds",
                    test_share_stays_in_bounds);
    g_test_add_func("/budget/without-a-bound-it-takes-all",
                    test_without_a_bound_it_takes_all);
    g_test_add_func("/budget/batches-are-made-still",
                    test_batches_are_made_still);
    g_test_add_func("/budget/late-look-is-left-out",
                    test_late_look_is_left_out);
    g_test_add_func("/budget/new-bound-is-so-at-once",
                    test_new_bound_is_so_at_once);
    g_test_add_func("/budget/largest-times", test_largest_times);
    return g_test_run();
}
