/*
 * RAMinate: which frame holds which guest page
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_PLACEMENT_H
#define RAMINATE_PLACEMENT_H

#include <stdbool.h>
#include <stdint.h>
#include "hw/raminate/engine/layout.h"

/*
 * Frame N is the memory that page N had when the guest started, so that the
 * placement begins as the identity and stays a permutation.
 */
typedef struct RaminatePlacement RaminatePlacement;

/* Memory that a placement takes for each page. */
#define RAMINATE_PLACEMENT_BYTES_PER_PAGE 5

/*
 * @ranges: one entry a tier, in the order of rank; together they cover
 *          frames 0 to the sum of their counts without gap or overlap
 * @nr_tiers: 1 to RAMINATE_MAX_TIERS
 *
 * Returns: the identity, owned by the caller, or NULL if there is no memory.
 */
RaminatePlacement *raminate_placement_new(const RaminateFrameRange *ranges,
                                          unsigned nr_tiers);
void raminate_placement_free(RaminatePlacement *placement);

uint32_t raminate_placement_pages(const RaminatePlacement *placement);
unsigned raminate_placement_tiers(const RaminatePlacement *placement);

/* Returns: number of frames, hence of pages at any time, in @tier. */
uint32_t raminate_placement_tier_pages(const RaminatePlacement *placement,
                                       unsigned tier);

uint32_t raminate_placement_frame(const RaminatePlacement *placement,
                                  uint32_t page);
unsigned raminate_placement_tier(const RaminatePlacement *placement,
                                 uint32_t page);

/* Returns: the tier that @page was in at the start.  Cost: O(tiers). */
unsigned raminate_placement_first_tier(const RaminatePlacement *placement,
                                       uint32_t page);

/* Exchanges the frames of two different pages.  Cost: O(1). */
void raminate_placement_swap(RaminatePlacement *placement,
                             uint32_t a, uint32_t b);

/*
 * A run may be as short as one page.  Cost of the three below: O(1).
 *
 * Returns: number of runs of pages whose frames follow each other within one
 * tier, which is the number of host mappings that show the placement.
 */
uint32_t raminate_placement_runs(const RaminatePlacement *placement);

/* Returns: by how much raminate_placement_swap() would change the runs. */
int raminate_placement_swap_runs(const RaminatePlacement *placement,
                                 uint32_t a, uint32_t b);

/*
 * Returns: whether page - 1 and page belong to one run; false for page 0
 * and for a page past the end.
 */
bool raminate_placement_joined(const RaminatePlacement *placement,
                               uint32_t page);

#endif
