/*
 * RAMinate: who has which part of the pools, as a table
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_POOL_LIST_H
#define RAMINATE_POOL_LIST_H

#include "backends/pools.h"

/*
 * Prints all ranges and nodes.  Complains of those that are not there, which
 * hide no others.
 * @is_utf8: whether names may have characters beyond ASCII
 * Returns: whether all are there.
 */
gboolean list_pools(const RaminatePools *pools, gboolean is_utf8);

#endif
