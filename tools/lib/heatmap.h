/*
 * RAMinate: what a cell of a map of guest RAM shows
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_HEATMAP_H
#define RAMINATE_HEATMAP_H

#include "info.h"

/* Where the pages of a cell are. */
typedef enum HeatmapPlace {
    HEATMAP_FAST,           /* half of them or more in the fastest tier */
    HEATMAP_MIXED,          /* one in twenty or more */
    HEATMAP_SLOW,
    HEATMAP_NR_PLACES,
} HeatmapPlace;

/* Levels of heat: cold, warm, hot, hottest. */
#define HEATMAP_LEVELS 4

typedef struct HeatmapCell {
    HeatmapPlace place;
    unsigned level;
} HeatmapCell;

/* @hottest: by the heat of the hottest page, not by the mean */
HeatmapCell heatmap_cell(const MapBucket *bucket, gboolean hottest);

/* Signs that tell places and levels apart without colour. */
extern const char heatmap_signs[HEATMAP_NR_PLACES][HEATMAP_LEVELS + 1];
extern const char *const heatmap_place_names[HEATMAP_NR_PLACES];

#endif
