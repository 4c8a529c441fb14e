/*
 * RAMinate: a picture of when which part of guest RAM was written
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <math.h>

#include "history-picture.h"
#include "lib/text.h"
#include "paint.h"

#define CELL 2.0                /* pixels */
#define RAMP_PIXELS 200
#define TIME_LABEL_STEP 100.0   /* pixels from one to the next, at least */

typedef struct Drawing {
    const History *history;
    const HistoryTexts *texts;
    int width;
    int height;
} Drawing;

/* From never written to written in every scan; ever brighter. */
static const Colour ramp[] = {
    { 0.10, 0.10, 0.14 }, { 0.25, 0.10, 0.42 }, { 0.62, 0.16, 0.42 },
    { 0.93, 0.41, 0.15 }, { 0.99, 0.75, 0.18 }, { 1.0, 1.0, 0.75 },
};
static const Colour not_watched = { 0.3, 0.3, 0.3 };

/* The square root tells those apart that are seldom written. */
static Colour colour_of(double share)
{
    double at = sqrt(CLAMP(share, 0, 1)) * (G_N_ELEMENTS(ramp) - 1);
    unsigned i = MIN((unsigned)at, G_N_ELEMENTS(ramp) - 2);

    return paint_mix(ramp[i + 1], ramp[i], at - i);
}

static double map_width(const Drawing *drawing)
{
    return drawing->width - PAINT_LEFT - PAINT_MARGIN;
}

static double map_height(const Drawing *drawing)
{
    return drawing->height - PAINT_TOP - PAINT_BOTTOM - PAINT_LINE;
}

void history_picture_cells(int width, int height, unsigned *columns,
                           unsigned *rows)
{
    Drawing drawing = { .width = width, .height = height };

    *columns = map_width(&drawing) / CELL;
    *rows = map_height(&drawing) / CELL;
}

/* A run of cells that look alike is one shape. */
static void draw_row(cairo_t *cr, const Drawing *drawing, unsigned row)
{
    const History *history = drawing->history;
    const float *shares = history->shares + (size_t)row * history->columns;
    double cell_width = map_width(drawing) / history->columns;
    double cell_height = map_height(drawing) / history->rows;
    unsigned start = 0, i;

    for (i = 1; i <= history->columns; i++) {
        if (i < history->columns && shares[i] == shares[start] &&
            history->watched[i] == history->watched[start]) {
            continue;
        }
        paint_set_colour(cr, history->watched[start]
                             ? colour_of(shares[start]) : not_watched, 1);
        cairo_rectangle(cr, PAINT_LEFT + start * cell_width,
                        PAINT_TOP + row * cell_height,
                        (i - start) * cell_width, cell_height);
        cairo_fill(cr);
        start = i;
    }
}

static void draw_addresses(cairo_t *cr, const Drawing *drawing)
{
    const History *history = drawing->history;
    double height = map_height(drawing);
    unsigned labels = MAX(height / PAINT_LABEL_STEP, 1);
    unsigned i;

    for (i = 0; i < labels; i++) {
        g_autofree char *address =
            text_size((guint64)history->nr_pages * i / labels *
                      history->page_size);

        paint_text_right(cr, PAINT_LEFT - 8, PAINT_TOP + height * i / labels +
                         PAINT_FONT_SIZE - 2, address);
    }
}

static void draw_times(cairo_t *cr, const Drawing *drawing)
{
    double width = map_width(drawing);
    unsigned labels = MAX(width / TIME_LABEL_STEP, 1);
    unsigned i;

    for (i = 0; i < labels; i++) {
        g_autofree char *time =
            g_strdup_printf("%.1f s", drawing->history->duration_ms / 1000.0 *
                                      i / labels);

        paint_text(cr, PAINT_LEFT + width * i / labels,
                   PAINT_TOP + map_height(drawing) + PAINT_LINE, time);
    }
}

static void draw_legend(cairo_t *cr, const Drawing *drawing)
{
    const char *text = drawing->texts->least;
    double y = drawing->height - PAINT_MARGIN - 4;
    double x = PAINT_MARGIN + paint_text_width(cr, text) + 8;
    unsigned i;

    paint_text(cr, PAINT_MARGIN, y, text);
    for (i = 0; i < RAMP_PIXELS; i++) {
        paint_set_colour(cr, colour_of((double)i / (RAMP_PIXELS - 1)), 1);
        cairo_rectangle(cr, x + i, y - 10, 1.5, 12);
        cairo_fill(cr);
    }
    paint_text(cr, x + RAMP_PIXELS + 8, y, drawing->texts->most);
}

static void draw(cairo_t *cr, const void *opaque)
{
    const Drawing *drawing = opaque;
    const History *history = drawing->history;
    unsigned row;

    paint_title(cr, drawing->texts->title, drawing->texts->figures);
    cairo_set_antialias(cr, CAIRO_ANTIALIAS_NONE);
    for (row = 0; row < history->rows; row++) {
        draw_row(cr, drawing, row);
    }
    draw_addresses(cr, drawing);
    draw_times(cr, drawing);
    draw_legend(cr, drawing);
}

gboolean history_picture_draw(const History *history,
                              const HistoryTexts *texts, const char *path,
                              int width, int height, GError **error)
{
    Drawing drawing = { .history = history, .texts = texts, .width = width,
                        .height = height };

    return paint_file(path, width, height, draw, &drawing, error);
}

gboolean history_picture_write(const char *recording, const char *path,
                               int width, int height, GError **error)
{
    g_autofree char *name = g_path_get_basename(recording);
    g_autofree char *title = g_utf8_make_valid(name, -1);
    HistoryTexts texts = {
        .title = title,
        .least = "Pages found written by a scan: none",
        .most = "all; grey: no scan",
    };
    g_autoptr(History) history = NULL;
    g_autofree char *size = NULL;
    g_autofree char *figures = NULL;
    unsigned columns, rows;

    history_picture_cells(width, height, &columns, &rows);
    history = history_new(recording, columns, rows, error);
    if (!history) {
        return FALSE;
    }
    size = text_size((guint64)history->nr_pages * history->page_size);
    texts.figures = figures =
        g_strdup_printf("%s, %" G_GUINT64_FORMAT " scans in %.1f s, %"
                        G_GUINT64_FORMAT " pages found written a scan%s",
                        size, history->nr_scans,
                        history->duration_ms / 1000.0,
                        history->nr_written / MAX(history->nr_scans, 1),
                        history->is_cut ? "; stops without an end" : "");
    return history_picture_draw(history, &texts, path, width, height, error);
}
