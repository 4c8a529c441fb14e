/*
 * RAMinate: what the host's NUMA nodes have and cost
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_NODES_H
#define RAMINATE_NODES_H

#include "hw/raminate/memory.h"

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

/*
 * Makes sure that the node of @tier can have as much as its size, and sets the
 * tier's costs to the node's latencies if the host knows them and no costs were
 * given.  Warns if so much is not free at present.
 * Returns: false with @errp set if it can't have it.
 */
bool raminate_node_fill_tier(RaminateTier *tier, Error **errp);

/*
 * Has memory that is touched for the first time be on @node if there is room,
 * and NUMA balancing leave it alone.
 * Returns: 0, or -errno.
 */
int raminate_node_prefer(void *host, uint64_t size, int node);

/*
 * Warns of settings of the host by which its kernel moves or merges pages of
 * @memory, whose tiers are nodes, against what is placed.
 */
void raminate_node_warn_of_host(const RaminateMemory *memory);

/* Has all of a backend's memory be again where its properties say. */
void raminate_node_forget(HostMemoryBackend *backend);

#endif
