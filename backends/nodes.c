/*
 * RAMinate: what the host's NUMA nodes have and cost
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "qemu/error-report.h"
#include "backends/raminate/nodes.h"

#ifdef CONFIG_NUMA
#include <numa.h>
#include <numaif.h>

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

/* What libnuma knows of nodes itself is from when QEMU was started. */
static bool may_use(int node)
{
    struct bitmask *allowed = numa_get_mems_allowed();
    bool is_allowed = numa_bitmask_isbitset(allowed, node);

    numa_bitmask_free(allowed);
    return is_allowed;
}

/* Returns: the nodes with memory, for an error; to be freed with g_free(). */
static char *nodes_with_memory(void)
{
    GString *list = g_string_new("");
    long long unused;

    for (int node = 0; node < MAX_NODES; node++) {
        if (numa_node_size64(node, &unused) > 0 && may_use(node)) {
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
    if (size > 0 && may_use(node)) {
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

int raminate_node_prefer(void *host, uint64_t size, int node)
{
    unsigned long nodes[BITS_TO_LONGS(MAX_NODES + 1)] = { 0 };

    if (node >= MAX_NODES) {
        return -EINVAL;
    }
    nodes[BIT_WORD(node)] = BIT_MASK(node);
    /* The kernel takes one bit less than it is told. */
    return mbind(host, size, MPOL_PREFERRED, nodes, MAX_NODES + 1, 0) < 0
           ? -errno : 0;
}

void raminate_node_forget(HostMemoryBackend *backend)
{
    bool is_default = backend->policy == HOST_MEM_POLICY_DEFAULT;

    if (mbind(memory_region_get_ram_ptr(&backend->mr), backend->size,
              backend->policy, is_default ? NULL : backend->host_nodes,
              is_default ? 0 : MAX_NODES + 1, 0) < 0) {
        warn_report("the NUMA policy of memory backend '%s' can't be set "
                    "again: %s",
                    object_get_canonical_path_component(OBJECT(backend)),
                    strerror(errno));
    }
}

#else

void raminate_node_forget(HostMemoryBackend *backend)
{
}

int raminate_node_prefer(void *host, uint64_t size, int node)
{
    return -ENOTSUP;
}

bool raminate_node_find(int node, RaminateNode *found, Error **errp)
{
    error_setg(errp, "QEMU was built without libnuma; build it with, or use "
               "memory-backend-devmem");
    return false;
}

#endif

bool raminate_node_fill_tier(RaminateTier *tier, Error **errp)
{
    ERRP_GUARD();
    RaminateNode found;

    if (!raminate_node_find(tier->node, &found, errp)) {
        error_prepend(errp, "%s '%s': ", tier->type, tier->id);
        return false;
    }
    if (tier->size > found.size) {
        error_setg(errp, "%s '%s': size 0x%" PRIx64 " is more than node %d of "
                   "the host has, 0x%" PRIx64 ", of which 0x%" PRIx64 " are "
                   "free; make it smaller", tier->type, tier->id, tier->size,
                   tier->node, found.size, found.free);
        return false;
    }
    if (tier->size > found.free) {
        warn_report("%s '%s': of 0x%" PRIx64 " bytes, node %d of the host has "
                    "0x%" PRIx64 " free at present; pages that don't fit will "
                    "be on other nodes until there is room", tier->type,
                    tier->id, tier->size, tier->node, found.free);
    }
    /* Those that a user gives are relative; so are nanoseconds. */
    if (!tier->costs_given && found.read_latency && found.write_latency) {
        tier->costs.read = found.read_latency;
        tier->costs.write = found.write_latency;
        tier->costs_given = RAMINATE_READ_COST | RAMINATE_WRITE_COST;
    }
    return true;
}

/* Returns: whether the host has the setting, and not as one of @off. */
static bool host_has(const char *path, const char *const *off)
{
    g_autofree char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) &&
           !g_strv_contains(off, g_strstrip(text));
}

void raminate_node_warn_of_host(const RaminateMemory *memory)
{
    static const char demotion[] = "/sys/kernel/mm/numa/demotion_enabled";
    static const char ksm[] = "/sys/kernel/mm/ksm/run";
    static const char *const off[] = { "0", "2", "false", NULL };

    if (host_has(demotion, off)) {
        warn_report("%s '%s': the host's kernel moves pages to slower nodes "
                    "when memory is short (%s); they are brought back "
                    "(pages-astray), so write false there", memory->type,
                    memory->id, demotion);
    }
    if (memory->backend->merge && host_has(ksm, off)) {
        warn_report("%s '%s': the host's kernel merges pages that are alike "
                    "(%s), which can't be moved then; set merge=off for the "
                    "memory", memory->type, memory->id, ksm);
    }
}
