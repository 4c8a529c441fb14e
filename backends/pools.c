/*
 * RAMinate: pools of physical memory, by a file that names them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "file-identity.h"
#include "pools.h"
#include "read-file.h"

#define PAGE_SIZE 4096
#define DEFAULT_PATH "/dev/mem"
#define MAX_FILE (1 << 20)
/* Offsets of files are signed. */
#define MAX_ADDRESS ((uint64_t)INT64_MAX)

G_DEFINE_QUARK(raminate-pools-error-quark, raminate_pools_error)

typedef struct Parser {
    const char *file;
    unsigned line;
    unsigned group_line;
    RaminatePools *pools;
    RaminatePool *pool;             /* of the group that lines belong to */
    RaminateInstance *instance;     /* or this */
    bool has_path;
    GError **error;
} Parser;

static bool G_GNUC_PRINTF(3, 4)
fail_at(Parser *parser, unsigned line, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list args;

    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(parser->error, RAMINATE_POOLS_ERROR, 0, "%s:%u: %s",
                parser->file, line, message);
    return false;
}

/* Life */

static void pool_free(gpointer opaque)
{
    RaminatePool *pool = opaque;

    g_free(pool->name);
    g_free(pool->path);
    g_array_unref(pool->ranges);
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

/* Numbers */

/*
 * Takes a number, like 4G or 0x1000, from the start of @text.
 * Returns: what follows it, or NULL if it is none.
 */
static const char *take_number(const char *text, uint64_t *value)
{
    static const char suffixes[] = "KMGTP";
    bool is_hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *digits = is_hex ? text + 2 : text;
    const char *suffix;
    char *end;
    unsigned shift;

    if (!(is_hex ? g_ascii_isxdigit(*digits) : g_ascii_isdigit(*digits))) {
        return NULL;
    }
    *value = g_ascii_strtoull(digits, &end, is_hex ? 16 : 10);
    suffix = *end ? strchr(suffixes, g_ascii_toupper(*end)) : NULL;
    if (suffix) {
        shift = 10 * (suffix - suffixes + 1);
        if (*value > MAX_ADDRESS >> shift) {
            return NULL;
        }
        *value <<= shift;
        end++;
    }
    return *value <= MAX_ADDRESS ? end : NULL;
}

static bool take_size(Parser *parser, const char *text, uint64_t *size)
{
    const char *end = take_number(text, size);

    if (!end || *end || !*size || *size % PAGE_SIZE) {
        return fail_at(parser, parser->line, "'%s' is no size; give a "
                       "multiple of %d bytes, like 512M or 4G", text,
                       PAGE_SIZE);
    }
    return true;
}

static bool take_range(Parser *parser, const char *text, RaminateRange *range)
{
    const char *end = take_number(text, &range->start);

    if (!end || *end != '+') {
        return fail_at(parser, parser->line, "'%s' is no range; give "
                       "START+SIZE, like 0x100000000+4G", text);
    }
    if (range->start % PAGE_SIZE) {
        return fail_at(parser, parser->line, "range '%s' does not start at a "
                       "multiple of %d", text, PAGE_SIZE);
    }
    if (!take_size(parser, end + 1, &range->size)) {
        return false;
    }
    if (range->size > MAX_ADDRESS - range->start) {
        return fail_at(parser, parser->line, "range '%s' ends beyond the "
                       "largest address", text);
    }
    return true;
}

/* Pools */

static gint compare_ranges(gconstpointer left, gconstpointer right)
{
    const RaminateRange *a = left;
    const RaminateRange *b = right;

    return a->start < b->start ? -1 : a->start > b->start;
}

static bool parse_ranges(Parser *parser, const char *value)
{
    g_auto(GStrv) words = g_strsplit(value, ";", -1);
    RaminatePool *pool = parser->pool;
    unsigned i;

    if (pool->ranges->len) {
        return fail_at(parser, parser->line, "pool '%s' has ranges already, "
                       "in line %u; put them all in one, with ';' between",
                       pool->name, pool->line);
    }
    for (i = 0; words[i]; i++) {
        RaminateRange range;

        g_strstrip(words[i]);
        if (!*words[i] && i && !words[i + 1]) {
            break;      /* A ';' may end the list. */
        }
        if (!take_range(parser, words[i], &range)) {
            return false;
        }
        g_array_append_val(pool->ranges, range);
    }
    g_array_sort(pool->ranges, compare_ranges);
    pool->line = parser->line;
    return true;
}

static bool parse_pool_key(Parser *parser, const char *key, const char *value)
{
    if (strcmp(key, "ranges") == 0) {
        return parse_ranges(parser, value);
    }
    if (strcmp(key, "path") != 0) {
        return fail_at(parser, parser->line, "a pool has no '%s'; there are "
                       "path and ranges", key);
    }
    if (parser->has_path) {
        return fail_at(parser, parser->line, "pool '%s' has a path already",
                       parser->pool->name);
    }
    if (*value != '/') {
        return fail_at(parser, parser->line, "path '%s' does not begin with "
                       "'/'", value);
    }
    parser->has_path = true;
    g_free(parser->pool->path);
    parser->pool->path = g_strdup(value);
    return true;
}

/* Instance types */

/* Returns: the pool or instance of that name, or NULL. */
static void *find_named(const GPtrArray *things, const char *name)
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

static bool parse_type_key(Parser *parser, const char *key, const char *value)
{
    RaminateInstance *instance = parser->instance;
    RaminatePoolPart part = { .pool = find_named(parser->pools->pools, key) };
    unsigned i;

    if (!part.pool) {
        return fail_at(parser, parser->line, "type '%s' names pool '%s', "
                       "which is not in the lines before", instance->name,
                       key);
    }
    for (i = 0; i < instance->parts->len; i++) {
        if (g_array_index(instance->parts, RaminatePoolPart, i).pool ==
            part.pool) {
            return fail_at(parser, parser->line, "type '%s' names pool '%s' "
                           "twice", instance->name, key);
        }
    }
    if (!take_size(parser, value, &part.size)) {
        return false;
    }
    g_array_append_val(instance->parts, part);
    return true;
}

/* Lines */

static bool check_group(Parser *parser)
{
    if (parser->pool && !parser->pool->ranges->len) {
        return fail_at(parser, parser->group_line, "pool '%s' has no ranges",
                       parser->pool->name);
    }
    if (parser->instance && !parser->instance->parts->len) {
        return fail_at(parser, parser->group_line, "type '%s' has no pool",
                       parser->instance->name);
    }
    return true;
}

static bool is_name(const char *text)
{
    return *text && strspn(text, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS
                           "-_") == strlen(text);
}

static bool parse_group(Parser *parser, char *line)
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
        return fail_at(parser, parser->line, "'%s' has no ']' at the end",
                       line);
    }
    *end = '\0';
    words = g_strsplit(line + 1, " ", 2);
    is_pool = g_strcmp0(words[0], "pool") == 0;
    if ((!is_pool && g_strcmp0(words[0], "type") != 0) || !words[1] ||
        !is_name(words[1])) {
        return fail_at(parser, parser->line, "'%s]' is no group; give [pool "
                       "NAME] or [type NAME], a NAME of letters, digits, '-' "
                       "and '_'", line);
    }
    if (find_named(is_pool ? parser->pools->pools : parser->pools->instances,
                   words[1])) {
        return fail_at(parser, parser->line, "%s '%s' is there already",
                       words[0], words[1]);
    }
    if (is_pool) {
        parser->pool = g_new0(RaminatePool, 1);
        parser->pool->name = g_strdup(words[1]);
        parser->pool->path = g_strdup(DEFAULT_PATH);
        parser->pool->ranges = g_array_new(FALSE, FALSE,
                                           sizeof(RaminateRange));
        parser->has_path = false;
        g_ptr_array_add(parser->pools->pools, parser->pool);
    } else {
        parser->instance = g_new0(RaminateInstance, 1);
        parser->instance->name = g_strdup(words[1]);
        parser->instance->parts = g_array_new(FALSE, FALSE,
                                              sizeof(RaminatePoolPart));
        g_ptr_array_add(parser->pools->instances, parser->instance);
    }
    return true;
}

