/*
 * RAMinate: how guest memory is divided into pages, regions and tiers
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "hw/raminate/engine/layout.h"

/* 0.5 W for 4 GiB, worked back from the charts of the RAMinate paper */
#define DRAM_IDLE 125

RaminateCosts raminate_layout_default_costs(const RaminateCosts *faster)
{
    RaminateCosts costs = { 1, 1, DRAM_IDLE };
    uint64_t write;

    if (faster) {
        /* So that what raminate_layout_swap_cost() returns is two units */
        write = 2ULL * faster->read + 3ULL * faster->write;
        costs.read = faster->read;
        costs.write = write < RAMINATE_MAX_COST ? write : RAMINATE_MAX_COST;
        costs.idle = 0;
    }
    return costs;
}

static bool is_cost(uint32_t cost)
{
    return cost >= 1 && cost <= RAMINATE_MAX_COST;
}

const char *raminate_layout_check_costs(const RaminateCosts *costs,
                                        const RaminateCosts *faster)
{
    return !is_cost(costs->read) ? "read-cost"
           : !is_cost(costs->write) ||
             (faster && costs->write < faster->write) ? "write-cost"
           : costs->idle > RAMINATE_MAX_COST ? "idle-power"
           : NULL;
}

void raminate_layout_set_default_costs(RaminateLayout *layout)
{
    for (unsigned tier = 0; tier < layout->nr_tiers; tier++) {
        layout->costs[tier] =
            raminate_layout_default_costs(tier ? &layout->costs[tier - 1]
                                               : NULL);
    }
}

void raminate_layout_init(RaminateLayout *layout,
                          const RaminateFrameRange *ranges, unsigned nr_tiers)
{
    assert(nr_tiers >= 1 && nr_tiers <= RAMINATE_MAX_TIERS);
    memset(layout, 0, sizeof(*layout));
    layout->nr_tiers = nr_tiers;
    layout->unit = 1u << RAMINATE_PAGE_BITS;
    for (unsigned tier = 0; tier < nr_tiers; tier++) {
        layout->ranges[tier] = ranges[tier];
    }
    layout->nr_pages = raminate_layout_frames(layout);
    raminate_layout_set_default_costs(layout);
}

uint64_t raminate_layout_frames(const RaminateLayout *layout)
{
    uint64_t nr = 0;

    for (unsigned tier = 0; tier < layout->nr_tiers; tier++) {
        nr += layout->ranges[tier].count;
    }
    return nr;
}

uint32_t raminate_layout_unit_lines(const RaminateLayout *layout)
{
    return layout->unit > RAMINATE_LINE_SIZE
           ? layout->unit / RAMINATE_LINE_SIZE : 1;
}

static uint32_t use_cost(const RaminateLayout *layout, unsigned tier,
                         RaminateLineUse use)
{
    const RaminateCosts *costs = &layout->costs[tier];

    return use == RAMINATE_LINE_READ ? costs->read
           : use == RAMINATE_LINE_WRITTEN ? costs->write
           : costs->read + costs->write;
}

bool raminate_layout_reads_cost(const RaminateLayout *layout)
{
    for (unsigned tier = 1; tier < layout->nr_tiers; tier++) {
        if (layout->costs[tier].read > layout->costs[tier - 1].read) {
            return true;
        }
    }
    return false;
}

unsigned raminate_layout_costlier(const RaminateLayout *layout, unsigned tier,
                                  RaminateLineUse use)
{
    unsigned slow = layout->nr_tiers;

    while (slow > tier + 1 &&
           use_cost(layout, slow - 1, use) > use_cost(layout, tier, use)) {
        slow--;
    }
    return slow;
}

unsigned raminate_layout_fast_tiers(const RaminateLayout *layout)
{
    return raminate_layout_costlier(layout, 0, RAMINATE_LINE_WRITTEN);
}

float raminate_layout_swap_cost(const RaminateLayout *layout, unsigned fast,
                                unsigned slow, RaminateLineUse use)
{
    const RaminateCosts *a = &layout->costs[fast];
    const RaminateCosts *b = &layout->costs[slow];
    uint32_t cost_a = use_cost(layout, fast, use);
    uint32_t cost_b = use_cost(layout, slow, use);

    assert(cost_b > cost_a);
    return (float)raminate_layout_unit_lines(layout) *
           (a->read + b->read + a->write + b->write) / (cost_b - cost_a);
}
