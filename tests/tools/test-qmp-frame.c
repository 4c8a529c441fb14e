/*
 * RAMinate: messages are found in whatever a QMP server sends
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "lib/qmp-frame.h"

#define LIMIT 200

/* Feeds @text in pieces of @step; returns what the last one was told. */
static QmpFrameStatus feed(QmpFrame *frame, const char *text, gsize step)
{
    QmpFrameStatus status = QMP_FRAME_MORE;
    gsize size = strlen(text);
    gsize used;

    for (gsize at = 0; at < size && status == QMP_FRAME_MORE; at += used) {
        status = qmp_frame_feed(frame, text + at, MIN(step, size - at),
                                &used);
        g_assert_cmpuint(used, <=, MIN(step, size - at));
    }
    return status;
}

static void expect(const char *text, QmpFrameStatus expected,
                   const char *message)
{
    for (gsize step = 1; step <= strlen(text); step++) {
        QmpFrame frame;

        qmp_frame_init(&frame, LIMIT);
        g_assert_cmpint(feed(&frame, text, step), ==, expected);
        if (message) {
            g_assert_cmpstr(frame.text->str, ==, message);
        }
        qmp_frame_clear(&frame);
    }
}

static void test_one_message(void)
{
    expect("{\"a\": [1, {}]}\r\n", QMP_FRAME_DONE, "{\"a\": [1, {}]}");
    expect("\r\n {}", QMP_FRAME_DONE, "{}");
}

static void test_pretty_message(void)
{
    expect("{\n    \"a\": {\n    }\n}\n", QMP_FRAME_DONE,
           "{\n    \"a\": {\n    }\n}");
}

static void test_brackets_in_strings(void)
{
    expect("{\"}\": \"{\\\"]\\\\\"}", QMP_FRAME_DONE,
           "{\"}\": \"{\\\"]\\\\\"}");
}

static void test_half_a_message(void)
{
    expect("{\"a\": ", QMP_FRAME_MORE, NULL);
    expect("{\"a\": \"}", QMP_FRAME_MORE, NULL);
    expect("\r\n", QMP_FRAME_MORE, NULL);
}

static void test_two_messages(void)
{
    const char text[] = "{\"a\": 1}\r\n{\"b\": 2}\r\n";
    QmpFrame frame;
    gsize used;

    qmp_frame_init(&frame, LIMIT);
    g_assert_cmpint(qmp_frame_feed(&frame, text, strlen(text), &used), ==,
                    QMP_FRAME_DONE);
    g_assert_cmpuint(used, ==, 8);
    qmp_frame_reset(&frame);
    g_assert_cmpint(qmp_frame_feed(&frame, text + used, strlen(text) - used,
                                   &used), ==, QMP_FRAME_DONE);
    g_assert_cmpstr(frame.text->str, ==, "{\"b\": 2}");
    qmp_frame_clear(&frame);
}

static void test_garbage(void)
{
    expect("QEMU 10.0 monitor\r\n", QMP_FRAME_NOT_QMP, NULL);
    expect("[1]", QMP_FRAME_NOT_QMP, NULL);
    expect("{\"a\001\"}", QMP_FRAME_NOT_QMP, NULL);
    expect("{\200}", QMP_FRAME_NOT_QMP, NULL);
    expect("{\"\377\"}", QMP_FRAME_NOT_QMP, NULL);
}

static void test_too_long(void)
{
    g_autofree char *fill = g_strnfill(LIMIT, 'x');
    g_autofree char *text = g_strdup_printf("{\"%s\"}", fill);
    g_autofree char *fits = g_strdup_printf("{\"%.*s\"}", LIMIT - 4, fill);

    expect(text, QMP_FRAME_TOO_LONG, NULL);
    expect(fits, QMP_FRAME_DONE, fits);
}

static void test_too_deep(void)
{
    g_autofree char *deep = g_strnfill(QMP_FRAME_MAX_DEPTH, '[');
    g_autofree char *text = g_strdup_printf("{%s", deep);

    expect(text, QMP_FRAME_NOT_QMP, NULL);
    expect(deep + 1, QMP_FRAME_NOT_QMP, NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qmp-frame/one-message", test_one_message);
    g_test_add_func("/qmp-frame/pretty-message", test_pretty_message);
    g_test_add_func("/qmp-frame/brackets-in-strings-do-not-count",
                    test_brackets_in_strings);
    g_test_add_func("/qmp-frame/half-a-message-is-waited-for",
                    test_half_a_message);
    g_test_add_func("/qmp-frame/two-messages-at-once", test_two_messages);
    g_test_add_func("/qmp-frame/garbage-is-not-qmp", test_garbage);
    g_test_add_func("/qmp-frame/length-is-limited", test_too_long);
    g_test_add_func("/qmp-frame/depth-is-limited", test_too_deep);
    return g_test_run();
}
