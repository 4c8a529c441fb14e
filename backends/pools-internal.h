/*
 * RAMinate: the inside of the pools, for their files
 *
 * pools.c has their life and use, pools-parse.c reads the file that names them,
 * pools-values.c what stands behind a '=' there.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_POOLS_INTERNAL_H
#define RAMINATE_POOLS_INTERNAL_H

#include "pools.h"

#define POOLS_PAGE_SIZE 4096

typedef struct PoolsParser {
    const char *file;
    unsigned line;
    unsigned group_line;
    RaminatePools *pools;
    RaminatePool *pool;             /* of the group that lines belong to */
    RaminateInstance *instance;     /* or this */
    bool has_path;
    GError **error;
} PoolsParser;

/* pools.c */

/* Returns: no pools, to be freed with raminate_pools_free(). */
RaminatePools *pools_new(void);

/* Adds one that has nothing but its name. */
RaminatePool *pools_add_pool(RaminatePools *pools, const char *name);
RaminateInstance *pools_add_instance(RaminatePools *pools, const char *name);

/* Returns: the pool or instance of that name in one of the lists, or NULL. */
void *pools_find_named(const GPtrArray *things, const char *name);

/* pools-values.c */

/* Sets the error, with file and line in front.  Returns: false. */
bool G_GNUC_PRINTF(3, 4) pools_fail(PoolsParser *parser, unsigned line,
                                    const char *format, ...);

/*
 * Each takes @text, a whole value, and returns false with the error set if it
 * isn't what it should be.  Sizes are in bytes.
 */
bool pools_take_size(PoolsParser *parser, const char *text, uint64_t *size);
bool pools_take_ranges(PoolsParser *parser, const char *text, GArray *ranges);
bool pools_take_nodes(PoolsParser *parser, const char *text, GArray *nodes);

#endif
