/*
 * RAMinate: a directory for a unit test's files
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_DIRECTORY_H
#define RAMINATE_DIRECTORY_H

#include <glib.h>
#include <glib/gstdio.h>

/* Removes the directory @path with its files, and frees @path. */
static inline void directory_remove(char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir))) {
        g_autofree char *file = g_build_filename(path, name, NULL);

        g_unlink(file);
    }
    g_dir_close(dir);
    g_rmdir(path);
    g_free(path);
}

#endif
