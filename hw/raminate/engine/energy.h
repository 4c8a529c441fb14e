/*
 * RAMinate: what memory costs in energy, by a simple model
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_ENERGY_H
#define HW_RAMINATE_ENERGY_H

/* What the energy depends on. */
typedef struct RaminateLoad {
    double seconds;
    double fast_size;           /* bytes of the fastest tier */
    double bytes;               /* read anywhere or written to that tier */
    double slow_bytes;          /* written to slower tiers */
} RaminateLoad;

/*
 * The model of the RAMinate paper: all bytes cost the same but those written
 * to slower tiers, and only the fastest tier takes power while idle.
 *
 * @slow_write_cost: how many times as much a byte written to a slower tier
 *                   costs
 * Returns: energy in joules.
 */
double raminate_energy(const RaminateLoad *load, double slow_write_cost);

#endif
