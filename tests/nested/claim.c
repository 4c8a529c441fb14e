/*
 * Selftest of the KVM extension: ranges that are claimed against drivers
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "selftest.h"

enum {
    A = FREE_PAGE,
    B = RAM_PAGES / 2 + FREE_PAGE,
};

/*
 * Look for an entry of /proc/iomem by its name, and by its bytes unless @size
 * is 0. Returns: whether it is there, and what bytes it has.
 */
static bool find_entry(const char *wanted, uint64_t *phys, uint64_t *size)
{
    FILE *file = fopen("/proc/iomem", "r");
    unsigned long long start, last;
    char line[256], name[64];
    bool found = false;

    if (file == NULL) {
        die("/proc/iomem");
    }
    while (!found && fgets(line, sizeof(line), file) != NULL) {
        found = sscanf(line, " %llx-%llx : %63[^\n]", &start, &last, name) == 3
                && strcmp(name, wanted) == 0
                && (*size == 0 ||
                    (start == *phys && last - start + 1 == *size));
    }
    fclose(file);
    if (found) {
        *phys = start;
        *size = last - start + 1;
    }
    return found;
}

static bool is_claimed(uint64_t phys, uint64_t size)
{
    return find_entry("RAMinate", &phys, &size);
}

static void test_arguments(const Vm *vm, const Vm *other)
{
    struct kvm_raminate_attach bad = {
        .phys = vm->phys, .size = HALF, .reason = 1,
    };

    expect(claim(vm->fd, vm->phys, HALF, 2), -EINVAL,
           "to claim with an unknown flag");
    expect(ioctl(vm->fd, KVM_RAMINATE_CLAIM, &bad) < 0 ? -errno : 0, -EINVAL,
           "to claim with a reason");
    expect(ioctl(vm->fd, KVM_RAMINATE_CLAIM, PAGE) < 0 ? -errno : 0, -EFAULT,
           "a bad pointer");
    expect(claim(vm->fd, vm->phys, HALF - PAGE, 0), -ENOENT,
           "to claim a part");
    expect(claim(other->fd, vm->phys, HALF, 0), -ENOENT,
           "to claim a range of another VM");
    expect(claim(vm->fd, vm->phys, HALF, KVM_RAMINATE_CLAIM_RELEASE), 0,
           "to release what is not claimed");
}

static void test_claimed(const Vm *vm)
{
    const uint32_t release = KVM_RAMINATE_CLAIM_RELEASE;
    void *memory;

    vm_page(vm, A)[0] = 1;
    expect(claim(vm->fd, vm->phys, HALF, 0), 0, "to claim a range");
    expect(claim(vm->fd, vm->phys, HALF, 0), 0, "once more");
    check(is_claimed(vm->phys, HALF), "it shows in /proc/iomem");
    check(vm_page(vm, A)[0] == 1, "it is still mapped");
    expect(swap_pages(vm, A, B), 0, "it is exchanged");
    expect(swap_pages(vm, A, B), 0, "and back");
    memory = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, vm->mem_fd, vm->phys);
    check(memory == MAP_FAILED, "nobody can map it anew");
    expect(claim(vm->fd, vm->phys, HALF, release), 0, "to release it");
    check(!is_claimed(vm->phys, HALF), "it is gone from /proc/iomem");
    memory = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, vm->mem_fd, vm->phys);
    check(memory != MAP_FAILED, "it can be mapped again");
    munmap(memory, PAGE);

    expect(claim(vm->fd, vm->phys, HALF, 0), 0, "to claim it again");
    expect(detach(vm->fd, vm->phys, HALF), 0, "and detach it");
    check(!is_claimed(vm->phys, HALF), "the claim is gone with it");
    expect(attach(vm->fd, vm->phys, HALF), 0, "to attach it again");
}

static void expect_refusal(const Vm *vm, uint64_t phys, uint64_t size,
                           const char *what)
{
    expect(attach(vm->fd, phys, size), 0, what);
    expect(claim(vm->fd, phys, size, 0), -EBUSY, "but not claimed");
    check(!is_claimed(phys, size), "it does not show in /proc/iomem");
    expect(detach(vm->fd, phys, size), 0, "it can be detached");
}

/* What the kernel has claimed itself, in the way that drivers do. */
static void test_taken(const Vm *vm)
{
    const char *name = "System ROM";
    uint64_t phys = 0, size = 0;

    if (!find_entry(name, &phys, &size)) {
        note("there is no %s", name);
        return;
    }
    expect_refusal(vm, phys, size, "what another one has can be attached");
    expect_refusal(vm, phys, PAGE, "a part of it can be attached");
    check(find_entry(name, &phys, &size), "it is still the other one's");
}

void test_claim(void)
{
    Vm vm, other;

    vm_create(&vm, 0);
    vm_create(&other, 1);
    vm_add_ram(&vm, 0);
    vm_attach(&vm);
    test_arguments(&vm, &other);
    test_claimed(&vm);
    test_taken(&vm);

    expect(claim(vm.fd, vm.nvm_phys, HALF, 0), 0,
           "to claim what goes with the VM");
    vm_destroy(&vm);
    check(!is_claimed(vm.nvm_phys, HALF), "a claim ends with the VM");
    vm_destroy(&other);
}
