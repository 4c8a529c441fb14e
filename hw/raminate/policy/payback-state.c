/*
 * RAMinate: what the payback policy remembers of a page, as one of few states
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "payback-state.h"

/* 2 ^ (-1 / 48): in 48 scans without a write, a rate decays to a half. */
#define RATE_DECAY 0.985663f

/* From 1/8 on, each class of paces reaches twice as high. */
#define PACE_LOWEST (PAYBACK_PACE_FULL / 8)

float payback_age_width(unsigned age)
{
    return age ? 1u << (age - 1) : 1;
}

unsigned payback_rate_class(unsigned rate)
{
    unsigned step = rate >> 10;
    unsigned octave;

    if (step == 0) {
        return 0;
    }
    octave = 31 - __builtin_clz(step);
    return 2 * octave + (octave ? step >> (octave - 1) & 1
                                : rate >> 9 & 1);
}

float payback_rate_of_class(unsigned rate)
{
    float low = (1u << rate / 2) * (rate % 2 ? 1.5f : 1.0f) / 64;

    return low * (rate % 2 ? 1.155f : 1.225f);
}

unsigned payback_pace_class(unsigned pace)
{
    unsigned class = 0;

    for (unsigned limit = PACE_LOWEST;
         pace >= limit && class < PAYBACK_PACES - 1; limit *= 2) {
        class++;
    }
    return class;
}

static float power(float base, uint32_t exponent)
{
    float result = 1;

    for (; exponent; exponent >>= 1) {
        if (exponent & 1) {
            result *= base;
        }
        base *= base;
    }
    return result;
}

float payback_rate_after_rest(float rate, uint32_t scans)
{
    return rate * power(RATE_DECAY, scans);
}

float payback_rate_after_write(float rate, uint32_t scans)
{
    return 1 - (1 - payback_rate_after_rest(rate, scans)) * RATE_DECAY;
}
