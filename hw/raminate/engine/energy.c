/*
 * RAMinate: what memory costs in energy, by a simple model
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "hw/raminate/engine/energy.h"

/* Of DRAM, worked back from the paper's charts */
#define JOULES_PER_BYTE 0.244e-9

/* Watts for a byte, from milliwatts for a GiB */
#define IDLE_UNIT (1e-3 / (1 << 30))

double raminate_energy(const RaminateLoad *load, const RaminateCosts *costs,
                       unsigned nr_tiers)
{
    double joules = 0;

    for (unsigned i = 0; i < nr_tiers; i++) {
        const RaminateTierLoad *tier = &load->tiers[i];
        double traffic = tier->read * costs[i].read +
                         tier->written * costs[i].write;

        joules += JOULES_PER_BYTE * traffic / costs[0].read +
                  IDLE_UNIT * costs[i].idle * tier->size * load->seconds;
    }
    return joules;
}

void raminate_energy_suppose(RaminateCosts *costs, unsigned nr_tiers,
                             uint32_t times)
{
    for (unsigned i = 1; i < nr_tiers; i++) {
        costs[i].write = times * costs[0].read;
    }
}
