/*
 * RAMinate: a client of QEMU's monitor protocol that never blocks
 *
 * It lives in the default main context.  Whatever the server does or leaves
 * undone, each command is answered once: by the server, or by an error.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_QMP_H
#define RAMINATE_QMP_H

#include <json-glib/json-glib.h>
#include <sys/types.h>

typedef struct QmpClient QmpClient;

#define QMP_ERROR (qmp_error_quark())

typedef enum QmpError {
    QMP_ERROR_NOBODY,       /* there is no socket, or nobody listens */
    QMP_ERROR_DENIED,       /* others may connect, but we may not */
    QMP_ERROR_SOCKET,       /* it can't be connected to for other reasons */
    QMP_ERROR_PROTOCOL,     /* the server does not speak QMP */
    QMP_ERROR_TIMEOUT,      /* the server does not answer */
    QMP_ERROR_ENDED,        /* the VM has ended */
    QMP_ERROR_NO_COMMAND,   /* this QEMU does not know the command */
    QMP_ERROR_COMMAND,      /* the command was refused */
} QmpError;

GQuark qmp_error_quark(void);

/*
 * @result: what the command returned, or NULL if @error is set; both belong
 *          to the client
 */
typedef void QmpDone(const GError *error, JsonNode *result, void *opaque);

/*
 * Begins to connect to the socket at @path.
 * @timeout: milliseconds for the greeting and for each answer
 * @limit: most bytes of a message
 */
QmpClient *qmp_client_new(const char *path, unsigned timeout, gsize limit);

/*
 * The same with a connection that is open.
 * @fd: the client closes it; -1 if there is none
 * @error: why there is none; the client frees it
 * @name: of the VM, for messages
 */
QmpClient *qmp_client_new_open(int fd, GError *error, const char *name,
                               unsigned timeout, gsize limit);

/* From now on messages may be longer, of up to @limit bytes. */
void qmp_client_raise_limit(QmpClient *client, gsize limit);

/* Closes the connection.  Commands in flight are dropped: no call of done. */
void qmp_client_free(QmpClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QmpClient, qmp_client_free)

/* Returns: why the connection is of no more use, or NULL. */
const GError *qmp_client_error(const QmpClient *client);

/* Returns: the QEMU that is connected to, or 0 if that is not known. */
pid_t qmp_client_peer(const QmpClient *client);

/*
 * Sends a command; @done is called from the main loop.
 * @arguments: NULL for none; the client frees it
 */
void qmp_client_execute(QmpClient *client, const char *command,
                        JsonNode *arguments, QmpDone *done, void *opaque);

#endif
