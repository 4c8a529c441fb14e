/*
 * Selftest of the KVM extension: what is found by region, and what is skipped
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "selftest.h"

#define BOTH (KVM_RAMINATE_WRITTEN | KVM_RAMINATE_ACCESSED)

/* Two pages far from the guest's own, in a region of each half. */
static const uint32_t pages[] = {
    5 * REGION_PAGES + 7, RAM_PAGES / 2 + 3 * REGION_PAGES + 500,
};

enum { NR = sizeof(pages) / sizeof(pages[0]) };

static int kinds_of(const Vm *vm)
{
    return ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_RAMINATE_2);
}

/* Whether the CPU tells by the guest's tables which of them it has used. */
static bool guest_is_skipped(const Vm *vm)
{
    return has_direct_tables() && kinds_of(vm) & KVM_RAMINATE_ACCESSED;
}

/* Has all that happened before be found, and no table be read once more. */
static void settle(const Vm *vm)
{
    Found found;
    int i;

    for (i = 0; i < 3; i++) {
        find_ram(vm, kinds_of(vm), 0, 0, &found);
    }
}

static void test_regions(Vm *vm)
{
    const uint32_t kinds = KVM_RAMINATE_WRITTEN;
    Found found, one;
    uint32_t page;
    unsigned others = 0;

    settle(vm);
    vm_touch(vm, pages, NR, true);
    find_ram(vm, kinds, 0, 0, &found);
    for (page = REGION_PAGES; page < RAM_PAGES; page++) {
        others += has_page(&found.written, page);
    }
    check(count_pages(&found.written, pages, NR) == NR && others == NR,
          "written pages are found, and no others (%u)", others);
    check(found.regions == NR + 1,
          "there are entries for their regions and the guest's own (%u)",
          found.regions);
    find_ram(vm, kinds, 0, 0, &found);
    check(found.regions == 0, "nothing happened: there is no entry (%u)",
          found.regions);

    vm_touch(vm, pages, NR, true);
    find_ram(vm, kinds, 0, 1, &one);
    check(count_pages(&one.written, pages, NR) == NR && one.regions == NR + 1,
          "the same by one entry at a time (%u)", one.regions);
}

static void test_skipping(Vm *vm)
{
    /* Both tables of the guest's own region, and the guest's of the pages. */
    const uint64_t wanted = (NR + 2) * REGION_PAGES;
    Found found;

    settle(vm);
    find_ram(vm, kinds_of(vm), 0, 0, &found);
    note("nothing happened: %llu entries read",
         (unsigned long long)found.nr_read);
    check(guest_is_skipped(vm) ? found.nr_read == 0
                               : found.nr_read <= RAM_PAGES,
          "nothing happened: tables are skipped");
    vm_touch(vm, pages, NR, false);
    find_ram(vm, kinds_of(vm), 0, 0, &found);
    note("a few pages were read: %llu entries read",
         (unsigned long long)found.nr_read);
    check(!guest_is_skipped(vm) || found.nr_read == wanted,
          "a few pages were read: only tables of their regions are read");
    find_ram(vm, kinds_of(vm), KVM_RAMINATE_SCAN_NO_FLUSH, 0, &found);
    check(!guest_is_skipped(vm) || found.nr_read == wanted,
          "once more, if the TLB is not flushed");
    find_ram(vm, kinds_of(vm), 0, 0, &found);
    check(!guest_is_skipped(vm) || found.nr_read == wanted,
          "and once more, if it is");
    find_ram(vm, kinds_of(vm), 0, 0, &found);
    check(!guest_is_skipped(vm) || found.nr_read == 0,
          "then they are skipped again");
}

/* Whether scans for @kind leave what @other is, and nothing else. */
static bool is_found_alone(Vm *vm, uint32_t kind, uint32_t other)
{
    bool is_writes = other == KVM_RAMINATE_WRITTEN;
    Found found;

    vm_touch(vm, pages, NR, true);
    find_ram(vm, kind, 0, 0, &found);
    find_ram(vm, kind, 0, 0, &found);
    find_ram(vm, other, 0, 0, &found);
    return count_pages(&found.written, pages, NR) == (is_writes ? NR : 0) &&
           count_pages(&found.accessed, pages, NR) == (is_writes ? 0 : NR);
}

