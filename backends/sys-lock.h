/*
 * RAMinate: claims that all VMs of a host see, as locks on files in /sys
 *
 * A device is locked there by whatever node of /dev it is opened: a lock
 * belongs to the node, and libvirt makes each domain a /dev with nodes of its
 * own.  What is taken of a NUMA node of the host is locked there as well.
 *
 * Files in /sys can't be written, nor locked for writing: who takes a range
 * locks it for reading, and looks whether anybody else has.
 *
 * A /sys that was mounted in another network namespace, as in a container, has
 * files of its own, and claims there are not seen.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_SYS_LOCK_H
#define RAMINATE_SYS_LOCK_H

#include "backends/raminate/file-identity.h"
#include "backends/raminate/pools.h"

/* Returns: a file to be locked for the device, or -errno. */
int raminate_sys_lock_open_device(const RaminateFileIdentity *device);

/* Returns: the file at @path, to be locked, or -errno. */
int raminate_sys_lock_open(const char *path);

/* Closes @fd after the memory of objects that are gone by now is unmapped. */
void raminate_sys_lock_close(int fd);

/*
 * Locks a range until @fd is closed.
 * Returns: 0, -EAGAIN if another has part of it, or another -errno.
 */
int raminate_sys_lock(int fd, uint64_t start, uint64_t size);

/*
 * Finds what another open file has locked in a range, if only for reading.
 * @locked: returns one such lock, not always the first; none if its size is 0
 * Returns: whether there is one.
 */
bool raminate_find_lock(int fd, uint64_t start, uint64_t size,
                        RaminateRange *locked);

#endif
