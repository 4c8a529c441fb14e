/*
 * RAMinate: what a VM says over its QMP socket
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glob.h>
#include <string.h>

#include "vm.h"

/* Bytes: enough for what is asked of each VM, and for the largest map. */
#define INFO_LIMIT (256 * 1024)
#define MAP_LIMIT (32 * 1024 * 1024)

/* "vm1" for "/run/raminate/vm1.sock" */
static char *name_of_socket(const char *path)
{
    g_autofree char *base = g_path_get_basename(path);
    char *dot = strrchr(base, '.');

    if (dot && dot != base) {
        *dot = '\0';
    }
    return g_utf8_make_valid(base, -1);
}

Vm *vm_new(const char *path, unsigned timeout)
{
    Vm *vm = g_new0(Vm, 1);

    vm->path = g_strdup(path);
    vm->name = name_of_socket(path);
    vm->timeout = timeout;
    return vm;
}

void vm_disconnect(Vm *vm)
{
    g_clear_pointer(&vm->client, qmp_client_free);
    vm->is_named = FALSE;
    vm->done = NULL;
}

void vm_free(Vm *vm)
{
    vm_disconnect(vm);
    g_clear_pointer(&vm->containers, g_ptr_array_unref);
    g_clear_pointer(&vm->raw, json_node_unref);
    g_clear_error(&vm->error);
    g_free(vm->name);
    g_free(vm->path);
    g_free(vm);
}

static void refresh_done(Vm *vm, const GError *error)
{
    VmDone *done = vm->done;

    /* A VM that has ended is still that when nobody is at its socket. */
    if (!g_error_matches(vm->error, QMP_ERROR, QMP_ERROR_ENDED) ||
        !g_error_matches(error, QMP_ERROR, QMP_ERROR_SOCKET)) {
        g_clear_error(&vm->error);
        vm->error = error ? g_error_copy(error) : NULL;
    }
    if (qmp_client_error(vm->client)) {
        vm_disconnect(vm);
    }
    vm->done = NULL;
    done(vm, vm->error, vm->done_opaque);
}

static void got_figures(const GError *error, JsonNode *result, void *opaque)
{
    Vm *vm = opaque;
    g_autoptr(GError) wrong = NULL;
    GPtrArray *containers = NULL;

    if (result) {
        containers = container_info_parse(result, &wrong);
    }
    if (containers) {
        g_clear_pointer(&vm->containers, g_ptr_array_unref);
        g_clear_pointer(&vm->raw, json_node_unref);
        vm->containers = containers;
        vm->raw = vm->keeps_raw ? json_node_copy(result) : NULL;
    }
    refresh_done(vm, error ? error : wrong);
}

static void ask_figures(Vm *vm)
{
    qmp_client_execute(vm->client, "query-raminate", NULL, got_figures, vm);
}

static void got_name(const GError *error, JsonNode *result, void *opaque)
{
    Vm *vm = opaque;

    if (error) {
        refresh_done(vm, error);
        return;
    }
    vm->is_named = TRUE;
    if (JSON_NODE_HOLDS_OBJECT(result)) {
        JsonNode *name = json_object_get_member(json_node_get_object(result),
                                                "name");

        if (name && json_node_get_value_type(name) == G_TYPE_STRING &&
            *json_node_get_string(name)) {
            g_free(vm->name);
            vm->name = json_node_dup_string(name);
        }
    }
    ask_figures(vm);
}

void vm_refresh(Vm *vm, VmDone *done, void *opaque)
{
    vm->done = done;
    vm->done_opaque = opaque;
    if (!vm->client) {
        vm->client = qmp_client_new(vm->path, vm->timeout, INFO_LIMIT);
    }
    if (vm->is_named) {
        ask_figures(vm);
    } else {
        qmp_client_execute(vm->client, "query-name", NULL, got_name, vm);
    }
}

void vm_query_map(Vm *vm, const char *container, unsigned buckets,
                  QmpDone *done, void *opaque)
{
    JsonObject *arguments = json_object_new();
    JsonNode *node = json_node_new(JSON_NODE_OBJECT);

    qmp_client_raise_limit(vm->client, MAP_LIMIT);
    json_object_set_string_member(arguments, "id", container);
    json_object_set_int_member(arguments, "buckets", buckets);
    json_node_take_object(node, arguments);
    qmp_client_execute(vm->client, "query-raminate-map", node, done, opaque);
}

void vm_set(Vm *vm, const char *container, const char *property,
            JsonNode *value, QmpDone *done, void *opaque)
{
    g_autofree char *path = g_strdup_printf("/objects/%s", container);
    JsonObject *arguments = json_object_new();
    JsonNode *node = json_node_new(JSON_NODE_OBJECT);

    json_object_set_string_member(arguments, "path", path);
    json_object_set_string_member(arguments, "property", property);
    json_object_set_member(arguments, "value", value);
    json_node_take_object(node, arguments);
    qmp_client_execute(vm->client, "qom-set", node, done, opaque);
}

static void count_answer(Vm *vm, const GError *error, void *opaque)
{
    unsigned *waiting = opaque;

    (*waiting)--;
}

void vm_refresh_all(GPtrArray *vms)
{
    unsigned waiting = vms->len;
    unsigned i;

    for (i = 0; i < vms->len; i++) {
        vm_refresh(g_ptr_array_index(vms, i), count_answer, &waiting);
    }
    while (waiting) {
        g_main_context_iteration(NULL, TRUE);
    }
}

static gint compare_strings(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

GPtrArray *vm_find_sockets(char *const *patterns)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(g_free);
    unsigned i;

    for (; *patterns; patterns++) {
        glob_t found = { 0 };

        if (!strpbrk(*patterns, "*?[")) {
            g_ptr_array_add(all, g_strdup(*patterns));
        } else if (glob(*patterns, GLOB_NOSORT, NULL, &found) == 0) {
            for (i = 0; i < found.gl_pathc; i++) {
                g_ptr_array_add(all, g_strdup(found.gl_pathv[i]));
            }
        }
        globfree(&found);
    }
    g_ptr_array_sort(all, compare_strings);
    for (i = 1; i < all->len;) {
        if (strcmp(all->pdata[i - 1], all->pdata[i]) == 0) {
            g_ptr_array_remove_index(all, i);
        } else {
            i++;
        }
    }
    return all;
}
