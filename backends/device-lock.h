/*
 * RAMinate: ranges of a device, locked by whatever node it is opened
 *
 * A lock belongs to the node, and libvirt makes each domain a /dev with nodes
 * of its own.  What all of them have in common is the device's directory in
 * /sys.  Its files can't be written, nor locked for writing: who takes a range
 * locks it for reading there, and looks whether anybody else has.
 *
 * A /sys that was mounted in another network namespace, as in a container, has
 * files of its own: between those, only the node's lock counts.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_DEVICE_LOCK_H
#define RAMINATE_DEVICE_LOCK_H

#include "backends/raminate/file-identity.h"

/* Returns: a file to be locked for the device, or -errno. */
int raminate_device_lock_open(const RaminateFileIdentity *device);

/* Closes @fd after the memory of objects that are gone by now is unmapped. */
void raminate_device_lock_close(int fd);

/*
 * Locks a range until @fd is closed.
 * Returns: 0, -EAGAIN if another has part of it, or another -errno.
 */
int raminate_device_lock(int fd, uint64_t start, uint64_t size);

/*
 * Returns: the end of what another open file has locked in the range, if only
 * for reading; 0 if there is none.
 */
uint64_t raminate_locked_end(int fd, uint64_t start, uint64_t size);

#endif
