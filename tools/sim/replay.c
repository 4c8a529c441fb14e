/*
 * RAMinate: one policy at work on a recording
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <time.h>

#include "hw/raminate/engine/moves.h"
#include "replay.h"

typedef struct Replay {
    const ReplaySettings *settings;
    RaminatePlacement *placement;
    RaminatePolicy *policy;
    Oracle *oracle;             /* NULL if the policy plans */
    RaminateMoves *moves;
    RaminatePair *pairs;
    int64_t offset_ms;          /* of the recording's clock */
    int64_t next_swap_ms;
    ReplayResult *result;
} Replay;

static const uint32_t *numbers(const GArray *array)
{
    return (const uint32_t *)array->data;
}

static bool is_slow(const Replay *replay, uint32_t page)
{
    return raminate_placement_tier(replay->placement, page) != 0;
}

static void judge_step(Replay *replay, const TraceStep *step)
{
    ReplayResult *result = replay->result;

    for (guint i = 0; i < step->pages->len; i++) {
        result->slow_pages += is_slow(replay, numbers(step->pages)[i]);
    }
    result->pages += step->pages->len;
    for (guint i = 0; i < step->traffic_pages->len; i++) {
        uint32_t lines = numbers(step->written)[i];

        result->lines += lines;
        result->read_lines += numbers(step->read)[i];
        if (is_slow(replay, numbers(step->traffic_pages)[i])) {
            result->slow_lines += lines;
        }
    }
}

static void swap_pair(Replay *replay, int64_t now, const RaminatePair *pair)
{
    uint32_t window = replay->settings->reverse_window_ms;
    unsigned from = raminate_placement_tier(replay->placement, pair->promote);
    unsigned to = raminate_placement_tier(replay->placement, pair->demote);
    RaminateMove up = { .ms = now, .from = from, .to = to };
    RaminateMove down = { .ms = now, .from = to, .to = from };
    bool back;

    raminate_placement_swap(replay->placement, pair->promote, pair->demote);
    back = raminate_moves_note(replay->moves, window, pair->promote, &up);
    back |= raminate_moves_note(replay->moves, window, pair->demote, &down);
    replay->result->reversed += back;
    replay->result->swaps++;
    replay->result->swap_lines += (from != 0) * REPLAY_SWAP_LINES +
                                  (to != 0) * REPLAY_SWAP_LINES;
    replay->settings->policy->swapped(replay->policy, now, pair->promote,
                                      pair->demote);
}

/* Returns: number of pairs. */
static size_t plan(Replay *replay, int64_t now)
{
    uint32_t max = replay->settings->max_swaps;

    if (replay->oracle) {
        return oracle_plan(replay->oracle, replay->pairs, max);
    }
    return replay->settings->policy->plan(replay->policy, now, replay->pairs,
                                          max);
}

static void replay_step(Replay *replay, const TraceStep *step)
{
    const ReplaySettings *settings = replay->settings;
    int64_t now = step->time_ms + replay->offset_ms;
    size_t nr;

    judge_step(replay, step);
    if (settings->second_look && step->look_window_ms &&
        settings->policy->look) {
        settings->policy->look(replay->policy, now, step->look_window_ms,
                               numbers(step->look), step->look->len);
    }
    if (settings->policy->gauge) {
        settings->policy->gauge(replay->policy, numbers(step->gauge_pages),
                                numbers(step->gauge_lines),
                                step->gauge_pages->len);
    }
    settings->policy->sample(replay->policy, now, numbers(step->pages),
                             step->pages->len);
    if (now < replay->next_swap_ms) {
        return;
    }
    replay->next_swap_ms = MAX(replay->next_swap_ms + settings->swap_period_ms,
                               now + 1);
    nr = plan(replay, now);
    for (size_t i = 0; i < nr; i++) {
        if (settings->keep_moves) {
            ReplayMove move = { step->time_ms, replay->pairs[i] };

            g_array_append_val(replay->result->moves, move);
        }
        swap_pair(replay, now, &replay->pairs[i]);
    }
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

static void start_policy(Replay *replay, int64_t now)
{
    RaminatePolicyConfig config = {
        .placement = replay->placement,
        .life_time_ms = replay->settings->life_time_ms,
    };

    replay->policy = replay->settings->policy->create(&config);
    if (!replay->policy) {
        g_error("no memory for policy %s", replay->settings->policy->name);
    }
    replay->moves = raminate_moves_new();
    replay->next_swap_ms = now + replay->settings->swap_period_ms;
}

static void end_policy(Replay *replay)
{
    if (replay->policy) {
        raminate_moves_free(replay->moves);
        replay->settings->policy->destroy(replay->policy);
        replay->policy = NULL;
    }
}

static bool replay_pass(Replay *replay, Trace *trace, double done,
                        GMutex *lock, double *progress, GError **error)
{
    double start = processor_seconds();
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
        if (!replay->policy) {
            start_policy(replay, step->time_ms);
        }
        replay_step(replay, step);
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
    if (replay->settings->keep_policy) {
        /* The next pass begins a scan period after the end of this one. */
        replay->offset_ms += replay->result->duration_ms + period_ms;
    } else {
        end_policy(replay);
    }
    replay->result->seconds = processor_seconds() - start;
    replay->result->has_traffic = trace_has_traffic(trace);
    replay->result->cut = trace_is_cut(trace);
    if (err) {
        g_propagate_error(error, err);
        return false;
    }
    return true;
}

bool replay_run(const char *path, const TraceOptions *options,
                const ReplayTiers *tiers, const ReplaySettings *settings,
                unsigned passes, ReplayResult *results,
                GMutex *lock, double *progress, GError **error)
{
    g_autoptr(Trace) trace = trace_new(path, options, error);
    Replay replay = { .settings = settings };
    bool ok = trace;

    if (!trace) {
        return false;
    }
    replay.placement = raminate_placement_new(tiers->ranges, tiers->nr);
    if (!replay.placement) {
        g_error("no memory for the placement");
    }
    if (settings->oracle) {
        replay.oracle = oracle_new(settings->oracle, path, options,
                                   replay.placement,
                                   settings->foresight_ms ?:
                                   settings->swap_period_ms, error);
        ok = replay.oracle;
    }
    replay.pairs = g_new(RaminatePair, settings->max_swaps);
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
    end_policy(&replay);
    oracle_free(replay.oracle);
    g_free(replay.pairs);
    raminate_placement_free(replay.placement);
    return ok;
}

void replay_result_clear(ReplayResult *result)
{
    g_clear_pointer(&result->steps, g_array_unref);
    g_clear_pointer(&result->moves, g_array_unref);
}
