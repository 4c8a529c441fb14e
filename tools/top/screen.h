/*
 * RAMinate: the screen of raminate-top
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_TOP_SCREEN_H
#define RAMINATE_TOP_SCREEN_H

#include "answers.h"
#include "hottest.h"
#include "rows.h"

/* What was asked of a page */
typedef struct WhyPage {
    char *container;            /* with its VM */
    guint64 page;
    guint64 address;            /* in the container, in bytes */
    guint64 heat;
    char *text;                 /* as QEMU says it */
} WhyPage;

/* What is to be seen. */
typedef struct View {
    const GPtrArray *rows;
    unsigned nr_vms;
    int selected;               /* of @rows; -1 if there is none */
    RowSort sort;
    gboolean reverse;
    unsigned period;            /* milliseconds */
    const char *replay;         /* how a session is shown again, or NULL */
    gint64 replay_time;         /* where it is, in seconds since 1970 */
    Pane pane;
    const Answers *answers;     /* of the selected container */
    int range;                  /* chosen of the hottest; -1 if none is */
    unsigned zoom;              /* power of two */
    double from;                /* part of the memory before the map */
    gboolean hottest;
    gboolean map_only;
    gboolean help;
    const WhyPage *why;         /* in place of all else, or NULL */
    const char *message;        /* or NULL */
} View;

/* Returns: whether the terminal can show a screen. */
gboolean screen_open(gboolean is_utf8, GError **error);

/* Leaves the terminal as it was. */
void screen_close(void);

/* Takes over the size that the terminal has now. */
void screen_resize(void);

/* Returns: a key of ncurses', or ERR if none is left. */
int screen_key(void);

/* Returns: cells of the map that there is room for. */
unsigned screen_map_cells(const View *view);

/*
 * @ranges: returns the hottest that there is room for; of HOTTEST_MAX
 * Returns: their number.
 */
int screen_ranges(const View *view, HotRange *ranges);

void screen_draw(const View *view);

#endif
