/*
 * Selftest of the KVM extension: what a swap does to two pages
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "selftest.h"

enum { A = FREE_PAGE, B = RAM_PAGES / 2 + FREE_PAGE, C = FREE_PAGE + 1 };

/* The frame behind a page, as the kernel's page table has it. */
static uint64_t frame_of(const Vm *vm, uint32_t page)
{
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    uint64_t entry = 0;
    off_t offset = ((uintptr_t)vm->ram / PAGE + page) * sizeof(entry);

    if (fd < 0 || pread(fd, &entry, sizeof(entry), offset) != sizeof(entry)) {
        die("/proc/self/pagemap");
    }
    close(fd);
    return entry & ((1ull << 55) - 1);
}

static void fill(const Vm *vm, uint32_t page, uint64_t seed)
{
    uint64_t *p = vm_page(vm, page);
    unsigned i;

    for (i = 0; i < PAGE / 8; i++) {
        p[i] = seed * 0x9e3779b97f4a7c15ull + i;
    }
}

static bool filled(const Vm *vm, uint32_t page, uint64_t seed)
{
    const uint64_t *p = vm_page(vm, page);
    unsigned i;

    for (i = 0; i < PAGE / 8; i++) {
        if (p[i] != seed * 0x9e3779b97f4a7c15ull + i) {
            return false;
        }
    }
    return true;
}

static void test_exchange(const Vm *vm)
{
    uint64_t a = frame_of(vm, A), b = frame_of(vm, B);

    fill(vm, A, 1);
    fill(vm, B, 2);
    check(swap_pages(vm, A, B) == 0, "two pages are exchanged");
    check(frame_of(vm, A) == b && frame_of(vm, B) == a,
          "each has the other one's frame");
    check(filled(vm, A, 1) && filled(vm, B, 2), "each has its own content");
    check(swap_pages(vm, B, A) == 0 && frame_of(vm, A) == a &&
          filled(vm, A, 1) && filled(vm, B, 2), "and back");
}

/* Pages of several pairs: what the pairs do one after the other is done. */
static void test_chain(const Vm *vm)
{
    enum { PAIRS = 3 };
    struct kvm_raminate_pair pairs[PAIRS] = {
        { .a = A, .b = B }, { .a = B, .b = C }, { .a = C, .b = A },
    };
    struct kvm_raminate_swap args = {
        .nr_pairs = PAIRS, .pairs = (uintptr_t)pairs,
    };
    uint64_t a = frame_of(vm, A), b = frame_of(vm, B), c = frame_of(vm, C);

    fill(vm, C, 3);
    check(swap(vm->fd, &args) == 0 && args.done == PAIRS &&
          args.swapped == PAIRS, "pairs may share pages");
    check(frame_of(vm, A) == a && frame_of(vm, B) == c &&
          frame_of(vm, C) == b, "the frames are where the pairs put them");
    check(filled(vm, A, 1) && filled(vm, B, 2) && filled(vm, C, 3),
          "no content is lost");
    swap_pages(vm, B, C);
}

static void test_written(Vm *vm)
{
    const uint32_t a = A, b = B;
    Pages pages;

    scan_ram(vm, &pages);
    vm_touch(vm, &a, 1, true);
    vm_touch(vm, &b, 1, false);
    swap_pages(vm, A, B);
    scan_ram(vm, &pages);
    check(has_page(&pages, A) && !has_page(&pages, B),
          "a page that the guest wrote stays written over a swap");

    vm_page(vm, B)[0] = 5;
    swap_pages(vm, A, B);
    scan_ram(vm, &pages);
    check(has_page(&pages, B) && !has_page(&pages, A),
          "a page that the process wrote stays written over a swap");

    swap_pages(vm, A, B);
    scan_ram(vm, &pages);
    check(!has_page(&pages, A) && !has_page(&pages, B),
          "a swap does not count as a write");
    swap_pages(vm, A, B);
}

static void test_by_hva(const Vm *vm)
{
    struct kvm_raminate_pair pair = {
        .a = (uintptr_t)vm_page(vm, A), .b = (uintptr_t)vm_page(vm, B),
    };
    struct kvm_raminate_swap args = {
        .flags = KVM_RAMINATE_SWAP_HVA, .nr_pairs = 1,
        .pairs = (uintptr_t)&pair,
    };
    uint64_t a = frame_of(vm, A);

    check(swap(vm->fd, &args) == 0 && pair.result == 0 &&
          frame_of(vm, B) == a, "pages are exchanged by address");
    check(swap(vm->fd, &args) == 0 && frame_of(vm, A) == a, "and back");
}

static bool memory_type_is(uint64_t phys, const char *type)
{
    FILE *file = fopen("/sys/kernel/debug/x86/pat_memtype_list", "r");
    unsigned long long start, end;
    char line[256], found[64];
    bool ok = false;

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "PAT: [mem %llx-%llx] %63s", &start, &end,
                   found) == 3 && start <= phys && phys < end) {
            ok = strcmp(found, type) == 0;
            if (!ok) {
                break;
            }
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return ok;
}

static void test_fork(const Vm *vm)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        _exit(*(volatile uint8_t *)vm->ram != 0);
    }
    waitpid(pid, &status, 0);
    check(WIFSIGNALED(status), "a forked child has no part in the memory");
}

void test_swap(void)
{
    Vm vm;

    vm_create(&vm, 0);
    vm_attach(&vm);
    vm_add_ram(&vm, 0);
    vm_add_vcpu(&vm);

    test_exchange(&vm);
    test_chain(&vm);
    test_written(&vm);
    test_by_hva(&vm);
    check(memory_type_is(vm.phys, "write-back"),
          "the memory type stays write-back");
    test_fork(&vm);

    vm_destroy(&vm);
}
