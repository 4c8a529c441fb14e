/*
 * RAMinate: histogram of durations
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_HISTOGRAM_H
#define RAMINATE_HISTOGRAM_H

#include <stdint.h>

/*
 * Each power of two is divided into eight buckets of the same width, so that
 * a value is known to 1/8 whatever its size; values below eight are exact.
 */
#define RAMINATE_HISTOGRAM_SUB_BITS 3
#define RAMINATE_HISTOGRAM_BUCKETS \
    ((64 - RAMINATE_HISTOGRAM_SUB_BITS + 1) << RAMINATE_HISTOGRAM_SUB_BITS)

/*
 * All zero is an empty histogram.  Durations are nanoseconds.  @count, @last,
 * @max and @sum may be read directly; when empty they are 0, as are the results
 * of the functions below.  It has no lock of its own.
 */
typedef struct RaminateHistogram {
    uint64_t count;
    uint64_t last;
    uint64_t max;
    uint64_t sum;       /* stays at UINT64_MAX, 584 years, once there */
    uint64_t buckets[RAMINATE_HISTOGRAM_BUCKETS];
} RaminateHistogram;

/* Cost: O(1). */
void raminate_histogram_add(RaminateHistogram *histogram, uint64_t ns);

uint64_t raminate_histogram_mean(const RaminateHistogram *histogram);

/*
 * @percent: 0 to 100, for instance 50 for the median
 *
 * Returns: a duration that @percent of all values do not exceed; at most 1/8
 * more than the smallest such value, and never more than @max.
 * Cost: O(RAMINATE_HISTOGRAM_BUCKETS).
 */
uint64_t raminate_histogram_percentile(const RaminateHistogram *histogram,
                                       double percent);

#endif
