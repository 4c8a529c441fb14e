/*
 * RAMinate: one policy at work on a recording
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdlib.h>
#include <time.h>

#include "hw/raminate/engine/engine.h"
#include "replay.h"

typedef struct Replay {
    const ReplaySettings *settings;
    RaminateEngine *engine;
    Oracle *oracle;             /* NULL if the policy plans */
    RaminateSample found;       /* the step's pages */
    RaminateSample looked;
    RaminateSample written;     /* of either, while it is put together */
    RaminateSample read;
    RaminateMove *moves;
    bool started;
    uint64_t batches;           /* recorded ones that were made again */
    int64_t offset_ms;          /* of the recording's clock */
    ReplayResult *result;
} Replay;

static const uint32_t *numbers(const GArray *array)
{
    return (const uint32_t *)array->data;
}

/* @kinds: that were looked for */
static void to_sample(Replay *replay, RaminateSample *sample, unsigned kinds,
                      const GArray *written, const GArray *read)
{
    RaminateSample *first = read->len ? &replay->written : sample;

    raminate_sample_clear(first);
    raminate_sample_add_pages(first, numbers(written), written->len,
                              RAMINATE_WRITTEN);
    if (read->len) {
        raminate_sample_clear(&replay->read);
        raminate_sample_add_pages(&replay->read, numbers(read), read->len,
                                  RAMINATE_READ);
        raminate_sample_merge(sample, first, &replay->read);
    }
    sample->kinds = kinds;
}

/* What reached the memory, which only the simulator knows */
static void judge_traffic(Replay *replay, const TraceStep *step)
{
    const RaminatePlacement *placement =
        raminate_engine_placement(replay->engine);
    ReplayResult *result = replay->result;

    for (guint i = 0; i < step->traffic_pages->len; i++) {
        uint32_t page = numbers(step->traffic_pages)[i];
        unsigned tier = raminate_placement_tier(placement, page);

        result->tier_lines[tier] += numbers(step->written)[i];
        result->tier_reads[tier] += numbers(step->read)[i];
    }
    result->lines = raminate_figures_sum(result->tier_lines);
    result->slow_lines = raminate_figures_slow(result->tier_lines);
}

static void tell_engine(Replay *replay, const TraceStep *step, int64_t now)
{
    RaminateScan scan = {
        .now = now,
        .found = &replay->found,
        .gauged = numbers(step->gauge_pages),
        .lines = numbers(step->gauge_lines),
        .nr_gauged = step->gauge_pages->len,
    };

    if (replay->settings->second_look && step->look_window_ms) {
        to_sample(replay, &replay->looked, step->look_kinds, step->look,
                  step->look_read_pages);
        raminate_engine_looked(replay->engine, now, step->look_window_ms,
                               &replay->looked);
    }
    to_sample(replay, &replay->found, step->kinds, step->pages,
              step->read_pages);
    raminate_engine_scanned(replay->engine, &scan);
    raminate_engine_count_all(replay->engine, now, &replay->found);
}

static void keep_move(Replay *replay, int64_t time_ms,
                      const RaminateMove *move)
{
    ReplayMove kept = { time_ms, move->page, move->with };

    if (replay->settings->keep_moves) {
        g_array_append_val(replay->result->moves, kept);
    }
}

/* The simulator's mover */
static void move_pages(Replay *replay, int64_t now, int64_t time_ms, size_t nr)
{
    RaminatePlacement *placement = raminate_engine_placement(replay->engine);

    for (size_t i = 0; i < nr; i++) {
        RaminateMove *move = &replay->moves[i];

        raminate_placement_swap(placement, move->page, move->with);
        move->status = RAMINATE_MOVE_DONE;
        keep_move(replay, time_ms, move);
    }
    raminate_engine_moved(replay->engine, now, replay->moves, nr, true);
}

static int compare_moves(const void *a, const void *b)
{
    const RaminateMove *move_a = a;
    const RaminateMove *move_b = b;

    return (move_a->page > move_b->page) - (move_a->page < move_b->page);
}

static size_t plan(Replay *replay, int64_t now)
{
    raminate_engine_begin_batch(replay->engine, now);
    return raminate_engine_plan(replay->engine, now, replay->moves,
                                replay->settings->engine.max_swaps);
}

/*
 * Plans as the container did at the time of a batch.
 * @recorded: its moves, NULL if it has none; in order of pages afterwards
 * Returns: false with @error set if it would have planned other moves.
 */
