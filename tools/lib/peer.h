/*
 * RAMinate: which QEMU is at a socket
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_PEER_H
#define RAMINATE_PEER_H

#include <sys/types.h>

/*
 * @fd: connected to a socket, though perhaps not served yet
 * Returns: the process that listens there; 0 if it can't be seen, or if it is
 * no QEMU, but a program in between.
 */
pid_t peer_qemu(int fd);

#endif
