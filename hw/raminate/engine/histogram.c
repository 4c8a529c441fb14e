/*
 * RAMinate: histogram of durations
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "histogram.h"

#define SUB_BITS RAMINATE_HISTOGRAM_SUB_BITS
#define SUB_BUCKETS (1u << SUB_BITS)

static unsigned bucket_of(uint64_t ns)
{
    unsigned shift;

    if (ns < SUB_BUCKETS) {
        return ns;
    }
    shift = 63 - __builtin_clzll(ns) - SUB_BITS;
    return (shift + 1) * SUB_BUCKETS + (ns >> shift) % SUB_BUCKETS;
}

/* Returns: the largest value that falls into @bucket. */
static uint64_t bucket_end(unsigned bucket)
{
    unsigned shift;

    if (bucket < SUB_BUCKETS) {
        return bucket;
    }
    shift = bucket / SUB_BUCKETS - 1;

    /* In the last bucket this wraps to UINT64_MAX, as it should. */
    return (((uint64_t)SUB_BUCKETS + bucket % SUB_BUCKETS + 1) << shift) - 1;
}

void raminate_histogram_add(RaminateHistogram *h, uint64_t ns)
{
    h->count++;
    h->last = ns;
    h->max = ns > h->max ? ns : h->max;
    h->sum = ns > UINT64_MAX - h->sum ? UINT64_MAX : h->sum + ns;
    h->buckets[bucket_of(ns)]++;
}

uint64_t raminate_histogram_mean(const RaminateHistogram *h)
{
    return h->count ? h->sum / h->count : 0;
}

uint64_t raminate_histogram_percentile(const RaminateHistogram *h,
                                       double percent)
{
    uint64_t seen = 0;

    for (unsigned i = 0; i < RAMINATE_HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen > 0 && seen * 100.0 >= percent * h->count) {
            uint64_t end = bucket_end(i);

            return end < h->max ? end : h->max;
        }
    }
    return h->max;
}
