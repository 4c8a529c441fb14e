/*
 * What it takes to find what the guest did, by what share of its memory it has
 * used: regions that it left alone are skipped
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "cost.h"

#define BOTH (KVM_RAMINATE_WRITTEN | KVM_RAMINATE_ACCESSED)

/* What the guest does before a call: it writes pages of some regions. */
typedef struct {
    const char *name;
    unsigned regions;           /* each so many-th; 0: none */
    unsigned pages;             /* each so many-th of them */
} Case;

static const Case cases[] = {
    { "nothing", 0, 0 },
    { "few", 20, 5 },           /* 5 % of the regions, 1 % of the pages */
    { "all", 1, 10 },
};

enum {
    CASES = sizeof(cases) / sizeof(cases[0]),
    CALLS = 3,                  /* after which nothing is left to be found */
};

static void write_pages(Vm *vm, const Case *c)
{
    unsigned region, nr_regions = 2 * vm->half / PAGE / REGION_PAGES;

    /* Not those that the guest's code and tables are in. */
    for (region = 1; c->regions && region < nr_regions;
         region += c->regions) {
        struct kvm_regs regs = {
            .rdi = (uint64_t)region * REGION_PAGES * PAGE,
            .rsi = c->pages * PAGE, .rcx = REGION_PAGES / c->pages, .rbx = 1,
        };

        vm_set_regs(vm, 0, guest_sweep, &regs);
        vm_run(vm, 0);
    }
}

/* By the call that the host has: KVM_RAMINATE_SCAN alone in version 1. */
static uint64_t count_call(const Vm *vm, uint32_t kinds, void *to)
{
    uint64_t nr_pages = 2 * vm->half / PAGE;
    struct kvm_raminate_find args = {
        .flags = KVM_RAMINATE_SCAN_HVA, .kinds = kinds,
        .start = (uintptr_t)vm->ram, .nr_pages = nr_pages,
        .regions = (uintptr_t)to, .max_regions = nr_pages / REGION_PAGES,
    };
    struct kvm_raminate_scan old = {
        .flags = KVM_RAMINATE_SCAN_HVA, .start = (uintptr_t)vm->ram,
        .nr_pages = nr_pages, .bitmap = (uintptr_t)to,
    };
    uint64_t start = instructions();

    if ((kinds ? find(vm->fd, &args) : scan(vm->fd, &old)) < 0) {
        die("looking for pages");
    }
    return instructions() - start;
}

static void measure(Vm *vm, uint32_t kinds, void *to, unsigned mib)
{
    uint64_t found, after, pages = 2 * vm->half / PAGE;
    unsigned i, run;

    for (i = 0; i < CASES; i++) {
        found = after = UINT64_MAX;
        for (run = 0; run < RUNS; run++) {
            unsigned call;

            for (call = 0; call < CALLS; call++) {
                count_call(vm, kinds, to);
            }
            write_pages(vm, &cases[i]);
            keep_least(&found, count_call(vm, kinds, to));
            keep_least(&after, count_call(vm, kinds, to));
        }
        printf("find mib=%u pages=%llu kinds=%u used=%s call=%llu after=%llu\n",
               mib, (unsigned long long)pages, kinds, cases[i].name,
               (unsigned long long)found, (unsigned long long)after);
        fflush(stdout);
    }
}

void cost_find(unsigned mib)
{
    size_t nr_regions = mib * MIB / PAGE / REGION_PAGES;
    void *to = calloc(nr_regions, sizeof(struct kvm_raminate_region));
    int kinds;
    Vm vm;

    cost_vm_create(&vm, mib, true);
    measure(&vm, 0, to, mib);
    kinds = ioctl(vm.fd, KVM_CHECK_EXTENSION, KVM_CAP_RAMINATE_2);
    if (kinds > 0) {
        measure(&vm, KVM_RAMINATE_WRITTEN, to, mib);
    }
    if (kinds == BOTH) {
        measure(&vm, BOTH, to, mib);
    }
    vm_destroy(&vm);
    free(to);
}
