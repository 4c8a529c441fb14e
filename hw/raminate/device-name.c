/*
 * RAMinate: the name of a device that stands in the way
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/boards.h"
#include "hw/qdev-core.h"
#include "hw/raminate/device-name.h"

/* Network backends that are looked at; more have no names in messages. */
#define MAX_CLIENTS 256

char *raminate_device_name(Object *device)
{
    for (Object *at = device; at; at = at->parent) {
        Object *named = object_dynamic_cast(at, TYPE_DEVICE);

        if (named && DEVICE(named)->id) {
            return g_strdup_printf(" '%s'", DEVICE(named)->id);
        }
    }
    return g_strdup_printf(" '%s'", object_get_typename(device));
}

typedef struct Search {
    const char *const *types;
    Object *found;
} Search;

static int look_at_device(Object *obj, void *opaque)
{
    Search *search = opaque;

    if (!object_dynamic_cast(obj, TYPE_DEVICE)) {
        return 0;
    }
    for (const char *const *type = search->types; *type; type++) {
        if (g_str_has_prefix(object_get_typename(obj), *type)) {
            search->found = obj;
            return 1;
        }
    }
    return 0;
}

char *raminate_find_device(const char *const *types, NetClientDriver netdev)
{
    Search search = { .types = types };
    NetClientState *clients[MAX_CLIENTS];
    int nr;

    object_child_foreach_recursive(qdev_get_machine(), look_at_device,
                                   &search);
    if (search.found) {
        return raminate_device_name(search.found);
    }
    nr = qemu_find_net_clients_except(NULL, clients, NET_CLIENT_DRIVER_NIC,
                                      MAX_CLIENTS);
    for (int i = 0; i < MIN(nr, MAX_CLIENTS); i++) {
        if (clients[i]->info->type == netdev) {
            return g_strdup_printf(" '%s'", clients[i]->name);
        }
    }
    return g_strdup("");
}
