/*
 * RAMinate: which QEMU is at a socket
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <sys/socket.h>

#include "peer.h"

pid_t peer_qemu(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    g_autofree char *path = NULL;
    g_autofree char *name = NULL;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
        peer.pid <= 0) {
        return 0;
    }
    path = g_strdup_printf("/proc/%d/comm", peer.pid);
    /* It is raminate-qemu in packages, qemu-system-x86_64 elsewhere. */
    return g_file_get_contents(path, &name, NULL, NULL) &&
           (g_str_has_prefix(name, "qemu") ||
            g_str_has_prefix(name, "raminate-qemu")) ? peer.pid : 0;
}
