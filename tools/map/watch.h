/*
 * RAMinate: how hot which part of a running guest's RAM is, for a while
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_WATCH_H
#define RAMINATE_WATCH_H

#include "lib/vm.h"
#include "picture.h"

#define WATCH_MIN_SECONDS 1
#define WATCH_MAX_SECONDS 86400.0

/*
 * Asks @vm for maps over @seconds, and draws what they were: time from left to
 * right, addresses from top to bottom.  Ends early, with what there is, if the
 * VM does, or when told to by a signal.
 * @path: ends with .png or .svg
 */
gboolean watch_write(const Picture *picture, Vm *vm, const ContainerInfo *info,
                     double seconds, const char *path, GError **error);

#endif
