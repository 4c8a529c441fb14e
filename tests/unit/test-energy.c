/*
 * RAMinate: energy by the paper's model
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "hw/raminate/engine/energy.h"

#define GIB (1024.0 * 1024 * 1024)

/* What the paper's charts say: 4 GB of traffic take a joule. */
static void test_traffic(void)
{
    RaminateCosts costs = raminate_layout_default_costs(NULL);
    RaminateLoad reads = { .tiers = { { .read = 4.1e9 } } };
    RaminateLoad writes = { .tiers = { { .written = 4.1e9 } } };

    g_assert_cmpfloat_with_epsilon(raminate_energy(&reads, &costs, 1), 1,
                                   0.001);
    g_assert_cmpfloat_with_epsilon(raminate_energy(&writes, &costs, 1), 1,
                                   0.001);
}

static void test_slow_writes(void)
{
    RaminateLoad load = { .tiers[1] = { .written = 4.1e9 } };
    RaminateCosts costs[] = { { 1, 1, 0 }, { 1, 5, 0 } };

    g_assert_cmpfloat_with_epsilon(raminate_energy(&load, costs, 2), 5, 0.005);
    raminate_energy_suppose(costs, 2, 100);
    g_assert_cmpfloat_with_epsilon(raminate_energy(&load, costs, 2), 100, 0.1);
}

/* All that counts is how costs relate to a read from the fastest tier. */
static void test_costs_are_relative(void)
{
    RaminateLoad load = {
        .tiers = { { .read = 1e9, .written = 2e9 },
                   { .read = 3e9, .written = 4e9 } },
    };
    RaminateCosts costs[] = { { 1, 2, 0 }, { 3, 5, 0 } };
    RaminateCosts tenfold[] = { { 10, 20, 0 }, { 30, 50, 0 } };

    g_assert_cmpfloat_with_epsilon(raminate_energy(&load, costs, 2),
                                   0.244 * (1 + 2 * 2 + 3 * 3 + 5 * 4), 1e-9);
    g_assert_cmpfloat_with_epsilon(raminate_energy(&load, tenfold, 2),
                                   raminate_energy(&load, costs, 2), 1e-9);
    raminate_energy_suppose(tenfold, 2, 7);
    g_assert_cmpuint(tenfold[0].write, ==, 20);
    g_assert_cmpuint(tenfold[1].write, ==, 70);
}

/* 4 GB of DRAM take half a watt. */
static void test_idle(void)
{
    RaminateCosts costs = raminate_layout_default_costs(NULL);
    RaminateLoad load = { .seconds = 10, .tiers = { { .size = 4 * GIB } } };

    g_assert_cmpfloat_with_epsilon(raminate_energy(&load, &costs, 1), 5, 1e-6);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/energy/traffic", test_traffic);
    g_test_add_func("/energy/slow-writes-cost-more", test_slow_writes);
    g_test_add_func("/energy/costs-are-relative", test_costs_are_relative);
    g_test_add_func("/energy/idle-power", test_idle);
    return g_test_run();
}
