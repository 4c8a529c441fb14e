/*
 * RAMinate: find the messages in what a QMP server sends
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_QMP_FRAME_H
#define RAMINATE_QMP_FRAME_H

#include <glib.h>

/* More levels than QMP's answers have; the JSON parser recurses. */
#define QMP_FRAME_MAX_DEPTH 32

typedef enum QmpFrameStatus {
    QMP_FRAME_MORE,         /* the message goes on */
    QMP_FRAME_DONE,         /* @text is a message */
    QMP_FRAME_NOT_QMP,      /* this is not a JSON object */
    QMP_FRAME_TOO_LONG,     /* longer than @limit */
} QmpFrameStatus;

typedef struct QmpFrame {
    GString *text;
    gsize limit;            /* most bytes of a message */
    unsigned depth;
    gboolean in_string;
    gboolean escaped;
} QmpFrame;

void qmp_frame_init(QmpFrame *frame, gsize limit);
void qmp_frame_clear(QmpFrame *frame);

/* Gets ready for the next message. */
void qmp_frame_reset(QmpFrame *frame);

/*
 * Takes bytes up to the end of a message.
 * @used: how many were taken
 */
QmpFrameStatus qmp_frame_feed(QmpFrame *frame, const char *data, gsize size,
                              gsize *used);

#endif
