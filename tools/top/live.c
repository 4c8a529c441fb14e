/*
 * RAMinate: raminate-top on a screen
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <curses.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "live-state.h"

#define MESSAGE_SECONDS 10
#define RESCAN_SECONDS 2

Row *live_selected_row(Live *live)
{
    return live->view.selected < 0
           ? NULL : g_ptr_array_index(live->rows, live->view.selected);
}

static gboolean draw_now(gpointer opaque)
{
    Live *live = opaque;

    live->draw = 0;
    live->view.message = live->message;
    live->view.answers = &live->answers;
    if (live->replay) {
        live_view_replay(live);
    }
    live->view.why = live->why;
    screen_draw(&live->view);
    return G_SOURCE_REMOVE;
}

/* Many VMs may answer at once. */
void live_draw_soon(Live *live)
{
    if (!live->draw) {
        live->draw = g_timeout_add(20, draw_now, live);
    }
}

static gboolean message_is_old(gpointer opaque);

/* Takes the place of any other, and of a question. */
void live_set_message(Live *live, char *message)
{
    live->asks_policy = FALSE;
    if (live->typed) {
        g_string_free(live->typed, TRUE);
        live->typed = NULL;
        live->view.range = -1;
    }
    if (live->message_timer) {
        g_source_remove(live->message_timer);
        live->message_timer = 0;
    }
    g_free(live->message);
    live->message = message;
    if (message) {
        live->message_timer = g_timeout_add_seconds(MESSAGE_SECONDS,
                                                    message_is_old, live);
    }
    live_draw_soon(live);
}

static gboolean message_is_old(gpointer opaque)
{
    Live *live = opaque;

    live->message_timer = 0;
    live_set_message(live, NULL);
    return G_SOURCE_REMOVE;
}

/* Selection */

static void drop_answers(Live *live)
{
    answers_clear(&live->answers);
    live->next_at = 0;
}

void live_select_row(Live *live, int i)
{
    Row *row;

    live->view.selected = CLAMP(i, -1, (int)live->rows->len - 1);
    row = live_selected_row(live);
    if (row && (row->vm != live->vm || g_strcmp0(row->id, live->id) != 0)) {
        live->vm = row->vm;
        g_free(live->id);
        live->id = g_strdup(row->id);
        drop_answers(live);
    }
    live_draw_soon(live);
}

/* The rows have changed: finds the selected one again. */
void live_sort_rows(Live *live)
{
    int found = -1;
    unsigned i;

    rows_sort(live->rows, live->view.sort, live->view.reverse);
    live->view.nr_vms = rows_count_vms(live->rows);
    for (i = 0; i < live->rows->len; i++) {
        Row *row = g_ptr_array_index(live->rows, i);

        if (row->vm == live->vm &&
            (found < 0 || g_strcmp0(row->id, live->id) == 0)) {
            found = i;
        }
    }
    live_select_row(live, MAX(found, 0));
}

/* Recording */

void live_end_record(Live *live, const GError *error)
{
    if (error) {
        live->record = NULL;
        live_set_message(live, g_strdup(error->message));
    }
}

static void record_vm(Live *live, const Vm *vm)
{
    g_autoptr(GError) error = NULL;

    if (live->record && !vm_is_duplicate(live->vms, vm)) {
        session_add_vm(live->record, vm, &error);
        live_end_record(live, error);
    }
}

static void remove_rows(Live *live, const Vm *vm)
{
    g_autoptr(GError) error = NULL;

    if (rows_remove(live->rows, vm) && live->record) {
        session_add_gone(live->record, vm, &error);
        live_end_record(live, error);
    }
}

/* Refreshing */

/* Of a VM's sockets, one is shown. */
static void update_rows(Live *live, Vm *vm)
{
    gint64 now = live->replay ? live_replay_now(live) : g_get_monotonic_time();
    unsigned i;

    for (i = 0; i < live->vms->len; i++) {
        Vm *other = g_ptr_array_index(live->vms, i);

        if (vm_is_same(other, vm) && vm_is_duplicate(live->vms, other)) {
            remove_rows(live, other);
        }
    }
    if (vm_is_duplicate(live->vms, vm)) {
        remove_rows(live, vm);
    } else {
        rows_update(live->rows, vm, now);
    }
}

void live_refreshed(Vm *vm, const GError *error, void *opaque)
{
    Live *live = opaque;
    gboolean was_well = GPOINTER_TO_INT(vm->opaque);

    vm->opaque = GINT_TO_POINTER(!error);
    if (error && was_well && !vm_is_duplicate(live->vms, vm)) {
        live_set_message(live, g_strdup_printf("%s: %s", vm->name,
                                               error->message));
    }
    if (error && live->asked_vm == vm) {
        live->asked_at = 0;
        drop_answers(live);
    }
    update_rows(live, vm);
    record_vm(live, vm);
    live_sort_rows(live);
    if (!live->replay) {
        live_ask(live, vm);
    }
}

static gboolean refresh_vms(gpointer opaque)
{
    Live *live = opaque;
    unsigned i;

    for (i = 0; i < live->vms->len; i++) {
        Vm *vm = g_ptr_array_index(live->vms, i);

        if (!vm->done) {
            vm_refresh(vm, live_refreshed, live);
        }
    }
    live_draw_soon(live);
    return G_SOURCE_CONTINUE;
}

/* VMs that come and go */

