/*
 * RAMinate: answers on pages, use and moves are understood, others refused
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "lib/page-info.h"
#include "lib/use-info.h"

#define PAGE "{'page': 7, 'tier': 't', 'heat': 255, 'why': 'so'}"
#define USE \
    "{'id': 'c', 'since': 1, 'granule': 2, 'minute': 3, 'ten-minutes': 4," \
    " 'hour': 5, 'enough': [{'share': 50, 'size': 6}," \
    " {'share': 100, 'size': 7}]}"
#define MOVES \
    "[{'page': 1, 'ms-ago': 2, 'reason': 'promote', 'policy': 'cmq'," \
    " 'from': 's', 'to': 'f', 'with': 3, 'heat': 4}," \
    " {'page': 5, 'ms-ago': 6, 'reason': 'resize', 'from': 'f', 'to': 's'," \
    " 'heat': 0}]"

/* JSON has quotes that C cannot have without effort. */
static JsonNode *parse(const char *text)
{
    g_autofree char *json = g_strdelimit(g_strdup(text), "'", '"');
    JsonNode *node = json_from_string(json, NULL);

    g_assert_nonnull(node);
    return node;
}

/* Returns: @text with @from replaced once. */
static JsonNode *parse_replaced(const char *text, const char *from,
                                const char *to)
{
    g_autoptr(GString) changed = g_string_new(text);

    g_assert_cmpuint(g_string_replace(changed, from, to, 1), ==, 1);
    return parse(changed->str);
}

static void test_page(void)
{
    g_autoptr(JsonNode) node = parse(PAGE);
    g_autoptr(JsonNode) old = parse_replaced(PAGE, ", 'why': 'so'", "");
    g_autoptr(PageInfo) page = page_info_parse(node, NULL);
    g_autoptr(PageInfo) old_page = page_info_parse(old, NULL);

    g_assert_cmpuint(page->page, ==, 7);
    g_assert_cmpstr(page->tier, ==, "t");
    g_assert_cmpuint(page->heat, ==, 255);
    g_assert_cmpstr(page->why, ==, "so");
    g_assert_null(old_page->why);
}

static void test_use(void)
{
    g_autoptr(JsonNode) node = parse(USE);
    g_autofree UseInfo *use = use_info_parse(node, NULL);

    g_assert_cmpuint(use->since, ==, 1);
    g_assert_cmpuint(use->granule, ==, 2);
    g_assert_cmpuint(use->minute, ==, 3);
    g_assert_cmpuint(use->ten_minutes, ==, 4);
    g_assert_cmpuint(use->hour, ==, 5);
    g_assert_cmpuint(use->nr_enough, ==, 2);
    g_assert_cmpuint(use->enough[0].share, ==, 50);
    g_assert_cmpuint(use->enough[1].size, ==, 7);
}

static void test_moves(void)
{
    g_autoptr(JsonNode) node = parse(MOVES);
    g_autoptr(JsonNode) none = parse("[]");
    g_autoptr(GPtrArray) moves = moves_info_parse(node, NULL);
    g_autoptr(GPtrArray) no_moves = moves_info_parse(none, NULL);
    const MoveInfo *move = g_ptr_array_index(moves, 0);

    g_assert_cmpuint(no_moves->len, ==, 0);
    g_assert_cmpuint(moves->len, ==, 2);
    g_assert_cmpuint(move->page, ==, 1);
    g_assert_cmpuint(move->ms_ago, ==, 2);
    g_assert_cmpstr(move->reason, ==, "promote");
    g_assert_cmpstr(move->policy, ==, "cmq");
    g_assert_cmpstr(move->from, ==, "s");
    g_assert_cmpstr(move->to, ==, "f");
    g_assert_true(move->has_with);
    g_assert_cmpuint(move->with, ==, 3);
    g_assert_cmpuint(move->heat, ==, 4);
    move = g_ptr_array_index(moves, 1);
    g_assert_null(move->policy);
    g_assert_false(move->has_with);
}

/* Returns: what is said of a wrong answer, to be freed. */
static char *refused(const char *text, const char *from, const char *to)
{
    g_autoptr(JsonNode) node = parse_replaced(text, from, to);
    g_autoptr(GError) error = NULL;

    if (g_str_has_prefix(text, "{'page'")) {
        g_assert_null(page_info_parse(node, &error));
    } else if (*text == '{') {
        g_assert_null(use_info_parse(node, &error));
    } else {
        g_assert_null(moves_info_parse(node, &error));
    }
    g_assert_nonnull(error);
    return g_strdup(error->message);
}

/* Once for each wrong value that a member may have */
static void assert_refused(const char *text, const char *from, const char *to,
                           const char *member)
{
    g_autofree char *message = refused(text, from, to);
    g_autofree char *expected = g_strdup_printf("no proper '%s'", member);

    if (!strstr(message, expected)) {
        g_error("'%s' is not in '%s'", expected, message);
    }
}

static void test_wrong(void)
{
    g_autofree char *long_text = g_strnfill(4097, 'x');
    g_autoptr(GString) many = g_string_new("[{'share': 1, 'size': 1}");
    g_autofree char *why = g_strdup_printf("'%s'", long_text);

    assert_refused(PAGE, "7", "-1", "page");
    assert_refused(PAGE, "'t'", "5", "tier");
    assert_refused(PAGE, "255", "256", "heat");
    assert_refused(PAGE, "'so'", "null", "why");
    assert_refused(PAGE, "'so'", why, "why");
    assert_refused(PAGE, PAGE, "[]", "return");
    assert_refused(USE, "'since': 1", "'since': '1'", "since");
    assert_refused(USE, "'granule': 2", "'x': 2", "granule");
    assert_refused(USE, "3", "3.5", "minute");
    assert_refused(USE, "4", "-4", "ten-minutes");
    assert_refused(USE, "5,", "{},", "hour");
    assert_refused(USE, "50", "101", "share");
    assert_refused(USE, "'size': 6", "'x': 6", "size");
    assert_refused(USE, "{'share': 50, 'size': 6}", "5", "enough");
    assert_refused(USE, USE, "5", "return");
    for (int i = 0; i < USE_MAX_SHARES; i++) {
        g_string_append(many, ", {'share': 1, 'size': 1}");
    }
    assert_refused(USE, "[{'share': 50, 'size': 6}", many->str, "enough");
    assert_refused(MOVES, "1", "-1", "page");
    assert_refused(MOVES, "2", "''", "ms-ago");
    assert_refused(MOVES, "promote", "\033[m", "reason");
    assert_refused(MOVES, "'cmq'", "5", "policy");
    assert_refused(MOVES, "'s'", "5", "from");
    assert_refused(MOVES, "'f'", "[]", "to");
    assert_refused(MOVES, "3", "-3", "with");
    assert_refused(MOVES, "'heat': 4", "'x': 4", "heat");
    assert_refused(MOVES, MOVES, "{}", "return");
    assert_refused(MOVES, MOVES, "[5]", "return");
}

static void test_too_many_moves(void)
{
    g_autoptr(GString) text = g_string_new("[{}");

    for (int i = 0; i < MOVES_MAX; i++) {
        g_string_append(text, ", {}");
    }
    g_string_append_c(text, ']');
    assert_refused(MOVES, MOVES, text->str, "return");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/use-info/page", test_page);
    g_test_add_func("/use-info/use", test_use);
    g_test_add_func("/use-info/moves", test_moves);
    g_test_add_func("/use-info/wrong", test_wrong);
    g_test_add_func("/use-info/too-many-moves", test_too_many_moves);
    return g_test_run();
}
