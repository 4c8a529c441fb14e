/*
 * RAMinate: fast-budget, how much of a memory is to be in the fastest tier
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_FAST_BUDGET_H
#define RAMINATE_FAST_BUDGET_H

#include "backends/raminate/placing.h"

/*
 * Has so many bytes be in the fastest tier from now on, if tiers are nodes; the
 * slowest has what is left.  Claims on pools follow at once, pages in their
 * time.
 * @obj: whose memory is placed
 * Returns: false with @errp set if it can't be; then all is as it was.
 */
bool raminate_fast_budget_set(Object *obj, RaminatePlacing *placing,
                              uint64_t size, Error **errp);

/* Returns: how many bytes are to be; 0 while there is no memory yet. */
uint64_t raminate_fast_budget_get(const RaminatePlacing *placing);

#endif
