/*
 * RAMinate: what the host's NUMA nodes have and cost
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "backends/raminate/nodes.h"

#ifdef CONFIG_NUMA
#include <numa.h>

/* Returns: the figure, or 0 if the kernel has none. */
static uint32_t read_figure(int node, const char *name)
{
    g_autofree char *path =
        g_strdup_printf("/sys/devices/system/node/node%d/access0/initiators/%s",
                        node, name);
    g_autofree char *text = NULL;
    unsigned int value = 0;

    if (!g_file_get_contents(path, &text, NULL, NULL) ||
        qemu_strtoui(g_strstrip(text), NULL, 10, &value) < 0 ||
        value > RAMINATE_MAX_COST) {
        return 0;
    }
    return value;
}

/* Returns: the nodes with memory, for an error; to be freed with g_free(). */
static char *nodes_with_memory(void)
{
    GString *list = g_string_new("");

    for (int node = 0; node <= numa_max_node(); node++) {
        if (numa_bitmask_isbitset(numa_all_nodes_ptr, node)) {
            g_string_append_printf(list, "%s%d", list->len ? ", " : "", node);
        }
    }
    return g_string_free(list, FALSE);
}

bool raminate_node_find(int node, RaminateNode *found, Error **errp)
{
    g_autofree char *nodes = NULL;
    long long size, unused;

    if (numa_available() < 0) {
        error_setg(errp, "the host's kernel knows no NUMA nodes; use "
                   "memory-backend-devmem");
        return false;
    }
    size = numa_node_size64(node, &unused);
    if (size > 0 && numa_bitmask_isbitset(numa_all_nodes_ptr, node)) {
        found->size = size;
        found->free = MAX(unused, 0);
        found->read_latency = read_figure(node, "read_latency");
        found->write_latency = read_figure(node, "write_latency");
        return true;
    }
    nodes = nodes_with_memory();
    if (size > 0) {
        error_setg(errp, "QEMU may not use node %d of the host; allow it in "
                   "the cgroup's cpuset.mems, or use one of %s", node, nodes);
    } else {
        error_setg(errp, "the host has no memory that is online on node %d; "
                   "nodes with memory are %s", node, nodes);
    }
    return false;
}

#else

bool raminate_node_find(int node, RaminateNode *found, Error **errp)
{
    error_setg(errp, "QEMU was built without libnuma; build it with, or use "
               "memory-backend-devmem");
    return false;
}

#endif
