/*
 * RAMinate: the figures that a placer keeps
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "hw/raminate/engine/figures.h"

void raminate_figures_add_scan(RaminateFigures *figures,
                               const RaminatePlacement *placement,
                               int64_t period_ms,
                               const RaminateSample *sample)
{
    memset(figures->written, 0, sizeof(figures->written));
    RAMINATE_SAMPLE_FOREACH(run, sample) {
        for (uint32_t page = run->first; page < run->first + run->nr; page++) {
            figures->written[raminate_placement_tier(placement, page)]++;
            figures->slow_unmoved +=
                raminate_placement_first_tier(placement, page) != 0;
        }
    }
    for (unsigned tier = 0; tier < RAMINATE_MAX_TIERS; tier++) {
        figures->total_written[tier] += figures->written[tier];
    }
    figures->watched_ms += period_ms;
    figures->scans++;
}

uint64_t raminate_figures_sum(const uint64_t *written)
{
    uint64_t sum = 0;

    for (unsigned tier = 0; tier < RAMINATE_MAX_TIERS; tier++) {
        sum += written[tier];
    }
    return sum;
}

bool raminate_figures_slow_share(const uint64_t *written, double *share)
{
    uint64_t sum = raminate_figures_sum(written);

    if (!sum) {
        return false;
    }
    *share = 100.0 * (sum - written[0]) / sum;
    return true;
}
