/*
 * RAMinate: what QEMU says of a container, checked
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "info.h"

G_DEFINE_QUARK(raminate-info-error-quark, info_error)

/*
 * Reads members until one is wrong.  There is one for a whole answer, whose
 * @object changes, so that only the first that is wrong sets the error.
 */
typedef struct Reader {
    const char *command;
    JsonObject *object;
    GError **error;
    gboolean failed;
} Reader;

static void reader_fail(Reader *reader, const char *name)
{
    if (!reader->failed) {
        g_set_error(reader->error, INFO_ERROR, 0, "the answer to '%s' has no "
                    "proper '%s'; is QEMU of the same version?",
                    reader->command, name);
        reader->failed = TRUE;
    }
}

static JsonNode *read_member(Reader *reader, const char *name)
{
    JsonNode *node = NULL;

    if (!reader->failed) {
        node = json_object_get_member(reader->object, name);
    }
    return node;
}

static guint64 read_uint(Reader *reader, const char *name, gboolean optional)
{
    JsonNode *node = read_member(reader, name);

    if (!node && optional) {
        return 0;
    }
    if (!node || json_node_get_value_type(node) != G_TYPE_INT64 ||
        json_node_get_int(node) < 0) {
        reader_fail(reader, name);
        return 0;
    }
    return json_node_get_int(node);
}

static gint64 read_int(Reader *reader, const char *name)
{
    JsonNode *node = read_member(reader, name);

    if (!node || json_node_get_value_type(node) != G_TYPE_INT64) {
        reader_fail(reader, name);
        return 0;
    }
    return json_node_get_int(node);
}

/* Returns: whether the number is there; one without a part comes as integer. */
static gboolean read_number(Reader *reader, const char *name, double *value)
{
    JsonNode *node = read_member(reader, name);
    GType type = node ? json_node_get_value_type(node) : G_TYPE_INVALID;

    if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE) {
        return FALSE;
    }
    *value = json_node_get_double(node);
    return TRUE;
}

/* Returns: less than 0 if it is not there. */
static double read_percent(Reader *reader, const char *name)
{
    double value;

    if (!read_member(reader, name)) {
        return -1;
    }
    if (!read_number(reader, name, &value) ||
        !(value >= 0 && value <= 100)) {
        reader_fail(reader, name);
        return -1;
    }
    return value;
}

static char *read_string(Reader *reader, const char *name, gboolean optional)
{
    JsonNode *node = read_member(reader, name);

    if (!node && optional) {
        return NULL;
    }
    if (!node || json_node_get_value_type(node) != G_TYPE_STRING ||
        strlen(json_node_get_string(node)) > INFO_MAX_STRING) {
        reader_fail(reader, name);
        return NULL;
    }
    return json_node_dup_string(node);
}

/* Returns: one of QAPI's names, which does no harm wherever it is shown. */
static char *read_name(Reader *reader, const char *name)
{
    g_autofree char *text = read_string(reader, name, FALSE);

    if (text && (!*text || strspn(text, "abcdefghijklmnopqrstuvwxyz"
                                  "0123456789-") != strlen(text))) {
        reader_fail(reader, name);
        return NULL;
    }
    return g_steal_pointer(&text);
}

/* Returns: an array of 1 to @max elements, or NULL. */
static JsonArray *read_array(Reader *reader, const char *name, unsigned max)
{
    JsonNode *node = read_member(reader, name);
    JsonArray *array = node && JSON_NODE_HOLDS_ARRAY(node)
                       ? json_node_get_array(node) : NULL;

    if (!array || json_array_get_length(array) < 1 ||
        json_array_get_length(array) > max) {
        reader_fail(reader, name);
        return NULL;
    }
    return array;
}

