/*
 * RAMinate: serve metrics over HTTP
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_HTTP_H
#define RAMINATE_HTTP_H

#include <gio/gio.h>

#include "domains.h"

typedef struct HttpServer HttpServer;

/*
 * Serves in the default main context.
 * @listener: where it listens, of which it has a copy
 * @patterns: of the VMs' sockets; they must stay
 * @domains: VMs that libvirt runs, or NULL; must stay
 * @timeout: milliseconds for each answer of a VM
 */
HttpServer *http_server_new(GSocket *listener, char *const *patterns,
                            Domains *domains, unsigned timeout, GError **error);
void http_server_free(HttpServer *server);

#endif
