/*
 * RAMinate: answers of QEMU are understood, and others refused
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "lib/heatmap.h"
#include "lib/info.h"

#define TIMES \
    "{'count': 2, 'last': 3, 'mean': 4, 'p50': 5, 'p90': 6, 'p99': 7," \
    " 'max': 8, 'total': 9}"
#define TIER(id, rank, total) \
    "{'id': '" id "', 'rank': " #rank ", 'mem-path': '/dev/mem'," \
    " 'phy-offset': 0, 'offset': 0, 'size': 4096, 'pages': 1," \
    " 'written': 1, 'total-written': " #total "}"
#define CONTAINER \
    "{'id': 'c', 'size': 8192, 'page-size': 4096, 'state': 'running'," \
    " 'policy': 'cmq', 'sampler': 'dirty-log', 'mover': 'mmap'," \
    " 'scan-period': 1, 'swap-period': 2, 'life-time': 3, 'max-swaps': 4," \
    " 'reverse-window': 5, 'max-cpu': 10, 'fault-budget': 12, 'tiers': [" TIER("f", 0, 30) ", " \
    TIER("s", 1, 10) ", " TIER("t", 2, 5) "], 'bytes-per-page': 32, 'memory': 64," \
    " 'scans': 9, 'scans-put-off': 7, 'slow-share-last': 12.5, 'batches': 1," \
    " 'batches-given-up': 6, 'swaps': 2," \
    " 'swaps-failed': 3, 'swaps-busy': 1, 'swaps-no-room': 2," \
    " 'swaps-reversed': 4, 'swaps-held': 5," \
    " 'pages-failed': 7, 'pages-astray': 8, 'watch-faults': 9," \
    " 'huge-pages': 4096, 'huge-splits': 12, 'huge-collapses': 11," \
    " 'huge-moves': 10," \
    " 'pages-adopted': 15, 'pages-resized': 13, 'pages-to-resize': 14," \
    " 'slow-writes-saved': 45, 'slow-writes-by-swaps': 15, 'energy': [" \
    "{'slow-write-cost': 10, 'dram-only': 1, 'unmoved': 2.5," \
    " 'placed': 2}]," \
    " 'mappings': 6, 'scan-time': " TIMES ", 'batch-time': " TIMES "," \
    " 'pause-time': " TIMES ", 'main-loop-time': " TIMES "," \
    " 'cpu-time': " TIMES "}"
#define MAP \
    "{'id': 'c', 'pages': 40, 'pages-per-bucket': 20," \
    " 'tiers': ['f', 's', 't'], 'buckets': [" \
    "{'tiers': [10, 4, 6], 'heat': 0, 'hottest': 255}," \
    "{'tiers': [0, 20, 0], 'heat': 128, 'hottest': 128}," \
    "{'tiers': [1, 19, 0], 'heat': 31, 'hottest': 128}]}"

/* JSON has quotes that C cannot have without effort. */
static JsonNode *parse(const char *text)
{
    g_autofree char *json = g_strdelimit(g_strdup(text), "'", '"');
    JsonNode *node = json_from_string(json, NULL);

    g_assert_nonnull(node);
    return node;
}

/* Returns: @text with the first @from replaced. */
static char *replace(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);

    g_assert_nonnull(at);
    return g_strdup_printf("%.*s%s%s", (int)(at - text), text, to,
                           at + strlen(from));
}

