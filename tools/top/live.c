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

#include "hw/raminate/policy/policy.h"
#include "live.h"
#include "screen.h"

#define MESSAGE_SECONDS 10
#define RESCAN_SECONDS 2
#define MAX_ZOOM 16
/*
 * A map walks over all pages of the guest while QEMU's main loop waits: not
 * so often that this would take more than a twentieth of the time.
 */
#define MAP_REST 20

typedef struct Live {
    GMainLoop *loop;
    const LiveOptions *options;
    GPtrArray *vms;
    GPtrArray *rows;
    View view;
    int signal;
    guint draw;
    guint message_timer;
    char *message;
    gboolean asks_policy;

    /* The selected container */
    const Vm *vm;
    char *id;

    MapInfo *map;
    const Vm *map_vm;           /* NULL if none was asked for */
    char *map_id;
    gint64 map_asked_at;        /* 0 if no answer is waited for */
    gint64 map_next_at;
} Live;

static Row *selected_row(Live *live)
{
    return live->view.selected < 0
           ? NULL : g_ptr_array_index(live->rows, live->view.selected);
}

static gboolean draw_now(gpointer opaque)
{
    Live *live = opaque;

    live->draw = 0;
    live->view.message = live->message;
    live->view.map = live->map;
    screen_draw(&live->view);
    return G_SOURCE_REMOVE;
}

/* Many VMs may answer at once. */
static void draw_soon(Live *live)
{
    if (!live->draw) {
        live->draw = g_timeout_add(20, draw_now, live);
    }
}

static gboolean message_is_old(gpointer opaque);

/* Takes the place of any other, and of a question. */
static void set_message(Live *live, char *message)
{
    live->asks_policy = FALSE;
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
    draw_soon(live);
}

static gboolean message_is_old(gpointer opaque)
{
    Live *live = opaque;

    live->message_timer = 0;
    set_message(live, NULL);
    return G_SOURCE_REMOVE;
}

/* Selection */

static void drop_map(Live *live)
{
    g_clear_pointer(&live->map, map_info_free);
    live->map_next_at = 0;
}

static void select_row(Live *live, int i)
{
    Row *row;

    live->view.selected = CLAMP(i, -1, (int)live->rows->len - 1);
    row = selected_row(live);
    if (row && (row->vm != live->vm || g_strcmp0(row->id, live->id) != 0)) {
        live->vm = row->vm;
        g_free(live->id);
        live->id = g_strdup(row->id);
        drop_map(live);
    }
    draw_soon(live);
}

/* The rows have changed: finds the selected one again. */
static void sort_rows(Live *live)
{
    int found = -1;
    unsigned i;

    rows_sort(live->rows, live->view.sort, live->view.reverse);
    for (i = 0; i < live->rows->len; i++) {
        Row *row = g_ptr_array_index(live->rows, i);

        if (row->vm == live->vm &&
            (found < 0 || g_strcmp0(row->id, live->id) == 0)) {
            found = i;
        }
    }
    select_row(live, MAX(found, 0));
}

/* The map */

static void got_map(const GError *error, JsonNode *result, void *opaque)
{
    Live *live = opaque;
    gint64 now = g_get_monotonic_time();
    g_autoptr(GError) wrong = NULL;
    MapInfo *map = result ? map_info_parse(result, &wrong) : NULL;

    live->map_next_at = now + MAP_REST * (now - live->map_asked_at);
    live->map_asked_at = 0;
    if (live->map_vm != live->vm || g_strcmp0(live->map_id, live->id) != 0) {
        g_clear_pointer(&map, map_info_free);
        live->map_next_at = 0;
        return;
    }
    if (error || wrong) {
        set_message(live, g_strdup((error ? error : wrong)->message));
    }
    g_clear_pointer(&live->map, map_info_free);
    live->map = map;
    draw_soon(live);
}

static void ask_map(Live *live, Vm *vm)
{
    Row *row = selected_row(live);
    unsigned cells = screen_map_cells(&live->view);
    gint64 now = g_get_monotonic_time();

    if (!row || row->vm != vm || !row->info || vm->error || !cells ||
        live->map_asked_at || now < live->map_next_at) {
        return;
    }
    live->map_vm = vm;
    g_free(live->map_id);
    live->map_id = g_strdup(row->id);
    live->map_asked_at = now;
    vm_query_map(vm, row->id,
                 MIN((guint64)cells << live->view.zoom, INFO_MAX_BUCKETS),
                 got_map, live);
}

