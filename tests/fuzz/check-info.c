/*
 * RAMinate: whether what was understood of QEMU's answers can be shown
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <math.h>
#include <string.h>

#include "lib/heatmap.h"
#include "lib/text.h"
#include "check-info.h"

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

void check_container(const ContainerInfo *info)
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

void check_map(const MapInfo *map)
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
