/*
 * RAMinate: what memory costs in energy, by a simple model
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdint.h>

#include "hw/raminate/engine/energy.h"

/* Of DRAM, worked back from the paper's charts */
#define JOULES_PER_BYTE 0.244e-9
#define IDLE_WATTS_PER_BYTE (0.5 / (UINT64_C(4) << 30))

double raminate_energy(const RaminateLoad *load, double slow_write_cost)
{
    return JOULES_PER_BYTE * (load->bytes +
                              slow_write_cost * load->slow_bytes) +
           IDLE_WATTS_PER_BYTE * load->fast_size * load->seconds;
}
