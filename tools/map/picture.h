/*
 * RAMinate: a picture of where guest RAM is, and how hot
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_PICTURE_H
#define RAMINATE_PICTURE_H

#include "lib/info.h"

typedef struct Picture {
    const char *title;
    int width;                  /* in pixels, as is the next */
    int height;
    gboolean hottest;           /* heat of the hottest page, not the mean */
} Picture;

/* Returns: cells of a map for which there is room. */
unsigned picture_cells(const Picture *picture);

/*
 * Writes placement and heat of a container.
 * @path: ends with .png or .svg
 */
gboolean picture_write(const Picture *picture, const MapInfo *map,
                       const ContainerInfo *info, const char *path,
                       GError **error);

#endif
