/*
 * RAMinate: the socket that raminate-exporter listens on
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_EXPORTER_LISTEN_H
#define RAMINATE_EXPORTER_LISTEN_H

#include <gio/gio.h>

#define LISTEN_DEFAULT "127.0.0.1:9958"

/*
 * Takes the socket that systemd has opened, if it has; or else opens one.
 * Exits with status 2 if @where, an address with a port, is none.
 */
GSocket *listen_open(const char *where, GError **error);

/* Returns: for people, where it listens. */
char *listen_name(GSocket *socket);

#endif
