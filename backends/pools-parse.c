/*
 * RAMinate: reads the file that names pools of memory
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "file-identity.h"
#include "pools-internal.h"
#include "read-file.h"

#define MAX_FILE (1 << 20)

/* Pools */

static bool parse_ranges(PoolsParser *parser, const char *value)
{
    RaminatePool *pool = parser->pool;

    if (pool->ranges->len) {
        return pools_fail(parser, parser->line, "pool '%s' has ranges "
                          "already, in line %u; put them all in one, with ';' "
                          "between", pool->name, pool->line);
    }
    pool->line = parser->line;
    return pools_take_ranges(parser, value, pool->ranges);
}

/* Returns: whether none of the pool's nodes is in another, or twice in it. */
static bool check_nodes(PoolsParser *parser, const RaminatePool *pool)
{
    unsigned i, j, k;

    for (i = 0; i < parser->pools->pools->len; i++) {
        const RaminatePool *other = g_ptr_array_index(parser->pools->pools, i);

        for (j = 0; j < pool->nodes->len; j++) {
            unsigned node = g_array_index(pool->nodes, unsigned, j);

            for (k = 0; k < (other == pool ? j : other->nodes->len); k++) {
                if (node == g_array_index(other->nodes, unsigned, k)) {
                    return pools_fail(parser, pool->line, "node %u of pool "
                                      "'%s' is in pool '%s' already, in line "
                                      "%u", node, pool->name, other->name,
                                      other->line);
                }
            }
        }
    }
    return true;
}

static bool parse_nodes(PoolsParser *parser, const char *value)
{
    RaminatePool *pool = parser->pool;

    if (raminate_pool_has_nodes(pool)) {
        return pools_fail(parser, parser->line, "pool '%s' has nodes already, "
                          "in line %u; put them all in one, with ',' between",
                          pool->name, pool->line);
    }
    pool->line = parser->line;
    return pools_take_nodes(parser, value, pool->nodes) &&
           check_nodes(parser, pool);
}

static bool parse_path(PoolsParser *parser, const char *value)
{
    if (parser->has_path) {
        return pools_fail(parser, parser->line, "pool '%s' has a path already",
                          parser->pool->name);
    }
    if (*value != '/') {
        return pools_fail(parser, parser->line, "path '%s' does not begin "
                          "with '/'", value);
    }
    parser->has_path = true;
    g_free(parser->pool->path);
    parser->pool->path = g_strdup(value);
    return true;
}

static bool parse_pool_key(PoolsParser *parser, const char *key,
                           const char *value)
{
    bool is_nodes = strcmp(key, "nodes") == 0;
    bool is_ranges = strcmp(key, "ranges") == 0;
    const RaminatePool *pool = parser->pool;

    if (!is_nodes && !is_ranges && strcmp(key, "path") != 0) {
        return pools_fail(parser, parser->line, "a pool has no '%s'; there "
                          "are path, ranges and nodes", key);
    }
    if (is_nodes ? pool->ranges->len || parser->has_path
                 : raminate_pool_has_nodes(pool)) {
        return pools_fail(parser, parser->line, "pool '%s' is made of %s, so "
                          "it can't have %s; make two pools of it",
                          pool->name, is_nodes ? "ranges" : "nodes", key);
    }
    return is_nodes ? parse_nodes(parser, value)
           : is_ranges ? parse_ranges(parser, value)
           : parse_path(parser, value);
}

/* Instance types */

static bool parse_type_key(PoolsParser *parser, const char *key,
                           const char *value)
{
    RaminateInstance *instance = parser->instance;
    RaminatePoolPart part = {
        .pool = pools_find_named(parser->pools->pools, key),
    };
    const RaminatePool *other;
    unsigned i;

    if (!part.pool) {
        return pools_fail(parser, parser->line, "type '%s' names pool '%s', "
                          "which is not in the lines before", instance->name,
                          key);
    }
    for (i = 0; i < instance->parts->len; i++) {
        other = g_array_index(instance->parts, RaminatePoolPart, i).pool;
        if (other == part.pool) {
            return pools_fail(parser, parser->line, "type '%s' names pool "
                              "'%s' twice", instance->name, key);
        }
        if (raminate_pool_has_nodes(other) !=
            raminate_pool_has_nodes(part.pool)) {
            return pools_fail(parser, parser->line, "one of the pools '%s' "
                              "and '%s' of type '%s' is made of nodes, the "
                              "other of ranges; take pools of one kind",
                              other->name, key, instance->name);
        }
    }
    if (!pools_take_size(parser, value, &part.size)) {
        return false;
    }
    g_array_append_val(instance->parts, part);
    return true;
}

/* Lines */

static bool check_group(PoolsParser *parser)
{
    if (parser->pool && !parser->pool->ranges->len &&
        !raminate_pool_has_nodes(parser->pool)) {
        return pools_fail(parser, parser->group_line, "pool '%s' has neither "
                          "ranges nor nodes", parser->pool->name);
    }
    if (parser->instance && !parser->instance->parts->len) {
        return pools_fail(parser, parser->group_line, "type '%s' has no pool",
                          parser->instance->name);
    }
    return true;
}

static bool is_name(const char *text)
{
    return *text && strspn(text, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS
                           "-_") == strlen(text);
}

