/*
 * RAMinate: raminate-top without a screen
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdio.h>

#include "lib/table.h"
#include "lib/text.h"
#include "plain.h"

#define NAME_COLUMNS 16
#define ID_COLUMNS 12

static gboolean has_figures(const Row *row)
{
    return row->info && !row->vm->error;
}

static char *percent(double value)
{
    return value < 0 ? g_strdup("-") : g_strdup_printf("%.1f", value);
}

static char *rate(double value)
{
    return value < 0 ? g_strdup("-") : text_count(value);
}

static char *cleaned(const char *text, gboolean is_utf8)
{
    return text_clean(text ? text : "-", is_utf8);
}

static char *number(guint64 value)
{
    return g_strdup_printf("%" G_GUINT64_FORMAT, value);
}

/* Tables */

enum { NR_KEYS = 2, NR_COLUMNS = 13, NR_TIER_COLUMNS = 8 };

static char *why_no_figures(const Row *row, gboolean is_utf8)
{
    return row->vm->error ? text_clean(row->vm->error->message, is_utf8)
                          : g_strdup("no hybrid memory");
}

/* VM, container and state, and why there is no more */
static char **error_cells(const Row *row, gboolean is_utf8)
{
    char *cells[] = {
        cleaned(row->vm->name, is_utf8),
        cleaned(row->id, is_utf8),
        g_strdup(row_state(row)),
        why_no_figures(row, is_utf8),
        NULL,
    };

    return g_memdup2(cells, sizeof(cells));
}

static char **container_cells(const Row *row, gboolean is_utf8)
{
    const ContainerInfo *info = row->info;
    char *cells[NR_COLUMNS + 1] = {
        cleaned(row->vm->name, is_utf8),
        cleaned(row->id, is_utf8),
        cleaned(info->state, is_utf8),
        cleaned(info->policy, is_utf8),
        cleaned(info->sampler, is_utf8),
        cleaned(info->mover, is_utf8),
        text_size(info->size),
        percent(row->slow_share),
        number(info->scans),
        number(info->swaps),
        number(info->swaps_failed),
        number(info->swaps_reversed),
        text_duration(row_pause(row)),
    };

    return g_memdup2(cells, sizeof(cells));
}

static char **tier_cells(const Row *row, const TierInfo *tier,
                         gboolean is_utf8)
{
    char *cells[NR_TIER_COLUMNS + 1] = {
        cleaned(row->vm->name, is_utf8),
        cleaned(row->id, is_utf8),
        cleaned(tier->id, is_utf8),
        number(tier->rank),
        text_size(tier->size),
        percent(100.0 * tier->pages * row->info->page_size /
                MAX(tier->size, 1)),
        number(tier->written),
        number(tier->total_written),
    };

    return g_memdup2(cells, sizeof(cells));
}

static void print_containers(const GPtrArray *rows, gboolean is_utf8)
{
    static const TableColumn columns[NR_COLUMNS] = {
        { "VM", FALSE }, { "CONTAINER", FALSE }, { "STATE", FALSE },
        { "POLICY", FALSE }, { "SAMPLER", FALSE }, { "MOVER", FALSE },
        { "SIZE", TRUE }, { "SLOW%", TRUE }, { "SCANS", TRUE },
        { "SWAPS", TRUE }, { "FAILED", TRUE }, { "REVERSED", TRUE },
        { "PAUSE-P99", TRUE },
    };
    g_autoptr(Table) table = table_new(columns, NR_COLUMNS, NR_KEYS);
    unsigned i;

    for (i = 0; i < rows->len; i++) {
        const Row *row = g_ptr_array_index(rows, i);

        table_add(table, has_figures(row) ? container_cells(row, is_utf8)
                                          : error_cells(row, is_utf8));
    }
    table_print(table, table_room());
}

void plain_table(const GPtrArray *rows, gboolean is_utf8)
{
    static const TableColumn columns[NR_TIER_COLUMNS] = {
        { "VM", FALSE }, { "CONTAINER", FALSE }, { "TIER", FALSE },
        { "RANK", TRUE }, { "SIZE", TRUE }, { "FILL%", TRUE },
        { "WRITTEN", TRUE }, { "WRITTEN-ALL", TRUE },
    };
    g_autoptr(Table) tiers = table_new(columns, NR_TIER_COLUMNS, NR_KEYS);
    gboolean has_tiers = FALSE;
    unsigned i, j;

    print_containers(rows, is_utf8);
    for (i = 0; i < rows->len; i++) {
        const Row *row = g_ptr_array_index(rows, i);

        for (j = 0; has_figures(row) && j < row->info->nr_tiers; j++) {
            table_add(tiers, tier_cells(row, &row->info->tiers[j], is_utf8));
            has_tiers = TRUE;
        }
    }
    if (has_tiers) {
        printf("\n");
        table_print(tiers, table_room());
    }
}

/* A line for each container */