static bool parse_line(Parser *parser, char *line)
{
    char *value;

    g_strstrip(line);
    if (!*line || *line == '#') {
        return true;
    }
    if (!g_utf8_validate(line, -1, NULL)) {
        return fail_at(parser, parser->line, "this is not UTF-8");
    }
    if (*line == '[') {
        return parse_group(parser, line);
    }
    value = strchr(line, '=');
    if (!value) {
        return fail_at(parser, parser->line, "'%s' is neither [GROUP] nor "
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
    return fail_at(parser, parser->line, "'%s' comes before any [pool NAME]",
                   line);
}

/* Whether no address is in two ranges. */
static bool check_pair(Parser *parser, const RaminatePool *a,
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
                return fail_at(parser, b->line, "range 0x%" G_GINT64_MODIFIER
                               "x of pool '%s' overlaps range 0x%"
                               G_GINT64_MODIFIER "x of pool '%s' in line %u",
                               other->start, b->name, one->start, a->name,
                               a->line);
            }
        }
    }
    return true;
}

static bool check_overlaps(Parser *parser)
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
    g_autoptr(RaminatePools) pools = g_new0(RaminatePools, 1);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    Parser parser = { .file = file, .pools = pools, .error = error };
    char **line;

    pools->pools = g_ptr_array_new_with_free_func(pool_free);
    pools->instances = g_ptr_array_new_with_free_func(instance_free);
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
        g_set_error(error, RAMINATE_POOLS_ERROR, 0, "can't read pools: %s",
                    reason->message);
        return NULL;
    }
    if (strlen(text) != size) {
        g_set_error(error, RAMINATE_POOLS_ERROR, 0, "%s: this is no text",
                    file);
        return NULL;
    }
    return raminate_pools_parse(text, file, error);
}

/* Use */

static void *find_or_fail(const GPtrArray *things, const char *kind,
                          const char *name, GError **error)
{
    void *found = find_named(things, name);
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
            at = MAX(next, at + PAGE_SIZE);
            at += (PAGE_SIZE - at % PAGE_SIZE) % PAGE_SIZE;
        }
    }
    return false;
}
