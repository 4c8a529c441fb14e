/*
 * RAMinate: what memory costs in energy, by a simple model
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_ENERGY_H
#define HW_RAMINATE_ENERGY_H

#include "hw/raminate/engine/layout.h"

/* What was done with the memory of a tier, in bytes */
typedef struct RaminateTierLoad {
    double size;
    double read;
    double written;
} RaminateTierLoad;

/* What the energy depends on */
typedef struct RaminateLoad {
    double seconds;
    RaminateTierLoad tiers[RAMINATE_MAX_TIERS];
} RaminateLoad;

/*
 * As in the model of the RAMinate paper, a byte takes what one of DRAM does,
 * times its cost, and memory takes power while idle.
 *
 * @costs: of each tier; a read from the fastest is taken for one from DRAM
 * Returns: energy in joules.
 */
double raminate_energy(const RaminateLoad *load, const RaminateCosts *costs,
                       unsigned nr_tiers);

/*
 * Makes writes to all tiers but the fastest cost @times what a read from the
 * fastest does.
 */
void raminate_energy_suppose(RaminateCosts *costs, unsigned nr_tiers,
                             uint32_t times);

#endif
