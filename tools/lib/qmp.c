/*
 * RAMinate: a client of QEMU's monitor protocol that never blocks
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "peer.h"
#include "qmp.h"
#include "qmp-frame.h"
#include "qmp-message.h"

#define READ_SIZE 65536
/* The queue of a listening socket is full: try again so soon. */
#define CONNECT_RETRY_MS 50

typedef enum QmpState {
    QMP_CONNECTING,
    QMP_GREETING,
    QMP_READY,
} QmpState;

struct QmpClient {
    char *path;
    unsigned timeout;
    QmpState state;
    gboolean is_dispatching;
    gboolean is_freed;          /* while dispatching */
    int fd;
    pid_t peer;
    guint in;
    guint out;
    guint retry;
    guint timer;
    guint failing;
    QmpFrame frame;
    GQueue *requests;           /* the first has been sent once ready */
    GString *unsent;
    guint64 id;                 /* of the first request */
    GError *error;
    char *shutdown;             /* reason that the VM gave */
};

G_DEFINE_QUARK(raminate-qmp-error-quark, qmp_error)

static gboolean client_timed_out(gpointer opaque);
static gboolean client_readable(gint fd, GIOCondition condition,
                                gpointer opaque);

static void clear_source(guint *id)
{
    if (*id) {
        g_source_remove(*id);
        *id = 0;
    }
}

static void client_disconnect(QmpClient *client)
{
    clear_source(&client->in);
    clear_source(&client->out);
    clear_source(&client->retry);
    clear_source(&client->timer);
    if (client->fd >= 0) {
        close(client->fd);
        client->fd = -1;
    }
}

static void client_destroy(QmpClient *client)
{
    client_disconnect(client);
    clear_source(&client->failing);
    g_queue_free_full(client->requests, (GDestroyNotify)qmp_request_free);
    qmp_frame_clear(&client->frame);
    g_string_free(client->unsent, TRUE);
    g_clear_error(&client->error);
    g_free(client->shutdown);
    g_free(client->path);
    g_free(client);
}

void qmp_client_free(QmpClient *client)
{
    if (client->is_dispatching) {
        client_disconnect(client);
        client->is_freed = TRUE;
    } else {
        client_destroy(client);
    }
}

/* Functions that call back are put between these two. */
static void client_enter(QmpClient *client)
{
    client->is_dispatching = TRUE;
}

static void client_leave(QmpClient *client)
{
    client->is_dispatching = FALSE;
    if (client->is_freed) {
        client_destroy(client);
    }
}

/* Answers all requests with the error. */
static gboolean client_report(gpointer opaque)
{
    QmpClient *client = opaque;
    QmpRequest *request;

    client->failing = 0;
    client_enter(client);
    while (!client->is_freed &&
           (request = g_queue_pop_head(client->requests))) {
        request->done(client->error, NULL, request->opaque);
        qmp_request_free(request);
    }
    client_leave(client);
    return G_SOURCE_REMOVE;
}

/* @error: the client frees it */
static void client_fail_with(QmpClient *client, GError *error)
{
    client_disconnect(client);
    client->error = error;
    client->failing = g_idle_add(client_report, client);
}

static void G_GNUC_PRINTF(3, 4)
client_fail(QmpClient *client, QmpError code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    client_fail_with(client, g_error_new_valist(QMP_ERROR, code, format,
                                                args));
    va_end(args);
}

static void client_start_timer(QmpClient *client)
{
    clear_source(&client->timer);
    client->timer = g_timeout_add(client->timeout, client_timed_out, client);
}

static gboolean client_timed_out(gpointer opaque)
{
    QmpClient *client = opaque;
    double seconds = client->timeout / 1000.0;
    QmpRequest *request = g_queue_peek_head(client->requests);

    client->timer = 0;
    if (client->state != QMP_READY) {
        client_fail(client, QMP_ERROR_TIMEOUT, "no QMP greeting within %g s "
                    "from socket '%s'; such a socket serves one client at a "
                    "time: is another one connected?", seconds,
                    client->path);
    } else {
        client_fail(client, QMP_ERROR_TIMEOUT, "no answer to '%s' within %g "
                    "s from socket '%s'; the VM may be busy, or hang",
                    request->command, seconds, client->path);
    }
    return G_SOURCE_REMOVE;
}

/* Connecting */

