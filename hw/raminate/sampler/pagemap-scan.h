/*
 * RAMinate: PAGEMAP_SCAN, as Linux has it since 6.7
 *
 * Source: include/uapi/linux/fs.h of Linux 6.12, and
 * Documentation/admin-guide/mm/pagemap.rst; the headers that QEMU comes with
 * and those of Debian 12 lack it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_PAGEMAP_SCAN_H
#define HW_RAMINATE_PAGEMAP_SCAN_H

#include <stdint.h>
#include <sys/ioctl.h>

/* Categories of pages: bits */
enum {
    RAMINATE_PM_WRITTEN = 1 << 1,
    RAMINATE_PM_PRESENT = 1 << 3,
    RAMINATE_PM_ZERO_PAGE = 1 << 5,
    RAMINATE_PM_HUGE = 1 << 6,  /* mapped by an entry of 2 MiB */
    RAMINATE_PM_ACCESSED = 1 << 9,      /* since Linux 7.3 */
};

/* Flag: protects the pages that match, in the same step */
#define RAMINATE_PM_PROTECT 1

typedef struct RaminatePmRange {
    uint64_t start;             /* addresses */
    uint64_t end;
    uint64_t categories;
} RaminatePmRange;

typedef struct RaminatePmScan {
    uint64_t size;              /* of this struct */
    uint64_t flags;
    uint64_t start;             /* addresses */
    uint64_t end;
    uint64_t walk_end;          /* out: where the scan ended */
    uint64_t vec;               /* address of RaminatePmRange[] */
    uint64_t vec_len;
    uint64_t max_pages;         /* 0 for no limit */
    uint64_t inverted;          /* categories of @all that must be absent */
    uint64_t all;
    uint64_t any;
    uint64_t returned;          /* categories to be told */
} RaminatePmScan;

#define RAMINATE_PM_SCAN _IOWR('f', 16, RaminatePmScan)

#endif
