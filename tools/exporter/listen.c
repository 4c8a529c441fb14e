/*
 * RAMinate: the socket that raminate-exporter listens on
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/options.h"
#include "listen.h"

#define DEFAULT_PORT 9958

/* The first of the files that systemd hands over: see sd_listen_fds(3). */
#define FIRST_FD 3

/* Returns: how many sockets systemd has opened for this process. */
static guint64 nr_from_systemd(void)
{
    const char *pid = g_getenv("LISTEN_PID");
    const char *nr = g_getenv("LISTEN_FDS");

    return pid && nr && g_ascii_strtoull(pid, NULL, 10) == (guint64)getpid()
           ? g_ascii_strtoull(nr, NULL, 10) : 0;
}

static GSocket *take_from_systemd(guint64 nr, GError **error)
{
    g_autoptr(GSocket) taken = NULL;
    gint listens = 0;

    if (nr > 1) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                    "systemd has opened %" G_GUINT64_FORMAT " sockets; write "
                    "one ListenStream= into the .socket file", nr);
        return NULL;
    }
    taken = g_socket_new_from_fd(FIRST_FD, error);
    if (!taken) {
        return NULL;
    }
    if (!g_socket_get_option(taken, SOL_SOCKET, SO_ACCEPTCONN, &listens,
                             error)) {
        return NULL;
    }
    if (!listens) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                    "systemd's socket is a connection; write Accept=no into "
                    "the .socket file");
        return NULL;
    }
    fcntl(FIRST_FD, F_SETFD, FD_CLOEXEC);
    return g_steal_pointer(&taken);
}

static GSocketAddress *parse_address(const char *text)
{
    g_autoptr(GSocketConnectable) where =
        g_network_address_parse(text, DEFAULT_PORT, NULL);
    GNetworkAddress *network = (GNetworkAddress *)where;
    g_autoptr(GInetAddress) address = NULL;

    if (network) {
        address = g_inet_address_new_from_string(
            g_network_address_get_hostname(network));
    }
    if (!address) {
        options_fail("'%s' is no address to listen on; give one like "
                     LISTEN_DEFAULT " or [::1]:%d", text, DEFAULT_PORT);
    }
    return g_inet_socket_address_new(address,
                                     g_network_address_get_port(network));
}

GSocket *listen_open(const char *where, GError **error)
{
    g_autoptr(GSocketAddress) address = parse_address(where);
    guint64 nr = nr_from_systemd();
    g_autoptr(GSocket) listener = NULL;

    if (nr) {
        return take_from_systemd(nr, error);
    }
    listener = g_socket_new(g_socket_address_get_family(address),
                            G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP,
                            error);
    if (!listener || !g_socket_bind(listener, address, TRUE, error) ||
        !g_socket_listen(listener, error)) {
        g_prefix_error(error, "can't listen on %s: ", where);
        return NULL;
    }
    return g_steal_pointer(&listener);
}

char *listen_name(GSocket *socket)
{
    g_autoptr(GSocketAddress) address = g_socket_get_local_address(socket,
                                                                   NULL);

    if (!address || !G_IS_INET_SOCKET_ADDRESS(address)) {
        return g_strdup("systemd's socket");
    }
    return g_strdup_printf("port %u", g_inet_socket_address_get_port(
                               G_INET_SOCKET_ADDRESS(address)));
}
