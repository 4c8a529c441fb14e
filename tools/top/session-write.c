/*
 * RAMinate: writes what raminate-top has seen
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <stdio.h>

#include "session-format.h"

struct SessionWriter {
    char *path;
    FILE *file;
};

static gboolean fail(const SessionWriter *writer, GError **error)
{
    int number = errno;

    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(number),
                "can't record to '%s': %s", writer->path, g_strerror(number));
    return FALSE;
}

/* Each line at once, so that whatever happens leaves the ones before. */
static gboolean write_line(SessionWriter *writer, JsonBuilder *builder,
                           GError **error)
{
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    g_autofree char *line = json_to_string(root, FALSE);

    if (fprintf(writer->file, "%s\n", line) < 0 || fflush(writer->file) != 0) {
        return fail(writer, error);
    }
    return TRUE;
}

static void add_string(JsonBuilder *builder, const char *name,
                       const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);

    json_builder_set_member_name(builder, name);
    json_builder_add_string_value(builder, valid);
}

static void add_int(JsonBuilder *builder, const char *name, gint64 value)
{
    json_builder_set_member_name(builder, name);
    json_builder_add_int_value(builder, value);
}

SessionWriter *session_create(const char *path, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    SessionWriter *writer = g_new0(SessionWriter, 1);

    writer->path = g_strdup(path);
    writer->file = fopen(path, "we");
    json_builder_begin_object(builder);
    add_int(builder, SESSION_FORMAT, SESSION_VERSION);
    json_builder_end_object(builder);
    if (!writer->file) {
        fail(writer, error);
    } else if (write_line(writer, builder, error)) {
        return writer;
    }
    session_writer_free(writer);
    return NULL;
}

void session_writer_free(SessionWriter *writer)
{
    if (writer) {
        if (writer->file) {
            fclose(writer->file);
        }
        g_free(writer->path);
        g_free(writer);
    }
}

/* Returns: an object that has what all have, and is to be ended. */
static JsonBuilder *begin_event(const Vm *vm)
{
    JsonBuilder *builder = json_builder_new();

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "time");
    json_builder_add_double_value(builder, g_get_real_time() / 1e6);
    add_string(builder, "socket", vm->path);
    return builder;
}

gboolean session_add_vm(SessionWriter *writer, const Vm *vm, GError **error)
{
    g_autoptr(JsonBuilder) builder = begin_event(vm);

    add_string(builder, "vm", vm->name);
    if (vm->error) {
        add_string(builder, "error", vm->error->message);
        add_int(builder, "code", vm->error->domain == QMP_ERROR
                                 ? vm->error->code : SESSION_OTHER_ERROR);
    } else {
        json_builder_set_member_name(builder, "containers");
        json_builder_add_value(builder, json_node_copy(vm->raw));
    }
    json_builder_end_object(builder);
    return write_line(writer, builder, error);
}

gboolean session_add_gone(SessionWriter *writer, const Vm *vm, GError **error)
{
    g_autoptr(JsonBuilder) builder = begin_event(vm);

    json_builder_set_member_name(builder, "gone");
    json_builder_add_boolean_value(builder, TRUE);
    json_builder_end_object(builder);
    return write_line(writer, builder, error);
}

static char *encode_buckets(const MapInfo *map)
{
    g_autofree guchar *data = g_new(guchar,
                                    map->nr_buckets * SESSION_BUCKET_BYTES);
    unsigned i;

    for (i = 0; i < map->nr_buckets; i++) {
        const MapBucket *bucket = &map->buckets[i];
        guchar *bytes = data + i * SESSION_BUCKET_BYTES;

        bytes[0] = bucket->heat;
        bytes[1] = bucket->hottest;
        bytes[2] = bucket->slow_tier;
        bytes[3] = bucket->fast * SESSION_ALL_FAST + 0.5f;
    }
    return g_base64_encode(data, map->nr_buckets * SESSION_BUCKET_BYTES);
}

gboolean session_add_answer(SessionWriter *writer, const Vm *vm,
                            const char *container, Pane pane,
                            const Answers *answers, JsonNode *result,
                            GError **error)
{
    g_autoptr(JsonBuilder) builder = begin_event(vm);

    add_string(builder, "vm", vm->name);
    add_string(builder, "container", container);
    if (pane == PANE_USE || pane == PANE_MOVES) {
        json_builder_set_member_name(builder, pane == PANE_USE
                                              ? SESSION_USE : SESSION_MOVES);
        json_builder_add_value(builder, json_node_copy(result));
    } else {
        g_autofree char *buckets = encode_buckets(answers->map);

        add_string(builder, "map", buckets);
    }
    json_builder_end_object(builder);
    return write_line(writer, builder, error);
}
