/*
 * RAMinate: QEMU's options for a VM of an instance type
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_POOL_ARGS_H
#define RAMINATE_POOL_ARGS_H

#include "backends/pools.h"

/* Returns: bytes of a VM of the type. */
guint64 args_size(const RaminateInstance *instance);

/*
 * Returns: the words that give a VM the memory of its type, but for its size.
 * @id: of the container
 */
GPtrArray *args_words(const RaminateInstance *instance, const char *id);

#endif
