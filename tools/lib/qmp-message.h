/*
 * RAMinate: what goes to a QMP server, and what its messages hold
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_QMP_MESSAGE_H
#define RAMINATE_QMP_MESSAGE_H

#include "qmp.h"

typedef struct QmpRequest {
    char *command;
    char *text;                 /* members behind it: arguments, or "" */
    QmpDone *done;
    void *opaque;
} QmpRequest;

/*
 * Parameters as those of qmp_client_execute().
 * Returns: a request of which nothing was sent, owned by the caller.
 */
QmpRequest *qmp_request_new(const char *command, JsonNode *arguments,
                            QmpDone *done, void *opaque);

/* Frees it without a call of done. */
void qmp_request_free(QmpRequest *request);

/* Both belong to @object; NULL if it has no such member of this type. */
const char *qmp_string_member(JsonObject *object, const char *name);
JsonObject *qmp_object_member(JsonObject *object, const char *name);

/* Returns: what the server at @path means by the error of its answer. */
GError *qmp_command_error(const char *path, const char *command,
                          JsonObject *error);

#endif
