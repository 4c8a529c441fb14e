/*
 * Random numbers that are the same in each run
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef BENCH_RANDOM_H
#define BENCH_RANDOM_H

#include <stdint.h>

/* SplitMix64.  Returns: the next of the numbers that follow from @state. */
static inline uint64_t random_next(uint64_t *state)
{
    uint64_t value = *state += UINT64_C(0x9e3779b97f4a7c15);

    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

/* Returns: a number from 0 on that is less than 1. */
static inline double random_share(uint64_t *state)
{
    return (random_next(state) >> 11) * 0x1p-53;
}

#endif