static JsonObject *element_object(JsonArray *array, unsigned i)
{
    JsonNode *node = json_array_get_element(array, i);

    return JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

static void read_times(Reader *reader, const char *name, TimesInfo *times)
{
    JsonNode *node = read_member(reader, name);
    JsonObject *outer = reader->object;

    if (!node || !JSON_NODE_HOLDS_OBJECT(node)) {
        reader_fail(reader, name);
        return;
    }
    reader->object = json_node_get_object(node);
    times->count = read_uint(reader, "count", FALSE);
    times->last = read_uint(reader, "last", FALSE);
    times->mean = read_uint(reader, "mean", FALSE);
    times->p50 = read_uint(reader, "p50", FALSE);
    times->p90 = read_uint(reader, "p90", FALSE);
    times->p99 = read_uint(reader, "p99", FALSE);
    times->max = read_uint(reader, "max", FALSE);
    times->total = read_uint(reader, "total", FALSE);
    reader->object = outer;
}

static void read_tiers(Reader *reader, ContainerInfo *info)
{
    JsonArray *array = read_array(reader, "tiers", INFO_MAX_TIERS);
    JsonObject *outer = reader->object;
    unsigned i;

    for (i = 0; array && i < json_array_get_length(array) && !reader->failed;
         i++) {
        TierInfo *tier = &info->tiers[i];

        reader->object = element_object(array, i);
        if (!reader->object) {
            reader_fail(reader, "tiers");
            break;
        }
        info->nr_tiers++;
        tier->id = read_string(reader, "id", FALSE);
        tier->rank = read_uint(reader, "rank", FALSE);
        tier->mem_path = read_string(reader, "mem-path", TRUE);
        tier->phy_offset = read_uint(reader, "phy-offset", TRUE);
        tier->size = read_uint(reader, "size", FALSE);
        tier->pages = read_uint(reader, "pages", FALSE);
        tier->written = read_uint(reader, "written", FALSE);
        tier->total_written = read_uint(reader, "total-written", FALSE);
    }
    reader->object = outer;
}

static double read_joules(Reader *reader, const char *name)
{
    double value = 0;

    if (!read_number(reader, name, &value) || !(value >= 0)) {
        reader_fail(reader, name);
    }
    return value;
}

static void read_energies(Reader *reader, ContainerInfo *info)
{
    JsonArray *array = read_array(reader, "energy", INFO_MAX_ENERGIES);
    JsonObject *outer = reader->object;
    unsigned i;

    for (i = 0; array && i < json_array_get_length(array) && !reader->failed;
         i++) {
        EnergyInfo *energy = &info->energies[i];

        reader->object = element_object(array, i);
        if (!reader->object) {
            reader_fail(reader, "energy");
            break;
        }
        info->nr_energies++;
        energy->slow_write_cost = read_uint(reader, "slow-write-cost", FALSE);
        energy->dram_only = read_joules(reader, "dram-only");
        energy->unmoved = read_joules(reader, "unmoved");
        energy->placed = read_joules(reader, "placed");
    }
    reader->object = outer;
}

void container_info_free(ContainerInfo *info)
{
    unsigned i;

    for (i = 0; i < info->nr_tiers; i++) {
        g_free(info->tiers[i].id);
        g_free(info->tiers[i].mem_path);
    }
    g_free(info->id);
    g_free(info->state);
    g_free(info->held_because);
    g_free(info->policy);
    g_free(info->sampler);
    g_free(info->sampler_reason);
    g_free(info->mover);
    g_free(info->mover_reason);
    g_free(info);
}

static void read_huge(Reader *reader, ContainerInfo *info)
{
    info->huge_pages = read_uint(reader, "huge-pages", TRUE);
    info->huge_splits = read_uint(reader, "huge-splits", FALSE);
    info->huge_collapses = read_uint(reader, "huge-collapses", FALSE);
    info->huge_moves = read_uint(reader, "huge-moves", FALSE);
}

static ContainerInfo *read_container(Reader *reader)
{
    ContainerInfo *info = g_new0(ContainerInfo, 1);

    info->id = read_string(reader, "id", FALSE);
    info->size = read_uint(reader, "size", FALSE);
    info->page_size = read_uint(reader, "page-size", FALSE);
    info->state = read_name(reader, "state");
    info->held_because = read_string(reader, "held-because", TRUE);
    info->policy = read_name(reader, "policy");
    info->sampler = read_name(reader, "sampler");
    info->sampler_reason = read_string(reader, "sampler-reason", TRUE);
    info->mover = read_name(reader, "mover");
    info->mover_reason = read_string(reader, "mover-reason", TRUE);
    info->scan_period = read_uint(reader, "scan-period", FALSE);
    info->swap_period = read_uint(reader, "swap-period", FALSE);
    info->life_time = read_uint(reader, "life-time", FALSE);
    info->max_swaps = read_uint(reader, "max-swaps", FALSE);
    info->reverse_window = read_uint(reader, "reverse-window", FALSE);
    info->max_cpu = read_uint(reader, "max-cpu", FALSE);
    info->fault_budget = read_uint(reader, "fault-budget", FALSE);
    read_tiers(reader, info);
    info->memory = read_uint(reader, "memory", FALSE);
    info->scans = read_uint(reader, "scans", FALSE);
    info->scans_put_off = read_uint(reader, "scans-put-off", FALSE);
    info->slow_share_last = read_percent(reader, "slow-share-last");
    info->batches = read_uint(reader, "batches", FALSE);
    info->batches_given_up = read_uint(reader, "batches-given-up", FALSE);
    info->swaps = read_uint(reader, "swaps", FALSE);
    info->swaps_failed = read_uint(reader, "swaps-failed", FALSE);
    info->swaps_busy = read_uint(reader, "swaps-busy", FALSE);
    info->swaps_no_room = read_uint(reader, "swaps-no-room", FALSE);
    info->swaps_reversed = read_uint(reader, "swaps-reversed", FALSE);
    info->swaps_held = read_uint(reader, "swaps-held", FALSE);
    info->pages_failed = read_uint(reader, "pages-failed", FALSE);
    info->pages_astray = read_uint(reader, "pages-astray", FALSE);
    info->pages_adopted = read_uint(reader, "pages-adopted", FALSE);
    info->pages_resized = read_uint(reader, "pages-resized", FALSE);
    info->pages_to_resize = read_uint(reader, "pages-to-resize", FALSE);
    info->watch_faults = read_uint(reader, "watch-faults", FALSE);
    read_huge(reader, info);
    info->slow_writes_saved = read_int(reader, "slow-writes-saved");
    info->slow_writes_by_swaps = read_uint(reader, "slow-writes-by-swaps",
                                           FALSE);
    read_energies(reader, info);
    info->mappings = read_uint(reader, "mappings", FALSE);
    info->mappings_limit = read_uint(reader, "mappings-limit", TRUE);
    read_times(reader, "scan-time", &info->scan_time);
    read_times(reader, "batch-time", &info->batch_time);
    read_times(reader, "pause-time", &info->pause_time);
    read_times(reader, "main-loop-time", &info->main_loop_time);
    read_times(reader, "cpu-time", &info->cpu_time);
    if (!info->page_size) {
        reader_fail(reader, "page-size");
    }
    return info;
}

GPtrArray *container_info_parse(JsonNode *node, GError **error)
{
    g_autoptr(GPtrArray) containers =
        g_ptr_array_new_with_free_func((GDestroyNotify)container_info_free);
    Reader reader = { .command = "query-raminate", .error = error };
    JsonArray *array = JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node)
                                                   : NULL;
    unsigned i;

    if (!array || json_array_get_length(array) > INFO_MAX_CONTAINERS) {
        reader_fail(&reader, "return");
        return NULL;
    }
    for (i = 0; i < json_array_get_length(array); i++) {
        reader.object = element_object(array, i);
        if (!reader.object) {
            reader_fail(&reader, "return");
            return NULL;
        }
        g_ptr_array_add(containers, read_container(&reader));
        if (reader.failed) {
            return NULL;
        }
    }
    return g_steal_pointer(&containers);
}