static void test_container(void)
{
    g_autoptr(JsonNode) node = parse("[" CONTAINER "]");
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) all = container_info_parse(node, &error);
    const ContainerInfo *info;

    g_assert_no_error(error);
    g_assert_cmpuint(all->len, ==, 1);
    info = g_ptr_array_index(all, 0);
    g_assert_cmpstr(info->id, ==, "c");
    g_assert_cmpuint(info->nr_tiers, ==, 3);
    g_assert_cmpstr(info->tiers[2].id, ==, "t");
    g_assert_null(info->held_because);
    g_assert_cmpuint(info->mappings_limit, ==, 0);
    g_assert_cmpfloat(info->slow_share_last, ==, 12.5);
    g_assert_cmpuint(info->pause_time.p99, ==, 7);
    g_assert_cmpuint(info->main_loop_time.p99, ==, 7);
    g_assert_cmpuint(info->batches_given_up, ==, 6);
    g_assert_cmpuint(info->max_cpu, ==, 10);
    g_assert_cmpuint(info->fault_budget, ==, 12);
    g_assert_cmpuint(info->scans_put_off, ==, 7);
    g_assert_cmpuint(info->cpu_time.total, ==, 9);
    g_assert_cmpuint(info->swaps_busy, ==, 1);
    g_assert_cmpuint(info->swaps_no_room, ==, 2);
    g_assert_cmpuint(info->pages_failed, ==, 7);
    g_assert_cmpuint(info->pages_astray, ==, 8);
    g_assert_cmpuint(info->watch_faults, ==, 9);
    g_assert_cmpuint(info->huge_pages, ==, 4096);
    g_assert_cmpuint(info->huge_splits, ==, 12);
    g_assert_cmpuint(info->huge_collapses, ==, 11);
    g_assert_cmpuint(info->huge_moves, ==, 10);
    g_assert_cmpuint(info->pages_adopted, ==, 15);
    g_assert_cmpuint(info->pages_resized, ==, 13);
    g_assert_cmpuint(info->pages_to_resize, ==, 14);
    g_assert_cmpuint(container_info_written(info), ==, 45);
    g_assert_cmpuint(container_info_written_slow(info), ==, 15);
    g_assert_cmpfloat(container_info_saved(info), ==, 0.5);
    g_assert_cmpuint(info->nr_energies, ==, 1);
    g_assert_cmpuint(info->energies[0].slow_write_cost, ==, 10);
    g_assert_cmpfloat(info->energies[0].unmoved, ==, 2.5);
    g_assert_cmpfloat(info->energies[0].placed, ==, 2);
}

static void test_no_container(void)
{
    g_autoptr(JsonNode) node = parse("[]");
    g_autoptr(GPtrArray) all = container_info_parse(node, NULL);

    g_assert_cmpuint(all->len, ==, 0);
}

static void refuse(const char *from, const char *to, const char *named)
{
    g_autofree char *text = replace("[" CONTAINER "]", from, to);
    g_autoptr(JsonNode) node = parse(text);
    g_autoptr(GError) error = NULL;

    g_assert_null(container_info_parse(node, &error));
    g_assert_error(error, INFO_ERROR, 0);
    g_assert_nonnull(strstr(error->message, named));
}

static void test_harm(void)
{
    g_autofree char *text = replace("[" CONTAINER "]", "'slow-writes-saved': "
                                    "45", "'slow-writes-saved': -5");
    g_autoptr(JsonNode) node = parse(text);
    g_autoptr(GPtrArray) all = container_info_parse(node, NULL);

    g_assert_cmpfloat(container_info_saved(g_ptr_array_index(all, 0)), ==,
                      -2);
}

static void test_wrong_containers(void)
{
    refuse("'scans': 9", "'other': 9", "'scans'");
    refuse("'scans': 9", "'scans': '9'", "'scans'");
    refuse("'scans': 9", "'scans': -9", "'scans'");
    refuse("'scans': 9", "'scans': {}", "'scans'");
    refuse("'scans': 9", "'scans': null", "'scans'");
    refuse("'policy': 'cmq'", "'policy': ['cmq']", "'policy'");
    refuse("'policy': 'cmq'", "'policy': 'c m'", "'policy'");
    refuse("'policy': 'cmq'", "'policy': ''", "'policy'");
    refuse("'page-size': 4096", "'page-size': 0", "'page-size'");
    refuse("12.5", "120.5", "'slow-share-last'");
    refuse("'p99': 7", "'p99': {}", "'p99'");
    refuse("'slow-writes-saved': 45", "'slow-writes-saved': 0.5",
           "'slow-writes-saved'");
    refuse("'unmoved': 2.5", "'unmoved': -1", "'unmoved'");
    refuse("'unmoved': 2.5", "'unmoved': '1'", "'unmoved'");
    refuse("{'slow-write-cost'", "3, {'slow-write-cost'", "'energy'");
    refuse("'rank': 1", "'rank': []", "'rank'");
    /* Of more than one wrong member, the first one sets the error. */
    refuse(TIER("s", 1, 10), "{'id': 5}, null", "'id'");
    refuse(TIER("s", 1, 10), "null, {'id': 5}", "'tiers'");
    refuse("'placed': 2}", "'placed': []}, null, {}", "'placed'");
    refuse("'placed': 2}", "'placed': 2}, null, {}", "'energy'");
    refuse("'count': 2, 'last': 3", "'count': {}, 'last': []", "'count'");
    refuse("'pause-time': " TIMES, "'pause-time': 3", "'pause-time'");
}

