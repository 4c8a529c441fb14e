/*
 * RAMinate: pictures of guest RAM
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <cairo-svg.h>
#include <gio/gio.h>
#include <math.h>

#include "lib/text.h"
#include "picture.h"

#define CELL 6.0                /* pixels */
#define MARGIN 12.0
#define LEFT 84.0               /* for addresses */
#define TOP 52.0                /* for the title */
#define BOTTOM 64.0             /* for the legend */
#define FONT_SIZE 13.0
#define LINE 18.0
#define ADDRESS_LINES 40.0      /* pixels from one to the next, at least */
#define RAMP_CELLS 64

typedef struct Colour {
    double red;
    double green;
    double blue;
} Colour;

/* Told apart by those who cannot tell red from green. */
static const Colour fast_colour = { 0.35, 0.75, 1.0 };
static const Colour slow_colours[] = {
    { 1.0, 0.62, 0.1 }, { 0.95, 0.4, 0.75 }, { 0.95, 0.9, 0.3 },
};
static const Colour background = { 0.07, 0.07, 0.09 };
static const Colour foreground = { 0.9, 0.9, 0.9 };

/* Cold memory can still be seen. */
#define COLD 0.22

static void set_colour(cairo_t *cr, Colour colour, double brightness)
{
    cairo_set_source_rgb(cr, colour.red * brightness,
                         colour.green * brightness,
                         colour.blue * brightness);
}

static Colour mix(Colour a, Colour b, double part)
{
    return (Colour) {
        .red = a.red * part + b.red * (1 - part),
        .green = a.green * part + b.green * (1 - part),
        .blue = a.blue * part + b.blue * (1 - part),
    };
}

/* Most cells are nearly cold: the square root tells them apart. */
static double brightness_of(double heat)
{
    return COLD + (1 - COLD) * sqrt(heat / 255);
}

static Colour slow_colour(unsigned tier)
{
    return slow_colours[(tier - 1) % G_N_ELEMENTS(slow_colours)];
}

static unsigned columns(const Picture *picture)
{
    return (picture->width - LEFT - MARGIN) / CELL;
}

static unsigned lines(const Picture *picture)
{
    return (picture->height - TOP - BOTTOM) / CELL;
}

unsigned picture_cells(const Picture *picture)
{
    return MIN(columns(picture) * lines(picture), INFO_MAX_BUCKETS);
}

static void put_text(cairo_t *cr, double x, double y, const char *text)
{
    g_autofree char *clean = text_clean(text, TRUE);

    set_colour(cr, foreground, 1);
    cairo_move_to(cr, x, y);
    cairo_show_text(cr, clean);
}

static void put_text_right(cairo_t *cr, double x, double y, const char *text)
{
    cairo_text_extents_t extents;

    cairo_text_extents(cr, text, &extents);
    put_text(cr, x - extents.x_advance, y, text);
}

static void draw_cells(cairo_t *cr, const Picture *picture,
                       const MapInfo *map)
{
    unsigned width = columns(picture);
    unsigned i;

    for (i = 0; i < map->nr_buckets; i++) {
        const MapBucket *bucket = &map->buckets[i];
        unsigned heat = picture->hottest ? bucket->hottest : bucket->heat;
        Colour colour = fast_colour;

        if (bucket->slow_tier) {
            colour = mix(fast_colour, slow_colour(bucket->slow_tier),
                         bucket->fast);
        }
        set_colour(cr, colour, brightness_of(heat));
        cairo_rectangle(cr, LEFT + i % width * CELL, TOP + i / width * CELL,
                        CELL, CELL);
        cairo_fill(cr);
    }
}

static void draw_addresses(cairo_t *cr, const Picture *picture,
                           const MapInfo *map, guint64 page_size)
{
    unsigned width = columns(picture);
    unsigned nr_lines = (map->nr_buckets + width - 1) / width;
    unsigned step = ADDRESS_LINES / CELL;
    unsigned line;

    for (line = 0; line < nr_lines; line += step) {
        g_autofree char *address =
            text_size(line * width * map->pages_per_bucket * page_size);

        put_text_right(cr, LEFT - 8, TOP + line * CELL + FONT_SIZE - 2,
                       address);
    }
}

/* Returns: where the next may begin. */
static double draw_ramp(cairo_t *cr, double x, double y, Colour colour,
                        const char *name)
{
    cairo_text_extents_t extents;
    unsigned i;

    for (i = 0; i < RAMP_CELLS; i++) {
        set_colour(cr, colour, brightness_of(255.0 * i / (RAMP_CELLS - 1)));
        cairo_rectangle(cr, x + i, y - 10, 1.5, 12);
        cairo_fill(cr);
    }
    x += RAMP_CELLS + 8;
    put_text(cr, x, y, name);
    cairo_text_extents(cr, name, &extents);
    return x + extents.x_advance + 20;
}

static void draw_legend(cairo_t *cr, const Picture *picture,
                        const MapInfo *map, guint64 page_size)
{
    double y = picture->height - BOTTOM + LINE + 4;
    g_autofree char *each = text_size(map->pages_per_bucket * page_size);
    g_autofree char *note =
        g_strdup_printf("A square is %s; left to right cold to hot, by %s. "
                        "Squares with pages in both mix the colours.", each,
                        picture->hottest ? "the hottest page" : "the mean");
    double x = MARGIN;
    unsigned i;

    for (i = 0; i < map->nr_tiers && x < picture->width; i++) {
        x = draw_ramp(cr, x, y, i ? slow_colour(i) : fast_colour,
                      map->tiers[i]);
    }
    put_text(cr, MARGIN, y + LINE + 4, note);
}

static void draw_title(cairo_t *cr, const Picture *picture,
                       const ContainerInfo *info)
{
    g_autofree char *size = text_size(info->size);
    g_autofree char *share =
        info->slow_share_last < 0 ? g_strdup("none")
        : g_strdup_printf("%.1f %%", info->slow_share_last);
    g_autofree char *figures =
        g_strdup_printf("%s, policy %s, sampler %s, mover %s; %"
                        G_GUINT64_FORMAT " swaps; slow writes: %s",
                        size, info->policy, info->sampler, info->mover,
                        info->swaps, share);

    cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                           CAIRO_FONT_WEIGHT_BOLD);
    put_text(cr, MARGIN, MARGIN + FONT_SIZE - 2, picture->title);
    cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                           CAIRO_FONT_WEIGHT_NORMAL);
    put_text(cr, MARGIN, MARGIN + FONT_SIZE + LINE - 2, figures);
}

static void draw(cairo_t *cr, const Picture *picture, const MapInfo *map,
                 const ContainerInfo *info)
{
    set_colour(cr, background, 1);
    cairo_paint(cr);
    cairo_set_font_size(cr, FONT_SIZE);
    draw_title(cr, picture, info);
    /* Without, the background shines through between the cells. */
    cairo_set_antialias(cr, CAIRO_ANTIALIAS_NONE);
    draw_cells(cr, picture, map);
    draw_addresses(cr, picture, map, info->page_size);
    draw_legend(cr, picture, map, info->page_size);
}

gboolean picture_write(const Picture *picture, const MapInfo *map,
                       const ContainerInfo *info, const char *path,
                       GError **error)
{
    gboolean is_svg = g_str_has_suffix(path, ".svg");
    cairo_surface_t *surface =
        is_svg ? cairo_svg_surface_create(path, picture->width,
                                          picture->height)
               : cairo_image_surface_create(CAIRO_FORMAT_RGB24,
                                            picture->width, picture->height);
    cairo_t *cr = cairo_create(surface);
    cairo_status_t status;

    draw(cr, picture, map, info);
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
