/*
 * RAMinate: which of libvirt's domains run on the wanted QEMU
 *
 * Only a domain's XML says so, and libvirt may not give it while the domain's
 * QEMU hangs: so each domain is asked once, and in a thread of its own.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_EMULATORS_H
#define RAMINATE_EMULATORS_H

#include <glib.h>
#include <libvirt/libvirt.h>

/* What is known; threads of ours may outlast the user's. */
typedef struct Emulators Emulators;

/* @path: the wanted QEMU */
Emulators *emulators_new(const char *path);
void emulators_unref(Emulators *emulators);

/*
 * Learns of those domains that are not known yet, in a second at most, and
 * forgets what is none of these.
 * @domains: all @nr that run
 */
void emulators_look(Emulators *emulators, virDomainPtr *domains, int nr);

/* Returns: whether this one is known to run on the wanted QEMU. */
gboolean emulators_has(Emulators *emulators, virDomainPtr domain);

#endif
