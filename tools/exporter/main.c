/*
 * RAMinate: raminate-exporter, metrics of VMs for Prometheus
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib-unix.h>
#include <stdio.h>

#include "http.h"
#include "lib/options.h"
#include "lib/text.h"
#include "lib/vm.h"
#include "listen.h"

static char *listen_option;
static char *connect_option;
static char *emulator_option;
static double timeout_option = 2;
static char **patterns;

static const GOptionEntry entries[] = {
    { "listen", 'l', 0, G_OPTION_ARG_STRING, &listen_option,
      "Address and port to listen on (default: " LISTEN_DEFAULT ")",
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

static gboolean quit(gpointer opaque)
{
    g_main_loop_quit(opaque);
    return G_SOURCE_CONTINUE;
}

int main(int argc, char **argv)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(GSocket) listener = NULL;
    g_autofree char *where = NULL;
    g_autoptr(GError) error = NULL;
    static char *default_patterns[] = { VM_DEFAULT_PATTERN, NULL };
    Domains *domains = NULL;
    HttpServer *server;
    unsigned timeout;

    options_parse(entries, "[PATTERN...]", summary, &argc, &argv);
    timeout = options_milliseconds("--timeout", timeout_option);
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
    listener = listen_open(listen_option ? listen_option : LISTEN_DEFAULT,
                           &error);
    server = listener
        ? http_server_new(listener, patterns ? patterns : default_patterns,
                          domains, timeout, &error) : NULL;
    if (!server) {
        text_complain("raminate-exporter", error->message);
        return 1;
    }
    g_unix_signal_add(SIGINT, quit, loop);
    g_unix_signal_add(SIGTERM, quit, loop);
    where = listen_name(listener);
    printf("raminate-exporter: serves /metrics on %s\n", where);
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
