/*
 * RAMinate: how hot which part of a running guest's RAM is, for a while
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib-unix.h>
#include <signal.h>

#include "ask.h"
#include "history-picture.h"
#include "lib/text.h"
#include "watch.h"

/* A scan is made every second by default: more often, there is nothing new. */
#define MIN_PERIOD_MS 1000

#define MAX_HEAT 255.0f

/* What has been seen so far */
typedef struct Watch {
    GPtrArray *maps;            /* MapInfo, all with as many buckets */
    gint64 start;
    gint64 end;                 /* of the last map */
    gboolean is_over;           /* time has passed, or a signal came */
    gboolean is_time;           /* for the next map */
} Watch;

static gboolean told_to_end(gpointer opaque)
{
    Watch *watch = opaque;

    watch->is_over = TRUE;
    return G_SOURCE_CONTINUE;
}

static gboolean time_for_next(gpointer opaque)
{
    Watch *watch = opaque;

    watch->is_time = TRUE;
    return G_SOURCE_CONTINUE;
}

static unsigned nr_buckets(const Watch *watch)
{
    const MapInfo *first = g_ptr_array_index(watch->maps, 0);

    return first->nr_buckets;
}

/* Returns: whether another map may follow. */
static gboolean take_map(Watch *watch, Vm *vm, const char *container,
                         unsigned rows, GError **error)
{
    MapInfo *map = ask_map(vm, container, rows, error);

    if (!map) {
        return FALSE;
    }
    watch->end = g_get_monotonic_time();
    g_ptr_array_add(watch->maps, map);
    /* Another guest may have come in the place of this one. */
    if (map->nr_buckets != nr_buckets(watch)) {
        g_ptr_array_set_size(watch->maps, watch->maps->len - 1);
        return FALSE;
    }
    return TRUE;
}

/* Takes a map each @period_ms, for @over_ms. */
static void take_maps(Watch *watch, Vm *vm, const char *container,
                      unsigned period_ms, unsigned over_ms, unsigned rows,
                      GError **error)
{
    guint sources[] = {
        g_timeout_add(period_ms, time_for_next, watch),
        g_timeout_add(over_ms + period_ms / 2, told_to_end, watch),
        g_unix_signal_add(SIGINT, told_to_end, watch),
        g_unix_signal_add(SIGTERM, told_to_end, watch),
    };
    unsigned i;

    watch->start = g_get_monotonic_time();
    while (!watch->is_over && take_map(watch, vm, container, rows, error)) {
        while (!watch->is_time && !watch->is_over) {
            g_main_context_iteration(NULL, TRUE);
        }
        watch->is_time = FALSE;
    }
    for (i = 0; i < G_N_ELEMENTS(sources); i++) {
        g_source_remove(sources[i]);
    }
}

/* Returns: the maps as a history, each of which is a column. */
static History *make_history(const Watch *watch, const ContainerInfo *info,
                             gboolean hottest)
{
    History *history = g_new0(History, 1);
    unsigned row, column;

    history->columns = watch->maps->len;
    history->rows = nr_buckets(watch);
    history->shares = g_new0(float, (size_t)history->columns * history->rows);
    history->watched = g_new0(bool, history->columns);
    history->duration_ms = (watch->end - watch->start) / 1000;
    history->page_size = MAX(info->page_size, 1);
    history->nr_pages = info->size / history->page_size;
    for (column = 0; column < history->columns; column++) {
        const MapInfo *map = g_ptr_array_index(watch->maps, column);

        history->watched[column] = true;
        for (row = 0; row < history->rows; row++) {
            const MapBucket *bucket = &map->buckets[row];

            history->shares[(size_t)row * history->columns + column] =
                (hottest ? bucket->hottest : bucket->heat) / MAX_HEAT;
        }
    }
    return history;
}

static gboolean draw(const Watch *watch, const Picture *picture,
                     const ContainerInfo *info, const char *path,
                     GError **error)
{
    g_autoptr(History) history = make_history(watch, info, picture->hottest);
    g_autofree char *size = text_size(info->size);
    g_autofree char *figures =
        g_strdup_printf("%s, %u maps in %.1f s, policy %s", size,
                        watch->maps->len, history->duration_ms / 1000.0,
                        info->policy);
    HistoryTexts texts = {
        .title = picture->title,
        .figures = figures,
        .least = picture->hottest ? "Hottest page: cold" : "Heat: cold",
        .most = "written by every scan",
    };

    return history_picture_draw(history, &texts, path, picture->width,
                                picture->height, error);
}

gboolean watch_write(const Picture *picture, Vm *vm, const ContainerInfo *info,
                     double seconds, const char *path, GError **error)
{
    g_autoptr(GPtrArray) maps =
        g_ptr_array_new_with_free_func((GDestroyNotify)map_info_free);
    g_autoptr(GError) ended = NULL;
    Watch watch = { .maps = maps };
    unsigned columns, rows, period_ms;

    history_picture_cells(picture->width, picture->height, &columns, &rows);
    period_ms = MAX(seconds * 1000 / MAX(columns, 1), MIN_PERIOD_MS);
    take_maps(&watch, vm, info->id, period_ms, seconds * 1000, rows, &ended);
    if (!maps->len) {
        g_propagate_error(error, g_steal_pointer(&ended));
        return FALSE;
    }
    if (ended) {
        text_complain("raminate-map", ended->message);
    }
    return draw(&watch, picture, info, path, error);
}
