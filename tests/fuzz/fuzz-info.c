/*
 * RAMinate: any bytes as what a QMP server sends
 *
 * Messages are the same however the bytes come in.  What a message returns is
 * taken for what query-raminate and query-raminate-map return, and shown.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "lib/qmp-frame.h"
#include "check-info.h"
#include "fuzz.h"

#define LIMIT 65536

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