static void test_other_types(void)
{
    const char *const texts[] = { "{}", "[3]", "[[]]", "[{}]" };

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(JsonNode) node = parse(texts[i]);
        g_autoptr(GError) error = NULL;

        g_assert_null(container_info_parse(node, &error));
        g_assert_error(error, INFO_ERROR, 0);
    }
}

static void test_too_many(void)
{
    g_autoptr(GString) text = g_string_new("[" CONTAINER);
    g_autoptr(JsonNode) node = NULL;

    for (int i = 0; i < INFO_MAX_CONTAINERS; i++) {
        g_string_append(text, "," CONTAINER);
    }
    g_string_append_c(text, ']');
    node = parse(text->str);
    g_assert_null(container_info_parse(node, NULL));
}

static void test_map(void)
{
    g_autoptr(JsonNode) node = parse(MAP);
    g_autoptr(GError) error = NULL;
    g_autoptr(MapInfo) map = map_info_parse(node, &error);
    HeatmapCell cell;

    g_assert_no_error(error);
    g_assert_cmpuint(map->nr_buckets, ==, 3);
    g_assert_cmpuint(map->nr_tiers, ==, 3);
    g_assert_cmpuint(map->buckets[0].slow_tier, ==, 2);

    cell = heatmap_cell(&map->buckets[0], FALSE);
    g_assert_cmpint(cell.place, ==, HEATMAP_FAST);
    g_assert_cmpuint(cell.level, ==, 0);
    cell = heatmap_cell(&map->buckets[0], TRUE);
    g_assert_cmpuint(cell.level, ==, 3);
    cell = heatmap_cell(&map->buckets[1], FALSE);
    g_assert_cmpint(cell.place, ==, HEATMAP_SLOW);
    g_assert_cmpuint(cell.level, ==, 3);
    cell = heatmap_cell(&map->buckets[2], FALSE);
    g_assert_cmpint(cell.place, ==, HEATMAP_MIXED);
    g_assert_cmpuint(cell.level, ==, 1);
}

static void refuse_map(const char *from, const char *to)
{
    g_autofree char *text = replace(MAP, from, to);
    g_autoptr(JsonNode) node = parse(text);
    g_autoptr(GError) error = NULL;

    g_assert_null(map_info_parse(node, &error));
    g_assert_error(error, INFO_ERROR, 0);
}

static void test_wrong_maps(void)
{
    refuse_map("[10, 4, 6]", "[10, 4]");
    refuse_map("[10, 4, 6]", "[10, -4, 6]");
    refuse_map("[10, 4, 6]", "[10, 5000000000, 6]");
    refuse_map("[10, 4, 6]", "{}");
    refuse_map("{'tiers': [0, 20, 0], 'heat': 128, 'hottest': 128}", "7");
    refuse_map("['f', 's', 't']", "['f', 3, 't']");
    refuse_map("'pages': 40", "'pages': 1.5");
    refuse_map("[10, 4, 6], 'heat': 0", "[10, 4], 'heat': []");
    refuse_map("['f', 's', 't'], 'buckets': [", "[7, 8], 'buckets': [null,");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/info/container", test_container);
    g_test_add_func("/info/harm", test_harm);
    g_test_add_func("/info/no-container", test_no_container);
    g_test_add_func("/info/wrong-member-is-named", test_wrong_containers);
    g_test_add_func("/info/other-types-are-refused", test_other_types);
    g_test_add_func("/info/number-of-containers-is-limited", test_too_many);
    g_test_add_func("/info/map-and-its-cells", test_map);
    g_test_add_func("/info/wrong-maps-are-refused", test_wrong_maps);
    return g_test_run();
}
