/*
 * RAMinate: scans of this process's page tables by PAGEMAP_SCAN
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_PAGEMAP_FILE_H
#define HW_RAMINATE_PAGEMAP_FILE_H

#include "hw/raminate/sampler/pagemap-scan.h"

/* Returns: a descriptor to scan this process by, or -1 with @errp set. */
int raminate_pm_open(Error **errp);

/*
 * @scan: all but @size is the caller's; @walk_end returns where it has ended
 * Returns: number of ranges found, or -1 with errno set.
 */
int raminate_pm_scan(int fd, RaminatePmScan *scan);

#endif
