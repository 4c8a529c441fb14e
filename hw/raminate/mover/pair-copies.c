/*
 * RAMinate: what two pages hold while they change places
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/raminate/discard.h"
#include "hw/raminate/mover/pair-copies.h"

/* What is refused is asked for so often. */
#define TRIES 2

bool raminate_pair_copies_init(RaminatePairCopies *copies,
                               const RaminateMemory *memory, Error **errp)
{
    copies->memory = memory;
    return raminate_bounce_init(&copies->bounce, memory, RAMINATE_NR_COPIES,
                                errp);
}

void raminate_pair_copies_destroy(RaminatePairCopies *copies)
{
    raminate_bounce_destroy(&copies->bounce);
}

/* To read a hole would give it memory.  Returns: 0, or -errno. */
static int save(RaminatePairCopies *copies, uint32_t page, RaminateCopy copy)
{
    copies->is_hole[copy] = raminate_memory_is_hole(copies->memory, page);
    return copies->is_hole[copy]
           ? 0
           : raminate_bounce_save(&copies->bounce, copy,
                                  raminate_memory_page(copies->memory, page));
}

int raminate_pair_save(RaminatePairCopies *copies, uint32_t a, uint32_t b,
                       RaminateCopy *which)
{
    int ret = save(copies, a, RAMINATE_COPY_A);

    *which = RAMINATE_COPY_A;
    if (ret == 0) {
        *which = RAMINATE_COPY_B;
        ret = save(copies, b, RAMINATE_COPY_B);
    }
    return ret;
}

static int load(RaminatePairCopies *copies, uint32_t page, RaminateCopy copy)
{
    return raminate_bounce_load(&copies->bounce, copy,
                                raminate_memory_page(copies->memory, page));
}

/* In place of what its frame holds.  Where there can't be one, zeroes do. */
static int load_hole(RaminatePairCopies *copies, uint32_t page)
{
    if (raminate_memory_make_hole(copies->memory, page)) {
        return 0;
    }
    raminate_bounce_clear(&copies->bounce, RAMINATE_COPY_NOW);
    return load(copies, page, RAMINATE_COPY_NOW);
}

/*
 * A hole comes last: where there is no room, what it gives back may be needed
 * to restore the other page.
 */
int raminate_pair_load(RaminatePairCopies *copies, uint32_t a, uint32_t b,
                       RaminateCopy *which)
{
    bool hole_a = copies->is_hole[RAMINATE_COPY_A];
    bool hole_b = copies->is_hole[RAMINATE_COPY_B];
    int ret = 0;

    *which = RAMINATE_COPY_A;
    if (!hole_a) {
        ret = load(copies, a, RAMINATE_COPY_A);
    }
    if (ret == 0 && !hole_b) {
        *which = RAMINATE_COPY_B;
        ret = load(copies, b, RAMINATE_COPY_B);
    }
    if (ret == 0 && hole_a != hole_b) {
        *which = hole_a ? RAMINATE_COPY_A : RAMINATE_COPY_B;
        ret = load_hole(copies, hole_a ? a : b);
    }
    return ret;
}

static bool holds(RaminatePairCopies *copies, uint32_t page, RaminateCopy copy)
{
    RaminateBounce *bounce = &copies->bounce;

    return raminate_bounce_save(bounce, RAMINATE_COPY_NOW,
                                raminate_memory_page(copies->memory,
                                                     page)) == 0 &&
           !memcmp(raminate_bounce_copy(bounce, copy),
                   raminate_bounce_copy(bounce, RAMINATE_COPY_NOW),
                   RAMINATE_PAGE_SIZE);
}

static bool restore(RaminatePairCopies *copies, uint32_t page,
                    RaminateCopy copy)
{
    bool restored = false;

    if (copies->is_hole[copy]) {
        return raminate_memory_is_hole(copies->memory, page) ||
               load_hole(copies, page) == 0;
    }
    for (unsigned i = 0; !restored && i < TRIES; i++) {
        restored = holds(copies, page, copy) || load(copies, page, copy) == 0;
    }
    return restored;
}

bool raminate_pair_restore(RaminatePairCopies *copies, uint32_t a, uint32_t b)
{
    return restore(copies, a, RAMINATE_COPY_A) &
           restore(copies, b, RAMINATE_COPY_B);
}
