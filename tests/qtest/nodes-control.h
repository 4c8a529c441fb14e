/*
 * RAMinate: has QEMU see a host with two NUMA nodes
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_NODES_CONTROL_H
#define RAMINATE_NODES_CONTROL_H

#include "raminate-common.h"
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

/* The tests' machine with nodes in place of files; no page is there yet. */
QTestState *raminate_nodes_start_empty(const char *settings);

/* The same; all pages are written. */
QTestState *raminate_nodes_start(const char *settings);
void raminate_nodes_end(QTestState *qts);

void raminate_nodes_write_all(QTestState *qts);

/* Returns: whether the page is on another node than the placement says. */
bool raminate_nodes_is_astray(QTestState *qts, uint32_t page);

/* Waits until the page is where the placement says; it holds what it did. */
void raminate_nodes_wait_page(QTestState *qts, uint32_t page);

/* The same for all pages, of which none is to be moved any more. */
void raminate_nodes_wait_all(QTestState *qts);

/* Nothing was lost, and pages are where the placement says. */
void raminate_nodes_assert_all(QTestState *qts);

/* Returns: whether the host's kernel has what the sampler pagemap needs. */
bool raminate_nodes_has_pagemap(QTestState *qts);

#endif
