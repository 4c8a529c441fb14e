/*
 * RAMinate: what the files that draw the screen of raminate-top share
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_TOP_SCREEN_PARTS_H
#define RAMINATE_TOP_SCREEN_PARTS_H

#include <curses.h>

#include "lib/heatmap.h"
#include "screen.h"

/* What is told of a container takes so many, and one for each tier. */
#define DETAIL_LINES 6

/* Whether the terminal shows UTF-8 */
extern gboolean screen_utf8;

/*
 * Puts text at a place.
 * @columns: that it takes, cut or filled up; less than 0: to the right
 * Returns: the column behind it.
 */
int screen_put(int y, int x, int columns, attr_t attributes,
               const char *text);

/* Fills line @y. */
void screen_put_line(int y, attr_t attributes, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* @slow_tier: from 1 on, of a cell in slow memory */
attr_t screen_cell_attributes(HeatmapCell cell, unsigned slow_tier);

/* Returns: lines that a pane other than the map has. */
int screen_pane_lines(const View *view);

/* Sums up all containers in line @y. */
void screen_draw_totals(const GPtrArray *rows, int y);

/* Draws a pane other than the map in @lines lines from @y on. */
void screen_draw_pane(const View *view, const ContainerInfo *info, int y,
                      int lines);

/* Both in place of all else; the second draws what @view->why has. */
void screen_draw_help(void);
void screen_draw_why(const View *view);

/* Tells of the container of @row in at most @lines lines from @y on. */
void screen_draw_detail(const Row *row, int y, int lines);

#endif
