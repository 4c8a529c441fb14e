/*
 * RAMinate: raminate-map asks a VM, and waits for the answer
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "ask.h"

typedef struct Request {
    gboolean done;
    JsonNode *result;           /* NULL if @error is set */
    GError *error;
} Request;

static void answered(const GError *error, JsonNode *result, void *opaque)
{
    Request *request = opaque;

    request->done = TRUE;
    if (error) {
        request->error = g_error_copy(error);
    } else {
        request->result = json_node_copy(result);
    }
}

/* Returns: the answer, or NULL. */
static JsonNode *wait_for(Request *request, GError **error)
{
    while (!request->done) {
        g_main_context_iteration(NULL, TRUE);
    }
    if (request->error) {
        g_propagate_error(error, request->error);
    }
    return request->result;
}

MapInfo *ask_map(Vm *vm, const char *container, unsigned buckets,
                 GError **error)
{
    g_autoptr(JsonNode) result = NULL;
    Request request = { 0 };

    vm_query_map(vm, container, buckets, answered, &request);
    result = wait_for(&request, error);
    return result ? map_info_parse(result, error) : NULL;
}

UseInfo *ask_use(Vm *vm, const char *container, GError **error)
{
    g_autoptr(JsonNode) result = NULL;
    Request request = { 0 };

    vm_query_working_set(vm, container, answered, &request);
    result = wait_for(&request, error);
    return result ? use_info_parse(result, error) : NULL;
}
