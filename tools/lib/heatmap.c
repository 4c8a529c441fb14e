/*
 * RAMinate: what a cell of a map of guest RAM shows
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "heatmap.h"

const char heatmap_signs[HEATMAP_NR_PLACES][HEATMAP_LEVELS + 1] = {
    [HEATMAP_FAST] = "oO0@",
    [HEATMAP_MIXED] = "-=%&",
    [HEATMAP_SLOW] = ".:+#",
};

const char *const heatmap_place_names[HEATMAP_NR_PLACES] = {
    [HEATMAP_FAST] = "fast",
    [HEATMAP_MIXED] = "mixed",
    [HEATMAP_SLOW] = "slow",
};

/* A page found written by every other scan has 128; few cells have more. */
static unsigned heat_level(unsigned heat)
{
    return heat >= 128 ? 3 : heat >= 32 ? 2 : heat > 0 ? 1 : 0;
}

HeatmapCell heatmap_cell(const MapBucket *bucket, gboolean hottest)
{
    return (HeatmapCell) {
        .place = bucket->fast >= 0.5f ? HEATMAP_FAST :
                 bucket->fast >= 0.05f ? HEATMAP_MIXED : HEATMAP_SLOW,
        .level = heat_level(hottest ? bucket->hottest : bucket->heat),
    };
}
