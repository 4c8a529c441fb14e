/*
 * RAMinate: serve metrics over HTTP
 *
 * One thread does it all: libmicrohttpd runs in the main loop, and a request
 * is suspended while the VMs are asked.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <fcntl.h>
#include <microhttpd.h>
#include <string.h>
#include <sys/socket.h>

#include "collect.h"
#include "http.h"

#define CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
/* More clients wait until one of these is done. */
#define MAX_CLIENTS 100
#define CLIENT_MEMORY (16 * 1024)
/* A client has this time in all; and this one to do nothing. */
#define CLIENT_SECONDS 30
#define IDLE_SECONDS 5
/* Clients that come within this time get the same figures. */
#define FRESH_US (G_USEC_PER_SEC / 2)

static const char home[] =
    "<!DOCTYPE html>\n<title>raminate-exporter</title>\n"
    "<h1>raminate-exporter</h1>\n"
    "<p><a href=\"/metrics\">Metrics</a> of VMs with hybrid memory.</p>\n";

struct HttpServer {
    struct MHD_Daemon *daemon;
    gboolean has_ended;             /* a connection, since it was FALSE */
    GSource *source;
    Collector *collector;
    struct MHD_Response *metrics;   /* NULL before the first */
    gint64 collected_at;
    GPtrArray *waiting;             /* struct MHD_Connection, suspended */
};

typedef struct DaemonSource {
    GSource source;
    HttpServer *server;
    gpointer tag;
} DaemonSource;

/* What a request has come to. */
static char request_is_new, request_has_waited;

/* Main loop */

/*
 * At its limit of connections, libmicrohttpd 0.9.75 listens no more; only the
 * run after the one that ends some does so again, and nothing tells that it is
 * due.
 */
static void daemon_run(HttpServer *server)
{
    do {
        server->has_ended = FALSE;
        MHD_run(server->daemon);
    } while (server->has_ended);
}

static gboolean daemon_prepare(GSource *source, gint *timeout)
{
    MHD_UNSIGNED_LONG_LONG ms;

    *timeout = -1;
    if (MHD_get_timeout(((DaemonSource *)source)->server->daemon, &ms) ==
        MHD_YES) {
        *timeout = MIN(ms, G_MAXINT);
    }
    return *timeout == 0;
}

static gboolean daemon_check(GSource *source)
{
    DaemonSource *self = (DaemonSource *)source;
    gint timeout;

    return g_source_query_unix_fd(source, self->tag) ||
           daemon_prepare(source, &timeout);
}