/* Refreshing */

static void refreshed(Vm *vm, const GError *error, void *opaque)
{
    Live *live = opaque;
    gboolean was_well = GPOINTER_TO_INT(vm->opaque);

    vm->opaque = GINT_TO_POINTER(!error);
    if (error && was_well) {
        set_message(live, g_strdup_printf("%s: %s", vm->name,
                                          error->message));
    }
    if (error && live->map_vm == vm) {
        live->map_asked_at = 0;
        drop_map(live);
    }
    rows_update(live->rows, vm);
    sort_rows(live);
    ask_map(live, vm);
}

static gboolean refresh_vms(gpointer opaque)
{
    Live *live = opaque;
    unsigned i;

    for (i = 0; i < live->vms->len; i++) {
        Vm *vm = g_ptr_array_index(live->vms, i);

        if (!vm->done) {
            vm_refresh(vm, refreshed, live);
        }
    }
    draw_soon(live);
    return G_SOURCE_CONTINUE;
}

/* VMs that come and go */

static Vm *find_vm(const Live *live, const char *path)
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
            if (live->map_vm == vm) {
                live->map_vm = NULL;
            }
            rows_remove(live->rows, vm);
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

        if (!find_vm(live, path)) {
            Vm *vm = vm_new(path, live->options->timeout);

            g_ptr_array_add(live->vms, vm);
            rows_update(live->rows, vm);
            vm_refresh(vm, refreshed, live);
        }
    }
    live->view.nr_vms = live->vms->len;
    sort_rows(live);
    return G_SOURCE_CONTINUE;
}

/* Keys */

typedef struct Change {
    Live *live;
    char *done;                 /* what to say if it works */
} Change;

static void changed(const GError *error, JsonNode *result, void *opaque)
{
    Change *change = opaque;

    set_message(change->live, error ? g_strdup(error->message)
                                    : g_steal_pointer(&change->done));
    g_free(change->done);
    g_free(change);
}

static void G_GNUC_PRINTF(4, 5)
change(Live *live, const char *property, JsonNode *value,
       const char *format, ...)
{
    Row *row = selected_row(live);
    Change *request = g_new0(Change, 1);
    va_list args;

    va_start(args, format);
    request->live = live;
    request->done = g_strdup_vprintf(format, args);
    va_end(args);
    vm_set((Vm *)row->vm, row->id, property, value, changed, request);
}

/* Returns: whether a container is selected that can be changed. */
static gboolean can_change(Live *live)
{
    Row *row = selected_row(live);

    if (!row || !row->info || row->vm->error) {
        set_message(live, g_strdup("There is no container to change."));
        return FALSE;
    }
    return TRUE;
}

static void pause_or_go_on(Live *live)
{
    Row *row = selected_row(live);
    gboolean on;

    if (can_change(live)) {
        on = strcmp(row->info->state, "off") == 0;
        change(live, "monitor",
               json_node_init_boolean(json_node_alloc(), on), "%s/%s: %s",
               row->vm->name, row->id,
               on ? "Placement goes on." : "Placement is paused.");
    }
}

/* Asks for the number of a policy; any other key leaves it as it is. */
static void ask_policy(Live *live)
{
    const RaminatePolicyOps *const *policies = raminate_policy_list();
    g_autoptr(GString) text = g_string_new(NULL);
    Row *row = selected_row(live);
    unsigned i;

    if (can_change(live)) {
        g_string_append_printf(text, "Policy, now %s:", row->info->policy);
        for (i = 0; policies[i]; i++) {
            g_string_append_printf(text, " %u %s", i + 1, policies[i]->name);
        }
        set_message(live, g_strdup(text->str));
        live->asks_policy = TRUE;
    }
}

