/*
 * RAMinate: what raminate-top on a screen knows
 *
 * Its files call each other from the main loop only.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_TOP_LIVE_STATE_H
#define RAMINATE_TOP_LIVE_STATE_H

#include "live.h"
#include "screen.h"

typedef struct Replay Replay;

typedef struct Live {
    GMainLoop *loop;
    const LiveOptions *options;
    GPtrArray *vms;
    GPtrArray *rows;
    View view;
    int signal;
    SessionWriter *record;      /* NULL: nothing is recorded (any more) */
    Replay *replay;             /* NULL: VMs are shown */
    guint draw;
    guint message_timer;
    char *message;
    gboolean asks_policy;
    GString *typed;             /* a page that is asked for, or NULL */
    WhyPage *why;

    /* The selected container */
    const Vm *vm;
    char *id;

    Answers answers;
    Pane asked_pane;            /* what was asked last, and by whom it is */
    const Vm *asked_vm;         /* NULL if nothing was asked */
    char *asked_id;
    gint64 asked_at;            /* 0 if no answer is waited for */
    gint64 next_at;
} Live;

/* Returns: what belongs to @live, or NULL if there is no row. */
Row *live_selected_row(Live *live);

void live_draw_soon(Live *live);

/* @message: takes the place of any other, and is freed here; or NULL. */
void live_set_message(Live *live, char *message);

/* @i: of the rows; the nearest that there is */
void live_select_row(Live *live, int i);

/* Sorts the rows, which may have changed, and selects the same one again. */
void live_sort_rows(Live *live);

/* Returns: the one with this socket, or NULL. */
Vm *live_find_vm(const Live *live, const char *path);

/* A VM has been refreshed, or failed to be. */
void live_refreshed(Vm *vm, const GError *error, void *opaque);

/* Unless @error is NULL, which says why nothing more is recorded. */
void live_end_record(Live *live, const GError *error);

/*
 * ask.c: asks @vm for what the pane shows of the selected container, if that is
 * the VM's and it is time.
 */
void live_ask(Live *live, Vm *vm);

/* replay.c: shows a session, and in its own time. */
void live_begin_replay(Live *live);
void live_end_replay(Live *live);
gint64 live_replay_now(const Live *live);   /* microseconds */

/* Puts into the view where it is, and the map of the selected container. */
void live_view_replay(Live *live);

/* Returns: whether that was a key for it. */
gboolean live_replay_key(Live *live, int key);

/* why.c: asks which page, takes a key of the answer, ends what it shows. */
void live_ask_page(Live *live);
void live_type_page(Live *live, int key);
void live_end_why(Live *live);

/* Returns: whether a container is selected that answers; if not, says so. */
gboolean live_has_container(Live *live);

/* @key: of ncurses' */
void live_handle_key(Live *live, int key);

#endif
