/*
 * RAMinate: what the payback policy remembers of a page, as one of few states
 *
 * A page's history is
 * - its age: the scans since the last one that found it written,
 * - its gap: whether the scan before that one had found it written too,
 * - its rate: the decayed share of scans that found it written until then,
 * - its pace: the share of second looks that found it written, among scans
 *   that did; without second looks all pages have the same.
 * Each is put into one of a few classes, and each combination is a state.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_PAYBACK_STATE_H
#define RAMINATE_PAYBACK_STATE_H

#include <stdint.h>

/* Ages 0, 1, 2 to 3, 4 to 7 and so on; the last class has no end. */
#define PAYBACK_AGES 12

/* Written by the scan before as well, or not */
#define PAYBACK_GAPS 2

/* Steps of about half an octave from 1/64 to 1 */
#define PAYBACK_RATES 12
#define PAYBACK_RATE_FULL 65535u

/* Up to 1/8, 1/4, 1/2 and 1 */
#define PAYBACK_PACES 4
#define PAYBACK_PACE_BITS 10
#define PAYBACK_PACE_FULL ((1u << PAYBACK_PACE_BITS) - 1)

/* A history without its age */
#define PAYBACK_HISTORIES (PAYBACK_PACES * PAYBACK_RATES * PAYBACK_GAPS)

#define PAYBACK_STATES (PAYBACK_HISTORIES * PAYBACK_AGES)

/* Classes */
static inline unsigned payback_age_class(uint32_t scans)
{
    unsigned class = scans ? 32 - __builtin_clz(scans) : 0;

    return class < PAYBACK_AGES ? class : PAYBACK_AGES - 1;
}

/* @age: a class */
static inline unsigned payback_gap_class(unsigned age)
{
    return age < PAYBACK_GAPS ? age : PAYBACK_GAPS - 1;
}

unsigned payback_rate_class(unsigned rate);     /* of PAYBACK_RATE_FULL */
unsigned payback_pace_class(unsigned pace);     /* of PAYBACK_PACE_FULL */

/* Returns: number of ages in the class. */
float payback_age_width(unsigned age);

/* Returns: the rate in the middle of a class, from 0 to 1. */
float payback_rate_of_class(unsigned rate);

/* Returns: the rate of a page that is written @scans scans after it was. */
float payback_rate_after_write(float rate, uint32_t scans);

/* Returns: the rate of a page that was not written for @scans scans. */
float payback_rate_after_rest(float rate, uint32_t scans);

/* States, by classes */
static inline unsigned payback_state(unsigned pace, unsigned rate,
                                     unsigned gap, unsigned age)
{
    return ((pace * PAYBACK_RATES + rate) * PAYBACK_GAPS + gap) *
           PAYBACK_AGES + age;
}

static inline unsigned payback_state_age(unsigned state)
{
    return state % PAYBACK_AGES;
}

static inline unsigned payback_state_rate(unsigned state)
{
    return state / PAYBACK_AGES / PAYBACK_GAPS % PAYBACK_RATES;
}

static inline unsigned payback_state_pace(unsigned state)
{
    return state / PAYBACK_AGES / PAYBACK_GAPS / PAYBACK_RATES;
}

/* Returns: the state with the next lower rate, if @state's is not the lowest. */
static inline unsigned payback_state_below(unsigned state)
{
    return state - PAYBACK_GAPS * PAYBACK_AGES;
}

#endif
