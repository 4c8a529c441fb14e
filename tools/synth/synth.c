/*
 * RAMinate: a guest that is made up, second by second
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <math.h>

#include "synth.h"

/* A page written more often than that a second stays in the cache. */
#define MAX_LINES 1024

/* splitmix64: the same numbers everywhere, whatever the C library */
uint64_t synth_random(Synth *synth)
{
    uint64_t z = synth->random += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

uint32_t synth_below(Synth *synth, uint32_t end)
{
    return (synth_random(synth) >> 32) * end >> 32;
}

double synth_uniform(Synth *synth)
{
    return (synth_random(synth) >> 11) / 9007199254740992.0;
}

uint32_t synth_poisson(Synth *synth, double mean)
{
    double left, product;
    uint32_t nr = 0;

    if (mean > 30) {
        double sum = -6;

        /* Near enough to normal */
        for (unsigned i = 0; i < 12; i++) {
            sum += synth_uniform(synth);
        }
        sum = mean + sqrt(mean) * sum;
        return sum > 0 ? sum + 0.5 : 0;
    }
    left = exp(-mean);
    for (product = synth_uniform(synth); product > left; nr++) {
        product *= synth_uniform(synth);
    }
    return nr;
}

void synth_write(Synth *synth, uint32_t page, uint32_t events, uint32_t lines)
{
    if (events) {
        uint64_t sum = synth->lines[page] + (uint64_t)events * lines;

        synth->lines[page] = MIN(sum, MAX_LINES);
        synth->events[page] += events;
    }
}

void synth_shuffle(Synth *synth, uint32_t *numbers, uint32_t nr)
{
    for (uint32_t i = 0; i < nr; i++) {
        uint32_t j = synth_below(synth, i + 1);

        numbers[i] = numbers[j];
        numbers[j] = i;
    }
}
