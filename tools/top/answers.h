/*
 * RAMinate: what a container has answered for a pane of raminate-top
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_TOP_ANSWERS_H
#define RAMINATE_TOP_ANSWERS_H

#include "lib/info.h"
#include "lib/use-info.h"

/* What there is to be seen of a container, at the bottom of the screen */
typedef enum Pane {
    PANE_MAP,
    PANE_USE,                   /* working set, and how much is enough */
    PANE_HOTTEST,
    PANE_MOVES,
    NR_PANES,
} Pane;

/* The latest of each kind; NULL if there was none */
typedef struct Answers {
    MapInfo *map;
    UseInfo *use;
    GPtrArray *moves;           /* MoveInfo */
} Answers;

/* Has none any more. */
void answers_clear(Answers *answers);

/*
 * Takes what QEMU returned for @pane in the place of what was there.
 * Returns: FALSE with @error set if it is not understood.
 */
gboolean answers_take(Answers *answers, Pane pane, JsonNode *result,
                      GError **error);

#endif