static void set_policy(Live *live, int key)
{
    const RaminatePolicyOps *const *policies = raminate_policy_list();
    const char *policy = NULL;
    Row *row = selected_row(live);
    int i;

    for (i = 0; policies[i]; i++) {
        if (key == '1' + i) {
            policy = policies[i]->name;
        }
    }
    set_message(live, NULL);
    if (policy && can_change(live)) {
        change(live, "policy",
               json_node_init_string(json_node_alloc(), policy),
               "%s/%s: The policy is %s.", row->vm->name, row->id, policy);
    }
}

static void move_map(Live *live, double by)
{
    double part = 1.0 / (1u << live->view.zoom);

    live->view.from = CLAMP(live->view.from + by * part, 0, 1 - part);
}

static void zoom_map(Live *live, int by)
{
    double middle = live->view.from + 0.5 / (1u << live->view.zoom);

    live->view.zoom = CLAMP((int)live->view.zoom + by, 0, MAX_ZOOM);
    live->view.from = middle;
    move_map(live, -0.5);
    live->map_next_at = 0;
}

static void handle_view_key(Live *live, int key)
{
    View *view = &live->view;

    switch (key) {
    case KEY_UP:
    case 'k':
        select_row(live, MAX(view->selected - 1, 0));
        break;
    case KEY_DOWN:
    case 'j':
        select_row(live, view->selected + 1);
        break;
    case KEY_LEFT:
        move_map(live, -0.25);
        break;
    case KEY_RIGHT:
        move_map(live, 0.25);
        break;
    case '+':
    case '=':
        zoom_map(live, 1);
        break;
    case '-':
        zoom_map(live, -1);
        break;
    case 's':
        view->sort = (view->sort + 1) % ROW_NR_SORTS;
        sort_rows(live);
        break;
    case 'r':
        view->reverse = !view->reverse;
        sort_rows(live);
        break;
    case 'h':
        view->hottest = !view->hottest;
        break;
    case 'm':
        view->map_only = !view->map_only;
        live->map_next_at = 0;
        break;
    case '?':
        view->help = !view->help;
        break;
    }
}

static void handle_key(Live *live, int key)
{
    if (live->asks_policy) {
        set_policy(live, key);
        return;
    }
    switch (key) {
    case 'q':
        g_main_loop_quit(live->loop);
        break;
    case 'p':
        pause_or_go_on(live);
        break;
    case 'c':
        ask_policy(live);
        break;
    default:
        handle_view_key(live, key);
        break;
    }
}

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
        handle_key(live, key);
    }
    draw_soon(live);
    return G_SOURCE_CONTINUE;
}

/* Signals */

static gboolean resized(gpointer opaque)
{
    Live *live = opaque;

    screen_resize();
    live->map_next_at = 0;
    draw_soon(live);
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
        g_timeout_add(live->options->period, refresh_vms, live),
        g_timeout_add_seconds(RESCAN_SECONDS, find_new_vms, live),
    };
    unsigned i;

    for (i = 0; i < G_N_ELEMENTS(endings); i++) {
        endings[i].source = g_unix_signal_add(endings[i].signal, told_to_end,
                                              &endings[i]);
    }
    signal(SIGQUIT, terminate);
    refresh_vms(live);
    g_main_loop_run(live->loop);
    for (i = 0; i < G_N_ELEMENTS(endings); i++) {
        g_source_remove(endings[i].source);
    }
    for (i = 0; i < G_N_ELEMENTS(sources); i++) {
        g_source_remove(sources[i]);
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
        .view = {
            .rows = rows,
            .nr_vms = vms->len,
            .period = options->period,
            .selected = -1,
        },
    };
    unsigned i;

    if (!screen_open(options->is_utf8, error)) {
        return 0;
    }
    for (i = 0; i < vms->len; i++) {
        Vm *vm = g_ptr_array_index(vms, i);

        vm->opaque = GINT_TO_POINTER(!vm->error);
        rows_update(rows, vm);
    }
    sort_rows(&live);
    run(&live);
    screen_close();
    set_message(&live, NULL);
    if (live.draw) {
        g_source_remove(live.draw);
    }
    /* Nobody waits for what has not been answered. */
    for (i = 0; i < vms->len; i++) {
        vm_disconnect(g_ptr_array_index(vms, i));
    }
    g_clear_pointer(&live.map, map_info_free);
    g_free(live.map_id);
    g_free(live.id);
    return live.signal;
}
