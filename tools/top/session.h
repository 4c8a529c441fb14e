/*
 * RAMinate: what raminate-top has seen, in a file
 *
 * A line of JSON for each answer of a VM, in the order in which they came.
 * Whoever reads it takes nothing for granted, as with what a VM says.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_TOP_SESSION_H
#define RAMINATE_TOP_SESSION_H

#include "answers.h"
#include "lib/vm.h"

/* Writing; functions that return FALSE set @error, and are of no more use. */

typedef struct SessionWriter SessionWriter;

/* A new file, in the place of any that is there.  Returns: NULL, or it. */
SessionWriter *session_create(const char *path, GError **error);
void session_writer_free(SessionWriter *writer);        /* NULL is fine */

/* @vm: has been refreshed, and keeps what QEMU sent */
gboolean session_add_vm(SessionWriter *writer, const Vm *vm, GError **error);

/* @vm is not shown any more. */
gboolean session_add_gone(SessionWriter *writer, const Vm *vm,
                          GError **error);

/*
 * @answers: has what was understood of @result, which is what QEMU returned for
 *           @pane
 */
gboolean session_add_answer(SessionWriter *writer, const Vm *vm,
                            const char *container, Pane pane,
                            const Answers *answers, JsonNode *result,
                            GError **error);

/* Reading */

typedef enum SessionKind {
    SESSION_CONTAINERS,
    SESSION_ERROR,
    SESSION_GONE,
    SESSION_ANSWER,
} SessionKind;

typedef struct SessionEvent {
    SessionKind kind;
    double time;                /* seconds since 1970 */
    char *socket;
    char *vm;                   /* name; NULL if it is gone */
    GPtrArray *containers;      /* ContainerInfo */
    GError *error;
    char *container;            /* of @answers */
    Answers answers;            /* one of them */
} SessionEvent;

void session_event_free(SessionEvent *event);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SessionEvent, session_event_free)

typedef struct SessionReader SessionReader;

/* Returns: NULL with @error set if that is no session. */
SessionReader *session_open(const char *path, GError **error);
void session_reader_free(SessionReader *reader);        /* NULL is fine */

/*
 * Returns: the next event; NULL at the end, or with @error set.  A line that
 * was not written to its end is taken for the end.
 */
SessionEvent *session_next(SessionReader *reader, GError **error);

/* Begins anew. */
void session_rewind(SessionReader *reader);

#endif
