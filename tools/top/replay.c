/*
 * RAMinate: raminate-top shows a session again
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <curses.h>

#include "live-state.h"

/* So often it is looked whether it is time for what comes next. */
#define TICK_MS 50

/* More at once would leave keys waiting; then it takes longer. */
#define TICK_EVENTS 256

/* Where nothing was seen for longer, it is that long, in seconds. */
#define MAX_GAP 10

/* Powers of two */
#define MIN_SPEED (-4)
#define MAX_SPEED 10

/* Whatever a file says, no more VMs than this are shown. */
#define MAX_VMS 10000

struct Replay {
    SessionReader *reader;
    SessionEvent *next;         /* NULL at the end */
    guint tick;
    gboolean paused;
    int speed;
    double time;                /* of the session, in seconds since 1970 */
    gint64 as_of;               /* when it was so, by the monotonic clock */
    GHashTable *answers;        /* of containers, by answers_key() */
    char *how;                  /* for the first line */
};

static char *answers_key(const char *socket, const char *container)
{
    return g_strdup_printf("%s\n%s", socket, container);
}

gint64 live_replay_now(const Live *live)
{
    return live->replay->time * G_USEC_PER_SEC;
}

/* Reads the next event. */
static void read_next(Live *live)
{
    Replay *replay = live->replay;
    g_autoptr(GError) error = NULL;

    g_clear_pointer(&replay->next, session_event_free);
    replay->next = session_next(replay->reader, &error);
    if (!replay->next) {
        live_set_message(live, error ? g_strdup(error->message)
                                     : g_strdup("The session ends here."));
    }
}

/* Has its time go on from @time. */
static void set_time(Replay *replay, double time)
{
    replay->time = time;
    replay->as_of = g_get_monotonic_time();
}

/* Takes the time that has passed into account. */
static void pass_time(Replay *replay)
{
    double passed = (g_get_monotonic_time() - replay->as_of) / 1e6;
    double speed = replay->speed < 0 ? 1.0 / (1 << -replay->speed)
                                     : 1 << replay->speed;

    if (replay->paused || !replay->next) {
        passed = 0;
    }
    set_time(replay, replay->time + passed * speed);
}

static Vm *need_vm(Live *live, const SessionEvent *event)
{
    Vm *vm = live_find_vm(live, event->socket);

    if (!vm && live->vms->len < MAX_VMS) {
        vm = vm_new(event->socket, live->options->timeout);
        g_ptr_array_add(live->vms, vm);
    }
    if (vm) {
        g_free(vm->name);
        vm->name = g_strdup(event->vm);
    }
    return vm;
}

static void remove_vm(Live *live, Vm *vm)
{
    rows_remove(live->rows, vm);
    if (live->vm == vm) {
        live->vm = NULL;
    }
    g_ptr_array_remove(live->vms, vm);
    live_sort_rows(live);
}

static void show_answer(Live *live, SessionEvent *event)
{
    Vm *vm = need_vm(live, event);

    if (vm) {
        g_clear_error(&vm->error);
        vm->error = g_steal_pointer(&event->error);
        if (event->containers) {
            g_clear_pointer(&vm->containers, g_ptr_array_unref);
            vm->containers = g_steal_pointer(&event->containers);
        }
        live_refreshed(vm, vm->error, live);
    }
}

static void answers_free(gpointer opaque)
{
    answers_clear(opaque);
    g_free(opaque);
}

/* Puts one in the place of the last of its kind. */
static void keep_answer(Replay *replay, SessionEvent *event)
{
    char *key = answers_key(event->socket, event->container);
    Answers *kept = g_hash_table_lookup(replay->answers, key);
    Answers before;

    if (!kept) {
        kept = g_new0(Answers, 1);
        g_hash_table_insert(replay->answers, g_strdup(key), kept);
    }
    before = *kept;
    if (event->answers.map) {
        kept->map = event->answers.map;
        event->answers.map = before.map;
    } else if (event->answers.use) {
        kept->use = event->answers.use;
        event->answers.use = before.use;
    } else {
        kept->moves = event->answers.moves;
        event->answers.moves = before.moves;
    }
    g_free(key);
}

