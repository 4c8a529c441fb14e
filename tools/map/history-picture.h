/*
 * RAMinate: a picture of when which part of guest RAM was written
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_HISTORY_PICTURE_H
#define RAMINATE_HISTORY_PICTURE_H

#include <glib.h>

/*
 * Draws a recording, time from left to right, addresses from top to bottom.
 * @path: ends with .png or .svg
 * @width, @height: of the picture, in pixels
 */
gboolean history_picture_write(const char *recording, const char *path,
                               int width, int height, GError **error);

#endif
