/*
 * RAMinate: raminate-exporter, metrics of VMs for Prometheus
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib-unix.h>
#include <stdio.h>

#include "http.h"
#include "lib/options.h"
#include "lib/vm.h"

#define DEFAULT_LISTEN "127.0.0.1:9958"
#define DEFAULT_PORT 9958

static char *listen_option;
static char *connect_option;
static char *emulator_option;
static double timeout_option = 2;
static char **patterns;

static const GOptionEntry entries[] = {
    { "listen", 'l', 0, G_OPTION_ARG_STRING, &listen_option,
      "Address and port to listen on (default: " DEFAULT_LISTEN ")",
      "ADDRESS:PORT" },
    { "connect", 'c', 0, G_OPTION_ARG_STRING, &connect_option,
      "Ask libvirt's domains as well, which need no socket then", "URI" },
    { "emulator", 'e', 0, G_OPTION_ARG_FILENAME, &emulator_option,
      "<emulator> of the domains that are asked (default: "
      RAMINATE_EMULATOR ")", "PATH" },
    { "timeout", 't', 0, G_OPTION_ARG_DOUBLE, &timeout_option,
      "Time that a VM has for each answer (default: 2)", "SECONDS" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &patterns,
      NULL, NULL },
    { NULL }
};

static const char summary[] =
    "Serves the figures of all VMs that have a QMP socket of the given names;"
    "\na PATTERN may have wildcards, which are matched at each scrape "
    "(default:\n" VM_DEFAULT_PATTERN ").";

static GInetSocketAddress *listen_address(const char *text)
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
                     DEFAULT_LISTEN " or [::1]:%d", text, DEFAULT_PORT);
    }
    return G_INET_SOCKET_ADDRESS(
        g_inet_socket_address_new(address,
                                  g_network_address_get_port(network)));
}

static gboolean quit(gpointer opaque)
{
    g_main_loop_quit(opaque);
    return G_SOURCE_CONTINUE;
}

int main(int argc, char **argv)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(GInetSocketAddress) address = NULL;
    g_autoptr(GError) error = NULL;
    static char *default_patterns[] = { VM_DEFAULT_PATTERN, NULL };
    Domains *domains = NULL;
    HttpServer *server;
    unsigned timeout;

    options_parse(entries, "[PATTERN...]", summary, &argc, &argv);
    timeout = options_milliseconds("--timeout", timeout_option);
    address = listen_address(listen_option ? listen_option : DEFAULT_LISTEN);
    if (connect_option) {
        domains = domains_new(connect_option, emulator_option
                              ? emulator_option : RAMINATE_EMULATOR, timeout,
                              &error);
        if (!domains) {
            fprintf(stderr, "raminate-exporter: %s\n", error->message);
            return 1;
        }
    } else if (emulator_option) {
        options_fail("--emulator is of domains; give --connect as well");
    }
    server = http_server_new(address, patterns ? patterns : default_patterns,
                             domains, timeout, &error);
    if (!server) {
        fprintf(stderr, "raminate-exporter: can't listen on %s: %s\n",
                listen_option ? listen_option : DEFAULT_LISTEN,
                error->message);
        return 1;
    }
    g_unix_signal_add(SIGINT, quit, loop);
    g_unix_signal_add(SIGTERM, quit, loop);
    printf("raminate-exporter: serves /metrics on port %u\n",
           http_server_port(server));
    fflush(stdout);
    g_main_loop_run(loop);
    http_server_free(server);
    g_clear_pointer(&domains, domains_free);
    g_strfreev(patterns);
    g_free(listen_option);
    g_free(connect_option);
    g_free(emulator_option);
    return 0;
}
