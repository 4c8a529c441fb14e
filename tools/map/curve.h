/*
 * RAMinate: a picture of how much fast memory would be enough
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_CURVE_H
#define RAMINATE_CURVE_H

#include "lib/use-info.h"
#include "picture.h"

/*
 * Draws which share of what a guest uses lately is in how much memory, if that
 * is what is used most.
 * @path: ends with .png or .svg
 */
gboolean curve_write(const Picture *picture, const ContainerInfo *info,
                     const UseInfo *use, const char *path, GError **error);

#endif
