/*
 * RAMinate: system calls that are to fail, as a test orders them
 *
 * The file FAULTS_FILE holds a FaultOrder.  The test and the library that is
 * preloaded into QEMU (inject-faults.c) both have it mapped.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_FAULTS_H
#define RAMINATE_FAULTS_H

#include <stdint.h>

#define FAULTS_FILE "faults"

/* Calls that are not RAMinate's are told apart by their arguments. */
enum {
    FAULT_MAP = 1 << 0,         /* mmap of a file in place of another mapping */
    FAULT_MAP_NEW = 1 << 1,     /* mmap of a file elsewhere, shared */
    FAULT_SPARE = 1 << 2,       /* mmap of what is neither read nor written */
    FAULT_PROTECT = 1 << 3,     /* mprotect of a page for reading */
    FAULT_ADVISE = 1 << 4,      /* madvise */
    FAULT_SAVE = 1 << 5,        /* pwrite of a page */
    FAULT_LOAD = 1 << 6,        /* pread of a page */
    FAULT_PUNCH = 1 << 7,       /* fallocate */
    FAULT_MEMFD = 1 << 8,       /* memfd_create */
    FAULT_TRUNCATE = 1 << 9,    /* ftruncate */
    FAULT_LOCK = 1 << 10,       /* fcntl that locks a file */
    FAULT_OPEN = 1 << 11,       /* open of a file in the current directory */
    FAULT_MINCORE = 1 << 12,    /* mincore */
    FAULT_MIGRATE = 1 << 13,    /* move_pages to nodes */
    FAULT_LOOK = 1 << 14,       /* move_pages that asks where pages are */
    FAULT_BIND = 1 << 15,       /* mbind */
    FAULT_WATCH = 1 << 16,      /* ioctl of userfaultfd */
    FAULT_SCAN = 1 << 17,       /* ioctl PAGEMAP_SCAN */
};

/* The library reads all but the last two fields, and counts in those. */
typedef struct FaultOrder {
    uint32_t kinds;             /* of calls that are counted; 0: none */
    uint32_t let;               /* so many are made before the first fails */
    uint32_t nr;                /* so many fail */
    int32_t error;              /* errno; 0: not made, but success is told */
    uint32_t lose;              /* whether FAULT_MAP takes the old mapping */
    uint32_t delay_ms;          /* that each call takes before it is made */
    uint32_t seen;              /* calls counted since the order */
    uint32_t failed;            /* of them */
} FaultOrder;

#endif
