/*
 * Selftest of the KVM extension: how often the vCPUs' TLBs are flushed
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>

#include "selftest.h"

enum {
    PIECE = 32,                 /* pairs that a swap works off at once */
    PAIRS = 2 * PIECE,
    A = FREE_PAGE,
    B = RAM_PAGES / 2 + FREE_PAGE,
};

/* KVM counts its own flushes. */
static uint64_t flushes(const Vm *vm)
{
    unsigned long long count;
    char path[128];
    FILE *file;

    snprintf(path, sizeof(path),
             "/sys/kernel/debug/kvm/%d-%d/remote_tlb_flush_requests", getpid(),
             vm->fd);
    file = fopen(path, "r");
    if (file == NULL || fscanf(file, "%llu", &count) != 1) {
        die(path);
    }
    fclose(file);
    return count;
}

/* All pages that are to be swapped, in both halves. */
static void touch(Vm *vm)
{
    uint32_t pages[2 * PAIRS];
    unsigned i;

    for (i = 0; i < PAIRS; i++) {
        pages[i] = A + i;
        pages[PAIRS + i] = B + i;
    }
    vm_touch(vm, pages, 2 * PAIRS, true);
}

/* Begins before the RAM, so that the written pages are in two pieces. */
static uint64_t flushes_of_scan(const Vm *vm, uint32_t flags)
{
    struct kvm_raminate_scan args = {
        .flags = KVM_RAMINATE_SCAN_HVA | flags,
        .start = (uintptr_t)vm->ram - HALF,
        .nr_pages = 2 * RAM_PAGES,
    };
    uint64_t before = flushes(vm);

    if (scan(vm->fd, &args) < 0) {
        die("KVM_RAMINATE_SCAN");
    }
    return flushes(vm) - before;
}

static uint64_t flushes_of_swap(const Vm *vm, unsigned nr)
{
    struct kvm_raminate_pair pairs[PAIRS];
    struct kvm_raminate_swap args = {
        .nr_pairs = nr, .pairs = (uintptr_t)pairs,
    };
    uint64_t before;
    unsigned i;

    for (i = 0; i < nr; i++) {
        pairs[i] = (struct kvm_raminate_pair) { .a = A + i, .b = B + i };
    }
    before = flushes(vm);
    if (swap(vm->fd, &args) < 0 || args.swapped != nr) {
        die("KVM_RAMINATE_SWAP");
    }
    return flushes(vm) - before;
}

void test_flush(void)
{
    uint64_t count;
    Vm vm;

    vm_create(&vm, 0);
    vm_attach(&vm);
    vm_add_ram(&vm, 0);
    vm_add_vcpu(&vm);

    flushes_of_scan(&vm, 0);
    count = flushes_of_scan(&vm, 0);
    check(count == 0, "a scan that finds nothing flushes nothing (%u)",
          (unsigned)count);
    touch(&vm);
    count = flushes_of_scan(&vm, 0);
    check(count == 1, "a scan of several pieces flushes once (%u)",
          (unsigned)count);
    touch(&vm);
    count = flushes_of_scan(&vm, KVM_RAMINATE_SCAN_NO_FLUSH);
    check(count == 0, "a scan flushes nothing if it is told so (%u)",
          (unsigned)count);

    /* The first swap in a mapping gives back its memory type. */
    flushes_of_swap(&vm, 1);
    touch(&vm);
    count = flushes_of_swap(&vm, PIECE);
    check(count == 1, "a piece of a swap flushes once (%u)", (unsigned)count);
    touch(&vm);
    count = flushes_of_swap(&vm, PAIRS);
    check(count == 2, "two pieces flush twice (%u)", (unsigned)count);
    vm_destroy(&vm);
}
