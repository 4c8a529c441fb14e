/*
 * RAMinate: reading a small file that may be anything
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "read-file.h"

static void set_error(GError **error, const char *path, const char *what)
{
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s: %s", path,
                what);
}

/* Returns: whether it is a regular file of at most @max bytes. */
static gboolean check_file(int fd, const char *path, gsize max,
                           GError **error)
{
    g_autofree char *limit = NULL;
    struct stat st;

    if (fstat(fd, &st) < 0) {
        set_error(error, path, g_strerror(errno));
        return FALSE;
    }
    if (!S_ISREG(st.st_mode)) {
        set_error(error, path, S_ISDIR(st.st_mode) ? g_strerror(EISDIR)
                                                   : "this is no file");
        return FALSE;
    }
    if ((guint64)st.st_size > max) {
        limit = g_strdup_printf("this is longer than %zu bytes", max);
        set_error(error, path, limit);
        return FALSE;
    }
    return TRUE;
}

/* What has grown since is cut off. */
static char *read_all(int fd, const char *path, gsize max, gsize *size,
                      GError **error)
{
    g_autofree char *text = g_malloc(max + 1);
    gsize done = 0;

    while (done < max) {
        ssize_t n = read(fd, text + done, max - done);

        if (n < 0 && errno != EINTR) {
            set_error(error, path, g_strerror(errno));
            return NULL;
        }
        if (n == 0) {
            break;
        }
        done += MAX(n, 0);
    }
    text[done] = '\0';
    *size = done;
    return g_steal_pointer(&text);
}

char *raminate_read_file(const char *path, gsize max, gsize *size,
                         GError **error)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    char *text = NULL;

    if (fd < 0) {
        set_error(error, path, g_strerror(errno));
        return NULL;
    }
    if (check_file(fd, path, max, error)) {
        text = read_all(fd, path, max, size, error);
    }
    close(fd);
    return text;
}
