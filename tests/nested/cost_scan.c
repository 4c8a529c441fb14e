/*
 * What it takes to find the written pages: by the KVM extension's scan, and by
 * KVM's dirty log
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "cost.h"

/* Each n-th page is written; 0 for none. */
static const unsigned strides[] = { 0, 100, 10, 1 };

enum { STRIDES = sizeof(strides) / sizeof(strides[0]) };

typedef struct {
    uint64_t written;           /* pages */
    uint64_t found;             /* pages */
    uint64_t scan;              /* instructions, also in the following */
    uint64_t scan_no_flush;
    uint64_t scan_guest;        /* the guest's writes after a scan */
    uint64_t log_get;
    uint64_t log_clear;
    uint64_t log_guest;         /* the guest's writes after a clearing */
    uint64_t plain_guest;       /* the same writes, nobody looking */
} Costs;

static uint64_t write_pages(Vm *vm, unsigned stride)
{
    return stride ? cost_sweep(vm, stride, true) : 0;
}

static uint64_t count_scan(Vm *vm, void *bitmap, uint32_t flags,
                           struct kvm_raminate_scan *args)
{
    uint64_t start;

    *args = (struct kvm_raminate_scan) {
        .flags = KVM_RAMINATE_SCAN_HVA | flags,
        .start = (uintptr_t)vm->ram, .nr_pages = 2 * vm->half / PAGE,
        .bitmap = (uintptr_t)bitmap,
    };
    start = instructions();
    if (scan(vm->fd, args) < 0) {
        die("KVM_RAMINATE_SCAN");
    }
    return instructions() - start;
}

static void measure_scan(Vm *vm, void *bitmap, Costs *costs)
{
    struct kvm_raminate_scan args;
    Costs *c;
    int s, run;

    count_scan(vm, bitmap, 0, &args);
    for (s = 0; s < STRIDES; s++) {
        c = &costs[s];
        for (run = 0; run < RUNS; run++) {
            keep_least(&c->scan_guest, write_pages(vm, strides[s]));
            keep_least(&c->scan, count_scan(vm, bitmap, 0, &args));
            write_pages(vm, strides[s]);
            keep_least(&c->scan_no_flush,
                       count_scan(vm, bitmap, KVM_RAMINATE_SCAN_NO_FLUSH,
                                  &args));
            /* What the last one may have missed. */
            count_scan(vm, bitmap, 0, &args);
        }
        write_pages(vm, strides[s]);
        count_scan(vm, bitmap, 0, &args);
        c->written = strides[s] ? cost_swept(vm, strides[s]) : 0;
        c->found = args.nr_written;
    }
}

static uint64_t count_get(Vm *vm, void *bitmap)
{
    struct kvm_dirty_log args = { .dirty_bitmap = bitmap };
    uint64_t start = instructions();

    if (ioctl(vm->fd, KVM_GET_DIRTY_LOG, &args) < 0) {
        die("KVM_GET_DIRTY_LOG");
    }
    return instructions() - start;
}

static uint64_t count_clear(Vm *vm, void *bitmap)
{
    struct kvm_clear_dirty_log args = {
        .num_pages = 2 * vm->half / PAGE, .dirty_bitmap = bitmap,
    };
    uint64_t start = instructions();

    if (ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &args) < 0) {
        die("KVM_CLEAR_DIRTY_LOG");
    }
    return instructions() - start;
}

static void measure_log(Vm *vm, void *bitmap, Costs *costs)
{
    struct kvm_enable_cap cap = {
        .cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
        .args = { KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE },
    };
    int s, run;

    if (ioctl(vm->fd, KVM_ENABLE_CAP, &cap) < 0) {
        die("KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2");
    }
    for (s = 0; s < STRIDES; s++) {
        write_pages(vm, strides[s]);
        for (run = 0; run < RUNS; run++) {
            keep_least(&costs[s].plain_guest, write_pages(vm, strides[s]));
        }
    }
    vm_add_ram(vm, KVM_MEM_LOG_DIRTY_PAGES);
    count_get(vm, bitmap);
    count_clear(vm, bitmap);
    for (s = 0; s < STRIDES; s++) {
        for (run = 0; run < RUNS; run++) {
            keep_least(&costs[s].log_guest, write_pages(vm, strides[s]));
            keep_least(&costs[s].log_get, count_get(vm, bitmap));
            keep_least(&costs[s].log_clear, count_clear(vm, bitmap));
        }
    }
}

static void print(unsigned mib, uint64_t pages, const Costs *c)
{
    printf("scan mib=%u pages=%llu written=%llu found=%llu scan=%llu "
           "scan_no_flush=%llu scan_guest=%llu log_get=%llu log_clear=%llu "
           "log_guest=%llu plain_guest=%llu\n", mib,
           (unsigned long long)pages, (unsigned long long)c->written,
           (unsigned long long)c->found, (unsigned long long)c->scan,
           (unsigned long long)c->scan_no_flush,
           (unsigned long long)c->scan_guest, (unsigned long long)c->log_get,
           (unsigned long long)c->log_clear, (unsigned long long)c->log_guest,
           (unsigned long long)c->plain_guest);
    fflush(stdout);
}

void cost_scan(unsigned mib)
{
    uint64_t pages = mib * MIB / PAGE;
    void *bitmap = calloc(pages / 8, 1);
    Costs costs[STRIDES];
    int s;
    Vm vm;

    for (s = 0; s < STRIDES; s++) {
        costs[s] = (Costs) {
            0, 0, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
            UINT64_MAX, UINT64_MAX,
        };
    }

    cost_vm_create(&vm, mib, true);
    measure_scan(&vm, bitmap, costs);
    vm_destroy(&vm);

    /* As it is without the extension in use. */
    cost_vm_create(&vm, mib, false);
    measure_log(&vm, bitmap, costs);
    vm_destroy(&vm);

    for (s = 0; s < STRIDES; s++) {
        print(mib, pages, &costs[s]);
    }
    free(bitmap);
}
