/*
 * RAMinate: what NUMA nodes of the host have
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_POOL_NODES_H
#define RAMINATE_POOL_NODES_H

#include <glib.h>

typedef struct NodeMemory {
    guint64 total;              /* bytes */
    guint64 free;               /* of these, what nobody uses at present */
} NodeMemory;

/*
 * Reads RAMINATE_NODE_FILE of a node, at @path.
 * Returns: FALSE with @error set if the node is not there, or has no memory.
 */
gboolean node_memory_read(const char *path, NodeMemory *memory,
                          GError **error);

#endif
