/*
 * RAMinate: whether two paths or descriptors lead to the same file or device
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_FILE_IDENTITY_H
#define RAMINATE_FILE_IDENTITY_H

#include <stdbool.h>
#include <sys/stat.h>

typedef struct RaminateFileIdentity {
    mode_t type;                /* S_IFREG, S_IFCHR, ... */
    dev_t dev;                  /* the device, or that of the file system */
    ino_t ino;                  /* 0 for a device */
} RaminateFileIdentity;

RaminateFileIdentity raminate_file_identity(const struct stat *st);

bool raminate_is_device(const RaminateFileIdentity *file);

bool raminate_is_same_file(const RaminateFileIdentity *a,
                           const RaminateFileIdentity *b);

/*
 * Links, mounts and second nodes of a device are seen through; of paths that
 * lead nowhere, only the spelling is compared.
 */
bool raminate_is_same_path(const char *a, const char *b);

#endif
