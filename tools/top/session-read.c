/*
 * RAMinate: reads what raminate-top has seen
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <gio/gio.h>
#include <stdio.h>

#include "lib/qmp-frame.h"
#include "lib/reader.h"
#include "session-format.h"

/* Longer than any line that is written: the largest answer, or map */
#define MAX_LINE (2 * 1024 * 1024)

/* Seconds since 1970, in the year 5138 */
#define MAX_TIME 1e11

struct SessionReader {
    char *path;
    FILE *file;
    GString *line;
    guint64 number;             /* of that line */
};

static void fail(const SessionReader *reader, GError **error,
                 const char *what)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                "'%s', line %" G_GUINT64_FORMAT ": %s", reader->path,
                reader->number, what);
}

/*
 * Returns: whether there is a whole line; if not, @error says why, or that is
 * the end.
 */
static gboolean next_line(SessionReader *reader, GError **error)
{
    int c;

    g_string_truncate(reader->line, 0);
    reader->number++;
    while ((c = getc_unlocked(reader->file)) != EOF && c != '\n') {
        if (reader->line->len == MAX_LINE) {
            fail(reader, error, "is too long for a session of raminate-top");
            return FALSE;
        }
        g_string_append_c(reader->line, c);
    }
    if (ferror(reader->file)) {
        fail(reader, error, g_strerror(errno));
    }
    return c == '\n';
}

/* Returns: the object in the line, in a node; NULL if there is none. */
static JsonNode *parse_line(const SessionReader *reader)
{
    g_autoptr(JsonNode) node = NULL;
    QmpFrame frame;
    gsize used;

    /* As with what a VM says, the parser is given nothing that it would drown in. */
    qmp_frame_init(&frame, MAX_LINE);
    if (qmp_frame_feed(&frame, reader->line->str, reader->line->len, &used) ==
        QMP_FRAME_DONE && used == reader->line->len) {
        node = json_from_string(frame.text->str, NULL);
    }
    qmp_frame_clear(&frame);
    return node && JSON_NODE_HOLDS_OBJECT(node) ? g_steal_pointer(&node) : NULL;
}

static gboolean read_head(SessionReader *reader, GError **error)
{
    g_autoptr(JsonNode) node = NULL;
    Reader members = { .command = SESSION_FORMAT };

    reader->number = 0;
    if (next_line(reader, error)) {
        node = parse_line(reader);
    }
    if (node) {
        members.object = json_node_get_object(node);
    }
    if (error && *error) {
        return FALSE;
    }
    if (!node ||
        reader_uint(&members, SESSION_FORMAT, FALSE) != SESSION_VERSION) {
        fail(reader, error, "is not a session of this raminate-top; make one "
             "with --record");
        return FALSE;
    }
    return TRUE;
}

SessionReader *session_open(const char *path, GError **error)
{
    SessionReader *reader = g_new0(SessionReader, 1);

    reader->path = g_strdup(path);
    reader->line = g_string_new(NULL);
    reader->file = fopen(path, "re");
    if (!reader->file) {
        int number = errno;

        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(number),
                    "can't open '%s': %s", path, g_strerror(number));
    } else if (read_head(reader, error)) {
        return reader;
    }
    session_reader_free(reader);
    return NULL;
}

void session_reader_free(SessionReader *reader)
{
    if (reader) {
        if (reader->file) {
            fclose(reader->file);
        }
        g_string_free(reader->line, TRUE);
        g_free(reader->path);
        g_free(reader);
    }
}

void session_rewind(SessionReader *reader)
{
    rewind(reader->file);
    next_line(reader, NULL);
    reader->number = 1;
}

/* Events */

void session_event_free(SessionEvent *event)
{
    g_free(event->socket);
    g_free(event->vm);
    g_free(event->container);
    g_clear_pointer(&event->containers, g_ptr_array_unref);
    g_clear_error(&event->error);
    answers_clear(&event->answers);
    g_free(event);
}

