/*
 * Selftest of the KVM extension: input that has to be refused
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "selftest.h"

#define SYSTEM_RAM (16 * MIB)
#define BEYOND_ADDRESSES (1ull << 52)
#define EFER_SVME 0x1000
#define CR4_VMXE 0x2000

enum {
    A = FREE_PAGE,
    B = RAM_PAGES / 2 + FREE_PAGE,
    NO_SLOT = 2 * RAM_PAGES,    /* MMIO */
    READ_ONLY_SLOT = 3 * RAM_PAGES,
    OTHER_MEMORY = 4 * RAM_PAGES,
    FOREIGN = 5 * RAM_PAGES,    /* frames of another VM */
    EXTRA = 6 * RAM_PAGES,
    EXTRA_PAGES = 4,
};

static void test_capability(const Vm *vm)
{
    int kvm = kvm_open();

    check(ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_RAMINATE) ==
          KVM_RAMINATE_ABI_VERSION &&
          ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_RAMINATE) ==
          KVM_RAMINATE_ABI_VERSION, "the capability tells the version");
    check(ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_RAMINATE_2) &
          KVM_RAMINATE_WRITTEN, "and there is version 2");
    expect(ioctl(vm->fd, _IO(KVMIO, 0xf6)) < 0 ? -errno : 0, -ENOTTY,
           "an unknown ioctl");
    close(kvm);
}

static void test_nothing_attached(const Vm *vm)
{
    struct kvm_raminate_scan args = { .nr_pages = 64 };

    expect(scan(vm->fd, &args), -ENODEV, "a scan with nothing attached");
    expect(swap_pages(vm, A, B), -ENODEV, "a swap with nothing attached");
}

static void test_attach(const Vm *vm, const Vm *other)
{
    struct kvm_raminate_attach bad = {
        .phys = pool_phys, .size = PAGE, .flags = 2,
    };

    expect(attach(vm->fd, pool_phys, 0), -EINVAL, "no size");
    expect(attach(vm->fd, pool_phys + 1, PAGE), -EINVAL, "an unaligned range");
    expect(attach(vm->fd, pool_phys, PAGE + 1), -EINVAL, "an unaligned size");
    expect(attach(vm->fd, -PAGE, 2 * PAGE), -EINVAL, "a range that wraps");
    expect(attach(vm->fd, BEYOND_ADDRESSES, PAGE), -EINVAL,
           "a range beyond all addresses");
    expect(attach(vm->fd, SYSTEM_RAM, PAGE), -EADDRNOTAVAIL, "System RAM");
    expect(attach(vm->fd, SYSTEM_RAM, pool_phys), -EADDRNOTAVAIL,
           "a range that begins in System RAM");
    expect(ioctl(vm->fd, KVM_RAMINATE_ATTACH, &bad) < 0 ? -errno : 0, -EINVAL,
           "an unknown flag");
    bad.flags = 0;
    bad.reason = 1;
    expect(ioctl(vm->fd, KVM_RAMINATE_ATTACH, &bad) < 0 ? -errno : 0, -EINVAL,
           "a reason without the flag");
    expect(ioctl(vm->fd, KVM_RAMINATE_ATTACH, PAGE) < 0 ? -errno : 0, -EFAULT,
           "a bad pointer");
    if (seteuid(65534) < 0) {
        die("seteuid");
    }
    expect(attach(vm->fd, vm->phys, HALF), -EPERM,
           "without the right to raw I/O");
    if (seteuid(0) < 0) {
        die("seteuid");
    }

    vm_attach((Vm *)vm);
    expect(attach(vm->fd, vm->phys, HALF), -EEXIST, "a range attached before");
    expect(attach(vm->fd, vm->phys + HALF - PAGE, PAGE), -EEXIST,
           "the end of a range attached before");
    expect(attach(other->fd, vm->phys, PAGE), -EADDRINUSE,
           "a range of another VM");
}

