/*
 * RAMinate: what of the pages' heat goes along with a guest
 *
 * A guest that migrates, or is saved, takes along which pages were written
 * lately, how often, and in which tier they were then.  Where it arrives, hot
 * pages in slow memory are brought up at once, before a policy can know them.
 * None of it must be true: what is wrong costs moves, and no more.
 *
 * In bytes: runs of pages that have heat, in ascending order.  Each is a varint
 * of the pages without heat in front of it, a varint of its pages less one, and
 * a byte with the tier in the upper half and heat, 1 to 15, in the lower.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_HANDOVER_H
#define HW_RAMINATE_HANDOVER_H

#include <stddef.h>
#include <stdint.h>

#include "hw/raminate/engine/backoff.h"
#include "hw/raminate/engine/heat.h"
#include "hw/raminate/engine/move.h"
#include "hw/raminate/engine/placement.h"

/* Bytes; whatever size the guest has, it is never more. */
#define RAMINATE_HANDOVER_MAX (16u << 20)

/* For so long it is of use where it has come to, on the placer's clock */
#define RAMINATE_HANDOVER_MS 60000

/*
 * Cost: O(pages of regions written lately).
 * @out: room for @max bytes; if all pages with heat need more, the hottest are
 *       taken, and of those, the first
 * Returns: bytes; 0 if no page has heat.
 */
size_t raminate_handover_encode(const RaminatePlacement *placement,
                                const RaminateHeat *heat, uint8_t *out,
                                size_t max);

/* Returns: NULL, or what is wrong with bytes from elsewhere. */
const char *raminate_handover_check(const uint8_t *data, size_t size,
                                    uint32_t nr_pages);

/* What is left to do of it */
typedef struct RaminateHandover RaminateHandover;

/*
 * Gives pages the heat that they had.
 * @data: bytes that have been checked; freed with g_free() in the end
 */
RaminateHandover *raminate_handover_new(uint8_t *data, size_t size,
                                        RaminateHeat *heat);
void raminate_handover_free(RaminateHandover *handover);   /* NULL is fine */

/*
 * Proposes moves, as a policy does: of pages that were in a faster tier and
 * still have heat, the hottest first, each for a colder page there.
 * Cost: O(1), whatever there is to look at; so there may be none once.
 * Returns: their number.
 */
size_t raminate_handover_plan(RaminateHandover *handover,
                              const RaminatePlacement *placement,
                              const RaminateHeat *heat,
                              const RaminateBackoff *backoff,
                              RaminateMove *moves, size_t max);

/* Moves that are still pending are proposed again. */
void raminate_handover_put_back(RaminateHandover *handover,
                                const RaminateMove *moves, size_t nr);

/* Returns: whether there is nothing left to propose. */
bool raminate_handover_is_done(const RaminateHandover *handover);

#endif
