/*
 * RAMinate: a picture of where guest RAM is, and how hot
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <math.h>

#include "lib/text.h"
#include "paint.h"
#include "picture.h"

#define CELL 6.0                /* pixels */
#define RAMP_CELLS 64

/* Told apart by those who cannot tell red from green. */
static const Colour fast_colour = { 0.35, 0.75, 1.0 };
static const Colour slow_colours[] = {
    { 1.0, 0.62, 0.1 }, { 0.95, 0.4, 0.75 }, { 0.95, 0.9, 0.3 },
};

/* Cold memory can still be seen. */
#define COLD 0.22

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
    return (picture->width - PAINT_LEFT - PAINT_MARGIN) / CELL;
}

static unsigned lines(const Picture *picture)
{
    return (picture->height - PAINT_TOP - PAINT_BOTTOM) / CELL;
}

unsigned picture_cells(const Picture *picture)
{
    return MIN(columns(picture) * lines(picture), INFO_MAX_BUCKETS);
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
            colour = paint_mix(fast_colour, slow_colour(bucket->slow_tier),
                         bucket->fast);
        }
        paint_set_colour(cr, colour, brightness_of(heat));
        cairo_rectangle(cr, PAINT_LEFT + i % width * CELL,
                        PAINT_TOP + i / width * CELL, CELL, CELL);
        cairo_fill(cr);
    }
}

static void draw_addresses(cairo_t *cr, const Picture *picture,
                           const MapInfo *map, guint64 page_size)
{
    unsigned width = columns(picture);
    unsigned nr_lines = (map->nr_buckets + width - 1) / width;
    unsigned step = PAINT_LABEL_STEP / CELL;
    unsigned line;

    for (line = 0; line < nr_lines; line += step) {
        g_autofree char *address =
            text_size(line * width * map->pages_per_bucket * page_size);

        paint_text_right(cr, PAINT_LEFT - 8, PAINT_TOP + line * CELL +
                         PAINT_FONT_SIZE - 2, address);
    }
}

/* Returns: where the next may begin. */
static double draw_ramp(cairo_t *cr, double x, double y, Colour colour,
                        const char *name)
{
    unsigned i;

    for (i = 0; i < RAMP_CELLS; i++) {
        paint_set_colour(cr, colour,
                         brightness_of(255.0 * i / (RAMP_CELLS - 1)));
        cairo_rectangle(cr, x + i, y - 10, 1.5, 12);
        cairo_fill(cr);
    }
    x += RAMP_CELLS + 8;
    paint_text(cr, x, y, name);
    return x + paint_text_width(cr, name) + 20;
}

static void draw_legend(cairo_t *cr, const Picture *picture,
                        const MapInfo *map, guint64 page_size)
{
    double y = picture->height - PAINT_BOTTOM + PAINT_LINE + 4;
    g_autofree char *each = text_size(map->pages_per_bucket * page_size);
    g_autofree char *note =
        g_strdup_printf("A square is %s; left to right cold to hot, by %s. "
                        "Squares with pages in both mix the colours.", each,
                        picture->hottest ? "the hottest page" : "the mean");
    double x = PAINT_MARGIN;
    unsigned i;

    for (i = 0; i < map->nr_tiers && x < picture->width; i++) {
        x = draw_ramp(cr, x, y, i ? slow_colour(i) : fast_colour,
                      map->tiers[i]);
    }
    paint_text(cr, PAINT_MARGIN, y + PAINT_LINE + 4, note);
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

    paint_title(cr, picture->title, figures);
}

typedef struct Drawing {
    const Picture *picture;
    const MapInfo *map;
    const ContainerInfo *info;
} Drawing;

static void draw(cairo_t *cr, const void *opaque)
{
    const Drawing *drawing = opaque;
    guint64 page_size = drawing->info->page_size;

    draw_title(cr, drawing->picture, drawing->info);
    /* Without, the background shines through between the cells. */
    cairo_set_antialias(cr, CAIRO_ANTIALIAS_NONE);
    draw_cells(cr, drawing->picture, drawing->map);
    draw_addresses(cr, drawing->picture, drawing->map, page_size);
    draw_legend(cr, drawing->picture, drawing->map, page_size);
}

gboolean picture_write(const Picture *picture, const MapInfo *map,
                       const ContainerInfo *info, const char *path,
                       GError **error)
{
    const Drawing drawing = { picture, map, info };

    return paint_file(path, picture->width, picture->height, draw, &drawing,
                      error);
}
