/*
 * What it takes to exchange the frames of pages, by the size of a batch
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>

#include "cost.h"

enum { PAIRS = 1000 };          /* in all */

static const unsigned batches[] = { 1, 8, 32, 1000 };

/* Pair a page of "DRAM" each with one of "NVM", spread over all of both. */
static void make_pairs(const Vm *vm, struct kvm_raminate_pair *pairs)
{
    uint64_t half = vm->half / PAGE, i;
    uint64_t stride = (half - FREE_PAGE) / PAIRS;

    for (i = 0; i < PAIRS; i++) {
        pairs[i].a = FREE_PAGE + i * stride;
        pairs[i].b = half + FREE_PAGE + i * stride;
    }
}

static uint64_t count_swaps(Vm *vm, struct kvm_raminate_pair *pairs,
                            unsigned batch)
{
    struct kvm_raminate_swap args;
    unsigned done, left, swapped = 0;
    uint64_t count = 0, start;

    for (done = 0; done < PAIRS; done += batch) {
        left = PAIRS - done;
        args = (struct kvm_raminate_swap) {
            .nr_pairs = left < batch ? left : batch,
            .pairs = (uintptr_t)(pairs + done),
        };
        start = instructions();
        if (swap(vm->fd, &args) < 0) {
            die("KVM_RAMINATE_SWAP");
        }
        count += instructions() - start;
        swapped += args.swapped;
    }
    if (swapped != PAIRS) {
        die("a pair was not swapped");
    }
    return count;
}

void cost_swap(unsigned mib)
{
    struct kvm_raminate_pair pairs[PAIRS] = { 0 };
    uint64_t count, unmapped, faults, touched;
    unsigned b, run;
    Vm vm;

    cost_vm_create(&vm, mib, true);
    touched = cost_sweep(&vm, 1, false);
    make_pairs(&vm, pairs);
    for (b = 0; b < sizeof(batches) / sizeof(batches[0]); b++) {
        count = unmapped = faults = UINT64_MAX;
        for (run = 0; run < RUNS; run++) {
            keep_least(&count, count_swaps(&vm, pairs, batches[b]));
            keep_least(&faults, cost_sweep(&vm, 1, false));
            /* All of the guest's entries go with the slot. */
            vm_remove_ram(&vm);
            vm_add_ram(&vm, 0);
            keep_least(&unmapped, count_swaps(&vm, pairs, batches[b]));
            cost_sweep(&vm, 1, false);
        }
        printf("swap mib=%u pairs=%u batch=%u swap=%llu swap_unmapped=%llu "
               "faults=%lld\n", mib, PAIRS, batches[b],
               (unsigned long long)count, (unsigned long long)unmapped,
               (long long)(faults - touched));
        fflush(stdout);
    }
    vm_destroy(&vm);
}
