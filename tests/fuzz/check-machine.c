/*
 * RAMinate: what is true of an engine at any time
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "machine.h"

void check_pages(const Machine *m)
{
    g_autofree bool *taken = g_new0(bool, m->nr_frames);

    for (uint32_t page = 0; page < m->nr_frames; page++) {
        uint32_t frame = raminate_placement_frame(m->placement, page);

        g_assert_cmpuint(frame, <, m->nr_frames);
        g_assert_false(taken[frame]);
        taken[frame] = true;
        g_assert_cmpuint(raminate_placement_tier(m->placement, page), ==,
                         m->tiers[frame]);
        g_assert_true(raminate_placement_is_room(m->placement, page) ==
                      (page >= m->layout.nr_pages));
    }
}

/* Returns: whether a page and the one before are of one run. */
static bool is_joined(const Machine *m, uint32_t page)
{
    uint32_t frame = raminate_placement_frame(m->placement, page);

    return page && frame && m->tiers[frame - 1] == m->tiers[frame] &&
           raminate_placement_frame(m->placement, page - 1) == frame - 1;
}

void check_sums(const Machine *m)
{
    uint32_t counts[RAMINATE_MAX_TIERS] = { 0 };
    bool identity = true;
    uint32_t runs = 0;

    for (uint32_t page = 0; page < m->nr_frames; page++) {
        identity &= raminate_placement_frame(m->placement, page) == page &&
                    raminate_placement_first_tier(m->placement, page) ==
                    m->tiers[page];
        g_assert_true(raminate_placement_joined(m->placement, page) ==
                      is_joined(m, page));
        runs += !is_joined(m, page);
    }
    g_assert_cmpuint(raminate_placement_runs(m->placement), ==, runs);
    raminate_placement_count(m->placement, 0, m->nr_frames, counts);
    for (unsigned tier = 0; tier < m->layout.nr_tiers; tier++) {
        uint32_t nr = 0;

        for (uint32_t page = 0;
             (page = raminate_placement_next_in_tier(m->placement, tier,
                                                     page)) !=
             RAMINATE_NO_PAGE; page++) {
            g_assert_cmpuint(raminate_placement_tier(m->placement, page), ==,
                             tier);
            nr++;
        }
        g_assert_cmpuint(nr, ==, m->tier_pages[tier]);
        g_assert_cmpuint(raminate_placement_tier_pages(m->placement, tier),
                         ==, nr);
        g_assert_cmpuint(counts[tier], ==, nr);
    }
    g_assert_true(identity ==
                  (raminate_placement_memory(m->placement) == 0));
}

void check_clock(const Machine *m)
{
    int64_t wait_ms = -1;
    RaminateTask task = raminate_engine_next(m->engine, m->now, &wait_ms);

    if (task != RAMINATE_TASK_WAIT) {
        g_assert_cmpint(wait_ms, ==, 0);
        return;
    }
    g_assert_cmpint(wait_ms, >, 0);
    g_assert_cmpint(raminate_engine_next(m->engine, m->now + wait_ms,
                                         &wait_ms), !=, RAMINATE_TASK_WAIT);
}

void check_figures(const Machine *m)
{
    const RaminateFigures *figures = raminate_engine_figures(m->engine);
    int64_t excess = (int64_t)m->tier_pages[0] - m->wanted;

    g_assert_cmpuint(figures->scans, ==, m->scans);
    g_assert_cmpuint(figures->swaps, ==, m->done);
    g_assert_cmpuint(figures->swaps_failed, ==,
                     m->not_done[RAMINATE_MOVE_FAILED]);
    g_assert_cmpuint(figures->swaps_held, ==, m->not_done[RAMINATE_MOVE_HELD]);
    g_assert_cmpuint(figures->swaps_reversed, <=, figures->swaps);
    g_assert_cmpuint(figures->pages_resized, ==, m->resized);
    g_assert_cmpuint(figures->pages_adopted, ==, m->adopted);
    g_assert_cmpint(raminate_engine_excess(m->engine), ==, excess);
    for (unsigned tier = 0; tier < RAMINATE_MAX_TIERS; tier++) {
        g_assert_cmpuint(figures->swap_reads[tier], ==, m->reads[tier]);
        g_assert_cmpuint(figures->swap_writes[tier], ==, m->writes[tier]);
    }
    g_assert_cmpuint(raminate_figures_sum(figures->total_written), ==,
                     raminate_figures_sum(figures->unmoved));
}

void check_counted(const Machine *m, const RaminateSample *found)
{
    const RaminateFigures *figures = raminate_engine_figures(m->engine);
    const RaminateHeat *heat = raminate_engine_heat(m->engine);
    uint64_t written[RAMINATE_MAX_TIERS] = { 0 };

    for (uint32_t page = 0; page < m->nr_frames; page++) {
        if (raminate_sample_find(found, page) & RAMINATE_WRITTEN) {
            written[raminate_placement_tier(m->placement, page)]++;
            g_assert_cmpuint(raminate_heat_get(heat, page), >, 0);
        }
        g_assert_cmpuint(raminate_heat_get(heat, page), <=,
                         RAMINATE_HEAT_MAX);
        g_assert_false(raminate_heat_get(heat, page) &&
                       raminate_heat_is_cold(heat,
                                             page >> RAMINATE_REGION_BITS));
    }
    for (unsigned tier = 0; tier < RAMINATE_MAX_TIERS; tier++) {
        g_assert_cmpuint(figures->written[tier], ==, written[tier]);
    }
}