static bool plan_as_recorded(Replay *replay, const TraceBatch *batch,
                             RaminateMove *recorded, GError **error)
{
    size_t nr = plan(replay, batch->time_ms + replay->offset_ms);
    size_t same = 0;

    qsort(replay->moves, nr, sizeof(*replay->moves), compare_moves);
    if (batch->nr) {
        qsort(recorded, batch->nr, sizeof(*recorded), compare_moves);
    }
    while (same < MIN(nr, batch->nr) &&
           replay->moves[same].page == recorded[same].page &&
           replay->moves[same].with == recorded[same].with) {
        same++;
    }
    if (same == nr && same == batch->nr) {
        return true;
    }
    g_set_error(error, RAMINATE_RECORD_ERROR, RAMINATE_RECORD_ERROR_FOREIGN,
                "policy %s plans %zu moves at %" G_GINT64_FORMAT " ms, %zu of "
                "them as the container's %u; give its policy and settings, "
                "and a recording from its start on",
                replay->settings->policy->name, nr, batch->time_ms, same,
                batch->nr);
    return false;
}

/* Makes the batches before the scan, each when and as far as it was made. */
static bool as_recorded(Replay *replay, const TraceStep *step, GError **error)
{
    RaminatePlacement *placement = raminate_engine_placement(replay->engine);

    replay->batches += step->batches->len;
    for (guint i = 0; i < step->batches->len; i++) {
        const TraceBatch *batch = &g_array_index(step->batches, TraceBatch, i);
        RaminateMove *moves = &g_array_index(step->moves, RaminateMove,
                                             batch->first);

        if (!batch->by_command) {
            g_autofree RaminateMove *sorted =
                g_memdup2(moves, batch->nr * sizeof(*moves));

            if (!plan_as_recorded(replay, batch, sorted, error)) {
                return false;
            }
        }
        for (guint j = 0; j < batch->nr; j++) {
            if (moves[j].status == RAMINATE_MOVE_DONE) {
                raminate_placement_swap(placement, moves[j].page,
                                        moves[j].with);
                keep_move(replay, batch->time_ms, &moves[j]);
            }
        }
        raminate_engine_moved(replay->engine, batch->time_ms +
                              batch->moved_after_ms + replay->offset_ms,
                              moves, batch->nr, !batch->by_command);
    }
    return true;
}

static void make_batch(Replay *replay, const TraceStep *step, int64_t now)
{
    size_t nr = plan(replay, now);

    if (replay->oracle) {
        nr = oracle_plan(replay->oracle, replay->moves,
                         replay->settings->engine.max_swaps);
    }
    move_pages(replay, now, step->time_ms, nr);
}

/*
 * Does what the engine wants done, as the placer does, but that the recording
 * has the scans: one begins when it comes, and nothing is done between two.
 * Returns: false with @error set if it isn't as recorded.
 */
static bool replay_step(Replay *replay, const TraceStep *step, GError **error)
{
    int64_t now = step->time_ms + replay->offset_ms;
    int64_t wait_ms;
    bool ok;

    raminate_engine_begin_policy(replay->engine);
    ok = !replay->settings->as_recorded || as_recorded(replay, step, error);
    if (ok) {
        judge_traffic(replay, step);
        raminate_engine_begin_scan(replay->engine, now, false);
        tell_engine(replay, step, now);
        if (!replay->settings->as_recorded &&
            raminate_engine_next(replay->engine, now, &wait_ms) ==
            RAMINATE_TASK_BATCH) {
            make_batch(replay, step, now);
        }
    }
    raminate_engine_end_policy(replay->engine);
    return ok;
}

/* @before: the result before the step */
static void keep_step(const Replay *replay, const TraceStep *step,
                      const ReplayResult *before)
{
    ReplayResult *result = replay->result;
    ReplayStep kept = {
        .time_ms = step->time_ms,
        .lines = result->lines - before->lines,
        .slow_lines = result->slow_lines - before->slow_lines,
        .swap_lines = result->swap_lines - before->swap_lines,
    };

    g_array_append_val(result->steps, kept);
}

static double processor_seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* The first batch comes a swap period after the first scan. */
static bool start(Replay *replay, int64_t now, GError **error)
{
    if (replay->started) {
        return true;
    }
    if (!raminate_engine_set_policy(replay->engine,
                                    replay->settings->policy)) {
        trace_set_no_memory(error, "the policy's state",
                            raminate_placement_pages(
                                raminate_engine_placement(replay->engine)));
        return false;
    }
    replay->started = true;
    raminate_engine_forget_moves(replay->engine);
    raminate_engine_put_off_batch(replay->engine, now);
    return true;
}

