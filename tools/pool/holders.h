/*
 * RAMinate: who holds ranges of a file or device
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_HOLDERS_H
#define RAMINATE_HOLDERS_H

#include <glib.h>

typedef struct Holder {
    guint64 start;
    guint64 end;                /* the last byte */
    int pid;                    /* 0: not to be seen by this user */
    char *name;                 /* of the VM, or of the program */
} Holder;

/*
 * @access: of the locks: "WRITE", or "READ" for claims on files in /sys
 * Returns: Holder, by address: all such locks on the file or device at @path,
 * by whatever path they were taken.
 */
GPtrArray *holders_find(const char *path, const char *access, GError **error);

typedef struct LockLine {
    char access[8];             /* "READ" or "WRITE" */
    unsigned major;             /* of the file system */
    unsigned minor;
    guint64 inode;
    guint64 start;
    guint64 end;
} LockLine;

/*
 * Reads a line of /proc/locks, or what follows "lock:" in /proc/PID/fdinfo.
 * Returns: whether it is a lock of a range, of a file.
 */
gboolean lock_line_parse(const char *text, LockLine *lock);

/*
 * Returns: the name of a VM, by the arguments that its QEMU was started with,
 * each of which ends with '\0'; or NULL.
 */
char *vm_name_of_arguments(const char *arguments, gsize size);

#endif
