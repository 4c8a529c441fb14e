/*
 * RAMinate: the screen of raminate-top
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <curses.h>
#include <gio/gio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/heatmap.h"
#include "lib/text.h"
#include "screen-parts.h"

/* Room for the address at the left of the map. */
#define ADDRESS_COLUMNS 9
#define MIN_COLUMNS_FOR_ADDRESS 40

/* A slow tier has one of these sets of colours. */
#define SLOW_COLOURS 3
#define NR_COLOUR_SETS (2 + SLOW_COLOURS)

typedef struct Layout {
    int list;                   /* lines of the table, with its head */
    int detail;
    int map;
    int legend;
} Layout;

static SCREEN *terminal;
gboolean screen_utf8;
static gboolean colour;

/*
 * Of 256 colours: the sign's where it is cold, then backgrounds, ever hotter;
 * and one of eight colours for the sign alone.  Fast and slow are told apart
 * by those, too, who cannot tell red from green; raminate-map has the same
 * colours.
 */
static const struct {
    short bright[HEATMAP_LEVELS];
    short plain;
} colour_sets[NR_COLOUR_SETS] = {
    { { 32, 25, 33, 117 }, COLOR_CYAN },
    { { 97, 96, 133, 183 }, COLOR_MAGENTA },
    { { 130, 130, 208, 222 }, COLOR_YELLOW },
    { { 28, 28, 71, 120 }, COLOR_GREEN },
    { { 100, 100, 142, 228 }, COLOR_RED },
};

#define COLD_BACKGROUND 234

/* Signs on the other backgrounds: to be seen, but not before the colours. */
static const short sign_colours[HEATMAP_LEVELS] = { 0, 250, 16, 16 };

static short pair_of(unsigned set, unsigned level)
{
    return 1 + set * HEATMAP_LEVELS + level;
}

static void open_colours(void)
{
    unsigned set, level;

    colour = has_colors() && !getenv("NO_COLOR") && start_color() == OK;
    if (!colour) {
        return;
    }
    use_default_colors();
    for (set = 0; set < NR_COLOUR_SETS; set++) {
        for (level = 0; level < HEATMAP_LEVELS; level++) {
            short sign = sign_colours[level];
            short ground = colour_sets[set].bright[level];

            if (COLORS < 256) {
                sign = colour_sets[set].plain;
                ground = -1;
            } else if (level == 0) {
                sign = ground;
                ground = COLD_BACKGROUND;
            }
            init_pair(pair_of(set, level), sign, ground);
        }
    }
}

/* For one that can't put its cursor anywhere, ncurses would just print. */
static gboolean can_address_cursor(void)
{
    const char *move = tigetstr("cup");

    return move && move != (char *)-1 && tigetflag("hc") <= 0;
}

gboolean screen_open(gboolean is_utf8, GError **error)
{
    terminal = newterm(NULL, stdout, stdin);
    if (terminal && !can_address_cursor()) {
        delscreen(terminal);
        terminal = NULL;
    }
    if (!terminal) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                    "the terminal '%s' can't show a screen; set TERM, or use "
                    "--once or --batch",
                    getenv("TERM") ? getenv("TERM") : "");
        return FALSE;
    }
    screen_utf8 = is_utf8;
    set_escdelay(25);
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    curs_set(0);
    open_colours();
    return TRUE;
}

void screen_close(void)
{
    endwin();
    delscreen(terminal);
}

void screen_resize(void)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row &&
        size.ws_col) {
        resizeterm(size.ws_row, size.ws_col);
    }
    clearok(stdscr, TRUE);
}

int screen_key(void)
{
    return getch();
}

/* Layout */

static Layout layout(const View *view)
{
    const Row *row = view->selected < 0 ? NULL
                     : g_ptr_array_index(view->rows, view->selected);
    int nr_tiers = row && row->info ? row->info->nr_tiers : 0;
    int room = MAX(LINES - 2, 0);       /* without the first and the last */
    Layout lines = { 0 };

    if (view->map_only) {
        lines.legend = room > 2;
        lines.map = room - lines.legend;
        return lines;
    }
    lines.list = view->rows->len + 1 + (view->rows->len > 1);
    lines.list = CLAMP(lines.list, 1, MAX(room / 3, 2));
    lines.list = MIN(lines.list, room);
    room -= lines.list;
    if (room >= DETAIL_LINES + nr_tiers + 3) {
        lines.detail = DETAIL_LINES + nr_tiers;
    } else if (room >= DETAIL_LINES + 3) {
        lines.detail = DETAIL_LINES;
    } else if (room >= 6) {
        lines.detail = 2;
    }
    room -= lines.detail;
    lines.legend = room > 2;
    lines.map = room - lines.legend;
    return lines;
}

static int address_columns(void)
{
    return COLS >= MIN_COLUMNS_FOR_ADDRESS ? ADDRESS_COLUMNS : 0;
}

unsigned screen_map_cells(const View *view)
{
    return MAX(layout(view).map * (COLS - address_columns()), 0);
}

int screen_pane_lines(const View *view)
{
    Layout lines = layout(view);

    return lines.map + lines.legend;
}

