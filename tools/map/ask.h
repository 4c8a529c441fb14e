/*
 * RAMinate: raminate-map asks a VM, and waits for the answer
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_MAP_ASK_H
#define RAMINATE_MAP_ASK_H

#include "lib/use-info.h"
#include "lib/vm.h"

/* Returns: NULL with @error set if the VM does not say. */
MapInfo *ask_map(Vm *vm, const char *container, unsigned buckets,
                 GError **error);

/* The same; to be freed with g_free() */
UseInfo *ask_use(Vm *vm, const char *container, GError **error);

#endif