/* Behind TIME, VM, CONTAINER and STATE */
typedef enum Figure {
    FIGURE_SHARE,
    FIGURE_RATE,
    FIGURE_SWAPS,
    FIGURE_FAILED,
    FIGURE_REVERSED,
    FIGURE_PAUSE,
    NR_FIGURES,
} Figure;

static const struct {
    const char *title;
    int columns;
} figures[NR_FIGURES] = {
    [FIGURE_SHARE] = { "SLOW%", 6 },
    [FIGURE_RATE] = { "SWAPS/S", 8 },
    [FIGURE_SWAPS] = { "SWAPS", 9 },
    [FIGURE_FAILED] = { "FAILED", 6 },
    [FIGURE_REVERSED] = { "REVERSED", 8 },
    [FIGURE_PAUSE] = { "PAUSE-P99", 9 },
};

unsigned plain_batch_head(void)
{
    static const Figure by_need[NR_FIGURES] = {
        FIGURE_SHARE, FIGURE_RATE, FIGURE_PAUSE, FIGURE_FAILED, FIGURE_SWAPS,
        FIGURE_REVERSED,
    };
    unsigned used = printf("%-8s %-*s %-*s %-8s", "TIME", NAME_COLUMNS, "VM",
                           ID_COLUMNS, "CONTAINER", "STATE");
    unsigned fit = 0;
    unsigned i;

    for (i = 0; i < NR_FIGURES; i++) {
        used += 1 + figures[by_need[i]].columns;
        if (used > table_room()) {
            break;
        }
        fit |= 1u << by_need[i];
    }
    for (i = 0; i < NR_FIGURES; i++) {
        if (fit & (1u << i)) {
            printf(" %*s", figures[i].columns, figures[i].title);
        }
    }
    printf("\n");
    return fit;
}

static char *figure_text(const Row *row, Figure figure)
{
    switch (figure) {
    case FIGURE_SHARE:
        return percent(row->slow_share);
    case FIGURE_RATE:
        return rate(row->swap_rate);
    case FIGURE_SWAPS:
        return number(row->info->swaps);
    case FIGURE_FAILED:
        return number(row->info->swaps_failed);
    case FIGURE_REVERSED:
        return number(row->info->swaps_reversed);
    default:
        return text_duration(row_pause(row));
    }
}

static char *fitted(const char *text, int columns, gboolean is_utf8)
{
    g_autofree char *clean = cleaned(text, is_utf8);

    return text_fit(clean, columns);
}

static void print_batch_row(const Row *row, const char *now, unsigned fit,
                            gboolean is_utf8)
{
    g_autofree char *name = fitted(row->vm->name, NAME_COLUMNS, is_utf8);
    g_autofree char *id = fitted(row->id, ID_COLUMNS, is_utf8);
    unsigned i;

    printf("%s %s %s %-8s", now, name, id, row_state(row));
    if (!has_figures(row)) {
        g_autofree char *why = why_no_figures(row, is_utf8);

        printf(" %s\n", why);
        return;
    }
    for (i = 0; i < NR_FIGURES; i++) {
        if (fit & (1u << i)) {
            g_autofree char *text = figure_text(row, i);

            printf(" %*s", figures[i].columns, text);
        }
    }
    printf("\n");
}

void plain_batch(const GPtrArray *rows, unsigned fit, gboolean is_utf8)
{
    g_autoptr(GDateTime) time = g_date_time_new_now_local();
    g_autofree char *now = g_date_time_format(time, "%H:%M:%S");
    unsigned i;

    for (i = 0; i < rows->len; i++) {
        print_batch_row(g_ptr_array_index(rows, i), now, fit, is_utf8);
    }
    fflush(stdout);
}

static void json_vm(JsonBuilder *builder, const Vm *vm)
{
    g_autofree char *path = g_utf8_make_valid(vm->path, -1);
    g_autofree char *name = g_utf8_make_valid(vm->name, -1);

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "socket");
    json_builder_add_string_value(builder, path);
    json_builder_set_member_name(builder, "vm");
    json_builder_add_string_value(builder, name);
    if (vm->error) {
        g_autofree char *message = g_utf8_make_valid(vm->error->message, -1);

        json_builder_set_member_name(builder, "error");
        json_builder_add_string_value(builder, message);
    } else {
        json_builder_set_member_name(builder, "containers");
        json_builder_add_value(builder, json_node_copy(vm->raw));
    }
    json_builder_end_object(builder);
}

void plain_json(const GPtrArray *vms)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(JsonNode) root = NULL;
    g_autofree char *text = NULL;
    unsigned i;

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "time");
    json_builder_add_double_value(builder, g_get_real_time() / 1e6);
    json_builder_set_member_name(builder, "vms");
    json_builder_begin_array(builder);
    for (i = 0; i < vms->len; i++) {
        json_vm(builder, g_ptr_array_index(vms, i));
    }
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    root = json_builder_get_root(builder);
    text = json_to_string(root, FALSE);
    printf("%s\n", text);
    fflush(stdout);
}
