/*
 * RAMinate: ask all VMs for their figures
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_COLLECT_H
#define RAMINATE_COLLECT_H

#include "domains.h"

typedef struct Collector Collector;

/* @text: the metrics; the callee's */
typedef void CollectDone(char *text, void *opaque);

/*
 * @patterns: of the VMs' sockets
 * @domains: VMs that libvirt runs, or NULL; stays the caller's
 * @timeout: milliseconds for each answer of a VM
 */
Collector *collector_new(char *const *patterns, Domains *domains,
                         unsigned timeout, CollectDone *done, void *opaque);
void collector_free(Collector *collector);

/* Calls done from the main loop, in a few seconds at the latest. */
void collector_start(Collector *collector);
gboolean collector_is_busy(const Collector *collector);

#endif
