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

/* What is claimed of a node */
typedef struct RaminateNodeClaim RaminateNodeClaim;

/*
 * Takes the first node of the pool that is no tier yet, and of which @size
 * bytes are both free at present and left by those that took of it before.  For
 * a memory-placement, which has its memory already, what is left will do if no
 * node has so much free.
 *
 * @obj: whose tier it is to be
 * @name: of the pool
 * @has_node: whether @obj, or its container, has the node already
 * @claim: returns what is claimed of it, or NULL if nothing can be
 * Returns: the node, or -1 with @errp set if none has so much.
 */
int raminate_node_take_of_pool(Object *obj, const char *name, uint64_t size,
                               bool (*has_node)(void *opaque, int node),
                               void *opaque, RaminateNodeClaim **claim,
                               Error **errp);

/*
 * Has a claim be of @size bytes from now on.  NULL is fine.
 * @obj: for messages
 * Returns: false with @errp set if others have left less; then it is as it was.
 * It never fails to become less.
 */
bool raminate_node_claim_resize(RaminateNodeClaim *claim, Object *obj,
                                uint64_t size, Error **errp);

/* Gives it back once memory that is gone by now is.  NULL is fine. */
void raminate_node_claim_free(RaminateNodeClaim *claim);

#endif
