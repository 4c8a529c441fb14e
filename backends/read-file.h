/*
 * RAMinate: reading a small file that may be anything
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef BACKENDS_RAMINATE_READ_FILE_H
#define BACKENDS_RAMINATE_READ_FILE_H

#include <glib.h>

/*
 * Reads @path, without waiting for a writer, as a FIFO would, and without end,
 * as a device would.
 * @max: most bytes that it may have
 * @size: returns how many it has
 * Returns: the contents with a 0 behind them, to be freed with g_free(); or
 * NULL with @error set, in G_FILE_ERROR.
 */
char *raminate_read_file(const char *path, gsize max, gsize *size,
                         GError **error);

#endif
