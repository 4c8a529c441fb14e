/*
 * RAMinate: what pictures have in common
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <cairo-svg.h>
#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "lib/text.h"
#include "paint.h"

static const Colour background = { 0.07, 0.07, 0.09 };
static const Colour foreground = { 0.9, 0.9, 0.9 };

void paint_set_colour(cairo_t *cr, Colour colour, double brightness)
{
    cairo_set_source_rgb(cr, colour.red * brightness,
                         colour.green * brightness,
                         colour.blue * brightness);
}

Colour paint_mix(Colour a, Colour b, double part)
{
    return (Colour) {
        .red = a.red * part + b.red * (1 - part),
        .green = a.green * part + b.green * (1 - part),
        .blue = a.blue * part + b.blue * (1 - part),
    };
}

void paint_text(cairo_t *cr, double x, double y, const char *text)
{
    g_autofree char *clean = text_clean(text, TRUE);

    paint_set_colour(cr, foreground, 1);
    cairo_move_to(cr, x, y);
    cairo_show_text(cr, clean);
}

double paint_text_width(cairo_t *cr, const char *text)
{
    cairo_text_extents_t extents;

    cairo_text_extents(cr, text, &extents);
    return extents.x_advance;
}

void paint_text_right(cairo_t *cr, double x, double y, const char *text)
{
    paint_text(cr, x - paint_text_width(cr, text), y, text);
}

void paint_title(cairo_t *cr, const char *title, const char *figures)
{
    cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                           CAIRO_FONT_WEIGHT_BOLD);
    paint_text(cr, PAINT_MARGIN, PAINT_MARGIN + PAINT_FONT_SIZE - 2, title);
    cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                           CAIRO_FONT_WEIGHT_NORMAL);
    paint_text(cr, PAINT_MARGIN, PAINT_MARGIN + PAINT_FONT_SIZE +
               PAINT_LINE - 2, figures);
}

gboolean paint_can_write(const char *path, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(path);
    gboolean exists = g_file_test(path, G_FILE_TEST_EXISTS);

    if (g_access(exists ? path : directory, W_OK) == 0) {
        return TRUE;
    }
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "can't write '%s': %s",
                path, g_strerror(errno));
    return FALSE;
}

gboolean paint_file(const char *path, int width, int height, PaintDraw *draw,
                    const void *opaque, GError **error)
{
    gboolean is_svg = g_str_has_suffix(path, ".svg");
    cairo_surface_t *surface =
        is_svg ? cairo_svg_surface_create(path, width, height)
               : cairo_image_surface_create(CAIRO_FORMAT_RGB24, width,
                                            height);
    cairo_t *cr = cairo_create(surface);
    cairo_status_t status;

    paint_set_colour(cr, background, 1);
    cairo_paint(cr);
    cairo_set_font_size(cr, PAINT_FONT_SIZE);
    draw(cr, opaque);
    status = cairo_status(cr);
    cairo_destroy(cr);
    if (!status && !is_svg) {
        status = cairo_surface_write_to_png(surface, path);
    }
    cairo_surface_finish(surface);
    if (!status) {
        status = cairo_surface_status(surface);
    }
    cairo_surface_destroy(surface);
    if (status) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
                    "can't write '%s': %s", path,
                    cairo_status_to_string(status));
    }
    return !status;
}
