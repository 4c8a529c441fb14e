/*
 * RAMinate: what pictures have in common
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_PAINT_H
#define RAMINATE_PAINT_H

#include <cairo.h>
#include <glib.h>

#define PICTURE_MIN_SIZE 200
#define PICTURE_MAX_SIZE 8192

/* In pixels: borders for addresses, title, and legend. */
#define PAINT_MARGIN 12.0
#define PAINT_LEFT 84.0
#define PAINT_TOP 52.0
#define PAINT_BOTTOM 64.0
#define PAINT_FONT_SIZE 13.0
#define PAINT_LINE 18.0
/* From one label of an axis to the next, at least. */
#define PAINT_LABEL_STEP 40.0

typedef struct Colour {
    double red;
    double green;
    double blue;
} Colour;

/* @part: of @a; 0 to 1 */
Colour paint_mix(Colour a, Colour b, double part);

/* @brightness: 0 to 1 */
void paint_set_colour(cairo_t *cr, Colour colour, double brightness);

/* @x, @y: where the text's baseline begins, or ends for the second */
void paint_text(cairo_t *cr, double x, double y, const char *text);
void paint_text_right(cairo_t *cr, double x, double y, const char *text);

/* Returns: pixels that the text takes. */
double paint_text_width(cairo_t *cr, const char *text);

/* Two lines at the top. */
void paint_title(cairo_t *cr, const char *title, const char *figures);

/* Whether a picture could be written at @path, before it is made. */
gboolean paint_can_write(const char *path, GError **error);

typedef void PaintDraw(cairo_t *cr, const void *opaque);

/*
 * Lets @draw draw on a dark ground, and writes that to a file.
 * @path: ends with .png or .svg
 */
gboolean paint_file(const char *path, int width, int height, PaintDraw *draw,
                    const void *opaque, GError **error);

#endif
