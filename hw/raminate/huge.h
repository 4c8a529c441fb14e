/*
 * RAMinate: which of the guest's regions the host has in huge pages
 *
 * A region is as large as a huge page of the host.  Once a page of it is
 * written while it is watched, or is to move alone, the kernel maps pages of
 * 4 KiB there, and leaves it at that.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_HUGE_H
#define HW_RAMINATE_HUGE_H

#include "hw/raminate/engine/move.h"
#include "hw/raminate/memory.h"

typedef struct RaminateHuge RaminateHuge;

/*
 * Takes a bit a region.
 * Returns: owned by the caller; NULL if the kernel can't tell (before Linux
 * 6.7), tiers are not nodes, or there is no whole region.
 */
RaminateHuge *raminate_huge_new(const RaminateMemory *memory);
void raminate_huge_free(RaminateHuge *huge);    /* NULL is fine */

/* Returns: number of whole regions, which alone can be in huge pages. */
uint32_t raminate_huge_regions(const RaminateHuge *huge);

/*
 * Before a round of looks.  Huge pages are made again only where the host has
 * them in use, and does not merge pages of such memory (KSM).
 */
void raminate_huge_begin_round(RaminateHuge *huge);

/*
 * Looks at some regions.
 * @nr: of them, 1 or more
 * Returns: how many had been in huge pages and are so no more.
 */
uint32_t raminate_huge_look(RaminateHuge *huge, uint32_t region, uint32_t nr);

/*
 * Looks at those regions that pages of @moves are in and that had been in huge
 * pages.
 * Returns: how many are so no more.
 */
uint32_t raminate_huge_look_again(RaminateHuge *huge,
                                  const RaminateMove *moves, size_t nr);

/* Returns: whether it was when it was looked at last; any number is fine. */
bool raminate_huge_is(const RaminateHuge *huge, uint32_t region);

/* Returns: number of regions that were. */
uint32_t raminate_huge_count(const RaminateHuge *huge);

/*
 * Returns: whether the kernel may have a huge page for @region: all of it has
 * memory, it is not one already, and they may be made in this round.
 */
bool raminate_huge_can_collapse(const RaminateHuge *huge, uint32_t region);

/*
 * Has the kernel put a region's pages into a huge one, on the node where most
 * of them are.  They must not be protected by userfaultfd(2) meanwhile.  Copies
 * 2 MiB; whoever touches the region waits for that.
 * Returns: whether it has.
 */
bool raminate_huge_collapse(RaminateHuge *huge, uint32_t region);

#endif