guint64 container_info_written(const ContainerInfo *info)
{
    return info->tiers[0].total_written + container_info_written_slow(info);
}

guint64 container_info_written_slow(const ContainerInfo *info)
{
    guint64 sum = 0;
    unsigned i;

    for (i = 1; i < info->nr_tiers; i++) {
        sum += info->tiers[i].total_written;
    }
    return sum;
}

double container_info_saved(const ContainerInfo *info)
{
    double unmoved = (double)container_info_written_slow(info) +
                     info->slow_writes_saved;

    return unmoved > 0 ? (info->slow_writes_saved -
                          (double)info->slow_writes_by_swaps) / unmoved : 0;
}

/* Maps */

static void read_bucket(Reader *reader, const MapInfo *map, MapBucket *bucket)
{
    JsonArray *tiers = read_array(reader, "tiers", INFO_MAX_TIERS);
    gint64 sum = 0;
    gint64 most = 0;
    unsigned i;

    bucket->heat = MIN(read_uint(reader, "heat", FALSE), 255);
    bucket->hottest = MIN(read_uint(reader, "hottest", FALSE), 255);
    if (!tiers || json_array_get_length(tiers) != map->nr_tiers) {
        reader_fail(reader, "tiers");
        return;
    }
    bucket->slow_tier = map->nr_tiers > 1;
    for (i = 0; i < map->nr_tiers; i++) {
        JsonNode *node = json_array_get_element(tiers, i);
        gint64 pages = json_node_get_value_type(node) == G_TYPE_INT64
                       ? json_node_get_int(node) : -1;

        if (pages < 0 || pages > G_MAXUINT32) {
            reader_fail(reader, "tiers");
            return;
        }
        if (i && pages > most) {
            most = pages;
            bucket->slow_tier = i;
        }
        sum += pages;
    }
    if (sum) {
        bucket->fast = (float)json_array_get_int_element(tiers, 0) / sum;
    }
}

