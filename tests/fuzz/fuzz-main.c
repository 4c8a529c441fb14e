/*
 * RAMinate: feed a program with files, with standard input, or by AFL++
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <glib.h>

#include "fuzz.h"

#ifdef __AFL_HAVE_MANUAL_CONTROL
/* Inputs that a process takes before another one takes over */
#define INPUTS_PER_PROCESS 10000

__AFL_FUZZ_INIT();
#endif

int fuzz_file(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, data, size), ==, size);
    return fd;
}

/* Input that comes from AFL++, or else from a terminal or a pipe */
static void take_standard_input(void)
{
#ifdef __AFL_HAVE_MANUAL_CONTROL
    const uint8_t *data;

    __AFL_INIT();
    data = __AFL_FUZZ_TESTCASE_BUF;
    while (__AFL_LOOP(INPUTS_PER_PROCESS)) {
        fuzz_one(data, __AFL_FUZZ_TESTCASE_LEN);
    }
#else
    g_autoptr(GByteArray) data = g_byte_array_new();
    uint8_t part[4096];
    size_t size;

    while ((size = fread(part, 1, sizeof(part), stdin)) > 0) {
        g_byte_array_append(data, part, size);
    }
    fuzz_one(data->len ? data->data : part, data->len);
#endif
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    return g_strcmp0(*(char *const *)a, *(char *const *)b);
}

/* Adds @path to @files, or the files in it, in order. */
static void find_files(GPtrArray *files, const char *path)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;

    if (!dir) {
        g_ptr_array_add(files, g_strdup(path));
        return;
    }
    while ((name = g_dir_read_name(dir))) {
        g_ptr_array_add(found, g_build_filename(path, name, NULL));
    }
    g_dir_close(dir);
    g_ptr_array_sort(found, compare_names);
    g_ptr_array_extend_and_steal(files, g_steal_pointer(&found));
}

static void take_files(char **paths)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);

    for (; *paths; paths++) {
        find_files(files, *paths);
    }
    printf("1..%u\n", files->len);
    for (unsigned i = 0; i < files->len; i++) {
        const char *path = g_ptr_array_index(files, i);
        g_autofree char *name = g_path_get_basename(path);
        g_autoptr(GError) error = NULL;
        g_autofree char *data = NULL;
        gsize size;

        if (g_file_get_contents(path, &data, &size, &error)) {
            printf("# %s\n", path);
            fflush(stdout);
            fuzz_one((const uint8_t *)data, size);
            printf("ok %u - %s\n", i + 1, name);
        } else {
            printf("not ok %u - %s # %s\n", i + 1, name, error->message);
        }
    }
}

int main(int argc, char **argv)
{
    g_log_set_always_fatal(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL |
                           G_LOG_LEVEL_WARNING);
    if (argc > 1) {
        take_files(argv + 1);
    } else {
        take_standard_input();
    }
    return EXIT_SUCCESS;
}
