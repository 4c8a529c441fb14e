/*
 * The PCI device that a program drives itself.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef PCI_H
#define PCI_H

#include <stddef.h>
#include <sys/types.h>

/* Where tests put it */
#define PCI_DEVICE "/sys/bus/pci/devices/0000:00:02.0/"

/*
 * Enables the device, and maps @size bytes from @offset of a BAR.
 *
 * Returns: the mapping; the program ends, and says why, if there can be none.
 */
void *pci_map(unsigned bar, size_t size, off_t offset);

#endif