static void read_error(Reader *members, SessionEvent *event)
{
    g_autofree char *message = reader_string(members, "error", FALSE);
    gint64 code = reader_int(members, "code");

    event->kind = SESSION_ERROR;
    if (code < SESSION_OTHER_ERROR || code > QMP_ERROR_COMMAND) {
        reader_fail(members, "code");
    } else if (message) {
        event->error = code == SESSION_OTHER_ERROR
            ? g_error_new_literal(INFO_ERROR, 0, message)
            : g_error_new_literal(QMP_ERROR, code, message);
    }
}

static void read_map(Reader *members, SessionEvent *event)
{
    JsonNode *node = reader_member(members, "map");
    g_autofree guchar *data = NULL;
    MapInfo *map;
    gsize length = 0;
    unsigned i;

    if (node && json_node_get_value_type(node) == G_TYPE_STRING) {
        data = g_base64_decode(json_node_get_string(node), &length);
    }
    if (length < SESSION_BUCKET_BYTES || length % SESSION_BUCKET_BYTES ||
        length / SESSION_BUCKET_BYTES > INFO_MAX_BUCKETS) {
        reader_fail(members, "map");
        return;
    }
    map = event->answers.map = g_new0(MapInfo, 1);
    map->nr_buckets = length / SESSION_BUCKET_BYTES;
    map->buckets = g_new0(MapBucket, map->nr_buckets);
    for (i = 0; i < map->nr_buckets; i++) {
        const guchar *bytes = data + i * SESSION_BUCKET_BYTES;
        MapBucket *bucket = &map->buckets[i];

        bucket->heat = bytes[0];
        bucket->hottest = bytes[1];
        bucket->slow_tier = MIN(bytes[2], INFO_MAX_TIERS - 1);
        bucket->fast = bytes[3] / (float)SESSION_ALL_FAST;
    }
}

static void read_answer(Reader *members, SessionEvent *event)
{
    JsonNode *use = reader_member(members, SESSION_USE);
    JsonNode *moves = reader_member(members, SESSION_MOVES);

    event->kind = SESSION_ANSWER;
    event->container = reader_string(members, "container", FALSE);
    if (!use && !moves) {
        read_map(members, event);
    } else if (!answers_take(&event->answers, use ? PANE_USE : PANE_MOVES,
                             use ? use : moves, NULL)) {
        reader_fail(members, SESSION_USE);
    }
}

static void read_containers(Reader *members, SessionEvent *event)
{
    JsonNode *node = reader_member(members, "containers");

    event->kind = SESSION_CONTAINERS;
    event->containers = container_info_parse(node, NULL);
    if (!event->containers) {
        reader_fail(members, "containers");
    }
}

static void read_event(Reader *members, SessionEvent *event)
{
    if (!reader_number(members, "time", &event->time) ||
        !(event->time >= 0 && event->time <= MAX_TIME)) {
        reader_fail(members, "time");
    }
    event->socket = reader_string(members, "socket", FALSE);
    if (json_object_has_member(members->object, "gone")) {
        event->kind = SESSION_GONE;
        return;
    }
    event->vm = reader_string(members, "vm", FALSE);
    if (members->failed) {
        return;
    }
    if (json_object_has_member(members->object, "error")) {
        read_error(members, event);
    } else if (json_object_has_member(members->object, "container")) {
        read_answer(members, event);
    } else if (json_object_has_member(members->object, "containers")) {
        read_containers(members, event);
    } else {
        reader_fail(members, "containers");
    }
}

SessionEvent *session_next(SessionReader *reader, GError **error)
{
    g_autoptr(SessionEvent) event = g_new0(SessionEvent, 1);
    g_autoptr(JsonNode) node = NULL;
    Reader members = { .command = SESSION_FORMAT };

    if (!next_line(reader, error)) {
        return NULL;
    }
    node = parse_line(reader);
    if (node) {
        members.object = json_node_get_object(node);
        read_event(&members, event);
    }
    if (!node || members.failed) {
        fail(reader, error, "is damaged, or no session of raminate-top");
        return NULL;
    }
    return g_steal_pointer(&event);
}