static gboolean daemon_dispatch(GSource *source, GSourceFunc callback,
                                gpointer opaque)
{
    daemon_run(((DaemonSource *)source)->server);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs daemon_source_funcs = {
    .prepare = daemon_prepare,
    .check = daemon_check,
    .dispatch = daemon_dispatch,
};

static GSource *daemon_source_new(HttpServer *server)
{
    GSource *source = g_source_new(&daemon_source_funcs,
                                   sizeof(DaemonSource));
    DaemonSource *self = (DaemonSource *)source;
    int fd = MHD_get_daemon_info(server->daemon,
                                 MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;

    self->server = server;
    self->tag = g_source_add_unix_fd(source, fd, G_IO_IN);
    g_source_attach(source, NULL);
    return source;
}

/* Requests */

static enum MHD_Result queue(struct MHD_Connection *connection,
                             unsigned status, struct MHD_Response *response)
{
    return MHD_queue_response(connection, status, response);
}

static enum MHD_Result answer(struct MHD_Connection *connection,
                              unsigned status, const char *type,
                              const char *text)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), (void *)text,
                                        MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result;

    MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "Connection", "close");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        MHD_add_response_header(response, "Allow", "GET, HEAD");
    }
    result = queue(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static void collected(char *text, void *opaque)
{
    HttpServer *server = opaque;
    unsigned i;

    if (server->metrics) {
        MHD_destroy_response(server->metrics);
    }
    server->metrics =
        MHD_create_response_from_buffer_with_free_callback(strlen(text), text,
                                                           g_free);
    MHD_add_response_header(server->metrics, "Content-Type", CONTENT_TYPE);
    MHD_add_response_header(server->metrics, "Connection", "close");
    server->collected_at = g_get_monotonic_time();
    for (i = 0; i < server->waiting->len; i++) {
        MHD_resume_connection(g_ptr_array_index(server->waiting, i));
    }
    g_ptr_array_set_size(server->waiting, 0);
    /* Nothing else tells the daemon of it. */
    daemon_run(server);
}

static enum MHD_Result answer_metrics(HttpServer *server,
                                      struct MHD_Connection *connection,
                                      void **state)
{
    if (server->metrics &&
        (*state == &request_has_waited ||
         g_get_monotonic_time() - server->collected_at < FRESH_US)) {
        return queue(connection, MHD_HTTP_OK, server->metrics);
    }
    *state = &request_has_waited;
    MHD_suspend_connection(connection);
    g_ptr_array_add(server->waiting, connection);
    if (!collector_is_busy(server->collector)) {
        collector_start(server->collector);
    }
    return MHD_YES;
}

static enum MHD_Result
handle_request(void *opaque, struct MHD_Connection *connection,
               const char *url, const char *method, const char *version,
               const char *upload, size_t *upload_size, void **state)
{
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
        strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain",
                      "Only GET and HEAD work here.\n");
    }
    if (!*state) {
        *state = &request_is_new;
        return MHD_YES;
    }
    if (*upload_size) {
        /* A body that nobody asked for */
        *upload_size = 0;
        return MHD_YES;
    }
    if (strcmp(url, "/metrics") == 0) {
        return answer_metrics(opaque, connection, state);
    }
    if (strcmp(url, "/") == 0) {
        return answer(connection, MHD_HTTP_OK, "text/html; charset=utf-8",
                      home);
    }
    return answer(connection, MHD_HTTP_NOT_FOUND, "text/plain",
                  "There is only /metrics here.\n");
}

/* Clients */

static gboolean client_is_too_slow(gpointer opaque)
{
    /* libmicrohttpd finds it closed and cleans up. */
    shutdown(GPOINTER_TO_INT(opaque), SHUT_RDWR);
    return G_SOURCE_CONTINUE;
}

static void notify_connection(void *opaque,
                              struct MHD_Connection *connection,
                              void **context,
                              enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        int fd = MHD_get_connection_info(connection,
                     MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;

        *context = GUINT_TO_POINTER(
            g_timeout_add_seconds(CLIENT_SECONDS, client_is_too_slow,
                                  GINT_TO_POINTER(fd)));
    } else {
        g_source_remove(GPOINTER_TO_UINT(*context));
        ((HttpServer *)opaque)->has_ended = TRUE;
    }
}

/* Life */

HttpServer *http_server_new(GSocket *listener, char *const *patterns,
                            Domains *domains, unsigned timeout, GError **error)
{
    HttpServer *server = g_new0(HttpServer, 1);
    /* The daemon closes the one that it is given. */
    int fd = fcntl(g_socket_get_fd(listener), F_DUPFD_CLOEXEC, 0);

    server->daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0,
                         NULL, NULL, handle_request, server,
                         MHD_OPTION_LISTEN_SOCKET, fd,
                         MHD_OPTION_CONNECTION_LIMIT, MAX_CLIENTS,
                         MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                         (size_t)CLIENT_MEMORY,
                         MHD_OPTION_NOTIFY_CONNECTION, notify_connection,
                         server, MHD_OPTION_END);
    if (!server->daemon) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
                    "libmicrohttpd can't start");
        g_free(server);
        return NULL;
    }
    server->waiting = g_ptr_array_new();
    server->collector = collector_new(patterns, domains, timeout, collected,
                                      server);
    server->source = daemon_source_new(server);
    return server;
}

void http_server_free(HttpServer *server)
{
    unsigned i;

    collector_free(server->collector);
    for (i = 0; i < server->waiting->len; i++) {
        MHD_resume_connection(g_ptr_array_index(server->waiting, i));
    }
    g_ptr_array_unref(server->waiting);
    g_source_destroy(server->source);
    g_source_unref(server->source);
    MHD_stop_daemon(server->daemon);
    if (server->metrics) {
        MHD_destroy_response(server->metrics);
    }
    g_free(server);
}