static void client_cannot_connect(QmpClient *client, int error)
{
    struct stat st;

    if (error == ENOENT) {
        client_fail(client, QMP_ERROR_NOBODY, "there is no socket '%s'; has "
                    "the VM been started, with -qmp unix:%s,server=on,"
                    "wait=off?", client->path, client->path);
    } else if (stat(client->path, &st) == 0 && !S_ISSOCK(st.st_mode)) {
        client_fail(client, QMP_ERROR_SOCKET, "'%s' is not a socket; give "
                    "the path of a VM's -qmp option", client->path);
    } else if (error == ECONNREFUSED) {
        client_fail(client, QMP_ERROR_NOBODY, "nobody listens on socket '%s';"
                    " its VM has ended", client->path);
    } else {
        client_fail(client, error == EACCES || error == EPERM
                            ? QMP_ERROR_DENIED : QMP_ERROR_SOCKET,
                    "can't connect to socket '%s': %s", client->path,
                    strerror(error));
    }
}

static void client_await_greeting(QmpClient *client)
{
    client->state = QMP_GREETING;
    client->in = g_unix_fd_add(client->fd, G_IO_IN, client_readable, client);
}

/* Returns: whether that is settled, one way or the other. */
static gboolean client_connect(QmpClient *client)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    strcpy(address.sun_path, client->path);
    if (connect(client->fd, (struct sockaddr *)&address,
                sizeof(address)) == 0) {
        client->peer = peer_qemu(client->fd);
        client_await_greeting(client);
    } else if (errno == EAGAIN || errno == EINTR) {
        return FALSE;
    } else {
        client_cannot_connect(client, errno);
    }
    return TRUE;
}

static gboolean client_retry(gpointer opaque)
{
    QmpClient *client = opaque;
    guint source = client->retry;

    client->retry = 0;
    if (client_connect(client)) {
        return G_SOURCE_REMOVE;
    }
    client->retry = source;
    return G_SOURCE_CONTINUE;
}

static QmpClient *client_alloc(const char *path, unsigned timeout,
                               gsize limit)
{
    QmpClient *client = g_new0(QmpClient, 1);

    client->path = g_strdup(path);
    client->timeout = timeout;
    client->requests = g_queue_new();
    client->unsent = g_string_new(NULL);
    qmp_frame_init(&client->frame, limit);
    client->fd = -1;
    return client;
}

QmpClient *qmp_client_new_open(int fd, GError *error, const char *name,
                               unsigned timeout, gsize limit)
{
    QmpClient *client = client_alloc(name, timeout, limit);

    if (fd < 0) {
        client_fail_with(client, error);
        return client;
    }
    client->fd = fd;
    g_unix_set_fd_nonblocking(fd, TRUE, NULL);
    client_start_timer(client);
    client_await_greeting(client);
    return client;
}

QmpClient *qmp_client_new(const char *path, unsigned timeout, gsize limit)
{
    QmpClient *client = client_alloc(path, timeout, limit);
    size_t longest = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;

    if (strlen(path) > longest) {
        client_fail(client, QMP_ERROR_SOCKET, "the path of socket '%s' is "
                    "longer than %zu bytes; change to its directory and give "
                    "a relative path", path, longest);
        return client;
    }
    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                        0);
    if (client->fd < 0) {
        client_fail(client, QMP_ERROR_SOCKET, "can't make a socket to "
                    "connect to '%s': %s", path, strerror(errno));
        return client;
    }
    client_start_timer(client);
    if (!client_connect(client)) {
        client->retry = g_timeout_add(CONNECT_RETRY_MS, client_retry, client);
    }
    return client;
}

void qmp_client_raise_limit(QmpClient *client, gsize limit)
{
    client->frame.limit = MAX(client->frame.limit, limit);
}

const GError *qmp_client_error(const QmpClient *client)
{
    return client->error;
}

pid_t qmp_client_peer(const QmpClient *client)
{
    return client->peer;
}

/* Sending */

static gboolean client_writable(gint fd, GIOCondition condition,
                                gpointer opaque)
{
    QmpClient *client = opaque;
    ssize_t sent = send(fd, client->unsent->str, client->unsent->len,
                        MSG_NOSIGNAL);

    g_string_erase(client->unsent, 0, MAX(sent, 0));
    /* An error shows when reading. */
    if (client->unsent->len && (sent > 0 || errno == EAGAIN)) {
        return G_SOURCE_CONTINUE;
    }
    client->out = 0;
    return G_SOURCE_REMOVE;
}

static void client_send_next(QmpClient *client)
{
    QmpRequest *request = g_queue_peek_head(client->requests);

    clear_source(&client->timer);
    if (request) {
        client->id++;
        g_string_append_printf(client->unsent, "{\"execute\":\"%s\",%s\"id\":%"
                               G_GUINT64_FORMAT "}\n", request->command,
                               request->text, client->id);
        client_start_timer(client);
        if (!client->out) {
            client->out = g_unix_fd_add(client->fd, G_IO_OUT,
                                        client_writable, client);
        }
    }
}