static void test_kinds(Vm *vm)
{
    Found found;

    settle(vm);
    vm_touch(vm, pages, 1, true);
    vm_touch(vm, pages + 1, 1, false);
    find_ram(vm, BOTH, 0, 0, &found);
    check(has_page(&found.written, pages[0]) &&
          has_page(&found.accessed, pages[0]) &&
          !has_page(&found.written, pages[1]) &&
          has_page(&found.accessed, pages[1]),
          "reads are told from writes");
    find_ram(vm, BOTH, 0, 0, &found);
    check(found.regions == 0, "both kinds are cleared");

    check(is_found_alone(vm, KVM_RAMINATE_WRITTEN, KVM_RAMINATE_ACCESSED),
          "writes are looked for alone, and leave accesses");
    check(is_found_alone(vm, KVM_RAMINATE_ACCESSED, KVM_RAMINATE_WRITTEN),
          "accesses are looked for alone, and leave writes");
}

static void test_process(Vm *vm)
{
    Found found;

    settle(vm);
    vm_page(vm, pages[0])[1]++;
    (void)*(volatile uint64_t *)vm_page(vm, pages[1]);
    find_ram(vm, BOTH, 0, 0, &found);
    check(has_page(&found.written, pages[0]) &&
          has_page(&found.accessed, pages[0]) &&
          !has_page(&found.written, pages[1]) &&
          has_page(&found.accessed, pages[1]),
          "what the process does is found");
    check(found.nr_read >= NR * REGION_PAGES && found.regions == NR,
          "in the regions where it was");
}

/* What the kernel does to age memory passes over such mappings. */
static void test_aging(Vm *vm)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    Found found;

    settle(vm);
    vm_touch(vm, pages, 1, false);
    (void)*(volatile uint64_t *)vm_page(vm, pages[1]);
    if (file == NULL || fputs("1", file) < 0 || fclose(file) < 0) {
        die("/proc/self/clear_refs");
    }
    find_ram(vm, BOTH, 0, 0, &found);
    check(count_pages(&found.accessed, pages, NR) == NR,
          "the kernel has aged the process' memory: accesses are found");
}

/* What KVM keeps is by frame, and has to be found by the page. */
static void test_exchanged(Vm *vm)
{
    Found found;

    check(swap_pages(vm, pages[0], pages[1]) == 0, "two pages are exchanged");
    vm_touch(vm, pages, NR, false);
    settle(vm);
    find_ram(vm, kinds_of(vm), 0, 0, &found);
    check(!guest_is_skipped(vm) || found.nr_read == 0,
          "once read, their tables are skipped");
    vm_touch(vm, pages, 1, true);
    vm_remove_ram(vm);
    vm_add_ram(vm, 0);
    find_ram(vm, KVM_RAMINATE_WRITTEN, 0, 0, &found);
    check(has_page(&found.written, pages[0]) &&
          !has_page(&found.written, pages[1]),
          "one is written, and its entry dropped: it is found, the other not");
    check(swap_pages(vm, pages[0], pages[1]) == 0, "they are exchanged back");
}

/* Pieces of the scan that have parts of tables. */
static void test_parts(Vm *vm)
{
    enum { OFF = 64 + 1 };
    struct kvm_raminate_region regions[RAM_PAGES / REGION_PAGES];
    struct kvm_raminate_find args = {
        .flags = KVM_RAMINATE_SCAN_HVA, .kinds = KVM_RAMINATE_WRITTEN,
        .start = (uintptr_t)vm->ram + OFF * PAGE, .nr_pages = RAM_PAGES - OFF,
        .regions = (uintptr_t)regions,
        .max_regions = RAM_PAGES / REGION_PAGES,
    };
    unsigned found = 0, i, k;
    Found rest;

    settle(vm);
    vm_touch(vm, pages, NR, true);
    check(find(vm->fd, &args) == 0 && args.done == args.nr_pages,
          "pages from anywhere on are looked at");
    for (i = 0; i < args.nr_regions; i++) {
        for (k = 0; k < NR; k++) {
            uint32_t bit = pages[k] - OFF - regions[i].first;

            found += bit < REGION_PAGES &&
                     regions[i].written[bit / 64] >> bit % 64 & 1;
        }
    }
    check(found == NR, "and found (%u/%d)", found, NR);
    find_ram(vm, KVM_RAMINATE_WRITTEN, 0, 0, &rest);
    check(count_pages(&rest.written, pages, NR) == 0, "and then found no more");
}

