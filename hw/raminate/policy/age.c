/*
 * RAMinate: a policy that goes by the age of the last write
 *
 * Adapted from memtierd's policy "age".  A page is active while it was
 * written within the life time, and idle once it was not for AGE_IDLE life
 * times.  Active slow pages change places with idle fast ones; pages in
 * between stay where they are.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdlib.h>

#include "levels.h"
#include "reasons.h"

#define AGE_IDLE 12

enum { IDLE, BETWEEN, ACTIVE };

struct RaminatePolicy {
    RaminateLevels levels;
    unsigned counted;           /* kinds of samples */
    uint32_t life_time;
    bool started;
    int64_t start_ms;
    RaminateRegions *last;      /* uint32_t: seconds since the start */
};

static void age_destroy(RaminatePolicy *p)
{
    if (p) {
        raminate_levels_destroy(&p->levels);
        raminate_regions_free(p->last);
        free(p);
    }
}

static RaminatePolicy *age_create(const RaminatePolicyConfig *config)
{
    RaminatePolicy *p = calloc(1, sizeof(*p));

    if (!p) {
        return NULL;
    }
    p->counted = raminate_policy_counted(config);
    p->life_time = config->life_time_ms;
    p->last = raminate_regions_new(raminate_placement_pages(config->placement),
                                   sizeof(uint32_t));
    if (!p->last || !raminate_levels_init(&p->levels, config)) {
        age_destroy(p);
        return NULL;
    }
    return p;
}

/* Returns: seconds since the first call. */
static uint32_t age_time(RaminatePolicy *p, int64_t now_ms)
{
    if (!p->started) {
        p->started = true;
        p->start_ms = now_ms;
    }
    return (now_ms - p->start_ms) / 1000;
}

/* Puts @page at @level; above IDLE it is known when it was written. */
static void age_set(RaminatePolicy *p, uint32_t page, unsigned level)
{
    unsigned old = raminate_levels_get(&p->levels, page);

    if (old == IDLE && level != IDLE) {
        raminate_regions_need(p->last, page);
        raminate_regions_hold(p->last, page);
    } else if (old != IDLE && level == IDLE) {
        raminate_regions_release(p->last, page);
    }
    raminate_levels_set(&p->levels, page, level);
}

static uint32_t age_last(const RaminatePolicy *p, uint32_t page)
{
    return *(uint32_t *)raminate_regions_get(p->last, page);
}

/* Moves pages older than @max_age_ms from @level down to the next. */
static void age_sink(RaminatePolicy *p, uint32_t now, unsigned level,
                     uint64_t max_age_ms)
{
    for (unsigned fast = 0; fast < 2; fast++) {
        const RaminatePageList *list = &p->levels.lists[fast][level];

        while (list->head != RAMINATE_NO_PAGE &&
               (now - age_last(p, list->head)) * UINT64_C(1000) > max_age_ms) {
            age_set(p, list->head, level - 1);
        }
    }
}

static void age_sink_all(RaminatePolicy *p, uint32_t now)
{
    age_sink(p, now, ACTIVE, p->life_time);
    age_sink(p, now, BETWEEN, (uint64_t)p->life_time * AGE_IDLE);
}

static void age_sample(RaminatePolicy *p, int64_t now_ms,
                       const RaminateSample *found)
{
    uint32_t now = age_time(p, now_ms);

    RAMINATE_SAMPLE_FOREACH(run, found, p->counted) {
        for (uint32_t page = run->first; page < run->first + run->nr; page++) {
            age_set(p, page, ACTIVE);
            *(uint32_t *)raminate_regions_get(p->last, page) = now;
        }
    }
    age_sink_all(p, now);
}

static size_t age_plan(RaminatePolicy *p, int64_t now_ms,
                       RaminateMove *moves, size_t max)
{
    age_sink_all(p, age_time(p, now_ms));
    return raminate_levels_plan(&p->levels, ACTIVE, BETWEEN, moves, max);
}

static void age_moved(RaminatePolicy *p, int64_t now_ms,
                      const RaminateMove *move)
{
    (void)now_ms;
    raminate_levels_moved(&p->levels, move);
}

static void age_given(RaminatePolicy *p, int64_t now_ms, uint32_t page,
                      unsigned from)
{
    (void)now_ms;
    raminate_levels_given(&p->levels, page, from);
}

static void age_set_life_time(RaminatePolicy *p, uint32_t life_time_ms)
{
    p->life_time = life_time_ms;
}

static void age_say(const RaminatePolicy *p, unsigned level, bool is_fast,
                    RaminateReasons *reasons)
{
    const RaminateAgeFigures *figures = &reasons->age;
    const char *found = raminate_reasons_found(p->counted);

    if (figures->has_idle) {
        g_string_append_printf(reasons->why, "it was found %s ", found);
        raminate_reasons_say_ms(reasons, figures->idle_ms);
        g_string_append(reasons->why, " ago");
    } else {
        g_string_append_printf(reasons->why, "it was not found %s for ", found);
        raminate_reasons_say_ms(reasons, figures->idle_from_ms);
    }
    g_string_append_printf(reasons->why, ", which makes it %s, so that it %s",
                           level == ACTIVE ? "active"
                           : level == IDLE ? "idle" : "neither active nor idle",
                           is_fast && level == IDLE
                           ? "goes once an active page needs its frame"
                           : !is_fast && level == ACTIVE
                           ? "goes up once a page of fast memory is idle"
                           : "stays");
}

static void age_explain(const RaminatePolicy *p, int64_t now_ms,
                        uint32_t page, RaminateReasons *reasons)
{
    RaminateAgeFigures *figures = &reasons->age;
    unsigned level = raminate_levels_get(&p->levels, page);

    figures->has_idle = level != IDLE;
    if (figures->has_idle) {
        figures->idle_ms = ((now_ms - p->start_ms) / 1000 -
                            age_last(p, page)) * 1000;
    }
    figures->active_ms = p->life_time;
    figures->idle_from_ms = (int64_t)p->life_time * AGE_IDLE;
    age_say(p, level, raminate_placement_is_fast(p->levels.placement, page),
            reasons);
}

static size_t age_memory(const RaminatePolicy *p)
{
    return raminate_levels_memory(&p->levels) +
           raminate_regions_memory(p->last);
}

const RaminatePolicyOps raminate_policy_age = {
    .name = "age",
    .summary = "memtierd's age, adapted: active pages go up for idle ones",
    .kinds = RAMINATE_WRITTEN,
    .bytes_per_page = RAMINATE_LEVELS_BYTES_PER_PAGE + sizeof(uint32_t),
    .memory = age_memory,
    .create = age_create,
    .destroy = age_destroy,
    .sample = age_sample,
    .plan = age_plan,
    .moved = age_moved,
    .given = age_given,
    .explain = age_explain,
    .set_life_time = age_set_life_time,
};
