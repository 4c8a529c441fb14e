/*
 * RAMinate: whether two paths or descriptors lead to the same file or device
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "file-identity.h"

RaminateFileIdentity raminate_file_identity(const struct stat *st)
{
    RaminateFileIdentity file = { .type = st->st_mode & S_IFMT };

    if (raminate_is_device(&file)) {
        file.dev = st->st_rdev;
    } else {
        file.dev = st->st_dev;
        file.ino = st->st_ino;
    }
    return file;
}

bool raminate_is_device(const RaminateFileIdentity *file)
{
    return S_ISCHR(file->type) || S_ISBLK(file->type);
}

bool raminate_is_same_file(const RaminateFileIdentity *a,
                           const RaminateFileIdentity *b)
{
    return a->type == b->type && a->dev == b->dev && a->ino == b->ino;
}

bool raminate_is_same_path(const char *a, const char *b)
{
    g_autofree char *plain_a = g_canonicalize_filename(a, "/");
    g_autofree char *plain_b = g_canonicalize_filename(b, "/");
    RaminateFileIdentity file_a, file_b;
    struct stat st_a, st_b;

    if (stat(a, &st_a) < 0 || stat(b, &st_b) < 0) {
        return g_str_equal(plain_a, plain_b);
    }
    file_a = raminate_file_identity(&st_a);
    file_b = raminate_file_identity(&st_b);
    return raminate_is_same_file(&file_a, &file_b);
}
