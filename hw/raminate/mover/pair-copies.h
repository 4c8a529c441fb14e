/*
 * RAMinate: what two pages hold while they change places
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_PAIR_COPIES_H
#define HW_RAMINATE_PAIR_COPIES_H

#include "hw/raminate/bounce.h"

/* Copies of the two pages of an exchange, and of one as it is now */
typedef enum RaminateCopy {
    RAMINATE_COPY_A,
    RAMINATE_COPY_B,
    RAMINATE_COPY_NOW,
    RAMINATE_NR_COPIES,
} RaminateCopy;

/* Of the main loop, under the big lock */
typedef struct RaminatePairCopies {
    const RaminateMemory *memory;
    RaminateBounce bounce;      /* with a slot for each RaminateCopy */
    bool is_hole[2];            /* of frames that have no memory, A's and B's */
} RaminatePairCopies;

/* Returns: false with @errp set if there is no memory. */
bool raminate_pair_copies_init(RaminatePairCopies *copies,
                               const RaminateMemory *memory, Error **errp);
void raminate_pair_copies_destroy(RaminatePairCopies *copies);

/*
 * Takes what pages @a and @b hold.
 * @which: returns the copy that failed
 * Returns: 0, or -errno.
 */
int raminate_pair_save(RaminatePairCopies *copies, uint32_t a, uint32_t b,
                       RaminateCopy *which);

/*
 * Has them hold that in the frames that they have now, which are each other's.
 * Where there was no memory, there is none then.
 * @which: returns the copy that failed
 * Returns: 0, or -errno; some may be there then.
 */
int raminate_pair_load(RaminatePairCopies *copies, uint32_t a, uint32_t b,
                       RaminateCopy *which);

/*
 * Has them hold it in the frames that they had, and have again, if they do not
 * still.
 * Returns: false if that can't be done.
 */
bool raminate_pair_restore(RaminatePairCopies *copies, uint32_t a, uint32_t b);

#endif
