/*
 * Selftest of the KVM extension: what a scan reports
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "selftest.h"

#define MSR_KVM_SYSTEM_TIME_NEW 0x4b564d01

enum { NR = 100 };

typedef struct {
    uint32_t written[NR];
    uint32_t read[NR];
    uint32_t idle[NR];
} Lists;

/* Pages of both halves. */
static void make_lists(Lists *lists)
{
    uint32_t i, half;

    for (i = 0; i < NR; i++) {
        half = i % 2 ? RAM_PAGES / 2 : 0;
        lists->written[i] = half + FREE_PAGE + 3 * i;
        lists->read[i] = half + FREE_PAGE + 3 * i + 1;
        lists->idle[i] = half + FREE_PAGE + 3 * i + 2;
    }
}

static void check_report(const Vm *vm, const Lists *lists, const char *when)
{
    unsigned written, read, idle;
    Pages pages;

    scan_ram(vm, &pages);
    written = count_pages(&pages, lists->written, NR);
    read = count_pages(&pages, lists->read, NR);
    idle = count_pages(&pages, lists->idle, NR);
    check(written == NR && read == 0 && idle == 0,
          "%s: written pages are reported, read and idle ones are not "
          "(%u/%d, %u, %u)", when, written, NR, read, idle);
}

static void check_silence(const Vm *vm, const Lists *lists, const char *when)
{
    unsigned all;
    Pages pages;

    scan_ram(vm, &pages);
    all = count_pages(&pages, lists->written, NR) +
          count_pages(&pages, lists->read, NR) +
          count_pages(&pages, lists->idle, NR);
    check(all == 0, "%s: no page is reported (%u)", when, all);
}

static void test_guest_writes(Vm *vm, const Lists *lists)
{
    Pages pages;

    scan_ram(vm, &pages);
    vm_touch(vm, lists->read, NR, false);
    vm_touch(vm, lists->written, NR, true);
    check_report(vm, lists, "first access");
    check_silence(vm, lists, "nothing happened");

    vm_touch(vm, lists->read, NR, false);
    vm_touch(vm, lists->written, NR, true);
    check_report(vm, lists, "again");

    vm_touch(vm, lists->written, NR, false);
    vm_touch(vm, lists->read, NR, false);
    check_silence(vm, lists, "only read");
}

static void test_host_writes(const Vm *vm, const Lists *lists)
{
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    uint64_t sum = 0;
    unsigned i;

    for (i = 0; i < NR; i++) {
        vm_page(vm, lists->written[i])[1] = i;
        sum += *(volatile uint64_t *)vm_page(vm, lists->read[i]);
    }
    check_report(vm, lists, "the process writes");
    check_silence(vm, lists, "the process wrote before");

    for (i = 0; i < NR; i++) {
        sum += read(zero, vm_page(vm, lists->written[i]) + 1, 8) +
               write(zero, vm_page(vm, lists->read[i]), 8);
    }
    check_report(vm, lists, "system calls write");
    close(zero);
    note("sum %llu", (unsigned long long)sum);
}

/* The guest's clock is written by KVM through a mapping of its own. */
static void test_kvm_writes(Vm *vm, const Lists *lists)
{
    uint32_t page = lists->idle[0];
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entry;
    } msrs = {
        .head.nmsrs = 1,
        .entry = { .index = MSR_KVM_SYSTEM_TIME_NEW, .data = page * PAGE | 1 },
    };
    Pages pages;

    scan_ram(vm, &pages);
    if (ioctl(vm->vcpu[0], KVM_SET_MSRS, &msrs) != 1) {
        die("KVM_SET_MSRS");
    }
    vm_touch(vm, lists->read, 1, false);
    scan_ram(vm, &pages);
    check(has_page(&pages, page),
          "KVM's write to the guest's clock is reported");
    check(count_pages(&pages, lists->idle, NR) == 1, "and no other page");
    msrs.entry.data = 0;
    ioctl(vm->vcpu[0], KVM_SET_MSRS, &msrs);
    scan_ram(vm, &pages);
}

