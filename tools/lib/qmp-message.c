/*
 * RAMinate: what goes to a QMP server, and what its messages hold
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qmp-message.h"

void qmp_request_free(QmpRequest *request)
{
    g_free(request->command);
    g_free(request->text);
    g_free(request);
}

QmpRequest *qmp_request_new(const char *command, JsonNode *arguments,
                            QmpDone *done, void *opaque)
{
    QmpRequest *request = g_new0(QmpRequest, 1);

    request->command = g_strdup(command);
    request->done = done;
    request->opaque = opaque;
    if (arguments) {
        g_autofree char *text = json_to_string(arguments, FALSE);

        request->text = g_strdup_printf("\"arguments\":%s,", text);
        json_node_unref(arguments);
    } else {
        request->text = g_strdup("");
    }
    return request;
}

const char *qmp_string_member(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    return node && json_node_get_value_type(node) == G_TYPE_STRING
           ? json_node_get_string(node) : NULL;
}

JsonObject *qmp_object_member(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node)
                                                : NULL;
}

GError *qmp_command_error(const char *path, const char *command,
                          JsonObject *error)
{
    const char *class = qmp_string_member(error, "class");
    const char *desc = qmp_string_member(error, "desc");

    if (g_strcmp0(class, "CommandNotFound") == 0) {
        return g_error_new(QMP_ERROR, QMP_ERROR_NO_COMMAND, "the QEMU at "
                           "socket '%s' does not know '%s'; it must be "
                           "QEMU with RAMinate", path, command);
    }
    return g_error_new(QMP_ERROR, QMP_ERROR_COMMAND, "%s failed: %s",
                       command, desc ? desc : "no reason given");
}
