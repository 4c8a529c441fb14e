/*
 * RAMinate: a liar on the QMP socket
 *
 * What it says is the input, line by line: the first as soon as somebody has
 * connected, the next ones each in answer to a command, or when nobody says
 * anything, or to whoever connects next.  Then it hangs up.
 * Whatever it says, each question is answered once, and no VM's metrics break
 * the text that Prometheus reads.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <glib/gstdio.h>

#include "exporter/metrics.h"
#include "lib/vm.h"
#include "top/rows.h"
#include "fuzz.h"

/* The liar never waits, so that this only ends a fault. */
#define TIMEOUT_MS 60000

#define MAX_ROUNDS 8
#define BUCKETS 64

typedef struct Liar {
    const char *next;           /* what is left to say */
    const char *end;
    int fd;                     /* -1: not connected */
} Liar;

static char *directory;
static char *path;
static int listener;

static void remove_socket(void)
{
    close(listener);
    g_unlink(path);
    g_rmdir(directory);
    g_free(path);
    g_free(directory);
}

static void make_socket(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    directory = g_dir_make_tmp("raminate-fuzz-XXXXXX", NULL);
    g_assert_nonnull(directory);
    path = g_build_filename(directory, "vm.sock", NULL);
    g_assert_cmpuint(strlen(path), <, sizeof(address.sun_path));
    strcpy(address.sun_path, path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(listener, (struct sockaddr *)&address,
                         sizeof(address)), ==, 0);
    g_assert_cmpint(listen(listener, 1), ==, 0);
    atexit(remove_socket);
}

static void hang_up(Liar *liar)
{
    if (liar->fd >= 0) {
        close(liar->fd);
        liar->fd = -1;
    }
}

static void say_line(Liar *liar)
{
    const char *feed = memchr(liar->next, '\n', liar->end - liar->next);
    const char *end = feed ? feed + 1 : liar->end;

    if (liar->next == liar->end) {
        hang_up(liar);
        return;
    }
    send(liar->fd, liar->next, end - liar->next, MSG_NOSIGNAL | MSG_DONTWAIT);
    liar->next = end;
}

/* Says the next line if it is its turn.  Returns: whether it was. */
static bool lie(Liar *liar)
{
    char heard[4096];
    ssize_t size;

    if (liar->fd < 0) {
        liar->fd = accept4(listener, NULL, NULL,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
        size = liar->fd >= 0;
    } else {
        size = recv(liar->fd, heard, sizeof(heard), 0);
    }
    if (size > 0) {
        say_line(liar);
    } else if (size == 0) {
        hang_up(liar);
    }
    return size > 0;
}

static void lie_until(Liar *liar, const bool *done)
{
    while (!*done) {
        if (!lie(liar) && !g_main_context_iteration(NULL, FALSE) &&
            liar->fd >= 0) {
            say_line(liar);
        }
    }
}

static void refreshed(Vm *vm, const GError *error, void *opaque)
{
    bool *done = opaque;

    g_assert_false(*done);
    g_assert_true(error == vm->error);
    *done = true;
}

static void got_map(const GError *error, JsonNode *result, void *opaque)
{
    bool *done = opaque;

    g_assert_false(*done);
    g_assert_true(!error == !!result);
    if (result) {
        g_autoptr(GError) wrong = NULL;
        g_autoptr(MapInfo) map = map_info_parse(result, &wrong);

        g_assert_true(!map == !!wrong);
    }
    *done = true;
}

/* Each line is a comment, or a name, labels perhaps, and a number. */
static void check_metrics(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    g_assert_true(g_utf8_validate(text, -1, NULL));
    g_assert_true(g_str_has_suffix(text, "\n"));
    for (unsigned i = 0; lines[i + 1]; i++) {
        const char *value = strrchr(lines[i], ' ');
        char *end;

        if (lines[i][0] == '#') {
            continue;
        }
        g_assert_true(g_str_has_prefix(lines[i], "raminate_"));
        g_assert_nonnull(value);
        g_ascii_strtod(value + 1, &end);
        g_assert_true(end > value + 1 && !*end);
    }
}

static void show(const Vm *vm, GPtrArray *rows)
{
    g_autoptr(GPtrArray) vms = g_ptr_array_new();
    const MetricsOwn own = { .sockets = 1, .libvirt = "a\"b" };
    g_autofree char *metrics = NULL;

    g_ptr_array_add(vms, (void *)vm);
    metrics = metrics_format(vms, &own);
    check_metrics(metrics);
    rows_update(rows, vm, g_get_monotonic_time());
    rows_sort(rows, ROW_SORT_PAUSE, FALSE);
    for (unsigned i = 0; i < rows->len; i++) {
        g_assert_nonnull(row_state(g_ptr_array_index(rows, i)));
    }
}

void fuzz_one(const uint8_t *data, size_t size)
{
    Liar liar = { .next = (const char *)data,
                  .end = (const char *)data + size, .fd = -1 };
    g_autoptr(GPtrArray) rows = rows_new();
    Vm *vm;

    if (!path) {
        make_socket();
    }
    vm = vm_new(path, TIMEOUT_MS);
    vm->keeps_raw = TRUE;
    for (unsigned round = 0; round < MAX_ROUNDS; round++) {
        bool done = false;

        vm_refresh(vm, refreshed, &done);
        lie_until(&liar, &done);
        show(vm, rows);
        if (vm->error) {
            break;
        }
        done = false;
        vm_query_map(vm, "ram", BUCKETS, got_map, &done);
        lie_until(&liar, &done);
    }
    rows_remove(rows, vm);
    vm_free(vm);
    hang_up(&liar);
}