static void test_detach(Vm *vm, const Vm *other)
{
    struct kvm_raminate_attach bad = {
        .phys = vm->nvm_phys, .size = HALF, .flags = 1,
    };
    Pages pages;

    expect(ioctl(vm->fd, KVM_RAMINATE_DETACH, &bad) < 0 ? -errno : 0, -EINVAL,
           "to detach with a flag");
    bad.flags = 0;
    bad.reason = 1;
    expect(ioctl(vm->fd, KVM_RAMINATE_DETACH, &bad) < 0 ? -errno : 0, -EINVAL,
           "to detach with a reason");
    expect(ioctl(vm->fd, KVM_RAMINATE_DETACH, PAGE) < 0 ? -errno : 0, -EFAULT,
           "a bad pointer");
    expect(detach(vm->fd, vm->nvm_phys, HALF - PAGE), -ENOENT,
           "to detach a part");
    expect(detach(vm->fd, vm->nvm_phys + 1, HALF), -ENOENT,
           "to detach an unaligned range");
    expect(detach(vm->fd, other->phys, HALF), -ENOENT,
           "to detach what is not attached");
    expect(detach(other->fd, vm->nvm_phys, HALF), -ENOENT,
           "to detach a range of another VM");

    vm_page(vm, B)[0] = 1;
    expect(detach(vm->fd, vm->nvm_phys, HALF), 0, "to detach a range");
    expect(detach(vm->fd, vm->nvm_phys, HALF), -ENOENT, "once more");
    expect(swap_pages(vm, A, B), -EACCES, "its frames are not exchanged");
    scan_ram(vm, &pages);
    check(!has_page(&pages, B), "nor scanned");
    expect(attach(other->fd, vm->nvm_phys, HALF), 0,
           "another VM can have it");
    expect(detach(other->fd, vm->nvm_phys, HALF), 0, "and give it back");
    expect(attach(vm->fd, vm->nvm_phys, HALF / 2), 0,
           "a part of it can be attached");
    expect(attach(vm->fd, vm->nvm_phys, HALF), -EEXIST,
           "but all of it only when that is detached");
    expect(detach(vm->fd, vm->nvm_phys, HALF / 2), 0, "which it is");
    expect(attach(vm->fd, vm->nvm_phys, HALF), 0, "then it can be, again");
    expect(swap_pages(vm, A, B), 0, "and is exchanged");
    check(vm_page(vm, B)[0] == 1, "its content is what it was");
    expect(swap_pages(vm, A, B), 0, "and back");
}

/* Returns: an address that the MTRRs keep from being cached, or 0. */
static uint64_t find_uncached(void)
{
    FILE *file = fopen("/proc/mtrr", "r");
    unsigned long long base, found = 0;
    char line[256];

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "reg%*u: base=%llx", &base) == 1 &&
            strstr(line, "uncachable") != NULL) {
            found = base + 16 * MIB;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return found;
}

/* The guest would see other contents than the kernel. */
static void test_uncached(const Vm *vm)
{
    uint64_t phys = find_uncached();
    uint32_t reason = 0;

    if (phys == 0) {
        note("the MTRRs let all be cached");
        return;
    }
    expect(attach(vm->fd, phys, PAGE), -ENXIO, "a range that is not cached");
    expect(attach_or_reason(vm->fd, phys, PAGE, &reason), -EBUSY,
           "with a reason");
    check(reason == KVM_RAMINATE_REASON_NOT_WRITE_BACK, "which is that (%u)",
          reason);
}

static void test_scan_input(const Vm *vm)
{
    const struct kvm_raminate_scan good = {
        .flags = KVM_RAMINATE_SCAN_HVA, .start = (uintptr_t)vm->ram,
        .nr_pages = 128,
    };
    struct kvm_raminate_scan args = good;
    uint64_t *readonly, bits[2];
    Pages pages;

    args.flags = 4;
    expect(scan(vm->fd, &args), -EINVAL, "unknown flags of a scan");
    args = good;
    args.reserved = 1;
    expect(scan(vm->fd, &args), -EINVAL, "a reserved field");
    args = good;
    args.start++;
    expect(scan(vm->fd, &args), -EINVAL, "an unaligned start");
    args = good;
    args.nr_pages = 0;
    expect(scan(vm->fd, &args), -EINVAL, "no pages");
    args.nr_pages = KVM_RAMINATE_SCAN_MAX_PAGES + 1;
    expect(scan(vm->fd, &args), -EINVAL, "too many pages");
    args.nr_pages = 64;
    args.start = -PAGE;
    expect(scan(vm->fd, &args), -EINVAL, "addresses that wrap");
    args.flags = 0;
    args.start = -1;
    expect(scan(vm->fd, &args), -EINVAL, "page numbers that wrap");
    args = good;
    args.bitmap = (uintptr_t)bits + 1;
    expect(scan(vm->fd, &args), -EINVAL, "an unaligned bitmap");
    expect(ioctl(vm->fd, KVM_RAMINATE_SCAN, PAGE) < 0 ? -errno : 0, -EFAULT,
           "a bad pointer");

    readonly = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    vm_page(vm, A)[0]++;
    args.bitmap = (uintptr_t)readonly;
    expect(scan(vm->fd, &args), -EFAULT, "a bitmap that cannot be written");
    check(args.done == 0, "nothing is handed over");
    scan_ram(vm, &pages);
    check(has_page(&pages, A), "the next scan has it");
    munmap(readonly, PAGE);

    args = good;
    args.start = 0x10000;
    args.nr_pages = 128;
    args.bitmap = (uintptr_t)bits;
    expect(scan(vm->fd, &args), 0, "addresses where nothing is");
    check(args.nr_written == 0 && bits[0] == 0 && bits[1] == 0,
          "have not been written");
}

