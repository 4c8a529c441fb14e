/*
 * RAMinate: find the messages in what a QMP server sends
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qmp-frame.h"

void qmp_frame_init(QmpFrame *frame, gsize limit)
{
    *frame = (QmpFrame) {
        .text = g_string_new(NULL),
        .limit = limit,
    };
}

void qmp_frame_clear(QmpFrame *frame)
{
    g_string_free(frame->text, TRUE);
    frame->text = NULL;
}

void qmp_frame_reset(QmpFrame *frame)
{
    /* One long message must not hold its memory for ever. */
    g_string_free(frame->text, TRUE);
    qmp_frame_init(frame, frame->limit);
}

/* Returns: whether @c can be there. */
static gboolean frame_in_string(QmpFrame *frame, char c)
{
    if ((guchar)c < ' ') {
        return FALSE;
    }
    if (frame->escaped) {
        frame->escaped = FALSE;
    } else if (c == '\\') {
        frame->escaped = TRUE;
    } else if (c == '"') {
        frame->in_string = FALSE;
    }
    return TRUE;
}

static gboolean frame_outside(QmpFrame *frame, char c)
{
    if (!frame->depth && c != '{') {
        return FALSE;
    }
    switch (c) {
    case '{':
    case '[':
        return ++frame->depth <= QMP_FRAME_MAX_DEPTH;
    case '}':
    case ']':
        frame->depth--;
        return TRUE;
    case '"':
        frame->in_string = TRUE;
        return TRUE;
    default:
        return g_ascii_isspace(c) || g_ascii_isprint(c);
    }
}

QmpFrameStatus qmp_frame_feed(QmpFrame *frame, const char *data, gsize size,
                              gsize *used)
{
    gsize start = 0;
    gsize i;

    while (!frame->depth && start < size && g_ascii_isspace(data[start])) {
        start++;
    }
    for (i = start; i < size; i++) {
        if (!(frame->in_string ? frame_in_string(frame, data[i])
                               : frame_outside(frame, data[i]))) {
            *used = i;
            return QMP_FRAME_NOT_QMP;
        }
        if (!frame->depth) {
            i++;
            break;
        }
    }
    *used = i;
    if (i - start > frame->limit - frame->text->len) {
        return QMP_FRAME_TOO_LONG;
    }
    g_string_append_len(frame->text, data + start, i - start);
    if (frame->depth || !frame->text->len) {
        return QMP_FRAME_MORE;
    }
    return g_utf8_validate(frame->text->str, frame->text->len, NULL)
           ? QMP_FRAME_DONE : QMP_FRAME_NOT_QMP;
}
