/*
 * RAMinate: any bytes as what a QMP server sends
 *
 * Messages are the same however the bytes come in.  What a message returns is
 * taken for what query-raminate and query-raminate-map return, and shown.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <math.h>
#include <string.h>

#include "lib/heatmap.h"
#include "lib/info.h"
#include "lib/qmp-frame.h"
#include "lib/text.h"
#include "fuzz.h"

#define LIMIT 65536

static void show_text(const char *text)
{
    for (unsigned is_utf8 = 0; is_utf8 < 2; is_utf8++) {
        g_autofree char *clean = text_clean(text ? text : "", is_utf8);
        g_autofree char *left = text_fit(clean, 7);
        g_autofree char *right = text_fit(clean, -7);

        g_assert_true(g_utf8_validate(clean, -1, NULL));
        g_assert_true(g_utf8_validate(left, -1, NULL));
        g_assert_true(g_utf8_validate(right, -1, NULL));
    }
}

static void show_number(guint64 number)
{
    g_autofree char *size = text_size(number);
    g_autofree char *count = text_count(number);
    g_autofree char *duration = text_duration(number);

    g_assert_cmpuint(strlen(count), <=, 5);
}

static void check_container(const ContainerInfo *info)
{
    g_assert_nonnull(info->id);
    g_assert_nonnull(info->state);
    g_assert_nonnull(info->policy);
    g_assert_nonnull(info->sampler);
    g_assert_nonnull(info->mover);
    g_assert_cmpuint(info->page_size, >, 0);
    g_assert_cmpuint(info->nr_tiers, >, 0);
    g_assert_cmpuint(info->nr_tiers, <=, INFO_MAX_TIERS);
    g_assert_cmpuint(info->nr_energies, <=, INFO_MAX_ENERGIES);
    g_assert_true(isfinite(info->slow_share_last));
    g_assert_true(isfinite(container_info_saved(info)));
    show_text(info->id);
    show_text(info->held_because);
    show_text(info->mover_reason);
    show_number(info->size);
    show_number(info->swaps);
    show_number(info->pause_time.p99);
    show_number(container_info_written(info));
    for (unsigned i = 0; i < info->nr_tiers; i++) {
        g_assert_nonnull(info->tiers[i].id);
        g_assert_nonnull(info->tiers[i].mem_path);
        show_text(info->tiers[i].mem_path);
    }
}

static void check_map(const MapInfo *map)
{
    g_assert_cmpuint(map->nr_tiers, >, 0);
    g_assert_cmpuint(map->nr_buckets, >, 0);
    for (unsigned i = 0; i < map->nr_buckets; i++) {
        HeatmapCell cell = heatmap_cell(&map->buckets[i], i % 2);

        g_assert_cmpuint(cell.place, <, HEATMAP_NR_PLACES);
        g_assert_cmpuint(cell.level, <, HEATMAP_LEVELS);
        g_assert_true(map->buckets[i].fast >= 0 && map->buckets[i].fast <= 1);
        g_assert_cmpuint(map->buckets[i].slow_tier, <=, map->nr_tiers);
    }
}

static void check_message(const char *text, gsize size)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(GPtrArray) containers = NULL;
    g_autoptr(MapInfo) map = NULL;
    g_autoptr(GError) info_error = NULL;
    g_autoptr(GError) map_error = NULL;
    JsonNode *root, *result;

    if (!json_parser_load_from_data(parser, text, size, NULL)) {
        return;
    }
    root = json_parser_get_root(parser);
    if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
        return;
    }
    result = json_object_get_member(json_node_get_object(root), "return");
    if (!result) {
        return;
    }
    containers = container_info_parse(result, &info_error);
    g_assert_true(!containers == !!info_error);
    for (unsigned i = 0; containers && i < containers->len; i++) {
        check_container(g_ptr_array_index(containers, i));
    }
    map = map_info_parse(result, &map_error);
    g_assert_true(!map == !!map_error);
    if (map) {
        check_map(map);
    }
}

/*
 * Feeds all bytes, @step at a time.
 * Returns: the messages, with a line feed after each, and how it ended.
 */
static char *feed(const char *data, gsize size, gsize step)
{
    GString *messages = g_string_new(NULL);
    QmpFrameStatus status = QMP_FRAME_MORE;
    QmpFrame frame;
    gsize used;

    qmp_frame_init(&frame, LIMIT);
    for (gsize at = 0; at < size; at += used) {
        status = qmp_frame_feed(&frame, data + at, MIN(step, size - at),
                                &used);
        g_assert_cmpuint(used, <=, MIN(step, size - at));
        if (status == QMP_FRAME_DONE) {
            if (step > 1) {
                check_message(frame.text->str, frame.text->len);
            }
            g_string_append_len(messages, frame.text->str, frame.text->len);
            g_string_append_c(messages, '\n');
            qmp_frame_reset(&frame);
        } else if (status != QMP_FRAME_MORE) {
            break;
        }
        g_assert_cmpuint(used, >, 0);
    }
    g_string_append_printf(messages, "%d", status);
    qmp_frame_clear(&frame);
    return g_string_free(messages, FALSE);
}

void fuzz_one(const uint8_t *data, size_t size)
{
    g_autofree char *whole = feed((const char *)data, size, G_MAXSIZE);
    g_autofree char *bytes = feed((const char *)data, size, 1);

    g_assert_cmpstr(whole, ==, bytes);
}