/* @before: the engine's figures at the start of the pass */
static void take_figures(Replay *replay, const RaminateFigures *before)
{
    const RaminateFigures *now = raminate_engine_figures(replay->engine);
    const RaminateLayout *layout =
        raminate_placement_layout(raminate_engine_placement(replay->engine));
    ReplayResult *result = replay->result;

    result->pages = raminate_figures_sum(now->total_written) -
                    raminate_figures_sum(before->total_written);
    result->slow_pages = raminate_figures_slow(now->total_written) -
                         raminate_figures_slow(before->total_written);
    result->swaps = now->swaps - before->swaps;
    result->reversed = now->swaps_reversed - before->swaps_reversed;
    for (unsigned tier = 0; tier < layout->nr_tiers; tier++) {
        result->swap_reads[tier] = now->swap_reads[tier] -
                                   before->swap_reads[tier];
        result->swap_writes[tier] = now->swap_writes[tier] -
                                    before->swap_writes[tier];
    }
    result->swap_lines = raminate_figures_slow(result->swap_writes) *
                         raminate_layout_unit_lines(layout);
}

static bool replay_pass(Replay *replay, Trace *trace, double done,
                        GMutex *lock, double *progress, GError **error)
{
    double start_seconds = processor_seconds();
    RaminateFigures figures = *raminate_engine_figures(replay->engine);
    GError *err = NULL;
    const TraceStep *step;
    int64_t first_ms = 0;
    int64_t last_ms = 0;
    int64_t period_ms = 0;

    if (replay->oracle) {
        oracle_rewind(replay->oracle);
    }
    while ((step = trace_next(trace, &err)) &&
           (!replay->oracle || oracle_pass(replay->oracle, step, &err))) {
        ReplayResult before = *replay->result;

        if (!replay->result->scans++) {
            first_ms = step->time_ms;
        }
        if (!start(replay, step->time_ms, &err) ||
            !replay_step(replay, step, &err)) {
            break;
        }
        take_figures(replay, &figures);
        if (replay->settings->keep_steps) {
            keep_step(replay, step, &before);
        }
        replay->result->duration_ms = step->time_ms - first_ms;
        period_ms = step->time_ms - last_ms;
        last_ms = step->time_ms;
        g_mutex_lock(lock);
        *progress = done + trace_progress(trace);
        g_mutex_unlock(lock);
    }
    if (!err && replay->settings->as_recorded && !replay->batches) {
        g_set_error(&err, RAMINATE_RECORD_ERROR, RAMINATE_RECORD_ERROR_FOREIGN,
                    "the recording has no batches; replay it without "
                    "--as-recorded");
    }
    if (replay->settings->keep_policy) {
        /* The next pass begins a scan period after the end of this one. */
        replay->offset_ms += replay->result->duration_ms + period_ms;
    } else {
        replay->started = false;
    }
    replay->result->seconds = processor_seconds() - start_seconds;
    replay->result->has_traffic = trace_has_traffic(trace);
    replay->result->cut = trace_is_cut(trace);
    if (err) {
        g_propagate_error(error, err);
        return false;
    }
    return true;
}

bool replay_run(const char *path, const TraceOptions *options,
                const RaminateLayout *layout, const ReplaySettings *settings,
                unsigned passes, ReplayResult *results,
                GMutex *lock, double *progress, GError **error)
{
    g_autoptr(Trace) trace = trace_new(path, options, error);
    Replay replay = { .settings = settings };
    bool ok = trace;

    if (!trace) {
        return false;
    }
    replay.engine = raminate_engine_new(layout, &settings->engine);
    if (!replay.engine) {
        trace_set_no_memory(error, "the placement",
                            trace_header(trace)->nr_pages);
        return false;
    }
    if (settings->oracle) {
        replay.oracle = oracle_new(settings->oracle, path, options,
                                   raminate_engine_placement(replay.engine),
                                   settings->foresight_ms ?:
                                   settings->engine.swap_period, error);
        ok = replay.oracle;
    }
    replay.moves = g_new0(RaminateMove, settings->engine.max_swaps);
    for (unsigned pass = 0; ok && pass < passes; pass++) {
        results[pass] = (ReplayResult) { 0 };
        if (settings->keep_steps) {
            results[pass].steps = g_array_new(FALSE, FALSE,
                                              sizeof(ReplayStep));
        }
        if (settings->keep_moves) {
            results[pass].moves = g_array_new(FALSE, FALSE,
                                              sizeof(ReplayMove));
        }
        replay.result = &results[pass];
        trace_rewind(trace);
        ok = replay_pass(&replay, trace, pass, lock, progress, error);
    }
    oracle_free(replay.oracle);
    raminate_sample_destroy(&replay.found);
    raminate_sample_destroy(&replay.looked);
    raminate_sample_destroy(&replay.written);
    raminate_sample_destroy(&replay.read);
    g_free(replay.moves);
    raminate_engine_free(replay.engine);
    return ok;
}

void replay_result_clear(ReplayResult *result)
{
    g_clear_pointer(&result->steps, g_array_unref);
    g_clear_pointer(&result->moves, g_array_unref);
}