static void add_slot(const Vm *vm, int slot, uint32_t flags, uint64_t gfn,
                     void *memory)
{
    struct kvm_userspace_memory_region region = {
        .slot = slot, .flags = flags, .guest_phys_addr = gfn * PAGE,
        .memory_size = EXTRA_PAGES * PAGE,
        .userspace_addr = (uintptr_t)memory,
    };

    if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region) < 0) {
        die("KVM_SET_USER_MEMORY_REGION");
    }
}

static void test_pages(const Vm *vm, const Vm *other)
{
    void *anonymous = mmap(NULL, EXTRA_PAGES * PAGE, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    add_slot(vm, 1, KVM_MEM_READONLY, READ_ONLY_SLOT, vm_page(vm, 16));
    add_slot(vm, 2, 0, OTHER_MEMORY, anonymous);
    add_slot(vm, 3, 0, FOREIGN, other->ram);

    expect(swap_pages(vm, A, A), -EINVAL, "a page with itself");
    expect(swap_pages(vm, A, NO_SLOT), -ENOENT, "MMIO");
    expect(swap_pages(vm, NO_SLOT, A), -ENOENT, "MMIO first");
    expect(swap_pages(vm, A, READ_ONLY_SLOT), -EROFS, "a read-only slot");
    expect(swap_pages(vm, A, OTHER_MEMORY), -EOPNOTSUPP, "other memory");
    expect(swap_pages(vm, A, FOREIGN), -EACCES, "frames of another VM");
}

/* A page that is a mapping of its own, so that changing it splits none. */
static void map_extra(const Vm *vm, void *where, uint64_t phys, bool dontfork)
{
    if (mmap(where, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
             vm->mem_fd, phys) == MAP_FAILED) {
        die("mmap of /dev/mem");
    }
    if (dontfork && madvise(where, PAGE, MADV_DONTFORK) < 0) {
        die("MADV_DONTFORK");
    }
}

static void test_mappings(const Vm *vm)
{
    uint64_t phys = pool_phys + 4 * HALF;
    void *extra = mmap(NULL, EXTRA_PAGES * PAGE, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    add_slot(vm, 4, 0, EXTRA, extra);
    expect(attach(vm->fd, phys, PAGE), 0, "one more range");

    map_extra(vm, extra, phys, true);
    mprotect(extra, PAGE, PROT_READ);
    expect(swap_pages(vm, A, EXTRA), -EROFS, "a mapping made read-only");
    mprotect(extra, PAGE, PROT_READ | PROT_WRITE);
    expect(swap_pages(vm, A, EXTRA), 0, "made writable again");
    expect(swap_pages(vm, A, EXTRA), 0, "and back");

    map_extra(vm, extra, phys, false);
    expect(swap_pages(vm, A, EXTRA), -EOPNOTSUPP, "a mapping that forks");
    map_extra(vm, extra, phys + PAGE, true);
    expect(swap_pages(vm, A, EXTRA), -EACCES, "a frame that is not attached");
    munmap(extra, PAGE);
    expect(swap_pages(vm, A, EXTRA), -ENOENT, "a page that is not mapped");
}

static void test_swap_input(const Vm *vm)
{
    struct kvm_raminate_pair pair = { .a = A, .b = A + 1 }, *pairs;
    struct kvm_raminate_swap args = {
        .nr_pairs = 1, .pairs = (uintptr_t)&pair, .flags = 4,
    };

    expect(swap(vm->fd, &args), -EINVAL, "unknown flags of a swap");
    args.flags = 0;
    args.reserved = 1;
    expect(swap(vm->fd, &args), -EINVAL, "a reserved field");
    args.flags = KVM_RAMINATE_SWAP_REASON;
    expect(swap(vm->fd, &args), -EINVAL, "a reserved field, with the flag");
    args.flags = 0;
    args.reserved = 0;
    args.reason = 1;
    expect(swap(vm->fd, &args), -EINVAL, "a reason without the flag");
    args.reason = 0;
    args.flags = KVM_RAMINATE_SWAP_HVA;
    pair.a = (uintptr_t)vm_page(vm, A) + 8;
    check(swap(vm->fd, &args) == 0 && pair.result == -EINVAL,
          "an unaligned address");
    args.flags = 0;
    args.nr_pairs = 0;
    expect(swap(vm->fd, &args), 0, "no pairs");
    args.nr_pairs = 1;
    args.pairs = PAGE;
    expect(swap(vm->fd, &args), -EFAULT, "a bad pointer to pairs");
    expect(ioctl(vm->fd, KVM_RAMINATE_SWAP, PAGE) < 0 ? -errno : 0, -EFAULT,
           "a bad pointer");

    /* What is behind them would be taken for pairs, and written to. */
    pairs = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(pairs, PAGE, PROT_READ | PROT_WRITE);
    pairs[0] = (struct kvm_raminate_pair) { .a = A, .b = A + 1 };
    vm_page(vm, A)[0] = 1;
    vm_page(vm, A + 1)[0] = 2;
    args.pairs = (uintptr_t)pairs;
    args.nr_pairs = UINT32_MAX;
    expect(swap(vm->fd, &args), -EFAULT, "more pairs than there are");
    check(args.done < UINT32_MAX && vm_page(vm, A)[0] == 1 &&
          vm_page(vm, A + 1)[0] == 2, "no content is lost");
    mprotect(pairs, PAGE, PROT_READ);
    args.nr_pairs = 1;
    expect(swap(vm->fd, &args), -EFAULT, "pairs that cannot be written");
    check(args.done == 0 && args.swapped == 0, "nothing is exchanged");
    munmap(pairs, 2 * PAGE);
}

static void test_other_process(const Vm *vm)
{
    struct kvm_raminate_scan args = { .nr_pages = 64 };
    struct kvm_raminate_find region = { .nr_pages = 64, .kinds = 1 };
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        _exit(scan(vm->fd, &args) != -EIO ||
              find(vm->fd, &region) != -EIO || swap_pages(vm, A, B) != -EIO ||
              attach(vm->fd, pool_phys + 3 * HALF, PAGE) != -EIO);
    }
    waitpid(pid, &status, 0);
    check(WIFEXITED(status) && WEXITSTATUS(status) == 0,
          "another process: EIO from all calls");
}

static void set_nested(const Vm *vm, bool on)
{
    struct kvm_sregs sregs;

    if (ioctl(vm->vcpu[0], KVM_GET_SREGS, &sregs) < 0) {
        die("KVM_GET_SREGS");
    }
    sregs.efer &= ~(uint64_t)EFER_SVME;
    sregs.cr4 &= ~(uint64_t)CR4_VMXE;
    if (on && access("/sys/module/kvm_amd", F_OK) == 0) {
        sregs.efer |= EFER_SVME;
    } else if (on) {
        sregs.cr4 |= CR4_VMXE;
    }
    if (ioctl(vm->vcpu[0], KVM_SET_SREGS, &sregs) < 0) {
        die("KVM_SET_SREGS");
    }
}

static void test_nested_guest(const Vm *vm, const Vm *fresh)
{
    uint32_t reason = 0;

    expect(swap_pages(vm, A, A + 1), 0, "before nested virtualization");
    set_nested(vm, true);
    expect(swap_pages(vm, A, A + 1), -ELOOP,
           "a vCPU that uses nested virtualization");
    expect(attach(vm->fd, fresh->phys, PAGE), -ELOOP, "to attach meanwhile");

    expect(swap_or_reason(vm, A, A + 1, &reason), -EBUSY, "with a reason");
    check(reason == KVM_RAMINATE_REASON_NESTED, "which is that (%u)", reason);
    reason = 0;
    expect(attach_or_reason(vm->fd, fresh->phys, PAGE, &reason), -EBUSY,
           "to attach, with a reason");
    check(reason == KVM_RAMINATE_REASON_NESTED, "which is that (%u)", reason);

    set_nested(vm, false);
    expect(swap_or_reason(vm, A, A + 1, &reason), 0, "after it");
    check(reason == 0, "the old reason is gone (%u)", reason);
}

void test_input(void)
{
    Vm vm, other, fresh;

    vm_create(&vm, 0);
    vm_create(&other, 1);
    vm_create(&fresh, 2);
    vm_add_ram(&vm, 0);

    test_capability(&vm);
    test_nothing_attached(&vm);
    test_attach(&vm, &other);
    test_detach(&vm, &other);
    test_uncached(&vm);
    vm_attach(&other);
    vm_add_vcpu(&vm);
    test_scan_input(&vm);
    test_swap_input(&vm);
    test_other_process(&vm);
    test_nested_guest(&vm, &fresh);
    test_pages(&vm, &other);
    test_mappings(&vm);

    vm_destroy(&vm);
    vm_create(&vm, 0);
    expect(attach(vm.fd, vm.phys, HALF), 0,
           "a range whose VM has gone can be attached");
    vm_destroy(&vm);
    vm_destroy(&other);
    vm_destroy(&fresh);
}