static void test_by_gfn(Vm *vm, const Lists *lists)
{
    enum { FIRST = FREE_PAGE + 1, COUNT = 200 };
    uint64_t bits[(COUNT + 63) / 64];
    struct kvm_raminate_scan args = {
        .start = FIRST, .nr_pages = COUNT, .bitmap = (uintptr_t)bits,
    };
    unsigned i, wrong = 0, page;
    Pages pages;

    vm_touch(vm, lists->written, NR, true);
    memset(bits, 0xff, sizeof(bits));
    check(scan(vm->fd, &args) == 0 && args.done == COUNT,
          "a run of guest pages is scanned");
    for (i = 0; i < NR; i++) {
        page = lists->written[i];
        if (page >= FIRST && page < FIRST + COUNT) {
            wrong += !(bits[(page - FIRST) / 64] >> (page - FIRST) % 64 & 1);
        }
    }
    check(wrong == 0, "its pages are found (%u missing)", wrong);
    scan_ram(vm, &pages);
    for (i = 0, wrong = 0; i < NR; i++) {
        page = lists->written[i];
        wrong += has_page(&pages, page) ==
                 (page >= FIRST && page < FIRST + COUNT);
    }
    check(wrong == 0,
          "the pages around it are found by the next scan (%u wrong)", wrong);
}

static void test_flags(Vm *vm, const Lists *lists)
{
    struct kvm_raminate_scan args = {
        .flags = KVM_RAMINATE_SCAN_HVA | KVM_RAMINATE_SCAN_NO_FLUSH,
        .start = (uintptr_t)vm->ram,
        .nr_pages = RAM_PAGES,
    };

    vm_touch(vm, lists->written, NR, true);
    check(scan(vm->fd, &args) == 0 && args.done == RAM_PAGES &&
          args.nr_written >= NR && args.nr_mapped >= NR,
          "a scan without bitmap and flush counts");
    check_silence(vm, lists, "after it");
}

static void test_zap(Vm *vm, const Lists *lists)
{
    vm_touch(vm, lists->written, NR, true);
    vm_touch(vm, lists->read, NR, false);
    vm_remove_ram(vm);
    vm_add_ram(vm, 0);
    check_report(vm, lists, "the memory slot was deleted and made anew");
}

static void get_log(const Vm *vm, Pages *log)
{
    struct kvm_dirty_log args = { .dirty_bitmap = log->bits };

    if (ioctl(vm->fd, KVM_GET_DIRTY_LOG, &args) < 0) {
        die("KVM_GET_DIRTY_LOG");
    }
}

static void check_all(const Pages *pages, const Lists *lists, const char *what)
{
    unsigned n = count_pages(pages, lists->written, NR);

    check(n == NR, "%s has all written pages (%u/%d)", what, n, NR);
}

/* Neither may take from the other. */
static void test_dirty_log(Vm *vm, const Lists *lists)
{
    Pages log, pages;

    scan_ram(vm, &pages);
    vm_touch(vm, lists->written, NR, true);
    vm_add_ram(vm, KVM_MEM_LOG_DIRTY_PAGES);
    scan_ram(vm, &pages);
    check_all(&pages, lists, "a scan after the log was switched on");

    get_log(vm, &log);
    vm_touch(vm, lists->written, NR, true);
    scan_ram(vm, &pages);
    check_all(&pages, lists, "a scan while the log is on");
    get_log(vm, &log);
    check_all(&log, lists, "the log after a scan");

    vm_touch(vm, lists->written, NR, true);
    get_log(vm, &log);
    check_all(&log, lists, "the log before a scan");
    scan_ram(vm, &pages);
    check_all(&pages, lists, "a scan after the log");

    vm_touch(vm, lists->written, NR, true);
    vm_add_ram(vm, 0);
    scan_ram(vm, &pages);
    check_all(&pages, lists, "a scan after the log was switched off");
}

void test_scan(void)
{
    Lists lists;
    Vm vm;

    make_lists(&lists);
    vm_create(&vm, 0);
    vm_attach(&vm);
    vm_add_ram(&vm, 0);
    vm_add_vcpu(&vm);

    test_guest_writes(&vm, &lists);
    test_host_writes(&vm, &lists);
    test_kvm_writes(&vm, &lists);
    test_by_gfn(&vm, &lists);
    test_flags(&vm, &lists);
    test_zap(&vm, &lists);
    test_dirty_log(&vm, &lists);

    vm_destroy(&vm);
}