static void show(Live *live, SessionEvent *event)
{
    Vm *vm;

    switch (event->kind) {
    case SESSION_CONTAINERS:
    case SESSION_ERROR:
        show_answer(live, event);
        break;
    case SESSION_GONE:
        vm = live_find_vm(live, event->socket);
        if (vm) {
            remove_vm(live, vm);
        }
        break;
    case SESSION_ANSWER:
        if (live_find_vm(live, event->socket)) {
            keep_answer(live->replay, event);
        }
        break;
    }
}

static gboolean go_on(gpointer opaque)
{
    Live *live = opaque;
    Replay *replay = live->replay;
    unsigned i;

    pass_time(replay);
    for (i = 0; i < TICK_EVENTS && replay->next && !replay->paused; i++) {
        double time = replay->next->time;

        if (time > replay->time + MAX_GAP) {
            set_time(replay, time - MAX_GAP);
        }
        if (time > replay->time) {
            break;
        }
        /* Clocks may be set back, and this may come late. */
        set_time(replay, time);
        show(live, replay->next);
        read_next(live);
    }
    live_draw_soon(live);
    return G_SOURCE_CONTINUE;
}

/* Shows it from where it begins. */
static void rewind_session(Live *live)
{
    Replay *replay = live->replay;

    while (live->vms->len) {
        remove_vm(live, g_ptr_array_index(live->vms, live->vms->len - 1));
    }
    g_hash_table_remove_all(replay->answers);
    session_rewind(replay->reader);
    live_set_message(live, NULL);
    read_next(live);
    set_time(replay, replay->next ? replay->next->time : 0);
    go_on(live);
}

void live_begin_replay(Live *live)
{
    Replay *replay = g_new0(Replay, 1);

    live->replay = replay;
    replay->reader = live->options->replay;
    replay->answers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                            answers_free);
    replay->tick = g_timeout_add(TICK_MS, go_on, live);
    rewind_session(live);
}

void live_end_replay(Live *live)
{
    Replay *replay = g_steal_pointer(&live->replay);

    g_source_remove(replay->tick);
    g_clear_pointer(&replay->next, session_event_free);
    g_hash_table_destroy(replay->answers);
    g_free(replay->how);
    g_free(replay);
}

void live_view_replay(Live *live)
{
    Replay *replay = live->replay;
    Row *row = live_selected_row(live);
    g_autofree char *key = row && row->id
                           ? answers_key(row->vm->path, row->id) : NULL;

    g_free(replay->how);
    replay->how = g_strdup_printf("replay x%s%d%s",
                                  replay->speed < 0 ? "1/" : "",
                                  1 << ABS(replay->speed),
                                  !replay->next ? ", at its end"
                                  : replay->paused ? ", stopped" : "");
    live->view.replay = replay->how;
    live->view.replay_time = replay->time;
    live->view.answers = key ? g_hash_table_lookup(replay->answers, key)
                             : NULL;
}

static void change_speed(Live *live, int by)
{
    Replay *replay = live->replay;

    pass_time(replay);
    replay->speed = CLAMP(replay->speed + by, MIN_SPEED, MAX_SPEED);
}

gboolean live_replay_key(Live *live, int key)
{
    Replay *replay = live->replay;

    switch (key) {
    case ' ':
        pass_time(replay);
        replay->paused = !replay->paused;
        break;
    case '<':
        change_speed(live, -1);
        break;
    case '>':
        change_speed(live, 1);
        break;
    case KEY_HOME:
        rewind_session(live);
        break;
    case 'p':
    case 'c':
    case 'w':
        live_set_message(live, g_strdup("This has been: there is nobody to "
                                        "ask."));
        break;
    default:
        return FALSE;
    }
    return TRUE;
}
