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

/* What was asked of a VM */
typedef struct VmRequest {
    Vm *vm;
    QmpDone *done;
    void *opaque;
} VmRequest;

Vm *vm_new(const char *path, unsigned timeout)
{
    Vm *vm = g_new0(Vm, 1);

    vm->path = g_strdup(path);
    vm->name = name_of_socket(path);
    vm->timeout = timeout;
    vm->requests = g_queue_new();
    return vm;
}

void vm_set_open(Vm *vm, VmOpen *open, void *opaque, GDestroyNotify free)
{
    vm->open = open;
    vm->open_opaque = opaque;
    vm->open_free = free;
}

void vm_disconnect(Vm *vm)
{
    if (vm->client) {
        vm->peer = qmp_client_peer(vm->client);
        g_clear_pointer(&vm->client, qmp_client_free);
    }
    g_queue_clear_full(vm->requests, g_free);
    vm->done = NULL;
}

void vm_free(Vm *vm)
{
    vm_disconnect(vm);
    if (vm->open_free) {
        vm->open_free(vm->open_opaque);
    }
    g_queue_free(vm->requests);
    g_clear_pointer(&vm->containers, g_ptr_array_unref);
    g_clear_pointer(&vm->raw, json_node_unref);
    g_clear_error(&vm->error);
    g_free(vm->uuid);
    g_free(vm->name);
    g_free(vm->path);
    g_free(vm);
}

/* Requests */

static void answered(const GError *error, JsonNode *result, void *opaque)
{
    VmRequest request = *(VmRequest *)opaque;

    g_queue_remove(request.vm->requests, opaque);
    g_free(opaque);
    request.done(error, result, request.opaque);
    if (g_queue_is_empty(request.vm->requests)) {
        vm_disconnect(request.vm);
    }
}

static QmpClient *connect_to(Vm *vm, gsize limit)
{
    GError *error = NULL;
    int fd;

    if (!vm->open) {
        return qmp_client_new(vm->path, vm->timeout, limit);
    }
    fd = vm->open(vm, vm->open_opaque, &error);
    return qmp_client_new_open(fd, error, vm->path, vm->timeout, limit);
}

/* @limit: most bytes of the answer */
static void execute(Vm *vm, const char *command, JsonNode *arguments,
                    gsize limit, QmpDone *done, void *opaque)
{
    VmRequest *request = g_new(VmRequest, 1);

    *request = (VmRequest) { .vm = vm, .done = done, .opaque = opaque };
    g_queue_push_tail(vm->requests, request);
    if (!vm->client) {
        vm->client = connect_to(vm, limit);
    }
    qmp_client_raise_limit(vm->client, limit);
    qmp_client_execute(vm->client, command, arguments, answered, request);
}

/* Refreshing */

/* Since nothing connects them between two looks, VMs mostly end unseen. */
static GError *ended_error(const Vm *vm)
{
    return g_error_new(QMP_ERROR, QMP_ERROR_ENDED, "the VM has ended; its "
                       "socket was '%s'", vm->path);
}

