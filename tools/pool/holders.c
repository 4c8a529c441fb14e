/*
 * RAMinate: who holds ranges of a file or device
 *
 * The kernel does not tell who has a lock that belongs to an open file, but
 * shows with each open file what locks it has.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <gio/gio.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "backends/file-identity.h"
#include "holders.h"

gboolean lock_line_parse(const char *text, LockLine *lock)
{
    char kind[8], end[24];

    /* "1: OFDLCK ADVISORY  WRITE -1 00:1b:11862 4096 12287", or "... EOF" */
    if (sscanf(text, " %*[0-9]: %7s %*s %7s %*d %x:%x:%" SCNu64 " %" SCNu64
               " %23s", kind, lock->access, &lock->major, &lock->minor,
               &lock->inode, &lock->start, end) != 7 ||
        (strcmp(kind, "OFDLCK") != 0 && strcmp(kind, "POSIX") != 0)) {
        return FALSE;
    }
    lock->end = strcmp(end, "EOF") == 0 ? G_MAXINT64
                                        : g_ascii_strtoull(end, NULL, 10);
    return lock->end >= lock->start;
}

/* Finds "vm1" in "vm1" and in "guest=vm1,debug-threads=on". */
static char *name_of_option(const char *value)
{
    g_auto(GStrv) parts = g_strsplit(value, ",", -1);
    char **part;

    for (part = parts; *part; part++) {
        if (g_str_has_prefix(*part, "guest=")) {
            return g_strdup(*part + strlen("guest="));
        }
    }
    return parts[0] && !strchr(parts[0], '=') ? g_strdup(parts[0]) : NULL;
}

char *vm_name_of_arguments(const char *arguments, gsize size)
{
    const char *end = arguments + size;
    const char *at = arguments;

    while (at < end) {
        const char *next = at + strnlen(at, end - at) + 1;

        if ((strcmp(at, "-name") == 0 || strcmp(at, "--name") == 0) &&
            next < end) {
            return name_of_option(next);
        }
        at = next;
    }
    return NULL;
}

static char *process_name(int pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/cmdline", pid);
    g_autofree char *comm = g_strdup_printf("/proc/%d/comm", pid);
    g_autofree char *text = NULL;
    char *name = NULL;
    gsize size;

    if (g_file_get_contents(path, &text, &size, NULL)) {
        name = vm_name_of_arguments(text, size);
    }
    if (!name && g_file_get_contents(comm, &name, NULL, NULL)) {
        g_strchomp(name);
    }
    return name ? name : g_strdup("?");
}

static void holder_free(gpointer opaque)
{
    Holder *holder = opaque;

    g_free(holder->name);
    g_free(holder);
}

static gboolean is_known(const GPtrArray *holders, const LockLine *lock,
                         int pid)
{
    unsigned i;

    for (i = 0; i < holders->len; i++) {
        const Holder *holder = g_ptr_array_index(holders, i);

        if (holder->start == lock->start && holder->end == lock->end &&
            (!pid || holder->pid == pid)) {
            return TRUE;
        }
    }
    return FALSE;
}

static void add_holder(GPtrArray *holders, const LockLine *lock, int pid)
{
    Holder *holder;

    if (!is_known(holders, lock, pid)) {
        holder = g_new0(Holder, 1);
        holder->start = lock->start;
        holder->end = lock->end;
        holder->pid = pid;
        holder->name = pid ? process_name(pid) : NULL;
        g_ptr_array_add(holders, holder);
    }
}

/* Whose locks are wanted, and which */
typedef struct Wanted {
    RaminateFileIdentity file;
    struct stat st;
    const char *access;
} Wanted;

/* Looks at one open file of a process. */
static void add_of_file(GPtrArray *holders, const Wanted *wanted, int pid,
                        const char *fd)
{
    g_autofree char *info = g_strdup_printf("/proc/%d/fdinfo/%s", pid, fd);
    g_autofree char *link = g_strdup_printf("/proc/%d/fd/%s", pid, fd);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    RaminateFileIdentity file;
    struct stat st;
    LockLine lock;
    char **line;

    if (stat(link, &st) < 0) {
        return;
    }
    file = raminate_file_identity(&st);
    if (!raminate_is_same_file(&file, &wanted->file) ||
        !g_file_get_contents(info, &text, NULL, NULL)) {
        return;
    }
    lines = g_strsplit(text, "\n", -1);
    for (line = lines; *line; line++) {
        if (g_str_has_prefix(*line, "lock:") &&
            lock_line_parse(*line + strlen("lock:"), &lock) &&
            g_str_equal(lock.access, wanted->access)) {
            add_holder(holders, &lock, pid);
        }
    }
}

static void add_of_processes(GPtrArray *holders, const Wanted *wanted)
{
    g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
    const char *name, *fd;

    while (proc && (name = g_dir_read_name(proc))) {
        int pid = g_ascii_strtoll(name, NULL, 10);
        g_autofree char *path = g_strdup_printf("/proc/%d/fd", pid);
        g_autoptr(GDir) fds = pid > 0 ? g_dir_open(path, 0, NULL) : NULL;

        while (fds && (fd = g_dir_read_name(fds))) {
            add_of_file(holders, wanted, pid, fd);
        }
    }
}

/* Adds locks whose processes cannot be seen. */
static void add_of_table(GPtrArray *holders, const Wanted *wanted)
{
    const struct stat *st = &wanted->st;
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    LockLine lock;
    char **line;

    if (!g_file_get_contents("/proc/locks", &text, NULL, NULL)) {
        return;
    }
    lines = g_strsplit(text, "\n", -1);
    for (line = lines; *line; line++) {
        if (lock_line_parse(*line, &lock) &&
            g_str_equal(lock.access, wanted->access) &&
            lock.inode == st->st_ino && lock.major == major(st->st_dev) &&
            lock.minor == minor(st->st_dev)) {
            add_holder(holders, &lock, 0);
        }
    }
}

static gint compare_holders(gconstpointer left, gconstpointer right)
{
    const Holder *a = *(Holder *const *)left;
    const Holder *b = *(Holder *const *)right;

    if (a->start != b->start) {
        return a->start < b->start ? -1 : 1;
    }
    return a->pid - b->pid;
}

GPtrArray *holders_find(const char *path, const char *access, GError **error)
{
    Wanted wanted = { .access = access };
    GPtrArray *holders;

    if (stat(path, &wanted.st) < 0) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno),
                    "can't look at '%s': %s", path, g_strerror(errno));
        return NULL;
    }
    holders = g_ptr_array_new_with_free_func(holder_free);
    wanted.file = raminate_file_identity(&wanted.st);
    add_of_processes(holders, &wanted);
    add_of_table(holders, &wanted);
    g_ptr_array_sort(holders, compare_holders);
    return holders;
}
