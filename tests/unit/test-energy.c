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
    RaminateLoad load = { .bytes = 4.1e9 };

    g_assert_cmpfloat_with_epsilon(raminate_energy(&load, 100), 1, 0.001);
}

static void test_slow_writes(void)
{
    RaminateLoad load = { .slow_bytes = 4.1e9 };

    g_assert_cmpfloat_with_epsilon(raminate_energy(&load, 1), 1, 0.001);
    g_assert_cmpfloat_with_epsilon(raminate_energy(&load, 100), 100, 0.1);
}

/* 4 GB of DRAM take half a watt. */
static void test_idle(void)
{
    RaminateLoad load = { .seconds = 10, .fast_size = 4 * GIB };

    g_assert_cmpfloat_with_epsilon(raminate_energy(&load, 100), 5, 1e-6);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/energy/traffic", test_traffic);
    g_test_add_func("/energy/slow-writes-cost-more", test_slow_writes);
    g_test_add_func("/energy/idle-power-of-the-fastest-tier", test_idle);
    return g_test_run();
}