/* Puts text at a place; returns the column behind it. */
int screen_put(int y, int x, int columns, attr_t attributes, const char *text)
{
    g_autofree char *clean = text_clean(text, screen_utf8);
    g_autofree char *fit = NULL;
    int room = MAX(COLS - x, 0);

    if (columns > room) {
        columns = room;
    } else if (-columns > room) {
        columns = -room;
    }
    fit = text_fit(clean, columns);
    attrset(attributes);
    mvaddstr(y, x, fit);
    return x + abs(columns);
}

void screen_put_line(int y, attr_t attributes, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    screen_put(y, 0, COLS, attributes, text);
}

/* The table */

typedef enum Column {
    COLUMN_VM,
    COLUMN_CONTAINER,
    COLUMN_STATE,
    COLUMN_SHARE,
    COLUMN_SWAPS,
    COLUMN_POLICY,
    COLUMN_PAUSE,
    COLUMN_SAMPLER,
    COLUMN_MOVER,
    NR_COLUMNS,
} Column;

static const struct {
    const char *title;
    int columns;                /* less than 0: to the right */
} table[NR_COLUMNS] = {
    [COLUMN_VM] = { "VM", 10 },
    [COLUMN_CONTAINER] = { "CONTAINER", 10 },
    [COLUMN_STATE] = { "STATE", 7 },
    [COLUMN_SHARE] = { "SLOW%", -6 },
    [COLUMN_SWAPS] = { "SWAPS/s", -7 },
    [COLUMN_POLICY] = { "POLICY", 7 },
    [COLUMN_PAUSE] = { "PAUSE", -8 },
    [COLUMN_SAMPLER] = { "SAMPLER", 9 },
    [COLUMN_MOVER] = { "MOVER", 7 },
};

/* Returns: a bit for each column that there is room for. */
static unsigned columns_that_fit(void)
{
    static const Column by_need[NR_COLUMNS] = {
        COLUMN_VM, COLUMN_SHARE, COLUMN_STATE, COLUMN_CONTAINER,
        COLUMN_SWAPS, COLUMN_POLICY, COLUMN_PAUSE, COLUMN_SAMPLER,
        COLUMN_MOVER,
    };
    unsigned fit = 0;
    int room = COLS + 1;
    int i;

    for (i = 0; i < NR_COLUMNS; i++) {
        room -= abs(table[by_need[i]].columns) + 1;
        if (room < 0) {
            break;
        }
        fit |= 1u << by_need[i];
    }
    return fit;
}

static char *cell_text(const Row *row, Column column)
{
    switch (column) {
    case COLUMN_VM:
        return g_strdup(row->vm->name);
    case COLUMN_CONTAINER:
        return g_strdup(row->id ? row->id : "-");
    case COLUMN_STATE:
        return g_strdup(row_state(row));
    default:
        break;
    }
    if (!row->info) {
        return g_strdup("");
    }
    switch (column) {
    case COLUMN_SHARE:
        return row->slow_share < 0 ? g_strdup("-")
               : g_strdup_printf("%.1f", row->slow_share);
    case COLUMN_SWAPS:
        return row->swap_rate < 0 ? g_strdup("-")
                                  : text_count(row->swap_rate);
    case COLUMN_PAUSE:
        return text_duration(row_pause(row));
    case COLUMN_POLICY:
        return g_strdup(row->info->policy);
    case COLUMN_SAMPLER:
        return g_strdup(row->info->sampler);
    default:
        return g_strdup(row->info->mover);
    }
}

static void draw_row(int y, const Row *row, unsigned fit, attr_t attributes)
{
    int x = 0;
    int i;

    screen_put_line(y, attributes, "%s", "");
    for (i = 0; i < NR_COLUMNS; i++) {
        if (fit & (1u << i)) {
            g_autofree char *text = row ? cell_text(row, i)
                                        : g_strdup(table[i].title);

            if (row && row->vm->error && i > COLUMN_STATE) {
                screen_put(y, x, COLS - x, attributes, row->vm->error->message);
                return;
            }
            x = screen_put(y, x, table[i].columns, attributes, text) + 1;
        }
    }
    if (row && row->info && COLS > x + 8) {
        g_autofree char *line = text_sparkline(row->history, row->nr_history,
                                               COLS - x, screen_utf8);

        screen_put(y, x, COLS - x, attributes, line);
    }
}

static void draw_list(const View *view, int y, int lines)
{
    unsigned fit = columns_that_fit();
    int total = view->rows->len > 1 && lines > 3;
    int room = lines - 1 - total;
    int first = MAX(view->selected - room + 1, 0);
    int i;

    if (lines > 0) {
        draw_row(y, NULL, fit, A_UNDERLINE);
    }
    for (i = 0; i < room && first + i < (int)view->rows->len; i++) {
        draw_row(y + 1 + i, g_ptr_array_index(view->rows, first + i), fit,
                 first + i == view->selected ? A_REVERSE : A_NORMAL);
    }
    if (total) {
        screen_draw_totals(view->rows, y + 1 + room);
    }
}

/* The map's colours */

