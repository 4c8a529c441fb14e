/*
 * RAMinate: what QEMU says of a container, checked
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "info.h"
#include "reader.h"

G_DEFINE_QUARK(raminate-info-error-quark, info_error)

static void read_times(Reader *reader, const char *name, TimesInfo *times)
{
    JsonNode *node = reader_member(reader, name);
    JsonObject *outer = reader->object;

    if (!node || !JSON_NODE_HOLDS_OBJECT(node)) {
        reader_fail(reader, name);
        return;
    }
    reader->object = json_node_get_object(node);
    times->count = reader_uint(reader, "count", FALSE);
    times->last = reader_uint(reader, "last", FALSE);
    times->mean = reader_uint(reader, "mean", FALSE);
    times->p50 = reader_uint(reader, "p50", FALSE);
    times->p90 = reader_uint(reader, "p90", FALSE);
    times->p99 = reader_uint(reader, "p99", FALSE);
    times->max = reader_uint(reader, "max", FALSE);
    times->total = reader_uint(reader, "total", FALSE);
    reader->object = outer;
}

/* Returns: whether one before the last is called so: figures go by names. */
static gboolean has_tier(const ContainerInfo *info, const char *id)
{
    unsigned i;

    for (i = 0; i + 1 < info->nr_tiers; i++) {
        if (g_strcmp0(info->tiers[i].id, id) == 0) {
            return TRUE;
        }
    }
    return FALSE;
}

static void read_tiers(Reader *reader, ContainerInfo *info)
{
    JsonArray *array = reader_array(reader, "tiers", INFO_MAX_TIERS);
    JsonObject *outer = reader->object;
    unsigned i;

    for (i = 0; array && i < json_array_get_length(array) && !reader->failed;
         i++) {
        TierInfo *tier = &info->tiers[i];

        if (!reader_enter(reader, array, i, "tiers")) {
            break;
        }
        info->nr_tiers++;
        tier->id = reader_string(reader, "id", FALSE);
        if (has_tier(info, tier->id)) {
            reader_fail(reader, "id");
        }
        tier->rank = reader_uint(reader, "rank", FALSE);
        tier->mem_path = reader_string(reader, "mem-path", TRUE);
        tier->phy_offset = reader_uint(reader, "phy-offset", TRUE);
        tier->size = reader_uint(reader, "size", FALSE);
        tier->pages = reader_uint(reader, "pages", FALSE);
        tier->written = reader_uint(reader, "written", FALSE);
        tier->total_written = reader_uint(reader, "total-written", FALSE);
    }
    reader->object = outer;
}

static double read_joules(Reader *reader, const char *name)
{
    double value = 0;

    if (!reader_number(reader, name, &value) || !(value >= 0)) {
        reader_fail(reader, name);
    }
    return value;
}

/* Returns: whether one before the last is for the same cost. */
static gboolean has_energy(const ContainerInfo *info, guint64 slow_write_cost)
{
    unsigned i;

    for (i = 0; i + 1 < info->nr_energies; i++) {
        if (info->energies[i].slow_write_cost == slow_write_cost) {
            return TRUE;
        }
    }
    return FALSE;
}

