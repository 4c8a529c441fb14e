/*
 * RAMinate: speak QMP with a VM through libvirt
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_DOMAIN_MONITOR_H
#define RAMINATE_DOMAIN_MONITOR_H

#include <libvirt/libvirt.h>

#include "lib/vm.h"

/* A domain's monitor; libvirt's calls wait, so they have a thread. */
typedef struct DomainMonitor DomainMonitor;

/* @domain: takes a reference of its own */
DomainMonitor *domain_monitor_new(virDomainPtr domain);

/* What it goes on with ends by itself, whenever libvirt lets it. */
void domain_monitor_unref(DomainMonitor *monitor);

/*
 * Returns: a VM that is asked through @monitor, of which it has a reference;
 * a connection is refused while libvirt owes the answer to an earlier one.
 * @timeout: milliseconds for each answer
 */
Vm *domain_monitor_vm(DomainMonitor *monitor, unsigned timeout);

#endif
