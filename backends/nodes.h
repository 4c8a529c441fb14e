/*
 * RAMinate: what the host's NUMA nodes have and cost
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_NODES_H
#define RAMINATE_NODES_H

#include "hw/raminate/engine/layout.h"

typedef struct RaminateNode {
    uint64_t size;              /* bytes of memory */
    uint64_t free;              /* of these, what nobody uses at present */
    /*
     * Latencies in nanoseconds as the host's firmware gives them (HMAT, CDAT),
     * from the CPUs that are nearest; 0 if it doesn't.  Source:
     * Documentation/admin-guide/mm/numaperf.rst of Linux.
     */
    uint32_t read_latency;
    uint32_t write_latency;
} RaminateNode;

/*
 * Returns: false with @errp set if there is no such node, it has no memory, or
 * this process may not use it; the text is to go behind the name of an object.
 */
bool raminate_node_find(int node, RaminateNode *found, Error **errp);

#endif
