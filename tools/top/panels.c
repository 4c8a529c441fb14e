/*
 * RAMinate: what raminate-top shows in place of all else
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <curses.h>
#include <string.h>

#include "lib/text.h"
#include "screen-parts.h"

void screen_draw_help(void)
{
    static const char *const lines[] = {
        "up, down      select a container",
        "s, r          sort by the next figure; reverse",
        "+, -          zoom the map in and out",
        "left, right   move along the memory",
        "Tab           map, use of memory, hottest ranges, last moves",
        "m             that only, and back",
        "h             heat of the hottest page, or the mean",
        "p             pause placement, and go on",
        "c             change the policy",
        "w             why a page is where it is; among the hottest ranges,",
        "              up and down choose one",
        "q             quit",
        "space, <, >   with --replay: stop and go on; slower, faster",
        "Home          with --replay: from the start",
        "",
        "Map: a sign is a part of guest RAM.",
        "oO0@ in fast memory (blue), .:+# in slow memory (orange),",
        "-=%& in both (violet); the denser and brighter, the hotter.",
        "# is what should move.",
    };
    unsigned i;

    for (i = 0; i < G_N_ELEMENTS(lines) && (int)i < LINES - 2; i++) {
        screen_put_line(1 + i, A_NORMAL, "%s", lines[i]);
    }
}

/* Returns: the line behind the last one. */
static int draw_text(int y, const char *text)
{
    g_autofree char *clean = text_clean(text, screen_utf8);
    const char *p = clean;

    while (*p && y < LINES - 1) {
        gsize length = text_line(p, MAX(COLS, 1));
        g_autofree char *line = g_strndup(p, length);

        screen_put(y++, 0, COLS, A_NORMAL, line);
        p += length;
        p += strspn(p, " ");
    }
    return y;
}

void screen_draw_why(const View *view)
{
    const WhyPage *why = view->why;
    g_autofree char *at = text_size(why->address);
    int y = 1;

    if (y < LINES - 1) {
        screen_put_line(y, A_BOLD, "%s: page %" G_GUINT64_FORMAT " at %s (0x%"
                        G_GINT64_MODIFIER "x), heat %" G_GUINT64_FORMAT
                        " of 255", why->container, why->page, at, why->address,
                        why->heat);
    }
    y = draw_text(y + 1, why->text);
    draw_text(y + 1, "Any key goes back; w asks for another page.");
}
