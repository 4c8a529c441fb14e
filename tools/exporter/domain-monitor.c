/*
 * RAMinate: speak QMP with a VM through libvirt
 *
 * A connection is a pair of sockets.  At its far end a thread is a QMP server:
 * it hands each command to libvirt, and back what libvirt says.  So the client
 * has its limits of time and length here, too.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <gio/gio.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "domain-monitor.h"

static const char greeting[] = "{\"QMP\": {}}\n";

struct DomainMonitor {
    gatomicrefcount references;
    virDomainPtr domain;
    char *uuid;                 /* of the domain, so that none is asked twice */
};

/* A connection, as its thread has it */
typedef struct Server {
    DomainMonitor *monitor;
    int fd;
} Server;

/* UUIDs of domains of which libvirt owes an answer */
static GHashTable *owing;
static GMutex owing_lock;

DomainMonitor *domain_monitor_new(virDomainPtr domain)
{
    DomainMonitor *monitor = g_new0(DomainMonitor, 1);
    char uuid[VIR_UUID_STRING_BUFLEN] = "";

    g_atomic_ref_count_init(&monitor->references);
    virDomainRef(domain);
    virDomainGetUUIDString(domain, uuid);
    monitor->domain = domain;
    monitor->uuid = g_strdup(uuid);
    return monitor;
}

void domain_monitor_unref(DomainMonitor *monitor)
{
    if (g_atomic_ref_count_dec(&monitor->references)) {
        virDomainFree(monitor->domain);
        g_free(monitor->uuid);
        g_free(monitor);
    }
}

static gboolean monitor_is_owed(const DomainMonitor *monitor)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&owing_lock);

    return owing && g_hash_table_contains(owing, monitor->uuid);
}

static void monitor_set_owed(const DomainMonitor *monitor, gboolean is_owed)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&owing_lock);

    if (!owing) {
        owing = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    }
    if (is_owed) {
        g_hash_table_add(owing, g_strdup(monitor->uuid));
    } else {
        g_hash_table_remove(owing, monitor->uuid);
    }
}

/* Returns: an answer that says why there is none, as QEMU would. */
static JsonNode *refusal(const char *why)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "error");
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "class");
    json_builder_add_string_value(builder, "GenericError");
    json_builder_set_member_name(builder, "desc");
    json_builder_add_string_value(builder, why);
    json_builder_end_object(builder);
    json_builder_end_object(builder);
    return json_builder_get_root(builder);
}

/* Returns: QEMU's answer, or why libvirt has none. */
static JsonNode *ask_libvirt(DomainMonitor *monitor, JsonNode *command)
{
    g_autofree char *text = json_to_string(command, FALSE);
    JsonNode *answer;
    char *said = NULL;
    int status;

    monitor_set_owed(monitor, TRUE);
    status = virDomainQemuMonitorCommand(monitor->domain, text, &said, 0);
    monitor_set_owed(monitor, FALSE);
    if (status < 0) {
        g_autofree char *why = g_strdup_printf("libvirt says: %s",
                                               virGetLastErrorMessage());

        return refusal(why);
    }
    answer = json_from_string(said, NULL);
    free(said);
    if (!answer || !JSON_NODE_HOLDS_OBJECT(answer)) {
        g_clear_pointer(&answer, json_node_unref);
        return refusal("libvirt gave no JSON object");
    }
    return answer;
}

/* Returns: the line that answers this one; NULL if it is no command. */
static char *answer(DomainMonitor *monitor, const char *line)
{
    g_autoptr(JsonNode) command = json_from_string(line, NULL);
    g_autoptr(JsonNode) id = NULL;
    g_autoptr(JsonNode) said = NULL;
    g_autofree char *text = NULL;
    JsonObject *object;

    if (!command || !JSON_NODE_HOLDS_OBJECT(command)) {
        return NULL;
    }
    object = json_node_get_object(command);
    /* libvirt has its own. */
    id = json_object_dup_member(object, "id");
    json_object_remove_member(object, "id");
    said = g_strcmp0(json_object_get_string_member_with_default(
                         object, "execute", NULL), "qmp_capabilities") == 0
           ? json_from_string("{\"return\": {}}", NULL)
           : ask_libvirt(monitor, command);
    if (id) {
        json_object_set_member(json_node_get_object(said), "id",
                               g_steal_pointer(&id));
    }
    text = json_to_string(said, FALSE);
    return g_strconcat(text, "\n", NULL);
}

static gboolean send_all(int fd, const char *text)
{
    size_t left = strlen(text);
    ssize_t sent;

    while (left) {
        sent = send(fd, text, left, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) {
            return FALSE;
        }
        if (sent > 0) {
            text += sent;
            left -= sent;
        }
    }
    return TRUE;
}

/* Ends when the client closes its end. */
static gpointer serve(gpointer opaque)
{
    g_autofree Server *server = opaque;
    GIOChannel *commands = g_io_channel_unix_new(server->fd);
    gboolean goes_on = send_all(server->fd, greeting);
    char *line;

    while (goes_on && g_io_channel_read_line(commands, &line, NULL, NULL,
                                             NULL) == G_IO_STATUS_NORMAL) {
        g_autofree char *said = answer(server->monitor, line);

        goes_on = said && send_all(server->fd, said);
        g_free(line);
    }
    g_io_channel_unref(commands);
    close(server->fd);
    domain_monitor_unref(server->monitor);
    return NULL;
}

/* A VmOpen */
static int monitor_open(const Vm *vm, void *opaque, GError **error)
{
    DomainMonitor *monitor = opaque;
    Server *server;
    GThread *thread;
    int fds[2];

    if (monitor_is_owed(monitor)) {
        g_set_error(error, QMP_ERROR, QMP_ERROR_TIMEOUT, "libvirt has not "
                    "answered for domain '%s' since it was last asked; the "
                    "VM may hang", vm->name);
        return -1;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
        g_set_error(error, QMP_ERROR, QMP_ERROR_SOCKET, "can't make a pair of "
                    "sockets to ask domain '%s': %s", vm->name,
                    strerror(errno));
        return -1;
    }
    server = g_new0(Server, 1);
    server->monitor = monitor;
    server->fd = fds[1];
    g_atomic_ref_count_inc(&monitor->references);
    thread = g_thread_try_new("monitor", serve, server, NULL);
    if (!thread) {
        g_set_error(error, QMP_ERROR, QMP_ERROR_SOCKET, "can't start a thread "
                    "to ask domain '%s'", vm->name);
        domain_monitor_unref(monitor);
        g_free(server);
        close(fds[0]);
        close(fds[1]);
        return -1;
    }
    g_thread_unref(thread);
    return fds[0];
}

Vm *domain_monitor_vm(DomainMonitor *monitor, unsigned timeout)
{
    const char *name = virDomainGetName(monitor->domain);
    g_autofree char *path = g_strconcat("libvirt:", name, NULL);
    Vm *vm = vm_new(path, timeout);

    g_atomic_ref_count_inc(&monitor->references);
    vm_set_open(vm, monitor_open, monitor,
                (GDestroyNotify)domain_monitor_unref);
    g_free(vm->name);
    vm->name = g_strdup(name);
    vm->uuid = g_strdup(monitor->uuid);
    return vm;
}
