/*
 * RAMinate: what QEMU says of the use of memory and of moves, checked
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "reader.h"
#include "use-info.h"

#define ALL_SHARES 100

static void read_enough(Reader *reader, UseInfo *info)
{
    JsonArray *array = reader_array(reader, "enough", USE_MAX_SHARES);
    unsigned i;

    for (i = 0; array && i < json_array_get_length(array) && !reader->failed;
         i++) {
        EnoughInfo *enough = &info->enough[i];

        if (!reader_enter(reader, array, i, "enough")) {
            return;
        }
        enough->share = reader_uint(reader, "share", FALSE);
        enough->size = reader_uint(reader, "size", FALSE);
        if (enough->share > ALL_SHARES) {
            reader_fail(reader, "share");
        }
        info->nr_enough++;
    }
}

UseInfo *use_info_parse(JsonNode *node, GError **error)
{
    g_autofree UseInfo *info = g_new0(UseInfo, 1);
    Reader reader = { .command = "query-raminate-working-set",
                      .error = error };

    if (!reader_open(&reader, node)) {
        return NULL;
    }
    info->since = reader_uint(&reader, "since", FALSE);
    info->granule = reader_uint(&reader, "granule", FALSE);
    info->minute = reader_uint(&reader, "minute", FALSE);
    info->ten_minutes = reader_uint(&reader, "ten-minutes", FALSE);
    info->hour = reader_uint(&reader, "hour", FALSE);
    read_enough(&reader, info);
    return reader.failed ? NULL : g_steal_pointer(&info);
}

static void move_info_free(gpointer opaque)
{
    MoveInfo *move = opaque;

    g_free(move->reason);
    g_free(move->policy);
    g_free(move->from);
    g_free(move->to);
    g_free(move);
}

static void read_move(Reader *reader, MoveInfo *move)
{
    move->page = reader_uint(reader, "page", FALSE);
    move->ms_ago = reader_uint(reader, "ms-ago", FALSE);
    move->reason = reader_name(reader, "reason");
    move->policy = reader_string(reader, "policy", TRUE);
    move->from = reader_string(reader, "from", FALSE);
    move->to = reader_string(reader, "to", FALSE);
    move->has_with = reader_member(reader, "with") != NULL;
    move->with = reader_uint(reader, "with", TRUE);
    move->heat = reader_uint(reader, "heat", FALSE);
}

GPtrArray *moves_info_parse(JsonNode *node, GError **error)
{
    g_autoptr(GPtrArray) moves =
        g_ptr_array_new_with_free_func(move_info_free);
    Reader reader = { .command = "query-raminate-moves", .error = error };
    JsonArray *array = JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node)
                                                   : NULL;
    unsigned i;

    if (!array || json_array_get_length(array) > MOVES_MAX) {
        reader_fail(&reader, "return");
        return NULL;
    }
    for (i = 0; i < json_array_get_length(array) && !reader.failed; i++) {
        MoveInfo *move = g_new0(MoveInfo, 1);

        g_ptr_array_add(moves, move);
        if (reader_enter(&reader, array, i, "return")) {
            read_move(&reader, move);
        }
    }
    return reader.failed ? NULL : g_steal_pointer(&moves);
}
