/*
 * RAMinate: the claims of memory-backend-node on nodes of a pool
 *
 * The kernel gives a VM's pages out one by one, as they are touched first, so
 * what is free of a node says little of what VMs that were started will have.
 * So each that takes a node of a pool locks as many bytes of RAMINATE_NODE_FILE
 * as it is to have, and others leave them to it, until it ends.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_NODE_CLAIMS_H
#define RAMINATE_NODE_CLAIMS_H

#include "backends/raminate/tier.h"

/*
 * Takes the first node of the pool that is no tier of @container yet, and of
 * which @size bytes are both free at present and left by those that took of it
 * before.
 *
 * @obj: the tier, for messages
 * @name: of the pool
 * @claim: returns a file that holds the claim, to be given to
 *         raminate_sys_lock_close(), or -1 if there is none
 * Returns: the node, or -1 with @errp set if none has so much.
 */
int raminate_node_take_of_pool(Object *obj, const char *name, uint64_t size,
                               HostMemoryBackendContainer *container,
                               int *claim, Error **errp);

#endif
