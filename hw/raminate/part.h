/*
 * RAMinate: what samplers and movers have in common, and the choice of one
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_PART_H
#define HW_RAMINATE_PART_H

#include "qapi/qapi-types-raminate-types.h"
#include "hw/raminate/engine/sample.h"
#include "hw/raminate/memory.h"

/* In RaminateSamplerType and RaminateMoverType alike. */
#define RAMINATE_PART_AUTO 0
QEMU_BUILD_BUG_ON(RAMINATE_SAMPLER_TYPE_AUTO != RAMINATE_PART_AUTO);
QEMU_BUILD_BUG_ON(RAMINATE_MOVER_TYPE_AUTO != RAMINATE_PART_AUTO);

/* Kinds of tiers: bits */
#define RAMINATE_OF_RANGES 1
#define RAMINATE_OF_NODES 2

typedef struct RaminatePart {
    int type;                   /* RaminateSamplerType or RaminateMoverType */

    /*
     * What a sampler tells of pages, RAMINATE_WRITTEN and _READ; else 0.  For
     * some it depends: tells(), not NULL then, says what it is here.
     */
    unsigned kinds;
    unsigned (*tells)(const RaminateMemory *memory);

    /* Which tiers it works with, RAMINATE_OF_* */
    unsigned backings;

    /* Whether its work must be done in the main loop, under the big lock. */
    bool in_main_loop;

    /*
     * Returns: whether auto is to choose it for such tiers; NULL if it always
     * is.  Called under the big lock.
     */
    bool (*serves)(const RaminateMemory *memory);

    /*
     * Called under the big lock.  It changes nothing, but for this: what can be
     * known only by asking KVM for the ranges is asked, and they stay known to
     * it as long as the container has its tiers; see raminate_kvm_attach().
     * Returns: whether the host has what the part needs; if not, @errp says
     * what is missing.  NULL if it works everywhere.
     */
    bool (*probe)(const RaminateMemory *memory, Error **errp);
} RaminatePart;

/* Returns: whether @part works with such tiers as @memory has. */
bool raminate_part_suits(const RaminatePart *part,
                         const RaminateMemory *memory);

/* Returns: what a sampler tells of pages, if the host has what it needs. */
unsigned raminate_part_kinds(const RaminatePart *part,
                             const RaminateMemory *memory);

/*
 * Returns: whether auto may choose @part, if the host has what it needs.
 * @failed: bits of the types that have failed, which auto passes over
 */
bool raminate_part_is_for_auto(const RaminatePart *part, unsigned failed,
                               const RaminateMemory *memory);

/*
 * Finds the part to use for @type.  Under the big lock, for the probes.
 * @parts: those that exist, the best one first; ended by NULL.  The last one
 *         that suits the tiers works everywhere, and never fails.
 * @kinds: one of these is wanted; 0 if it doesn't matter
 * @failed: as for raminate_part_is_for_auto()
 * @reason: why it isn't a better one, owned by the caller; NULL if it's the
 *          best, or the better one is among @failed
 * Returns: NULL with @errp set if a part asked for by name can't be used, or
 * none tells what is wanted.
 */
const RaminatePart *raminate_part_choose(const RaminatePart *const *parts,
                                         int type, unsigned kinds,
                                         unsigned failed,
                                         const RaminateMemory *memory,
                                         char **reason, Error **errp);

/* All samplers, and all movers, for raminate_part_choose(). */
extern const RaminatePart *const raminate_samplers[];
extern const RaminatePart *const raminate_movers[];

#endif
