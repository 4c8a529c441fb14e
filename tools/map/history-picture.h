/*
 * RAMinate: a picture of when which part of guest RAM was written
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_HISTORY_PICTURE_H
#define RAMINATE_HISTORY_PICTURE_H

#include "history.h"

typedef struct HistoryTexts {
    const char *title;
    const char *figures;        /* below it */
    const char *least;          /* before the colours of the legend */
    const char *most;           /* behind them */
} HistoryTexts;

/* Returns: cells of the picture for which there is room. */
void history_picture_cells(int width, int height, unsigned *columns,
                           unsigned *rows);

/* Draws @history, as below. */
gboolean history_picture_draw(const History *history,
                              const HistoryTexts *texts, const char *path,
                              int width, int height, GError **error);

/*
 * Draws a recording, time from left to right, addresses from top to bottom.
 * @path: ends with .png or .svg
 * @width, @height: of the picture, in pixels
 */
gboolean history_picture_write(const char *recording, const char *path,
                               int width, int height, GError **error);

#endif
