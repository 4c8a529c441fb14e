/*
 * RAMinate: pools of physical memory, by a file that names them
 *
 *     [pool dram]
 *     path=/dev/mem
 *     ranges=0x100000000+4G; 0x240000000+1G
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

typedef struct RaminatePool {
    char *name;
    char *path;                 /* file or device */
    GArray *ranges;             /* RaminateRange, by address */
    unsigned line;              /* of @ranges in the file */
} RaminatePool;

/* A part of an instance type: so much of a pool. */
typedef struct RaminatePoolPart {
    const RaminatePool *pool;
    uint64_t size;
} RaminatePoolPart;

typedef struct RaminateInstance {
    char *name;
    GArray *parts;              /* RaminatePoolPart, the fastest first */
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
 * Takes the first range of @size that can be had.
 * Returns: false if there is none.
 */
bool raminate_pool_take(const RaminatePool *pool, uint64_t size,
                        uint64_t *start, RaminatePoolClaim *claim,
                        void *opaque);

#endif
