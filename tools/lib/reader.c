/*
 * RAMinate: reads members of what QEMU answers
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "info.h"
#include "reader.h"

void reader_fail(Reader *reader, const char *name)
{
    if (!reader->failed) {
        g_set_error(reader->error, INFO_ERROR, 0, "the answer to '%s' has no "
                    "proper '%s'; is QEMU of the same version?",
                    reader->command, name);
        reader->failed = TRUE;
    }
}

JsonNode *reader_member(Reader *reader, const char *name)
{
    JsonNode *node = NULL;

    if (!reader->failed) {
        node = json_object_get_member(reader->object, name);
    }
    return node;
}

guint64 reader_uint(Reader *reader, const char *name, gboolean optional)
{
    JsonNode *node = reader_member(reader, name);

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

gint64 reader_int(Reader *reader, const char *name)
{
    JsonNode *node = reader_member(reader, name);

    if (!node || json_node_get_value_type(node) != G_TYPE_INT64) {
        reader_fail(reader, name);
        return 0;
    }
    return json_node_get_int(node);
}

gboolean reader_number(Reader *reader, const char *name, double *value)
{
    JsonNode *node = reader_member(reader, name);
    GType type = node ? json_node_get_value_type(node) : G_TYPE_INVALID;

    if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE) {
        return FALSE;
    }
    *value = json_node_get_double(node);
    return TRUE;
}

double reader_percent(Reader *reader, const char *name)
{
    double value;

    if (!reader_member(reader, name)) {
        return -1;
    }
    if (!reader_number(reader, name, &value) ||
        !(value >= 0 && value <= 100)) {
        reader_fail(reader, name);
        return -1;
    }
    return value;
}

char *reader_string(Reader *reader, const char *name, gboolean optional)
{
    JsonNode *node = reader_member(reader, name);

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

char *reader_name(Reader *reader, const char *name)
{
    g_autofree char *text = reader_string(reader, name, FALSE);

    if (text && (!*text || strspn(text, "abcdefghijklmnopqrstuvwxyz"
                                  "0123456789-") != strlen(text))) {
        reader_fail(reader, name);
        return NULL;
    }
    return g_steal_pointer(&text);
}

JsonArray *reader_array(Reader *reader, const char *name, unsigned max)
{
    JsonNode *node = reader_member(reader, name);
    JsonArray *array = node && JSON_NODE_HOLDS_ARRAY(node)
                       ? json_node_get_array(node) : NULL;

    if (!array || json_array_get_length(array) < 1 ||
        json_array_get_length(array) > max) {
        reader_fail(reader, name);
        return NULL;
    }
    return array;
}

static gboolean read_from(Reader *reader, JsonNode *node, const char *name)
{
    if (!JSON_NODE_HOLDS_OBJECT(node)) {
        reader_fail(reader, name);
        return FALSE;
    }
    reader->object = json_node_get_object(node);
    return TRUE;
}

gboolean reader_open(Reader *reader, JsonNode *answer)
{
    return read_from(reader, answer, "return");
}

gboolean reader_enter(Reader *reader, JsonArray *array, unsigned i,
                      const char *name)
{
    return read_from(reader, json_array_get_element(array, i), name);
}