static void refresh_done(Vm *vm, const GError *error)
{
    VmDone *done = vm->done;
    gboolean has_gone = g_error_matches(error, QMP_ERROR, QMP_ERROR_NOBODY);

    /* A VM that has ended is still that when nobody is at its socket. */
    if (!has_gone ||
        !g_error_matches(vm->error, QMP_ERROR, QMP_ERROR_ENDED)) {
        g_clear_error(&vm->error);
        vm->error = has_gone && vm->containers ? ended_error(vm)
                    : error ? g_error_copy(error) : NULL;
    }
    vm->peer = qmp_client_peer(vm->client);
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

/* Returns: a member of an answer that is text, not empty; or NULL. */
static const char *text_member(JsonNode *result, const char *name)
{
    JsonNode *member = NULL;
    const char *text;

    if (result && JSON_NODE_HOLDS_OBJECT(result)) {
        member = json_object_get_member(json_node_get_object(result), name);
    }
    if (!member || json_node_get_value_type(member) != G_TYPE_STRING) {
        return NULL;
    }
    text = json_node_get_string(member);
    return *text ? text : NULL;
}

/* Those who did not name one have a UUID of zeroes. */
static void got_uuid(const GError *error, JsonNode *result, void *opaque)
{
    Vm *vm = opaque;
    const char *uuid = text_member(result, "UUID");

    g_free(vm->uuid);
    vm->uuid = uuid && strspn(uuid, "0-") < strlen(uuid) ? g_strdup(uuid)
                                                         : NULL;
    execute(vm, "query-raminate", NULL, INFO_LIMIT, got_figures, vm);
}

static void got_name(const GError *error, JsonNode *result, void *opaque)
{
    Vm *vm = opaque;
    const char *name = text_member(result, "name");

    if (error) {
        refresh_done(vm, error);
        return;
    }
    if (name) {
        g_free(vm->name);
        vm->name = g_strdup(name);
    }
    execute(vm, "query-uuid", NULL, INFO_LIMIT, got_uuid, vm);
}

void vm_refresh(Vm *vm, VmDone *done, void *opaque)
{
    vm->done = done;
    vm->done_opaque = opaque;
    execute(vm, "query-name", NULL, INFO_LIMIT, got_name, vm);
}

/* @name: of a number that goes along, or NULL */
static void query(Vm *vm, const char *command, const char *container,
                  const char *name, gint64 value, gsize limit, QmpDone *done,
                  void *opaque)
{
    JsonObject *arguments = json_object_new();
    JsonNode *node = json_node_new(JSON_NODE_OBJECT);

    json_object_set_string_member(arguments, "id", container);
    if (name) {
        json_object_set_int_member(arguments, name, value);
    }
    json_node_take_object(node, arguments);
    execute(vm, command, node, limit, done, opaque);
}

void vm_query_map(Vm *vm, const char *container, unsigned buckets,
                  QmpDone *done, void *opaque)
{
    query(vm, "query-raminate-map", container, "buckets", buckets, MAP_LIMIT,
          done, opaque);
}

void vm_query_working_set(Vm *vm, const char *container, QmpDone *done,
                          void *opaque)
{
    query(vm, "query-raminate-working-set", container, NULL, 0, INFO_LIMIT,
          done, opaque);
}

void vm_query_moves(Vm *vm, const char *container, unsigned max,
                    QmpDone *done, void *opaque)
{
    query(vm, "query-raminate-moves", container, "max", max, INFO_LIMIT, done,
          opaque);
}

void vm_query_page(Vm *vm, const char *container, guint64 page,
                   QmpDone *done, void *opaque)
{
    query(vm, "query-raminate-page", container, "page", page, INFO_LIMIT, done,
          opaque);
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
    execute(vm, "qom-set", node, INFO_LIMIT, done, opaque);
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

/* More than one socket of a VM */

gboolean vm_is_same(const Vm *vm, const Vm *other)
{
    return vm->peer && other->peer ? vm->peer == other->peer
                                   : vm->uuid &&
                                     g_strcmp0(vm->uuid, other->uuid) == 0;
}

gboolean vm_is_duplicate(const GPtrArray *vms, const Vm *vm)
{
    gboolean comes_first = TRUE;
    unsigned i;

    for (i = 0; i < vms->len; i++) {
        const Vm *other = g_ptr_array_index(vms, i);

        if (other == vm) {
            comes_first = FALSE;
        } else if (vm_is_same(vm, other) &&
                   (!vm->error == !other->error ? comes_first
                                                : vm->error != NULL)) {
            return TRUE;
        }
    }
    return FALSE;
}

GPtrArray *vm_distinct(const GPtrArray *vms)
{
    GPtrArray *distinct = g_ptr_array_new();
    unsigned i;

    for (i = 0; i < vms->len; i++) {
        if (!vm_is_duplicate(vms, g_ptr_array_index(vms, i))) {
            g_ptr_array_add(distinct, g_ptr_array_index(vms, i));
        }
    }
    return distinct;
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
