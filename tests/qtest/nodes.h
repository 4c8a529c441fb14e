/*
 * RAMinate: a host with two NUMA nodes, as a test would have it
 *
 * The file NODES_FILE holds FakeNodes.  The test and the library that is
 * preloaded into QEMU (fake-nodes.c) both have it mapped.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_NODES_TEST_H
#define RAMINATE_NODES_TEST_H

#include <stdint.h>

#define NODES_FILE "nodes"

#define NR_NODES 2
#define NODE_SIZE (1ULL << 30)

/* Pages of the memory that is on them, at most */
#define NODES_PAGES 2048

typedef struct FakeNodes {
    /* Of the test */
    uint32_t room[NR_NODES];    /* pages that a node takes; 0: any number */
    uint8_t fails[NODES_PAGES]; /* errno with which a page can't be moved */
    uint8_t fails_once[NODES_PAGES];    /* the same, the next time only */
    uint32_t call_fails;        /* errno of each call that moves pages */
    uint64_t others[NR_NODES];  /* of the half that is free, in use by others */
    uint64_t more;              /* bytes that each node has and that are free */
    uint64_t hole;              /* address of a page to be given back, then 0 */

    /* Of the library; the test may change a page's node */
    uint64_t base;              /* address of the memory, 0 if unknown yet */
    uint32_t pages;             /* that the memory has */
    uint8_t preferred[NODES_PAGES];
    int8_t node[NODES_PAGES];   /* -1 before the first look at it */
    uint32_t moves;             /* pages that were moved, in all */
    uint32_t scans;             /* calls of PAGEMAP_SCAN */
} FakeNodes;

#endif
