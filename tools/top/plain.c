/*
 * RAMinate: raminate-top without a screen
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdio.h>

#include "lib/text.h"
#include "plain.h"

#define NAME_COLUMNS 16
#define ID_COLUMNS 12

static char *percent(double value)
{
    return value < 0 ? g_strdup("-") : g_strdup_printf("%.1f", value);
}

static char *rate(double value)
{
    return value < 0 ? g_strdup("-") : text_count(value);
}

static char *fitted(const char *text, int columns, gboolean is_utf8)
{
    g_autofree char *clean = text_clean(text ? text : "-", is_utf8);

    return text_fit(clean, columns);
}

static void print_error(const Row *row, gboolean is_utf8)
{
    g_autofree char *message = text_clean(row->vm->error->message, is_utf8);

    printf("%s\n", message);
}

static void print_row(const Row *row, gboolean is_utf8)
{
    g_autofree char *name = fitted(row->vm->name, NAME_COLUMNS, is_utf8);
    g_autofree char *id = fitted(row->id, ID_COLUMNS, is_utf8);
    g_autofree char *share = percent(row->slow_share);
    g_autofree char *size = NULL;
    g_autofree char *pause = NULL;
    const ContainerInfo *info = row->info;

    if (row->vm->error) {
        printf("%s %s %-8s ", name, id, row_state(row));
        print_error(row, is_utf8);
        return;
    }
    if (!info) {
        printf("%s %s %-8s no hybrid memory\n", name, id, row_state(row));
        return;
    }
    size = text_size(info->size);
    pause = text_duration(row_pause(row));
    printf("%s %s %-8s %-6s %-9s %-5s %9s %6s %8" G_GUINT64_FORMAT " %9"
           G_GUINT64_FORMAT " %6" G_GUINT64_FORMAT " %8" G_GUINT64_FORMAT
           " %9s\n", name, id, info->state, info->policy, info->sampler,
           info->mover, size, share, info->scans, info->swaps,
           info->swaps_failed, info->swaps_reversed, pause);
}

static void print_tiers(const Row *row, gboolean is_utf8)
{
    g_autofree char *name = fitted(row->vm->name, NAME_COLUMNS, is_utf8);
    g_autofree char *id = fitted(row->id, ID_COLUMNS, is_utf8);
    unsigned i;

    for (i = 0; i < row->info->nr_tiers; i++) {
        const TierInfo *tier = &row->info->tiers[i];
        g_autofree char *tier_id = fitted(tier->id, ID_COLUMNS, is_utf8);
        g_autofree char *size = text_size(tier->size);

        printf("%s %s %s %4" G_GUINT64_FORMAT " %9s %6.1f %9" G_GUINT64_FORMAT
               " %12" G_GUINT64_FORMAT "\n", name, id, tier_id, tier->rank,
               size, 100.0 * tier->pages * row->info->page_size /
               MAX(tier->size, 1), tier->written, tier->total_written);
    }
}

static gboolean has_containers(const GPtrArray *rows)
{
    unsigned i;

    for (i = 0; i < rows->len; i++) {
        const Row *row = g_ptr_array_index(rows, i);

        if (row->info && !row->vm->error) {
            return TRUE;
        }
    }
    return FALSE;
}

void plain_table(const GPtrArray *rows, gboolean is_utf8)
{
    unsigned i;

    printf("%-*s %-*s %-8s %-6s %-9s %-5s %9s %6s %8s %9s %6s %8s %9s\n",
           NAME_COLUMNS, "VM", ID_COLUMNS, "CONTAINER", "STATE", "POLICY",
           "SAMPLER", "MOVER", "SIZE", "SLOW%", "SCANS", "SWAPS", "FAILED",
           "REVERSED", "PAUSE-P99");
    for (i = 0; i < rows->len; i++) {
        print_row(g_ptr_array_index(rows, i), is_utf8);
    }
    if (!has_containers(rows)) {
        return;
    }
    printf("\n%-*s %-*s %-*s %4s %9s %6s %9s %12s\n", NAME_COLUMNS, "VM",
           ID_COLUMNS, "CONTAINER", ID_COLUMNS, "TIER", "RANK", "SIZE",
           "FILL%", "WRITTEN", "WRITTEN-ALL");
    for (i = 0; i < rows->len; i++) {
        const Row *row = g_ptr_array_index(rows, i);

        if (row->info && !row->vm->error) {
            print_tiers(row, is_utf8);
        }
    }
}

void plain_batch_head(void)
{
    printf("%-8s %-*s %-*s %-8s %6s %8s %9s %6s %8s %9s\n", "TIME",
           NAME_COLUMNS, "VM", ID_COLUMNS, "CONTAINER", "STATE", "SLOW%",
           "SWAPS/S", "SWAPS", "FAILED", "REVERSED", "PAUSE-P99");
}

static void print_batch_row(const Row *row, const char *now, gboolean is_utf8)
{
    g_autofree char *name = fitted(row->vm->name, NAME_COLUMNS, is_utf8);
    g_autofree char *id = fitted(row->id, ID_COLUMNS, is_utf8);
    g_autofree char *share = percent(row->slow_share);
    g_autofree char *swaps = rate(row->swap_rate);
    g_autofree char *pause = text_duration(row_pause(row));

    printf("%s %s %s %-8s ", now, name, id, row_state(row));
    if (row->vm->error) {
        print_error(row, is_utf8);
    } else if (!row->info) {
        printf("no hybrid memory\n");
    } else {
        printf("%6s %8s %9" G_GUINT64_FORMAT " %6" G_GUINT64_FORMAT " %8"
               G_GUINT64_FORMAT " %9s\n", share, swaps, row->info->swaps,
               row->info->swaps_failed, row->info->swaps_reversed, pause);
    }
}

void plain_batch(const GPtrArray *rows, gboolean is_utf8)
{
    g_autoptr(GDateTime) time = g_date_time_new_now_local();
    g_autofree char *now = g_date_time_format(time, "%H:%M:%S");
    unsigned i;

    for (i = 0; i < rows->len; i++) {
        print_batch_row(g_ptr_array_index(rows, i), now, is_utf8);
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
