/*
 * RAMinate: a guest with CMQ, at its start
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_CMQ_START_H
#define RAMINATE_CMQ_START_H

#include "policy-harness.h"

#define LIFE 5000

/* Pages 0 to 9 are fast and 10 to 39 slow; the first scan is at 0. */
static inline Harness *start(void)
{
    Harness *h = harness_new(&raminate_policy_cmq, LIFE, 10, 30);

    harness_scan(h, 0, -1);
    return h;
}

/* The same, at 10000, when all fast pages have become victims */
static inline Harness *start_with_victims(void)
{
    Harness *h = start();

    harness_scan(h, 10000, -1);
    return h;
}

/* @page is written @times times, in scans a second apart up to @end. */
static inline void write_until(Harness *h, int page, int times, int64_t end)
{
    for (int i = times - 1; i >= 0; i--) {
        harness_scan(h, end - i * 1000, page, -1);
    }
}

#endif
