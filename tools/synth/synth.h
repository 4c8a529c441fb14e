/*
 * RAMinate: a guest that is made up, second by second
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_SYNTH_H
#define RAMINATE_SYNTH_H

#include <stdint.h>
#include <glib.h>

typedef struct Synth {
    uint32_t nr_pages;
    uint32_t scan;              /* number of the present one */
    uint64_t random;            /* state of the generator */
    uint32_t *place;            /* where the guest's allocator put page N */

    /* Of the present scan, by page; all 0 at its start */
    uint32_t *lines;
    uint32_t *events;           /* moments at which it was written */
} Synth;

typedef struct Workload {
    const char *name;
    const char *summary;

    /* Returns: the workload's own state, to be freed with g_free(). */
    void *(*start)(Synth *synth);

    /* Writes what is written until the next scan. */
    void (*step)(Synth *synth, void *state);
} Workload;

extern const Workload workloads[];      /* ended by one without a name */

uint64_t synth_random(Synth *synth);

/* Returns: a number from 0 to @end - 1. */
uint32_t synth_below(Synth *synth, uint32_t end);

/* Returns: a number from 0 to just below 1. */
double synth_uniform(Synth *synth);

/* Returns: how often something happens that is expected @mean times. */
uint32_t synth_poisson(Synth *synth, double mean);

/* Writes @lines of @page at each of @events moments. */
void synth_write(Synth *synth, uint32_t page, uint32_t events,
                 uint32_t lines);

/* Puts numbers 0 to @nr - 1 into random order. */
void synth_shuffle(Synth *synth, uint32_t *numbers, uint32_t nr);

#endif
