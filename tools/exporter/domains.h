/*
 * RAMinate: find the VMs that libvirt runs
 *
 * They are asked through libvirt's own monitor, so they need no socket of
 * ours.  Whatever libvirt does, the main loop never waits for it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_DOMAINS_H
#define RAMINATE_DOMAINS_H

#include "lib/vm.h"

typedef struct Domains Domains;

/* @vms: Vm, not asked yet, the callee's; NULL if @error is set */
typedef void DomainsDone(GPtrArray *vms, const GError *error, void *opaque);

/*
 * @uri: of libvirt's, such as qemu:///system
 * @emulator: the QEMU of the domains that are found.  Others are left alone:
 *            libvirt marks a domain as tainted when its monitor is used.
 * @timeout: milliseconds for each answer of a VM
 * Returns: NULL if libvirt can't be used at all.
 */
Domains *domains_new(const char *uri, const char *emulator, unsigned timeout,
                     GError **error);
void domains_free(Domains *domains);

/* Returns: as given to domains_new(); belongs to @domains. */
const char *domains_uri(const Domains *domains);

/*
 * Finds those that run; calls done from the main loop.
 * @patience: milliseconds that libvirt has for it
 */
void domains_find(Domains *domains, unsigned patience, DomainsDone *done,
                  void *opaque);

/* Keeps domains_find() from calling done. */
void domains_cancel(Domains *domains);

#endif
