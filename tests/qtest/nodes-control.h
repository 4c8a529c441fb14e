/*
 * RAMinate: has QEMU see a host with two NUMA nodes
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_NODES_CONTROL_H
#define RAMINATE_NODES_CONTROL_H

#include "nodes.h"

/* As FAST, SLOW and RAM of the tests' machine, on nodes */
#define NODE_FAST "memory-backend-node,id=fast,parent=c,size=256K,node=0"
#define NODE_SLOW \
    "memory-backend-node,id=slow,parent=c,size=768K,offset=256K,node=1"
#define RAM "memory-backend-ram,id=ram,size=1M"

/* Between preload and its end; NULL else */
extern FakeNodes *raminate_nodes;

/* QEMU that is started from now on sees the nodes, and nothing else does. */
void raminate_nodes_preload(void);
void raminate_nodes_end_preload(void);

#endif
