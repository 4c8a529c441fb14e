/*
 * RAMinate: a picture of how much fast memory would be enough
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "curve.h"
#include "lib/text.h"
#include "paint.h"

#define CURVE_PIXELS 2.5
#define SHARE_STEP 25           /* per cent from label to label */
#define SIZE_LABEL_STEP 100.0   /* pixels from one to the next, at least */

/* What is left free at the right, of all that is shown */
#define ROOM 0.05

typedef struct Drawing {
    const Picture *picture;
    const ContainerInfo *info;
    const UseInfo *use;
    double most;                /* bytes at the right */
} Drawing;

static const Colour curve_colour = { 0.99, 0.75, 0.18 };
static const Colour fast_colour = { 0.36, 0.66, 0.95 };
static const Colour axis_colour = { 0.3, 0.3, 0.35 };

static double plot_height(const Drawing *drawing)
{
    return drawing->picture->height - PAINT_TOP - PAINT_BOTTOM - PAINT_LINE;
}

static double x_of(const Drawing *drawing, double bytes)
{
    return PAINT_LEFT + bytes / drawing->most *
           (drawing->picture->width - PAINT_LEFT - PAINT_MARGIN);
}

static double y_of(const Drawing *drawing, double share)
{
    return PAINT_TOP + plot_height(drawing) * (1 - share / 100);
}

static void draw_line(cairo_t *cr, double x1, double y1, double x2, double y2)
{
    cairo_move_to(cr, x1, y1);
    cairo_line_to(cr, x2, y2);
    cairo_stroke(cr);
}

static void draw_axes(cairo_t *cr, const Drawing *drawing)
{
    unsigned labels = MAX((drawing->picture->width - PAINT_LEFT) /
                          SIZE_LABEL_STEP, 1);
    unsigned i;

    cairo_set_line_width(cr, 1);
    for (i = 0; i <= 100; i += SHARE_STEP) {
        g_autofree char *share = g_strdup_printf("%u %%", i);
        double y = y_of(drawing, i);

        paint_set_colour(cr, axis_colour, 1);
        draw_line(cr, PAINT_LEFT, y, x_of(drawing, drawing->most), y);
        paint_text_right(cr, PAINT_LEFT - 8, y + PAINT_FONT_SIZE / 3, share);
    }
    for (i = 0; i < labels; i++) {
        double bytes = drawing->most * i / labels;
        g_autofree char *size = text_size(bytes);

        paint_text(cr, x_of(drawing, bytes),
                   PAINT_TOP + plot_height(drawing) + PAINT_LINE, size);
    }
}

static void draw_curve(cairo_t *cr, const Drawing *drawing)
{
    const UseInfo *use = drawing->use;
    unsigned i;

    paint_set_colour(cr, curve_colour, 1);
    cairo_set_line_width(cr, CURVE_PIXELS);
    cairo_move_to(cr, x_of(drawing, 0), y_of(drawing, 0));
    for (i = 0; i < use->nr_enough; i++) {
        cairo_line_to(cr, x_of(drawing, MIN(use->enough[i].size,
                                            drawing->most)),
                      y_of(drawing, use->enough[i].share));
    }
    cairo_stroke(cr);
}

static void draw_fast(cairo_t *cr, const Drawing *drawing)
{
    double x = x_of(drawing, drawing->info->tiers[0].size);

    paint_set_colour(cr, fast_colour, 1);
    cairo_set_line_width(cr, CURVE_PIXELS);
    draw_line(cr, x, y_of(drawing, 0), x, y_of(drawing, 100));
}

static void draw_legend(cairo_t *cr, const Drawing *drawing)
{
    g_autofree char *fast = text_size(drawing->info->tiers[0].size);
    g_autofree char *text =
        g_strdup_printf("Share of what is used lately, in the memory used "
                        "most; upright: the fastest tier, %s", fast);

    paint_text(cr, PAINT_MARGIN, drawing->picture->height - PAINT_MARGIN - 4,
               text);
}

static void draw(cairo_t *cr, const void *opaque)
{
    const Drawing *drawing = opaque;
    const UseInfo *use = drawing->use;
    g_autofree char *minute = text_size(use->minute);
    g_autofree char *ten_minutes = text_size(use->ten_minutes);
    g_autofree char *hour = text_size(use->hour);
    g_autofree char *size = text_size(drawing->info->size);
    g_autofree char *figures =
        g_strdup_printf("Used in the last minute %s, 10 min %s, 1 h %s of %s",
                        minute, ten_minutes, hour, size);

    paint_title(cr, drawing->picture->title, figures);
    draw_axes(cr, drawing);
    draw_fast(cr, drawing);
    draw_curve(cr, drawing);
    draw_legend(cr, drawing);
}

gboolean curve_write(const Picture *picture, const ContainerInfo *info,
                     const UseInfo *use, const char *path, GError **error)
{
    Drawing drawing = { .picture = picture, .info = info, .use = use };
    unsigned i;

    drawing.most = MAX(info->tiers[0].size, 1);
    for (i = 0; i < use->nr_enough; i++) {
        /* Nothing is larger than the container, whatever is said. */
        drawing.most = MAX(drawing.most,
                           MIN(use->enough[i].size, info->size));
    }
    drawing.most /= 1 - ROOM;
    return paint_file(path, picture->width, picture->height, draw, &drawing,
                      error);
}
