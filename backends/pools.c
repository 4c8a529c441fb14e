/*
 * RAMinate: pools of memory, by a file that names them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "pools-internal.h"

#define DEFAULT_PATH "/dev/mem"

G_DEFINE_QUARK(raminate-pools-error-quark, raminate_pools_error)

/* Life */

static void pool_free(gpointer opaque)
{
    RaminatePool *pool = opaque;

    g_free(pool->name);
    g_free(pool->path);
    g_array_unref(pool->ranges);
    g_array_unref(pool->nodes);
    g_free(pool);
}

static void instance_free(gpointer opaque)
{
    RaminateInstance *instance = opaque;

    g_free(instance->name);
    g_array_unref(instance->parts);
    g_free(instance);
}

void raminate_pools_free(RaminatePools *pools)
{
    g_ptr_array_unref(pools->pools);
    g_ptr_array_unref(pools->instances);
    g_free(pools);
}

RaminatePools *pools_new(void)
{
    RaminatePools *pools = g_new0(RaminatePools, 1);

    pools->pools = g_ptr_array_new_with_free_func(pool_free);
    pools->instances = g_ptr_array_new_with_free_func(instance_free);
    return pools;
}

RaminatePool *pools_add_pool(RaminatePools *pools, const char *name)
{
    RaminatePool *pool = g_new0(RaminatePool, 1);

    pool->name = g_strdup(name);
    pool->path = g_strdup(DEFAULT_PATH);
    pool->ranges = g_array_new(FALSE, FALSE, sizeof(RaminateRange));
    pool->nodes = g_array_new(FALSE, FALSE, sizeof(unsigned));
    g_ptr_array_add(pools->pools, pool);
    return pool;
}

RaminateInstance *pools_add_instance(RaminatePools *pools, const char *name)
{
    RaminateInstance *instance = g_new0(RaminateInstance, 1);

    instance->name = g_strdup(name);
    instance->parts = g_array_new(FALSE, FALSE, sizeof(RaminatePoolPart));
    g_ptr_array_add(pools->instances, instance);
    return instance;
}

/* Use */

void *pools_find_named(const GPtrArray *things, const char *name)
{
    unsigned i;

    for (i = 0; i < things->len; i++) {
        char *const *thing = g_ptr_array_index(things, i);

        /* Their first member is the name. */
        if (strcmp(*thing, name) == 0) {
            return (void *)thing;
        }
    }
    return NULL;
}

static void *find_or_fail(const GPtrArray *things, const char *kind,
                          const char *name, GError **error)
{
    void *found = pools_find_named(things, name);
    g_autoptr(GString) names = g_string_new(NULL);
    unsigned i;

    if (!found) {
        for (i = 0; i < things->len; i++) {
            char *const *thing = g_ptr_array_index(things, i);

            g_string_append_printf(names, "%s%s", i ? ", " : "", *thing);
        }
        g_set_error(error, RAMINATE_POOLS_ERROR, 0, "there is no %s '%s', "
                    "only: %s", kind, name, names->str);
    }
    return found;
}

const RaminatePool *raminate_pools_find(const RaminatePools *pools,
                                        const char *name, GError **error)
{
    return find_or_fail(pools->pools, "pool", name, error);
}

const RaminateInstance *
raminate_pools_find_instance(const RaminatePools *pools, const char *name,
                             GError **error)
{
    return find_or_fail(pools->instances, "type", name, error);
}

bool raminate_pool_take(const RaminatePool *pool, uint64_t size,
                        uint64_t *start, RaminatePoolClaim *claim,
                        void *opaque)
{
    unsigned i;

    for (i = 0; i < pool->ranges->len; i++) {
        const RaminateRange *range = &g_array_index(pool->ranges,
                                                    RaminateRange, i);
        uint64_t end = range->start + range->size;
        uint64_t at = range->start;

        while (at <= end && size <= end - at) {
            uint64_t next = at;

            if (claim(at, size, &next, opaque)) {
                *start = at;
                return true;
            }
            /* Whatever is said, go on. */
            at = MAX(next, at + POOLS_PAGE_SIZE);
            at += (POOLS_PAGE_SIZE - at % POOLS_PAGE_SIZE) % POOLS_PAGE_SIZE;
        }
    }
    return false;
}
