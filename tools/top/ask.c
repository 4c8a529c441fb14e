/*
 * RAMinate: raminate-top asks for what a pane shows
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <curses.h>

#include "live-state.h"

/*
 * QEMU's main loop makes the answers.  They are not asked for so often that
 * this would take more than a twentieth of its time.
 */
#define REST 20

/* Parts of memory of which the hottest are looked for */
#define HOTTEST_BUCKETS 8192

/* More moves than any screen has lines */
#define MOVES_SHOWN 200

static void record(Live *live, JsonNode *result)
{
    g_autoptr(GError) error = NULL;

    if (live->record) {
        session_add_answer(live->record, live->asked_vm, live->asked_id,
                           live->asked_pane, &live->answers, result, &error);
        live_end_record(live, error);
    }
}

/* While one of the ranges is chosen, they stay as they are. */
static gboolean is_held(const Live *live)
{
    return live->view.range >= 0;
}

static void answered(const GError *error, JsonNode *result, void *opaque)
{
    Live *live = opaque;
    gint64 now = g_get_monotonic_time();
    g_autoptr(GError) wrong = NULL;

    live->next_at = now + REST * (now - live->asked_at);
    live->asked_at = 0;
    if (live->asked_vm != live->vm ||
        g_strcmp0(live->asked_id, live->id) != 0 ||
        live->asked_pane != live->view.pane || is_held(live)) {
        live->next_at = 0;
        return;
    }
    if (error) {
        live_set_message(live, g_strdup(error->message));
        answers_clear(&live->answers);
    } else if (answers_take(&live->answers, live->asked_pane, result,
                            &wrong)) {
        record(live, result);
    } else {
        live_set_message(live, g_strdup(wrong->message));
    }
    live_draw_soon(live);
}

static void ask_for_pane(Live *live, Vm *vm, unsigned cells)
{
    const char *id = live->asked_id;

    switch (live->asked_pane) {
    case PANE_USE:
        vm_query_working_set(vm, id, answered, live);
        break;
    case PANE_MOVES:
        vm_query_moves(vm, id, MOVES_SHOWN, answered, live);
        break;
    case PANE_HOTTEST:
        vm_query_map(vm, id, HOTTEST_BUCKETS, answered, live);
        break;
    default:
        vm_query_map(vm, id,
                     MIN((guint64)cells << live->view.zoom, INFO_MAX_BUCKETS),
                     answered, live);
        break;
    }
}

void live_ask(Live *live, Vm *vm)
{
    Row *row = live_selected_row(live);
    unsigned cells = screen_map_cells(&live->view);
    gint64 now = g_get_monotonic_time();

    if (!row || row->vm != vm || !row->info || vm->error || !cells ||
        live->asked_at || now < live->next_at || is_held(live)) {
        return;
    }
    live->asked_pane = live->view.pane;
    live->asked_vm = vm;
    g_free(live->asked_id);
    live->asked_id = g_strdup(row->id);
    live->asked_at = now;
    ask_for_pane(live, vm, cells);
}
