/*
 * Selftest of the KVM extension: what the guest's entries are after a swap
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "selftest.h"

enum { NR = 2, WORD = 8 };      /* that guest_touch writes to */

static const uint32_t pages[NR] = { FREE_PAGE, RAM_PAGES / 2 + FREE_PAGE };

/* KVM counts the guest's faults. */
static uint64_t faults(const Vm *vm)
{
    unsigned long long count;
    char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-%d/pf_taken",
             getpid(), vm->fd);
    file = fopen(path, "r");
    if (file == NULL || fscanf(file, "%llu", &count) != 1) {
        die(path);
    }
    fclose(file);
    return count;
}

static void exchange(const Vm *vm)
{
    if (swap_pages(vm, pages[0], pages[1]) != 0) {
        die("KVM_RAMINATE_SWAP");
    }
}

static void clear(const Vm *vm)
{
    vm_page(vm, pages[0])[WORD] = vm_page(vm, pages[1])[WORD] = 0;
}

/* Whether what the guest has just written is where the process has it. */
static bool arrived(const Vm *vm)
{
    return vm_page(vm, pages[0])[WORD] == 2 && vm_page(vm, pages[1])[WORD] == 1;
}

static void test_faults(Vm *vm)
{
    uint64_t before;

    vm_touch(vm, pages, NR, true);
    clear(vm);
    exchange(vm);
    before = faults(vm);
    vm_touch(vm, pages, NR, false);
    if (has_direct_tables()) {
        check(faults(vm) == before, "no fault by reading after a swap (%u)",
              (unsigned)(faults(vm) - before));
    }
    before = faults(vm);
    vm_touch(vm, pages, NR, true);
    if (has_direct_tables() &&
        ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_RAMINATE_2) &
        KVM_RAMINATE_ACCESSED) {
        check(faults(vm) == before, "nor by writing (%u)",
              (unsigned)(faults(vm) - before));
    }
    check(arrived(vm), "what the guest then writes is where it belongs");
}

static void test_written(Vm *vm)
{
    Pages found;

    scan_ram(vm, &found);
    vm_touch(vm, pages, 1, true);
    exchange(vm);
    scan_ram(vm, &found);
    check(has_page(&found, pages[0]) && !has_page(&found, pages[1]),
          "a write before a swap is found after it");
    vm_touch(vm, pages, 1, true);
    scan_ram(vm, &found);
    check(has_page(&found, pages[0]) && !has_page(&found, pages[1]),
          "and so is one after it");
}

static void get_log(const Vm *vm, Pages *log)
{
    struct kvm_dirty_log args = { .dirty_bitmap = log->bits };

    if (ioctl(vm->fd, KVM_GET_DIRTY_LOG, &args) < 0) {
        die("KVM_GET_DIRTY_LOG");
    }
}

static void test_log(Vm *vm)
{
    Pages log;

    vm_add_ram(vm, KVM_MEM_LOG_DIRTY_PAGES);
    vm_touch(vm, pages, NR, true);
    get_log(vm, &log);
    vm_touch(vm, pages, NR, false);
    exchange(vm);
    vm_touch(vm, pages, 1, true);
    get_log(vm, &log);
    check(has_page(&log, pages[0]), "the log has a write after a swap");
    vm_touch(vm, pages, 1, true);
    exchange(vm);
    get_log(vm, &log);
    check(has_page(&log, pages[0]), "and one before a swap");
    vm_add_ram(vm, 0);
}

/* Another VM has the same memory, and has to be told of what goes. */
static void test_other_vm(Vm *vm)
{
    Vm other;

    vm_create(&other, 1);
    other.ram = vm->ram;
    vm_add_ram(&other, 0);
    vm_add_vcpu(&other);
    vm_touch(&other, pages, NR, true);
    clear(vm);
    exchange(vm);
    vm_touch(&other, pages, NR, true);
    check(arrived(vm), "another VM of the process writes where it belongs");
    clear(vm);
    vm_touch(vm, pages, NR, true);
    check(arrived(vm), "and so does this one");
    vm_destroy(&other);
}

void test_refill(void)
{
    Vm vm;

    vm_create(&vm, 0);
    vm_attach(&vm);
    vm_add_ram(&vm, 0);
    vm_add_vcpu(&vm);
    /* The first swap in a mapping gives back its memory type. */
    exchange(&vm);

    test_faults(&vm);
    test_written(&vm);
    test_log(&vm);
    test_other_vm(&vm);

    vm_destroy(&vm);
}
