/*
 * RAMinate: pools of memory, by a file that names them
 *
 *     [pool dram]
 *     path=/dev/mem
 *     ranges=0x100000000+4G; 0x240000000+1G
 *
 *     [pool cxl]
 *     nodes=2,3
 *
 *     [type small]
 *     dram=1G
 *     nvm=3G
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_POOLS_H
#define RAMINATE_POOLS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define RAMINATE_POOLS_FILE "/etc/raminate/pools.conf"
/* Names another file, for tests and trials. */
#define RAMINATE_POOLS_VARIABLE "RAMINATE_POOLS"

#define RAMINATE_POOLS_ERROR (raminate_pools_error_quark())

GQuark raminate_pools_error_quark(void);

typedef struct RaminateRange {
    uint64_t start;
    uint64_t size;
} RaminateRange;

/* The largest number of a node, as in any kernel: NODES_SHIFT of Linux */
#define RAMINATE_POOL_MAX_NODE 1023

/* It has either ranges or NUMA nodes of the host, one or more. */
typedef struct RaminatePool {
    char *name;
    char *path;                 /* file or device of @ranges */
    GArray *ranges;             /* RaminateRange, by address */
    GArray *nodes;              /* unsigned, in the order of the file */
    unsigned line;              /* of @ranges or @nodes in the file */
} RaminatePool;

/*
 * What VMs have taken of node %u is locked in this file, for reading: so many
 * bytes, wherever they begin.
 */
#define RAMINATE_NODE_FILE "/sys/devices/system/node/node%u/meminfo"

static inline bool raminate_pool_has_nodes(const RaminatePool *pool)
{
    return pool->nodes->len > 0;
}

/* A part of an instance type: so much of a pool. */
typedef struct RaminatePoolPart {
    const RaminatePool *pool;
    uint64_t size;
} RaminatePoolPart;

typedef struct RaminateInstance {
    char *name;
    /* RaminatePoolPart, the fastest first; their pools are of one kind */
    GArray *parts;
} RaminateInstance;

typedef struct RaminatePools {
    GPtrArray *pools;           /* RaminatePool */
    GPtrArray *instances;       /* RaminateInstance */
} RaminatePools;

/*
 * Looks at the files and devices that are named, to see which are the same.
 *
 * @file: name of the file, for errors: "FILE:LINE: what is wrong"
 * Returns: NULL if there is anything wrong.
 */
RaminatePools *raminate_pools_parse(const char *text, const char *file,
                                    GError **error);

/* Reads the file that there is to be. */
RaminatePools *raminate_pools_load(GError **error);

void raminate_pools_free(RaminatePools *pools);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RaminatePools, raminate_pools_free)

/* Returns: NULL if there is none of that name; @error tells which there are. */
const RaminatePool *raminate_pools_find(const RaminatePools *pools,
                                        const char *name, GError **error);
const RaminateInstance *
raminate_pools_find_instance(const RaminatePools *pools, const char *name,
                             GError **error);

/*
 * Tries to take a range.
 * @next: where to go on if it is taken: behind what is in the way
 */
typedef bool RaminatePoolClaim(uint64_t start, uint64_t size, uint64_t *next,
                               void *opaque);

/*
 * Takes the first range of @size that can be had, of a pool that has ranges.
 * Returns: false if there is none.
 */
bool raminate_pool_take(const RaminatePool *pool, uint64_t size,
                        uint64_t *start, RaminatePoolClaim *claim,
                        void *opaque);

#endif
