/*
 * RAMinate: the selected container on the screen of raminate-top, and all
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <curses.h>

#include "lib/heatmap.h"
#include "lib/text.h"
#include "screen-parts.h"

#define BAR_COLUMNS 10
/* Of the costs of a slow write that QEMU estimates energy for. */
#define SHOWN_COST 100

static void draw_tier(int y, const ContainerInfo *info, unsigned number)
{
    const TierInfo *tier = &info->tiers[number];
    HeatmapCell cell = {
        .place = number ? HEATMAP_SLOW : HEATMAP_FAST,
        .level = HEATMAP_LEVELS - 2,
    };
    g_autofree char *size = text_size(tier->size);
    g_autofree char *bar = NULL;
    guint64 written = 0;
    double share;
    unsigned i;

    for (i = 0; i < info->nr_tiers; i++) {
        written += info->tiers[i].written;
    }
    share = (double)tier->written / MAX(written, 1);
    bar = g_strnfill(share * BAR_COLUMNS + 0.5, '#');
    screen_put_line(y, A_NORMAL, "  %c %-10s %9s  full %3.0f %%  written %8"
                    G_GUINT64_FORMAT " %3.0f %% [%-*s]",
                    heatmap_signs[cell.place][cell.level], tier->id, size,
                    CLAMP(100.0 * tier->pages * info->page_size /
                          MAX(tier->size, 1), 0, 100),
                    tier->written, 100 * share, BAR_COLUMNS, bar);
    if (COLS > 4) {
        attrset(screen_cell_attributes(cell, MAX(number, 1)));
        mvaddch(y, 2, heatmap_signs[cell.place][cell.level]);
    }
}

static void draw_methods(int y, const ContainerInfo *info)
{
    const char *why_sampler = info->sampler_reason;
    const char *why_mover = info->mover_reason;

    if (why_sampler && g_strcmp0(why_sampler, why_mover) == 0) {
        screen_put_line(y, A_NORMAL, "  Sampler %s, mover %s: %s",
                        info->sampler, info->mover, why_mover);
    } else {
        screen_put_line(y, A_NORMAL, "  Sampler %s%s%s%s, mover %s%s%s%s",
                        info->sampler, why_sampler ? " (" : "",
                        why_sampler ? why_sampler : "", why_sampler ? ")" : "",
                        info->mover, why_mover ? " (" : "",
                        why_mover ? why_mover : "", why_mover ? ")" : "");
    }
}

static void draw_saved(int y, const ContainerInfo *info)
{
    g_autofree char *by_swaps = text_count(info->slow_writes_by_swaps);
    g_autoptr(GString) line = g_string_new("  Saved:");
    unsigned i;

    g_string_append_printf(line, " %.1f %% of slow writes (%s pages written "
                           "by swaps)", 100 * container_info_saved(info),
                           by_swaps);
    for (i = 0; i < info->nr_energies; i++) {
        const EnergyInfo *energy = &info->energies[i];

        if (energy->slow_write_cost == SHOWN_COST && energy->unmoved > 0) {
            g_string_append_printf(line, ", %.1f %% of energy",
                                   100 - 100 * energy->placed /
                                   energy->unmoved);
        }
    }
    screen_put_line(y, A_NORMAL, "%s", line->str);
}

static void draw_figures(int y, const Row *row)
{
    const ContainerInfo *info = row->info;
    g_autofree char *spark = text_sparkline(row->history, row->nr_history,
                                            MAX(COLS - 24, 0), screen_utf8);
    g_autofree char *p50 = text_duration(info->pause_time.p50);
    g_autofree char *p99 = text_duration(info->pause_time.p99);
    g_autofree char *max = text_duration(info->pause_time.max);
    g_autofree char *scan = text_duration(info->scan_time.p50);

    if (row->slow_share < 0) {
        screen_put_line(y, A_NORMAL, "  Slow writes: none    %s", spark);
    } else {
        screen_put_line(y, A_NORMAL, "  Slow writes: %5.1f %% %s",
                        row->slow_share, spark);
    }
    draw_saved(y + 1, info);
    screen_put_line(y + 2, A_NORMAL, "  Swaps: %" G_GUINT64_FORMAT ", failed %"
                    G_GUINT64_FORMAT ", reversed %" G_GUINT64_FORMAT
                    " (%.1f %%), held %" G_GUINT64_FORMAT, info->swaps,
                    info->swaps_failed, info->swaps_reversed,
                    info->swaps ? 100.0 * info->swaps_reversed / info->swaps
                                : 0,
                    info->swaps_held);
    screen_put_line(y + 3, A_NORMAL, "  Pauses: median %s, p99 %s, longest %s; "
                    "scans: %" G_GUINT64_FORMAT ", median %s", p50, p99, max,
                    info->scans, scan);
}

void screen_draw_detail(const Row *row, int y, int lines)
{
    const ContainerInfo *info = row->info;
    g_autofree char *size = NULL;
    unsigned i;

    if (row->vm->error) {
        screen_put_line(y, A_BOLD, "%s: %s", row->vm->name,
                        row->vm->error->message);
        return;
    }
    if (!info) {
        screen_put_line(y, A_NORMAL, row->vm->containers
                        ? "%s has no hybrid memory: no memory-backend-container"
                        : "%s has not answered yet", row->vm->name);
        return;
    }
    size = text_size(info->size);
    screen_put_line(y, A_BOLD, "%s/%s, %s, policy %s, %s%s%s", row->vm->name,
                    info->id, size, info->policy, info->state,
                    info->held_because ? ": " : "",
                    info->held_because ? info->held_because : "");
    if (lines < DETAIL_LINES) {
        draw_saved(y + 1, info);
        return;
    }
    draw_methods(y + 1, info);
    draw_figures(y + 2, row);
    for (i = 0; i < info->nr_tiers && DETAIL_LINES + (int)i < lines; i++) {
        draw_tier(y + DETAIL_LINES + i, info, i);
    }
}

void screen_draw_totals(const GPtrArray *rows, int y)
{
    Totals totals = rows_total(rows);
    g_autofree char *fast = text_size(totals.fast);
    g_autofree char *slow = text_size(totals.slow);
    g_autofree char *swaps = text_count(totals.swap_rate);
    g_autofree char *share = totals.slow_share < 0
        ? g_strdup("-") : g_strdup_printf("%.1f %%", totals.slow_share);

    screen_put_line(y, A_BOLD, "All %u: fast %s, slow %s; %s of what is "
                    "written is slow; %s swaps/s", totals.nr, fast, slow, share,
                    swaps);
}
