/*
 * RAMinate: what the keys of raminate-top do
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <curses.h>
#include <string.h>

#include "hw/raminate/policy/policy.h"
#include "live-state.h"

#define MAX_ZOOM 16

typedef struct Change {
    Live *live;
    char *done;                 /* what to say if it works */
} Change;

static void changed(const GError *error, JsonNode *result, void *opaque)
{
    Change *change = opaque;

    live_set_message(change->live, error ? g_strdup(error->message)
                                         : g_steal_pointer(&change->done));
    g_free(change->done);
    g_free(change);
}

static void G_GNUC_PRINTF(4, 5)
change(Live *live, const char *property, JsonNode *value,
       const char *format, ...)
{
    Row *row = live_selected_row(live);
    Change *request = g_new0(Change, 1);
    va_list args;

    va_start(args, format);
    request->live = live;
    request->done = g_strdup_vprintf(format, args);
    va_end(args);
    vm_set((Vm *)row->vm, row->id, property, value, changed, request);
}

gboolean live_has_container(Live *live)
{
    Row *row = live_selected_row(live);

    if (!row || !row->info || row->vm->error) {
        live_set_message(live, g_strdup("There is no container here."));
        return FALSE;
    }
    return TRUE;
}

static void pause_or_go_on(Live *live)
{
    Row *row = live_selected_row(live);
    gboolean on;

    if (live_has_container(live)) {
        on = strcmp(row->info->state, "off") == 0;
        change(live, "monitor",
               json_node_init_boolean(json_node_alloc(), on), "%s/%s: %s",
               row->vm->name, row->id,
               on ? "Placement goes on." : "Placement is paused.");
    }
}

/* Asks for the number of a policy; any other key leaves it as it is. */
static void ask_policy(Live *live)
{
    const RaminatePolicyOps *const *policies = raminate_policy_list();
    g_autoptr(GString) text = g_string_new(NULL);
    Row *row = live_selected_row(live);
    unsigned i;

    if (live_has_container(live)) {
        g_string_append_printf(text, "Policy, now %s:", row->info->policy);
        for (i = 0; policies[i]; i++) {
            g_string_append_printf(text, " %u %s", i + 1, policies[i]->name);
        }
        live_set_message(live, g_strdup(text->str));
        live->asks_policy = TRUE;
    }
}

static void set_policy(Live *live, int key)
{
    const RaminatePolicyOps *const *policies = raminate_policy_list();
    const char *policy = NULL;
    Row *row = live_selected_row(live);
    int i;

    for (i = 0; policies[i]; i++) {
        if (key == '1' + i) {
            policy = policies[i]->name;
        }
    }
    live_set_message(live, NULL);
    if (policy && live_has_container(live)) {
        change(live, "policy",
               json_node_init_string(json_node_alloc(), policy),
               "%s/%s: The policy is %s.", row->vm->name, row->id, policy);
    }
}

static void move_map(Live *live, double by)
{
    double part = 1.0 / (1u << live->view.zoom);

    live->view.from = CLAMP(live->view.from + by * part, 0, 1 - part);
}

static void zoom_map(Live *live, int by)
{
    double middle = live->view.from + 0.5 / (1u << live->view.zoom);

    live->view.zoom = CLAMP((int)live->view.zoom + by, 0, MAX_ZOOM);
    live->view.from = middle;
    move_map(live, -0.5);
    live->next_at = 0;
}

static void show_pane(Live *live, unsigned by)
{
    live->view.pane = (live->view.pane + by) % NR_PANES;
    live->next_at = 0;
}

static void handle_view_key(Live *live, int key)
{
    View *view = &live->view;

    switch (key) {
    case KEY_UP:
    case 'k':
        live_select_row(live, MAX(view->selected - 1, 0));
        break;
    case KEY_DOWN:
    case 'j':
        live_select_row(live, view->selected + 1);
        break;
    case KEY_LEFT:
        move_map(live, -0.25);
        break;
    case KEY_RIGHT:
        move_map(live, 0.25);
        break;
    case '+':
    case '=':
        zoom_map(live, 1);
        break;
    case '-':
        zoom_map(live, -1);
        break;
    case 's':
        view->sort = (view->sort + 1) % ROW_NR_SORTS;
        live_sort_rows(live);
        break;
    case 'r':
        view->reverse = !view->reverse;
        live_sort_rows(live);
        break;
    case 'h':
        view->hottest = !view->hottest;
        break;
    case '\t':
        show_pane(live, 1);
        break;
    case KEY_BTAB:
        show_pane(live, NR_PANES - 1);
        break;
    case 'm':
        view->map_only = !view->map_only;
        live->next_at = 0;
        break;
    case '?':
        view->help = !view->help;
        break;
    }
}

void live_handle_key(Live *live, int key)
{
    if (live->asks_policy) {
        set_policy(live, key);
        return;
    }
    if (live->typed) {
        live_type_page(live, key);
        return;
    }
    if (live->why) {
        live_end_why(live);
        if (key != 'w') {
            return;
        }
    }
    if (live->replay && live_replay_key(live, key)) {
        return;
    }
    switch (key) {
    case 'q':
        g_main_loop_quit(live->loop);
        break;
    case 'p':
        pause_or_go_on(live);
        break;
    case 'c':
        ask_policy(live);
        break;
    case 'w':
        live_ask_page(live);
        break;
    default:
        handle_view_key(live, key);
        break;
    }
}