static int find_bad(const Vm *vm, struct kvm_raminate_find args)
{
    return find(vm->fd, &args);
}

static void test_bad_input(const Vm *vm)
{
    struct kvm_raminate_find good = {
        .flags = KVM_RAMINATE_SCAN_HVA, .kinds = KVM_RAMINATE_WRITTEN,
        .start = (uintptr_t)vm->ram, .nr_pages = RAM_PAGES,
    };
    struct kvm_raminate_find bad = good;

    expect(find_bad(vm, good), 0, "what is found is thrown away");
    bad.flags = 4;
    expect(find_bad(vm, bad), -EINVAL, "unknown flags");
    bad = good;
    bad.kinds = 0;
    expect(find_bad(vm, bad), -EINVAL, "nothing to look for");
    bad.kinds = 4;
    expect(find_bad(vm, bad), -EINVAL, "an unknown kind");
    bad.kinds = KVM_RAMINATE_ACCESSED;
    expect(find_bad(vm, bad),
           kinds_of(vm) & KVM_RAMINATE_ACCESSED ? 0 : -EOPNOTSUPP,
           "accesses, as the capability says");
    bad = good;
    bad.start++;
    expect(find_bad(vm, bad), -EINVAL, "an unaligned start");
    bad = good;
    bad.nr_pages = 0;
    expect(find_bad(vm, bad), -EINVAL, "no pages");
    bad.nr_pages = KVM_RAMINATE_SCAN_MAX_PAGES + 1;
    expect(find_bad(vm, bad), -EINVAL, "too many pages");
    bad = good;
    bad.start = -PAGE;
    expect(find_bad(vm, bad), -EINVAL, "addresses that wrap");
    bad = good;
    bad.regions = 4;
    bad.max_regions = 1;
    expect(find_bad(vm, bad), -EINVAL, "unaligned entries");
    expect(ioctl(vm->fd, KVM_RAMINATE_FIND, PAGE) < 0 ? -errno : 0, -EFAULT,
           "a bad pointer");
}

static void test_bad_memory(Vm *vm)
{
    void *readonly = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
                          -1, 0);
    struct kvm_raminate_find args = {
        .flags = KVM_RAMINATE_SCAN_HVA, .kinds = kinds_of(vm),
        .start = (uintptr_t)vm->ram, .nr_pages = RAM_PAGES,
        .regions = (uintptr_t)readonly,
    };
    Found found;

    settle(vm);
    vm_touch(vm, pages, NR, true);
    check(find(vm->fd, &args) == 0 && args.done == 0, "no room: nothing done");
    args.max_regions = RAM_PAGES / REGION_PAGES;
    expect(find(vm->fd, &args), -EFAULT, "entries that cannot be written");
    check(args.nr_regions == 0, "nothing is handed over");
    find_ram(vm, kinds_of(vm), 0, 0, &found);
    check(count_pages(&found.written, pages, NR) == NR &&
          (!(kinds_of(vm) & KVM_RAMINATE_ACCESSED) ||
           count_pages(&found.accessed, pages, NR) == NR),
          "the next call finds it");
    munmap(readonly, PAGE);
}

static void test_nothing_attached(const Vm *vm)
{
    struct kvm_raminate_find args = {
        .kinds = KVM_RAMINATE_WRITTEN, .nr_pages = 64,
    };

    expect(find(vm->fd, &args), -ENODEV, "nothing is attached");
}

void test_find(void)
{
    Vm vm;

    vm_create(&vm, 0);
    test_nothing_attached(&vm);
    vm_attach(&vm);
    vm_add_ram(&vm, 0);
    vm_add_vcpu(&vm);

    test_regions(&vm);
    test_skipping(&vm);
    if (kinds_of(&vm) & KVM_RAMINATE_ACCESSED) {
        test_kinds(&vm);
        test_process(&vm);
        test_aging(&vm);
    }
    test_exchanged(&vm);
    test_parts(&vm);
    test_bad_input(&vm);
    test_bad_memory(&vm);
    vm_destroy(&vm);
}
