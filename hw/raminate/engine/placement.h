/*
 * RAMinate: which frame holds which guest page
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_PLACEMENT_H
#define RAMINATE_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/raminate/engine/layout.h"

/* Memory that exchanges take for each page of a region that they changed. */
#define RAMINATE_PLACEMENT_BYTES_PER_PAGE 4

/*
 * Frame N is the memory that page N had when the guest started, so that the
 * placement begins as the identity and stays a permutation.  It takes memory
 * for regions in which something has moved, and gives it back when all is as
 * at the start, so that whoever reads it must keep others from changing it.
 *
 * A frame belongs to the tier whose range it is in, until it is given to
 * another one.  That is for tiers whose frames are numbers for room on a node.
 */
typedef struct RaminatePlacement RaminatePlacement;

/*
 * @layout: is copied
 *
 * Returns: the identity, owned by the caller, or NULL if there is no memory.
 * Cost: O(tiers).
 */
RaminatePlacement *raminate_placement_new(const RaminateLayout *layout);
void raminate_placement_free(RaminatePlacement *placement);

/* Returns: number of pages, those that stand for room included. */
uint32_t raminate_placement_pages(const RaminatePlacement *placement);
unsigned raminate_placement_tiers(const RaminatePlacement *placement);
const RaminateLayout *
raminate_placement_layout(const RaminatePlacement *placement);

/* Returns: whether @page stands for room; see RaminateLayout. */
bool raminate_placement_is_room(const RaminatePlacement *placement,
                                uint32_t page);

/* Returns: bytes that the state of pages takes at present. */
size_t raminate_placement_memory(const RaminatePlacement *placement);

/* Returns: number of frames, hence of pages, in @tier at present. */
uint32_t raminate_placement_tier_pages(const RaminatePlacement *placement,
                                       unsigned tier);

uint32_t raminate_placement_frame(const RaminatePlacement *placement,
                                  uint32_t page);
unsigned raminate_placement_tier(const RaminatePlacement *placement,
                                 uint32_t page);

/*
 * Whether @tier is as fast to write as the fastest, whether @page is in such a
 * tier, and how many pages are.  Cost: O(tiers).
 */
bool raminate_placement_is_fast_tier(const RaminatePlacement *placement,
                                     unsigned tier);
bool raminate_placement_is_fast(const RaminatePlacement *placement,
                                uint32_t page);
uint32_t raminate_placement_fast_pages(const RaminatePlacement *placement);

/* Returns: the tier that @page was in at the start.  Cost: O(tiers). */
unsigned raminate_placement_first_tier(const RaminatePlacement *placement,
                                       uint32_t page);

/*
 * Returns: the first region from @region upwards of which not all pages are
 * where they were at the start, or RAMINATE_NO_PAGE.  @region may be any number.
 * Cost: O(1) where there are many, and next to nothing for those passed over.
 */
uint32_t raminate_placement_next_changed(const RaminatePlacement *placement,
                                         uint32_t region);

/*
 * Adds to @counts, by tier, the pages from @first to before @end.
 * Cost: O(pages in regions in which something has moved).
 */
void raminate_placement_count(const RaminatePlacement *placement,
                              uint32_t first, uint32_t end,
                              uint32_t *counts);

/*
 * Cost: O(pages passed over in regions in which something has moved); the
 * rest is skipped in one step.
 * Returns: the first page from @page upwards, the last one from @page
 * downwards, that is in @tier now, or RAMINATE_NO_PAGE.  @page may be past
 * the end.
 */
uint32_t raminate_placement_next_in_tier(const RaminatePlacement *placement,
                                         unsigned tier, uint32_t page);
uint32_t raminate_placement_prev_in_tier(const RaminatePlacement *placement,
                                         unsigned tier, uint32_t page);

/* Exchanges the frames of two different pages.  Cost: O(1). */
void raminate_placement_swap(RaminatePlacement *placement,
                             uint32_t a, uint32_t b);

/*
 * Gives the frame of @page, hence @page, to another tier; all other pages stay
 * where they are.  Cost: O(1).
 */
void raminate_placement_give(RaminatePlacement *placement, uint32_t page,
                             unsigned tier);

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