Vm *live_find_vm(const Live *live, const char *path)
{
    unsigned i;

    for (i = 0; i < live->vms->len; i++) {
        Vm *vm = g_ptr_array_index(live->vms, i);

        if (strcmp(vm->path, path) == 0) {
            return vm;
        }
    }
    return NULL;
}

static gboolean has_path(GPtrArray *paths, const char *path)
{
    return g_ptr_array_find_with_equal_func(paths, path, g_str_equal, NULL);
}

/* One that is selected stays, to be read about. */
static void remove_ended(Live *live, GPtrArray *paths)
{
    unsigned i;

    for (i = live->vms->len; i > 0; i--) {
        Vm *vm = g_ptr_array_index(live->vms, i - 1);

        if (vm->error && !vm->client && vm != live->vm &&
            !has_path(paths, vm->path)) {
            if (live->asked_vm == vm) {
                live->asked_vm = NULL;
            }
            remove_rows(live, vm);
            g_ptr_array_remove_index(live->vms, i - 1);
        }
    }
}

static gboolean find_new_vms(gpointer opaque)
{
    Live *live = opaque;
    g_autoptr(GPtrArray) paths = vm_find_sockets(live->options->patterns);
    unsigned i;

    remove_ended(live, paths);
    for (i = 0; i < paths->len; i++) {
        const char *path = g_ptr_array_index(paths, i);

        if (!live_find_vm(live, path)) {
            Vm *vm = vm_new(path, live->options->timeout);

            vm->keeps_raw = live->record != NULL;
            g_ptr_array_add(live->vms, vm);
            rows_update(live->rows, vm, g_get_monotonic_time());
            vm_refresh(vm, live_refreshed, live);
        }
    }
    live_sort_rows(live);
    return G_SOURCE_CONTINUE;
}

/* Keys */

static gboolean keys(gint fd, GIOCondition condition, gpointer opaque)
{
    Live *live = opaque;
    int key = screen_key();

    if (key == ERR) {
        /* The terminal has gone. */
        g_main_loop_quit(live->loop);
        return G_SOURCE_CONTINUE;
    }
    for (; key != ERR; key = screen_key()) {
        live_handle_key(live, key);
    }
    live_draw_soon(live);
    return G_SOURCE_CONTINUE;
}

/* Signals */

static gboolean resized(gpointer opaque)
{
    Live *live = opaque;

    screen_resize();
    live->next_at = 0;
    live_draw_soon(live);
    return G_SOURCE_CONTINUE;
}

typedef struct Ending {
    Live *live;
    int signal;
    guint source;
} Ending;

static gboolean told_to_end(gpointer opaque)
{
    Ending *ending = opaque;

    ending->live->signal = ending->signal;
    g_main_loop_quit(ending->live->loop);
    return G_SOURCE_CONTINUE;
}

/* Ctrl-\, which GLib can't wait for, must not leave the screen behind. */
static void terminate(int number)
{
    kill(getpid(), SIGTERM);
}

static void run(Live *live)
{
    Ending endings[] = {
        { live, SIGINT, 0 }, { live, SIGTERM, 0 }, { live, SIGHUP, 0 },
    };
    guint sources[] = {
        g_unix_signal_add(SIGWINCH, resized, live),
        g_unix_fd_add(STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, keys,
                      live),
    };
    guint ask[2] = { 0 };
    unsigned i;

    for (i = 0; i < G_N_ELEMENTS(endings); i++) {
        endings[i].source = g_unix_signal_add(endings[i].signal, told_to_end,
                                              &endings[i]);
    }
    signal(SIGQUIT, terminate);
    if (live->options->replay) {
        live_begin_replay(live);
    } else {
        ask[0] = g_timeout_add(live->options->period, refresh_vms, live);
        ask[1] = g_timeout_add_seconds(RESCAN_SECONDS, find_new_vms, live);
        refresh_vms(live);
    }
    g_main_loop_run(live->loop);
    for (i = 0; i < G_N_ELEMENTS(endings); i++) {
        g_source_remove(endings[i].source);
    }
    for (i = 0; i < G_N_ELEMENTS(sources); i++) {
        g_source_remove(sources[i]);
    }
    if (live->replay) {
        live_end_replay(live);
    } else {
        g_source_remove(ask[0]);
        g_source_remove(ask[1]);
    }
}

int live_run(GPtrArray *vms, const LiveOptions *options, GError **error)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(GPtrArray) rows = rows_new();
    Live live = {
        .loop = loop,
        .options = options,
        .vms = vms,
        .rows = rows,
        .record = options->record,
        .view = {
            .rows = rows,
            .period = options->period,
            .selected = -1,
            .range = -1,
        },
    };
    unsigned i;

    if (!screen_open(options->is_utf8, error)) {
        return 0;
    }
    for (i = 0; i < vms->len; i++) {
        Vm *vm = g_ptr_array_index(vms, i);

        vm->opaque = GINT_TO_POINTER(!vm->error);
        if (!vm_is_duplicate(vms, vm)) {
            rows_update(rows, vm, g_get_monotonic_time());
            record_vm(&live, vm);
        }
    }
    live_sort_rows(&live);
    run(&live);
    screen_close();
    live_set_message(&live, NULL);
    if (live.draw) {
        g_source_remove(live.draw);
    }
    /* Nobody waits for what has not been answered. */
    for (i = 0; i < vms->len; i++) {
        vm_disconnect(g_ptr_array_index(vms, i));
    }
    answers_clear(&live.answers);
    live_end_why(&live);
    g_free(live.asked_id);
    g_free(live.id);
    return live.signal;
}
