/*
 * What the parts of the program that counts instructions share
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef COST_H
#define COST_H

#include <x86intrin.h>

#include "selftest.h"

/* Each figure is the least of so many runs: the one least disturbed. */
enum { RUNS = 2 };

/*
 * Instructions since the machine started, of all its CPUs, where the time stamp
 * counter counts those: under QEMU's -icount shift=0.
 */
static inline uint64_t instructions(void)
{
    return __rdtsc();
}

static inline void keep_least(uint64_t *least, uint64_t count)
{
    if (count < *least) {
        *least = count;
    }
}

/* A VM with all its memory mapped, of a size in MiB. */
void cost_vm_create(Vm *vm, unsigned mib, bool attached);

/*
 * Let the guest read or write each @stride-th page of its memory, and return
 * what that took, exits included.
 */
uint64_t cost_sweep(Vm *vm, unsigned stride, bool write);

/* Pages that a sweep gets to. */
uint64_t cost_swept(const Vm *vm, unsigned stride);

void cost_scan(unsigned mib);
void cost_find(unsigned mib);
void cost_swap(unsigned mib);
void cost_gaps(unsigned mib);
void cost_interrupts(unsigned mib);

#endif