attr_t screen_cell_attributes(HeatmapCell cell, unsigned slow_tier)
{
    static const attr_t grey[HEATMAP_LEVELS] = {
        A_DIM, A_NORMAL, A_BOLD, A_BOLD | A_REVERSE,
    };
    unsigned set = cell.place;

    if (!colour) {
        return grey[cell.level];
    }
    if (cell.place == HEATMAP_SLOW) {
        set += (slow_tier - 1) % SLOW_COLOURS;
    }
    return COLOR_PAIR(pair_of(set, cell.level)) |
           (COLORS >= 256 ? A_NORMAL : grey[cell.level]);
}

/* The map */

static void draw_cell(int y, int x, const View *view, double place)
{
    const MapInfo *map = view->answers->map;
    unsigned i = place * map->nr_buckets;
    const MapBucket *bucket = &map->buckets[MIN(i, map->nr_buckets - 1)];
    HeatmapCell cell = heatmap_cell(bucket, view->hottest);

    attrset(screen_cell_attributes(cell, MAX(bucket->slow_tier, 1)));
    mvaddch(y, x, heatmap_signs[cell.place][cell.level]);
}

static void draw_map(const View *view, const ContainerInfo *info, int y,
                     int lines)
{
    int left = address_columns();
    int width = COLS - left;
    double cells = (double)lines * width;
    double part = 1.0 / (1u << view->zoom);
    int line, i;

    for (line = 0; line < lines; line++) {
        double place = view->from + part * line * width / cells;

        if (left) {
            g_autofree char *address = text_size(place * info->size);

            screen_put(y + line, 0, -(left - 1), A_NORMAL, address);
        }
        for (i = 0; i < width; i++) {
            draw_cell(y + line, left + i, view,
                      view->from + part * (line * width + i + 0.5) / cells);
        }
    }
}

static void draw_legend(const View *view, const ContainerInfo *info, int y,
                        unsigned cells)
{
    g_autofree char *each =
        text_size((double)info->size / (1u << view->zoom) / MAX(cells, 1));
    int x = 0;
    unsigned place, level;

    screen_put_line(y, A_NORMAL, "%s", "");
    for (place = 0; place < HEATMAP_NR_PLACES; place++) {
        for (level = 0; level < HEATMAP_LEVELS && x < COLS; level++) {
            HeatmapCell cell = { .place = place, .level = level };

            attrset(screen_cell_attributes(cell, 1));
            mvaddch(y, x++, heatmap_signs[place][level]);
        }
        x = screen_put(y, x + 1, 6, A_NORMAL, heatmap_place_names[place]);
    }
    x = screen_put(y, x, 15, A_NORMAL, view->hottest ? "by hottest page"
                                                     : "cold to hot");
    screen_put(y, x + 1, COLS - x - 1, A_NORMAL, each);
    screen_put(y, x + 2 + g_utf8_strlen(each, -1), 10, A_NORMAL, "a sign");
}

static void draw_pane(const View *view, const ContainerInfo *info, int y,
                      const Layout *lines)
{
    if (view->pane != PANE_MAP) {
        screen_draw_pane(view, info, y, lines->map + lines->legend);
    } else if (view->answers && view->answers->map) {
        draw_map(view, info, y, lines->map);
        if (lines->legend) {
            draw_legend(view, info, y + lines->map, screen_map_cells(view));
        }
    }
}

/* All of it */

static void draw_head(const View *view)
{
    g_autoptr(GDateTime) time =
        view->replay ? g_date_time_new_from_unix_local(view->replay_time)
                     : g_date_time_new_now_local();
    g_autofree char *now = g_date_time_format(time, "%H:%M:%S");
    g_autofree char *how = view->replay
        ? g_strdup(view->replay)
        : g_strdup_printf("every %g s", view->period / 1000.0);

    screen_put_line(0, A_BOLD, "raminate-top %s  VMs: %u  %s  by %s%s", now,
                    view->nr_vms, how, row_sort_names[view->sort],
                    view->reverse ? ", reversed" : "");
}

void screen_draw(const View *view)
{
    const Row *row = view->selected < 0 ? NULL
                     : g_ptr_array_index(view->rows, view->selected);
    Layout lines = layout(view);
    int y = 1;

    erase();
    if (LINES > 1) {
        draw_head(view);
    }
    if (view->help) {
        screen_draw_help();
    } else if (view->why) {
        screen_draw_why(view);
    } else if (row) {
        draw_list(view, y, lines.list);
        y += lines.list;
        if (lines.detail) {
            screen_draw_detail(row, y, lines.detail);
        }
        y += lines.detail;
        if (row->info && lines.map > 0) {
            draw_pane(view, row->info, y, &lines);
        }
    }
    screen_put_line(LINES - 1, view->message ? A_REVERSE : A_NORMAL, "%s",
                    view->message ? view->message
                    : view->replay ? "q quit  ? help  space stop  <> speed  "
                      "Home again  Tab more  s sort  +- zoom"
                    : "q quit  ? help  Tab more  s sort  +- zoom  m map  "
                      "p pause  c policy  w why");
    refresh();
}
