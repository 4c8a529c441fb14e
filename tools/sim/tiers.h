/*
 * RAMinate: the tiers that a recording is replayed with
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_SIM_TIERS_H
#define RAMINATE_SIM_TIERS_H

#include "hw/raminate/record/record.h"

/* NULL or 0: as the recording has it */
typedef struct TierOptions {
    const char *sizes;          /* of all tiers but the last: SIZE,... */
    const char *costs;          /* of all tiers: READ:WRITE[:IDLE],... */
    uint32_t unit;              /* bytes that move at once */
    bool fast_is_room;          /* the guest is in the other tiers at first */
} TierOptions;

/*
 * Returns: the bytes that @text says, which are those of a page or a region;
 * or 0 with @error set.
 */
uint32_t tiers_parse_unit(const char *text, GError **error);

/*
 * Without costs, tiers as many as the recording's have the costs of those,
 * others the default ones.
 * Returns: false with @error set if such tiers can't be.
 */
bool tiers_make(RaminateLayout *layout, const RaminateRecordHeader *header,
                const TierOptions *options, GError **error);

#endif