void qmp_client_execute(QmpClient *client, const char *command,
                        JsonNode *arguments, QmpDone *done, void *opaque)
{
    g_queue_push_tail(client->requests,
                      qmp_request_new(command, arguments, done, opaque));
    if (client->error) {
        if (!client->failing) {
            client->failing = g_idle_add(client_report, client);
        }
    } else if (client->state == QMP_READY &&
               g_queue_get_length(client->requests) == 1) {
        client_send_next(client);
    }
}

/* Receiving */

static void client_not_qmp(QmpClient *client)
{
    client_fail(client, QMP_ERROR_PROTOCOL, "this is not QMP: socket '%s' "
                "must be that of a -qmp option of QEMU's", client->path);
}

static void ignore_answer(const GError *error, JsonNode *result, void *opaque)
{
    /* An error of the connection is found again by the next command. */
}

static void client_greeted(QmpClient *client, JsonObject *message)
{
    if (!json_object_has_member(message, "QMP")) {
        client_not_qmp(client);
        return;
    }
    client->state = QMP_READY;
    g_queue_push_head(client->requests,
                      qmp_request_new("qmp_capabilities", NULL,
                                      ignore_answer, NULL));
    client_send_next(client);
}

static void client_event(QmpClient *client, JsonObject *message)
{
    JsonObject *data = qmp_object_member(message, "data");

    if (data &&
        g_strcmp0(qmp_string_member(message, "event"), "SHUTDOWN") == 0) {
        g_free(client->shutdown);
        client->shutdown = g_strdup(qmp_string_member(data, "reason"));
    }
}

static void client_answer(QmpClient *client, JsonObject *message)
{
    QmpRequest *request = g_queue_peek_head(client->requests);
    JsonObject *failure = qmp_object_member(message, "error");
    JsonNode *result = json_object_get_member(message, "return");
    JsonNode *id = json_object_get_member(message, "id");
    g_autoptr(GError) error = NULL;

    if (!request || client->unsent->len || !(failure || result) ||
        !id || json_node_get_value_type(id) != G_TYPE_INT64 ||
        (guint64)json_node_get_int(id) != client->id) {
        client_not_qmp(client);
        return;
    }
    g_queue_pop_head(client->requests);
    if (failure) {
        error = qmp_command_error(client->path, request->command, failure);
    }
    client_send_next(client);
    request->done(error, error ? NULL : result, request->opaque);
    qmp_request_free(request);
}

static void client_message(QmpClient *client)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    JsonNode *root;

    if (!json_parser_load_from_data(parser, client->frame.text->str,
                                    client->frame.text->len, NULL)) {
        client_not_qmp(client);
        return;
    }
    qmp_frame_reset(&client->frame);
    root = json_parser_get_root(parser);
    if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
        client_not_qmp(client);
    } else if (client->state == QMP_GREETING) {
        client_greeted(client, json_node_get_object(root));
    } else if (json_object_has_member(json_node_get_object(root), "event")) {
        client_event(client, json_node_get_object(root));
    } else {
        client_answer(client, json_node_get_object(root));
    }
}

static void client_take(QmpClient *client, const char *data, gsize size)
{
    gsize used;

    for (; size && client->fd >= 0; data += used, size -= used) {
        switch (qmp_frame_feed(&client->frame, data, size, &used)) {
        case QMP_FRAME_MORE:
            break;
        case QMP_FRAME_DONE:
            client_message(client);
            break;
        case QMP_FRAME_NOT_QMP:
            client_not_qmp(client);
            break;
        case QMP_FRAME_TOO_LONG:
            client_fail(client, QMP_ERROR_PROTOCOL, "a message is longer than "
                        "%zu bytes: socket '%s' must be that of a -qmp option "
                        "of QEMU's", client->frame.limit, client->path);
            break;
        }
    }
}

static void client_closed(QmpClient *client)
{
    if (client->state == QMP_GREETING) {
        client_fail(client, client->frame.depth ? QMP_ERROR_PROTOCOL
                                                : QMP_ERROR_ENDED,
                    "closed before the QMP greeting: socket '%s'; is it a "
                    "VM's?", client->path);
    } else {
        client_fail(client, QMP_ERROR_ENDED, "the VM has ended%s%s%s%s; its "
                    "socket was '%s'", client->shutdown ? " (" : "",
                    client->shutdown ? client->shutdown : "",
                    client->shutdown ? ")" : "",
                    client->frame.depth ? " in the middle of an answer" : "",
                    client->path);
    }
}

static gboolean client_readable(gint fd, GIOCondition condition,
                                gpointer opaque)
{
    QmpClient *client = opaque;
    g_autofree char *data = g_malloc(READ_SIZE);
    ssize_t size = recv(fd, data, READ_SIZE, 0);
    gboolean is_open;

    client_enter(client);
    if (size > 0) {
        client_take(client, data, size);
    } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
        client_closed(client);
    }
    is_open = client->fd >= 0;
    client_leave(client);
    return is_open ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}
