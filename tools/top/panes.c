/*
 * RAMinate: what raminate-top shows in the place of the map
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <curses.h>

#include "lib/text.h"
#include "screen-parts.h"

#define BAR_COLUMNS 30
#define HEAT_COLUMNS 10
#define MAX_HEAT 255
#define MINUTE_MS 60000

/* Returns: a bar of @columns, full at @all, to be freed. */
static char *bar(double value, double all, unsigned columns)
{
    double part = all > 0 ? MIN(value / all, 1) : 0;

    return g_strnfill(part * columns + 0.5, '#');
}

/* The use of memory */

static void draw_windows(const UseInfo *use, int y)
{
    g_autofree char *minute = text_size(use->minute);
    g_autofree char *ten_minutes = text_size(use->ten_minutes);
    g_autofree char *hour = text_size(use->hour);

    screen_put_line(y, A_NORMAL, "Used in the last minute %s, 10 min %s, 1 h "
                    "%s; known for %" G_GUINT64_FORMAT " min", minute,
                    ten_minutes, hour, use->since / MINUTE_MS);
}

static void draw_enough(const EnoughInfo *enough, const ContainerInfo *info,
                        int y)
{
    g_autofree char *size = text_size(enough->size);
    g_autofree char *filled = bar(enough->size, info->size, BAR_COLUMNS);

    screen_put_line(y, A_NORMAL, "%3" G_GUINT64_FORMAT " %%  %9s [%-*s] %s",
                    enough->share, size, BAR_COLUMNS, filled,
                    enough->size <= info->tiers[0].size ? "fits" : "");
}

static void draw_use(const UseInfo *use, const ContainerInfo *info, int y,
                     int lines)
{
    g_autofree char *fast = text_size(info->tiers[0].size);
    g_autofree char *granule = text_size(use->granule);
    int i;

    draw_windows(use, y);
    if (lines > 1) {
        screen_put_line(y + 1, A_BOLD, "So much fast memory is enough for this "
                        "part of what is used; there is %s", fast);
    }
    for (i = 0; i < (int)use->nr_enough && i + 2 < lines; i++) {
        draw_enough(&use->enough[i], info, y + 2 + i);
    }
    if (i + 2 < lines) {
        screen_put_line(y + 2 + i, A_NORMAL, "Estimates: a page stands for %s",
                        granule);
    }
}

/* The hottest ranges */

int screen_ranges(const View *view, HotRange *ranges)
{
    int room = screen_pane_lines(view) - 1;     /* without the head */

    if (view->pane != PANE_HOTTEST || !view->answers || !view->answers->map) {
        return 0;
    }
    return hottest_ranges(view->answers->map, ranges,
                          CLAMP(room, 0, HOTTEST_MAX));
}

static void draw_range(const HotRange *range, const MapInfo *map,
                       const ContainerInfo *info, int y, attr_t attributes)
{
    double each = (double)info->size / map->nr_buckets;
    g_autofree char *first = text_size(range->first * each);
    g_autofree char *size = text_size(range->nr * each);
    g_autofree char *filled = bar(range->heat, MAX_HEAT, HEAT_COLUMNS);

    screen_put_line(y, attributes, "%10s %10s  %3.0f [%-*s] %3u  %3.0f %%",
                    first, size, range->heat, HEAT_COLUMNS, filled,
                    range->hottest, 100 * range->fast);
}

static void draw_hottest(const View *view, const ContainerInfo *info, int y)
{
    HotRange ranges[HOTTEST_MAX];
    int nr = screen_ranges(view, ranges);
    int i;

    screen_put_line(y, A_BOLD, "%10s %10s  %-16s %s  %s", "FROM", "SIZE",
                    "HEAT OF 255", "MAX", "FAST");
    for (i = 0; i < nr; i++) {
        draw_range(&ranges[i], view->answers->map, info, y + 1 + i,
                   i == view->range ? A_REVERSE : A_NORMAL);
    }
}

/* The last moves */

static void draw_move(const MoveInfo *move, int y)
{
    g_autofree char *with = move->has_with
        ? g_strdup_printf(" for %" G_GUINT64_FORMAT, move->with)
        : g_strdup("");

    screen_put_line(y, A_NORMAL, "%8.1f s ago  %-8s %10" G_GUINT64_FORMAT
                    "%s, %s > %s, heat %" G_GUINT64_FORMAT "%s%s",
                    move->ms_ago / 1000.0, move->reason, move->page, with,
                    move->from, move->to, move->heat,
                    move->policy ? ", " : "", move->policy ? move->policy : "");
}

static void draw_moves(const GPtrArray *moves, int y, int lines)
{
    unsigned i;

    screen_put_line(y, A_BOLD, "%s", moves->len
                    ? "      WHEN     WHY            PAGE"
                    : "No page has moved lately.");
    for (i = 0; i < moves->len && (int)i + 1 < lines; i++) {
        draw_move(g_ptr_array_index(moves, i), y + 1 + i);
    }
}

void screen_draw_pane(const View *view, const ContainerInfo *info, int y,
                      int lines)
{
    const Answers *answers = view->answers;

    if (view->pane == PANE_USE && answers && answers->use) {
        draw_use(answers->use, info, y, lines);
    } else if (view->pane == PANE_HOTTEST && answers && answers->map) {
        draw_hottest(view, info, y);
    } else if (view->pane == PANE_MOVES && answers && answers->moves) {
        draw_moves(answers->moves, y, lines);
    }
}
