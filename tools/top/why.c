/*
 * RAMinate: raminate-top asks why a page is where it is
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <curses.h>
#include <string.h>

#include "lib/page-info.h"
#include "live-state.h"

#define MAX_TYPED 20

#define KEY_CTRL_H 8
#define KEY_ESCAPE 27
#define KEY_DELETE 127

/* What was asked, until it is answered */
typedef struct Question {
    Live *live;
    char *container;
    guint64 page_size;
} Question;

void live_end_why(Live *live)
{
    if (live->why) {
        g_free(live->why->container);
        g_free(live->why->text);
        g_clear_pointer(&live->why, g_free);
    }
}

/*
 * Shows what was typed so far.
 * @range: the one that is chosen instead, or -1
 */
static void prompt(Live *live, GString *typed, int range)
{
    HotRange ranges[HOTTEST_MAX];
    const char *how = screen_ranges(&live->view, ranges)
                      ? "Up, down, Enter; page, address"
                      : "Page, or address in bytes";

    live_set_message(live, g_strdup_printf("Why?  %s (0x..., 1.5G), Esc to go "
                                           "back: %s_", how, typed->str));
    live->typed = typed;
    live->view.range = range;
}

/* Returns: the range nearest to @i of those that are shown, or -1. */
static int nearest_range(const Live *live, int i)
{
    HotRange ranges[HOTTEST_MAX];

    return CLAMP(i, -1, screen_ranges(&live->view, ranges) - 1);
}

void live_ask_page(Live *live)
{
    if (live_has_container(live)) {
        prompt(live, g_string_new(NULL), nearest_range(live, 0));
    }
}

static void answered(const GError *error, JsonNode *result, void *opaque)
{
    Question *question = opaque;
    Live *live = question->live;
    g_autoptr(GError) wrong = NULL;
    g_autoptr(PageInfo) page = result ? page_info_parse(result, &wrong) : NULL;

    if (error || wrong) {
        live_set_message(live, g_strdup((error ? error : wrong)->message));
    } else {
        live_end_why(live);
        live->why = g_new0(WhyPage, 1);
        live->why->container = g_strdup(question->container);
        live->why->page = page->page;
        live->why->address = page->page * question->page_size;
        live->why->heat = page->heat;
        live->why->text = page->why
            ? g_strdup(page->why)
            : g_strdup_printf("It is in %s; this QEMU does not say why.",
                              page->tier);
        live_set_message(live, NULL);
    }
    g_free(question->container);
    g_free(question);
}

/* Returns: what a suffix multiplies by, 0 if it is none. */
static double unit_of(const char *suffix)
{
    static const char units[] = "KMGT";
    const char *unit = *suffix ? strchr(units, g_ascii_toupper(*suffix)) : NULL;

    return unit && !suffix[1] ? (double)(G_GUINT64_CONSTANT(1) <<
                                         10 * (unit - units + 1)) : 0;
}

/* Returns: whether @text names one of @info's pages: see prompt(). */
static gboolean parse_page(const char *text, const ContainerInfo *info,
                           guint64 *page)
{
    guint64 page_size = MAX(info->page_size, 1);
    char *end;
    double number;

    if (g_ascii_strncasecmp(text, "0x", 2) == 0) {
        *page = g_ascii_strtoull(text, &end, 16) / page_size;
        return text[2] && !*end && *page < info->size / page_size;
    }
    number = g_ascii_strtod(text, &end);
    if (end == text || !(number >= 0 && number <= 1e18)) {
        return FALSE;
    }
    if (*end) {
        number = number * unit_of(end) / page_size;
        if (unit_of(end) == 0) {
            return FALSE;
        }
    }
    *page = number;
    return *page < info->size / page_size;
}

static void ask(Live *live, guint64 page)
{
    Row *row = live_selected_row(live);
    Question *question = g_new0(Question, 1);

    question->live = live;
    question->container = g_strdup_printf("%s/%s", row->vm->name, row->id);
    question->page_size = row->info->page_size;
    vm_query_page((Vm *)row->vm, row->id, page, answered, question);
}

static void ask_for_typed(Live *live, const char *typed)
{
    Row *row = live_selected_row(live);
    guint64 page;

    if (parse_page(typed, row->info, &page)) {
        ask(live, page);
    } else {
        live_set_message(live, g_strdup_printf("'%s' is no page of %s", typed,
                                               row->id));
    }
}

/* Asks for the first page of a range. */
static void ask_for_range(Live *live, int range)
{
    HotRange ranges[HOTTEST_MAX];

    if (range >= 0 && range < screen_ranges(&live->view, ranges)) {
        ask(live, ranges[range].first * live->answers.map->pages_per_bucket);
    }
}

/* Takes what was typed, or chosen. */
static void enter(Live *live, const char *typed, int range)
{
    if (!live_has_container(live)) {
        return;
    }
    if (*typed) {
        ask_for_typed(live, typed);
    } else {
        ask_for_range(live, range);
    }
}

void live_type_page(Live *live, int key)
{
    GString *typed = g_steal_pointer(&live->typed);
    int range = live->view.range;

    live->view.range = -1;
    if (key == KEY_UP || key == KEY_DOWN) {
        g_string_truncate(typed, 0);
        range = nearest_range(live, MAX(range + (key == KEY_UP ? -1 : 1), 0));
    } else if (key == KEY_BACKSPACE || key == KEY_DELETE || key == KEY_CTRL_H) {
        g_string_truncate(typed, typed->len ? typed->len - 1 : 0);
    } else if (key > ' ' && key < KEY_DELETE && typed->len < MAX_TYPED) {
        g_string_append_c(typed, key);
        range = -1;
    } else if (key == '\n' || key == '\r' || key == KEY_ENTER ||
               key == KEY_ESCAPE) {
        live_set_message(live, NULL);
        if (key != KEY_ESCAPE) {
            enter(live, typed->str, range);
        }
        g_string_free(typed, TRUE);
        return;
    }
    prompt(live, typed, range);
}
