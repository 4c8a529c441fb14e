/*
 * RAMinate: any bytes as a file of pools
 *
 * What is understood is sound, means the same when it is written down again,
 * and nothing is taken from it that is not in it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "backends/file-identity.h"
#include "backends/pools.h"
#include "fuzz.h"

#define PAGE_SIZE 4096
#define MAX_SIZE 4096

/* So often a range is refused before it is given away. */
#define REFUSALS 5

static const RaminateRange *range_at(const RaminatePool *pool, unsigned i)
{
    return &g_array_index(pool->ranges, RaminateRange, i);
}

static uint64_t range_end(const RaminateRange *range)
{
    return range->start + range->size;
}

static unsigned node_at(const RaminatePool *pool, unsigned i)
{
    return g_array_index(pool->nodes, unsigned, i);
}

static void check_pool(const RaminatePool *pool)
{
    g_assert_true((pool->ranges->len > 0) != (pool->nodes->len > 0));
    for (unsigned i = 0; i < pool->nodes->len; i++) {
        g_assert_cmpuint(node_at(pool, i), <=, RAMINATE_POOL_MAX_NODE);
        for (unsigned j = 0; j < i; j++) {
            g_assert_cmpuint(node_at(pool, i), !=, node_at(pool, j));
        }
    }
    for (unsigned i = 0; i < pool->ranges->len; i++) {
        const RaminateRange *range = range_at(pool, i);

        g_assert_cmpuint(range->size, >, 0);
        g_assert_cmpuint(range->start % PAGE_SIZE, ==, 0);
        g_assert_cmpuint(range->size % PAGE_SIZE, ==, 0);
        g_assert_cmpuint(range_end(range), <=, INT64_MAX);
        g_assert_true(i == 0 ||
                      range_end(range_at(pool, i - 1)) <= range->start);
    }
}

static void check_apart(const RaminatePool *a, const RaminatePool *b)
{
    for (unsigned i = 0; i < a->nodes->len; i++) {
        for (unsigned j = 0; j < b->nodes->len; j++) {
            g_assert_cmpuint(node_at(a, i), !=, node_at(b, j));
        }
    }
    if (!raminate_is_same_path(a->path, b->path)) {
        return;
    }
    for (unsigned i = 0; i < a->ranges->len; i++) {
        for (unsigned j = 0; j < b->ranges->len; j++) {
            g_assert_true(range_end(range_at(a, i)) <= range_at(b, j)->start ||
                          range_end(range_at(b, j)) <= range_at(a, i)->start);
        }
    }
}

/* What is in the way may claim to end anywhere. */
static bool claim(uint64_t start, uint64_t size, uint64_t *next, void *opaque)
{
    unsigned *calls = opaque;

    g_assert_cmpuint(start % PAGE_SIZE, ==, 0);
    *next = *calls % 2 ? start + size + 1 : 0;
    return ++*calls > REFUSALS;
}

static void check_take(const RaminatePool *pool, uint64_t size)
{
    unsigned calls = 0;
    uint64_t start;

    if (raminate_pool_take(pool, size, &start, claim, &calls)) {
        bool found = false;

        for (unsigned i = 0; i < pool->ranges->len; i++) {
            found |= start >= range_at(pool, i)->start &&
                     start + size <= range_end(range_at(pool, i));
        }
        g_assert_true(found);
    }
}

static void write_pool(GString *text, const RaminatePool *pool)
{
    g_string_append_printf(text, "[pool %s]\n", pool->name);
    if (raminate_pool_has_nodes(pool)) {
        for (unsigned i = 0; i < pool->nodes->len; i++) {
            g_string_append_printf(text, "%s%u", i ? "," : "nodes=",
                                   node_at(pool, i));
        }
    } else {
        g_string_append_printf(text, "path=%s\nranges=", pool->path);
        for (unsigned i = 0; i < pool->ranges->len; i++) {
            g_string_append_printf(text, "0x%" G_GINT64_MODIFIER "x+%"
                                   G_GUINT64_FORMAT ";",
                                   range_at(pool, i)->start,
                                   range_at(pool, i)->size);
        }
    }
    g_string_append_c(text, '\n');
}

static char *write_down(const RaminatePools *pools)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < pools->pools->len; i++) {
        write_pool(text, g_ptr_array_index(pools->pools, i));
    }
    for (unsigned i = 0; i < pools->instances->len; i++) {
        const RaminateInstance *type = g_ptr_array_index(pools->instances, i);

        g_string_append_printf(text, "[type %s]\n", type->name);
        for (unsigned j = 0; j < type->parts->len; j++) {
            const RaminatePoolPart *part =
                &g_array_index(type->parts, RaminatePoolPart, j);

            g_string_append_printf(text, "%s=%" G_GUINT64_FORMAT "\n",
                                   part->pool->name, part->size);
        }
    }
    return g_string_free(text, FALSE);
}

static void check_pools(const RaminatePools *pools)
{
    for (unsigned i = 0; i < pools->pools->len; i++) {
        const RaminatePool *pool = g_ptr_array_index(pools->pools, i);

        g_assert_true(raminate_pools_find(pools, pool->name, NULL) == pool);
        check_pool(pool);
        for (unsigned j = 0; j < i; j++) {
            check_apart(pool, g_ptr_array_index(pools->pools, j));
        }
    }
    for (unsigned i = 0; i < pools->instances->len; i++) {
        const RaminateInstance *type = g_ptr_array_index(pools->instances, i);

        g_assert_true(raminate_pools_find_instance(pools, type->name, NULL) ==
                      type);
        for (unsigned j = 0; j < type->parts->len; j++) {
            const RaminatePoolPart *part =
                &g_array_index(type->parts, RaminatePoolPart, j);

            g_assert_true(g_ptr_array_find(pools->pools, part->pool, NULL));
            g_assert_true(raminate_pool_has_nodes(part->pool) ==
                          raminate_pool_has_nodes(
                              g_array_index(type->parts, RaminatePoolPart,
                                            0).pool));
            check_take(part->pool, part->size);
        }
    }
}

void fuzz_one(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data,
                                      MIN(size, MAX_SIZE));
    g_autoptr(GError) error = NULL;
    g_autoptr(RaminatePools) pools = raminate_pools_parse(text, "f", &error);
    g_autoptr(RaminatePools) again = NULL;
    g_autofree char *once = NULL;
    g_autofree char *twice = NULL;

    if (!pools) {
        g_assert_error(error, RAMINATE_POOLS_ERROR, 0);
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
        return;
    }
    check_pools(pools);
    once = write_down(pools);
    again = raminate_pools_parse(once, "f", &error);
    g_assert_no_error(error);
    twice = write_down(again);
    g_assert_cmpstr(once, ==, twice);
}
