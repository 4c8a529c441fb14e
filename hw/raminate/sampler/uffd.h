/*
 * RAMinate: asynchronous write protection by userfaultfd(2)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_UFFD_H
#define HW_RAMINATE_UFFD_H

/* Returns: a userfaultfd that lets writes through, or -1 with @errp set. */
int raminate_uffd_open(Error **errp);

/*
 * Protects pages from writing, or takes that back, whatever they are now.
 * @start, @size: in bytes, of pages that are registered with @fd
 * Returns: false if it failed.
 */
bool raminate_uffd_protect(int fd, void *start, uint64_t size, bool protect);

#endif