static bool parse_group(PoolsParser *parser, char *line)
{
    char *end = line + strlen(line) - 1;
    g_auto(GStrv) words = NULL;
    bool is_pool;

    if (!check_group(parser)) {
        return false;
    }
    parser->group_line = parser->line;
    parser->pool = NULL;
    parser->instance = NULL;
    if (*end != ']') {
        return pools_fail(parser, parser->line, "'%s' has no ']' at the end",
                          line);
    }
    *end = '\0';
    words = g_strsplit(line + 1, " ", 2);
    is_pool = g_strcmp0(words[0], "pool") == 0;
    if ((!is_pool && g_strcmp0(words[0], "type") != 0) || !words[1] ||
        !is_name(words[1])) {
        return pools_fail(parser, parser->line, "'%s]' is no group; give "
                          "[pool NAME] or [type NAME], a NAME of letters, "
                          "digits, '-' and '_'", line);
    }
    if (pools_find_named(is_pool ? parser->pools->pools
                                 : parser->pools->instances, words[1])) {
        return pools_fail(parser, parser->line, "%s '%s' is there already",
                          words[0], words[1]);
    }
    if (is_pool) {
        parser->pool = pools_add_pool(parser->pools, words[1]);
        parser->has_path = false;
    } else {
        parser->instance = pools_add_instance(parser->pools, words[1]);
    }
    return true;
}

static bool parse_line(PoolsParser *parser, char *line)
{
    char *value;

    g_strstrip(line);
    if (!*line || *line == '#') {
        return true;
    }
    if (!g_utf8_validate(line, -1, NULL)) {
        return pools_fail(parser, parser->line, "this is not UTF-8");
    }
    if (*line == '[') {
        return parse_group(parser, line);
    }
    value = strchr(line, '=');
    if (!value) {
        return pools_fail(parser, parser->line, "'%s' is neither [GROUP] nor "
                          "KEY=VALUE", line);
    }
    *value++ = '\0';
    g_strchomp(line);
    g_strchug(value);
    if (parser->pool) {
        return parse_pool_key(parser, line, value);
    }
    if (parser->instance) {
        return parse_type_key(parser, line, value);
    }
    return pools_fail(parser, parser->line, "'%s' comes before any [pool "
                      "NAME]", line);
}

/* The whole file */

/* Whether no address is in two ranges. */
static bool check_pair(PoolsParser *parser, const RaminatePool *a,
                       const RaminatePool *b)
{
    unsigned i, j;

    for (i = 0; i < a->ranges->len; i++) {
        const RaminateRange *one = &g_array_index(a->ranges, RaminateRange,
                                                  i);

        for (j = a == b ? i + 1 : 0; j < b->ranges->len; j++) {
            const RaminateRange *other = &g_array_index(b->ranges,
                                                        RaminateRange, j);

            if (one->start < other->start + other->size &&
                other->start < one->start + one->size) {
                return pools_fail(parser, b->line, "range 0x%"
                                  G_GINT64_MODIFIER "x of pool '%s' overlaps "
                                  "range 0x%" G_GINT64_MODIFIER "x of pool "
                                  "'%s' in line %u", other->start, b->name,
                                  one->start, a->name, a->line);
            }
        }
    }
    return true;
}

static bool check_overlaps(PoolsParser *parser)
{
    GPtrArray *pools = parser->pools->pools;
    unsigned i, j;

    for (i = 0; i < pools->len; i++) {
        for (j = 0; j <= i; j++) {
            const RaminatePool *a = g_ptr_array_index(pools, j);
            const RaminatePool *b = g_ptr_array_index(pools, i);

            if (raminate_is_same_path(a->path, b->path) &&
                !check_pair(parser, a, b)) {
                return false;
            }
        }
    }
    return true;
}

RaminatePools *raminate_pools_parse(const char *text, const char *file,
                                    GError **error)
{
    g_autoptr(RaminatePools) pools = pools_new();
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    PoolsParser parser = { .file = file, .pools = pools, .error = error };
    char **line;

    for (line = lines; *line; line++) {
        parser.line++;
        if (!parse_line(&parser, *line)) {
            return NULL;
        }
    }
    if (!check_group(&parser) || !check_overlaps(&parser)) {
        return NULL;
    }
    return g_steal_pointer(&pools);
}

RaminatePools *raminate_pools_load(GError **error)
{
    const char *file = g_getenv(RAMINATE_POOLS_VARIABLE);
    g_autofree char *text = NULL;
    g_autoptr(GError) reason = NULL;
    gsize size;

    if (!file) {
        file = RAMINATE_POOLS_FILE;
    }
    text = raminate_read_file(file, MAX_FILE, &size, &reason);
    if (!text) {
        g_set_error(error, RAMINATE_POOLS_ERROR, 0, "can't read pools: %s%s",
                    reason->message,
                    g_file_test(file, G_FILE_TEST_EXISTS)
                    ? "" : "; write it as raminate-pool(1) shows");
        return NULL;
    }
    if (strlen(text) != size) {
        g_set_error(error, RAMINATE_POOLS_ERROR, 0, "%s: this is no text",
                    file);
        return NULL;
    }
    return raminate_pools_parse(text, file, error);
}