static void read_map_tiers(Reader *reader, MapInfo *map)
{
    JsonArray *tiers = read_array(reader, "tiers", INFO_MAX_TIERS);
    unsigned i;

    for (i = 0; tiers && i < json_array_get_length(tiers); i++) {
        JsonNode *node = json_array_get_element(tiers, i);

        if (json_node_get_value_type(node) != G_TYPE_STRING) {
            reader_fail(reader, "tiers");
            return;
        }
        map->tiers[map->nr_tiers++] = json_node_dup_string(node);
    }
}

static void read_buckets(Reader *reader, MapInfo *map)
{
    JsonArray *buckets = read_array(reader, "buckets", INFO_MAX_BUCKETS);
    JsonObject *outer = reader->object;
    unsigned i;

    if (!buckets) {
        return;
    }
    map->nr_buckets = json_array_get_length(buckets);
    map->buckets = g_new0(MapBucket, map->nr_buckets);
    for (i = 0; i < map->nr_buckets && !reader->failed; i++) {
        reader->object = element_object(buckets, i);
        if (reader->object) {
            read_bucket(reader, map, &map->buckets[i]);
        } else {
            reader_fail(reader, "buckets");
        }
    }
    reader->object = outer;
}

void map_info_free(MapInfo *map)
{
    unsigned i;

    for (i = 0; i < map->nr_tiers; i++) {
        g_free(map->tiers[i]);
    }
    g_free(map->buckets);
    g_free(map);
}

MapInfo *map_info_parse(JsonNode *node, GError **error)
{
    g_autoptr(MapInfo) map = g_new0(MapInfo, 1);
    Reader reader = { .command = "query-raminate-map", .error = error };

    if (!JSON_NODE_HOLDS_OBJECT(node)) {
        reader_fail(&reader, "return");
        return NULL;
    }
    reader.object = json_node_get_object(node);
    map->pages = read_uint(&reader, "pages", FALSE);
    map->pages_per_bucket = read_uint(&reader, "pages-per-bucket", FALSE);
    read_map_tiers(&reader, map);
    read_buckets(&reader, map);
    return reader.failed ? NULL : g_steal_pointer(&map);
}