static void read_energies(Reader *reader, ContainerInfo *info)
{
    JsonArray *array = reader_array(reader, "energy", INFO_MAX_ENERGIES);
    JsonObject *outer = reader->object;
    unsigned i;

    for (i = 0; array && i < json_array_get_length(array) && !reader->failed;
         i++) {
        EnergyInfo *energy = &info->energies[i];

        if (!reader_enter(reader, array, i, "energy")) {
            break;
        }
        info->nr_energies++;
        energy->slow_write_cost = reader_uint(reader, "slow-write-cost", FALSE);
        if (has_energy(info, energy->slow_write_cost)) {
            reader_fail(reader, "slow-write-cost");
        }
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
    info->huge_pages = reader_uint(reader, "huge-pages", TRUE);
    info->huge_splits = reader_uint(reader, "huge-splits", FALSE);
    info->huge_collapses = reader_uint(reader, "huge-collapses", FALSE);
    info->huge_moves = reader_uint(reader, "huge-moves", FALSE);
}

static ContainerInfo *read_container(Reader *reader)
{
    ContainerInfo *info = g_new0(ContainerInfo, 1);

    info->id = reader_string(reader, "id", FALSE);
    info->size = reader_uint(reader, "size", FALSE);
    info->page_size = reader_uint(reader, "page-size", FALSE);
    info->state = reader_name(reader, "state");
    info->held_because = reader_string(reader, "held-because", TRUE);
    info->policy = reader_name(reader, "policy");
    info->sampler = reader_name(reader, "sampler");
    info->sampler_reason = reader_string(reader, "sampler-reason", TRUE);
    info->mover = reader_name(reader, "mover");
    info->mover_reason = reader_string(reader, "mover-reason", TRUE);
    info->scan_period = reader_uint(reader, "scan-period", FALSE);
    info->swap_period = reader_uint(reader, "swap-period", FALSE);
    info->life_time = reader_uint(reader, "life-time", FALSE);
    info->max_swaps = reader_uint(reader, "max-swaps", FALSE);
    info->reverse_window = reader_uint(reader, "reverse-window", FALSE);
    info->max_cpu = reader_uint(reader, "max-cpu", FALSE);
    info->fault_budget = reader_uint(reader, "fault-budget", FALSE);
    read_tiers(reader, info);
    info->memory = reader_uint(reader, "memory", FALSE);
    info->scans = reader_uint(reader, "scans", FALSE);
    info->scans_put_off = reader_uint(reader, "scans-put-off", FALSE);
    info->slow_share_last = reader_percent(reader, "slow-share-last");
    info->batches = reader_uint(reader, "batches", FALSE);
    info->batches_given_up = reader_uint(reader, "batches-given-up", FALSE);
    info->swaps = reader_uint(reader, "swaps", FALSE);
    info->swaps_failed = reader_uint(reader, "swaps-failed", FALSE);
    info->swaps_busy = reader_uint(reader, "swaps-busy", FALSE);
    info->swaps_no_room = reader_uint(reader, "swaps-no-room", FALSE);
    info->swaps_reversed = reader_uint(reader, "swaps-reversed", FALSE);
    info->swaps_held = reader_uint(reader, "swaps-held", FALSE);
    info->pages_failed = reader_uint(reader, "pages-failed", FALSE);
    info->pages_astray = reader_uint(reader, "pages-astray", FALSE);
    info->pages_adopted = reader_uint(reader, "pages-adopted", FALSE);
    info->pages_resized = reader_uint(reader, "pages-resized", FALSE);
    info->pages_to_resize = reader_uint(reader, "pages-to-resize", FALSE);
    info->watch_faults = reader_uint(reader, "watch-faults", FALSE);
    read_huge(reader, info);
    info->slow_writes_saved = reader_int(reader, "slow-writes-saved");
    info->slow_writes_by_swaps = reader_uint(reader, "slow-writes-by-swaps",
                                           FALSE);
    read_energies(reader, info);
    info->mappings = reader_uint(reader, "mappings", FALSE);
    info->mappings_limit = reader_uint(reader, "mappings-limit", TRUE);
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

static gboolean has_container(const GPtrArray *containers, const char *id)
{
    unsigned i;

    for (i = 0; i < containers->len; i++) {
        const ContainerInfo *info = g_ptr_array_index(containers, i);

        if (g_strcmp0(info->id, id) == 0) {
            return TRUE;
        }
    }
    return FALSE;
}

GPtrArray *container_info_parse(JsonNode *node, GError **error)
{
    g_autoptr(GPtrArray) containers =
        g_ptr_array_new_with_free_func((GDestroyNotify)container_info_free);
    Reader reader = { .command = "query-raminate", .error = error };
    JsonArray *array = JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node)
                                                   : NULL;
    ContainerInfo *info;
    unsigned i;

    if (!array || json_array_get_length(array) > INFO_MAX_CONTAINERS) {
        reader_fail(&reader, "return");
        return NULL;
    }
    for (i = 0; i < json_array_get_length(array); i++) {
        if (!reader_enter(&reader, array, i, "return")) {
            return NULL;
        }
        info = read_container(&reader);
        if (has_container(containers, info->id)) {
            reader_fail(&reader, "id");
        }
        g_ptr_array_add(containers, info);
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
    JsonArray *tiers = reader_array(reader, "tiers", INFO_MAX_TIERS);
    gint64 sum = 0;
    gint64 most = 0;
    unsigned i;

    bucket->heat = MIN(reader_uint(reader, "heat", FALSE), 255);
    bucket->hottest = MIN(reader_uint(reader, "hottest", FALSE), 255);
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
    JsonArray *tiers = reader_array(reader, "tiers", INFO_MAX_TIERS);
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
    JsonArray *buckets = reader_array(reader, "buckets", INFO_MAX_BUCKETS);
    JsonObject *outer = reader->object;
    unsigned i;

    if (!buckets) {
        return;
    }
    map->nr_buckets = json_array_get_length(buckets);
    map->buckets = g_new0(MapBucket, map->nr_buckets);
    for (i = 0; i < map->nr_buckets && !reader->failed; i++) {
        if (reader_enter(reader, buckets, i, "buckets")) {
            read_bucket(reader, map, &map->buckets[i]);
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

    if (!reader_open(&reader, node)) {
        return NULL;
    }
    map->pages = reader_uint(&reader, "pages", FALSE);
    map->pages_per_bucket = reader_uint(&reader, "pages-per-bucket", FALSE);
    read_map_tiers(&reader, map);
    read_buckets(&reader, map);
    return reader.failed ? NULL : g_steal_pointer(&map);
}
