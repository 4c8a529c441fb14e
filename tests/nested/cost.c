/*
 * Counts the instructions that the KVM extension's calls take. Runs as root on
 * an emulated host whose time stamp counter counts instructions, with ranges
 * set aside; prints records of KEY=VALUE.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cost.h"

/* The guest's own pages: code, tables, lists. */
enum { OWN_PAGES = FREE_PAGE };

void cost_vm_create(Vm *vm, unsigned mib, bool attached)
{
    size_t half = mib * MIB / 2;

    vm_create_at(vm, pool_phys, pool_phys + half, half);
    if (attached) {
        vm_attach(vm);
    }
    vm_add_ram(vm, 0);
    vm_add_vcpu(vm);
    cost_sweep(vm, 1, false);
}

uint64_t cost_swept(const Vm *vm, unsigned stride)
{
    return (2 * vm->half / PAGE - OWN_PAGES) / stride;
}

uint64_t cost_sweep(Vm *vm, unsigned stride, bool write)
{
    struct kvm_regs regs = {
        .rdi = OWN_PAGES * PAGE, .rsi = stride * PAGE,
        .rcx = cost_swept(vm, stride), .rbx = write,
    };
    uint64_t start;

    vm_set_regs(vm, 0, guest_sweep, &regs);
    start = instructions();
    vm_run(vm, 0);
    return instructions() - start;
}

/* Refuse to give time for a count. */
static void check_counter(void)
{
    enum { LOOPS = 10000, PER_LOOP = 2, SLACK = 100, TRIES = 100 };
    uint64_t count = UINT64_MAX, start, loops;
    int i;

    /* Another CPU may be busy for some time. */
    for (i = 0; i < TRIES; i++) {
        loops = LOOPS;
        start = instructions();
        __asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(loops) : : "cc");
        keep_least(&count, instructions() - start);
    }
    if (count < LOOPS * PER_LOOP || count > LOOPS * PER_LOOP + SLACK) {
        note("%d instructions count as %llu", LOOPS * PER_LOOP,
             (unsigned long long)count);
        errno = 0;
        die("the time stamp counter does not count instructions");
    }
}

static const struct {
    const char *name;
    void (*measure)(unsigned mib);
} measures[] = {
    { "scan", cost_scan },
    { "find", cost_find },
    { "swap", cost_swap },
    { "gaps", cost_gaps },
    { "interrupts", cost_interrupts },
};

int main(int argc, char **argv)
{
    size_t i;
    int arg;

    if (argc < 4) {
        fprintf(stderr, "Usage: %s PHYSICAL-ADDRESS MEASURE MIB...\n", argv[0]);
        return 2;
    }
    pool_phys = strtoull(argv[1], NULL, 0);
    check_counter();
    for (i = 0; i < sizeof(measures) / sizeof(measures[0]); i++) {
        for (arg = 3; arg < argc && !strcmp(argv[2], measures[i].name); arg++) {
            measures[i].measure(strtoul(argv[arg], NULL, 0));
        }
    }
    return 0;
}
