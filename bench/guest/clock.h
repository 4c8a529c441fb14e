/*
 * The time in the guest
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Returns: nanoseconds, of a clock that nobody sets. */
static inline uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
}

#endif
