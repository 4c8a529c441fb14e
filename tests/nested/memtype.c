/*
 * Selftest of the KVM extension: how the guest's CPU is to cache frames that
 * the firmware's memory map does not call RAM, as those of an NVDIMM. On Intel
 * that is in KVM's entries, which its tracepoint shows. Here such frames are
 * addresses where nothing is: they can be read, which is enough.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "selftest.h"

#define TRACING "/sys/kernel/debug/tracing/"
#define SET_SPTE TRACING "events/kvmmmu/kvm_mmu_set_spte/enable"
#define NO_RAM 0xa0000000ul     /* an address in the host */

enum {
    GFN = 2 * RAM_PAGES,        /* where the guest has it */
    SEEN_AT = FREE_PAGE,        /* instead of this page of its RAM */
    PRESENT_WRITABLE = 3,
    UNCACHED = 0,
    WRITE_BACK = 6,
};

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
        die(path);
    }
    close(fd);
}

/* Returns: its address in the process. */
static void *add_no_ram(const Vm *vm)
{
    uint64_t *entry = vm_page(vm, TABLE_PAGE + 3) + SEEN_AT;
    void *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
                        vm->mem_fd, NO_RAM);
    struct kvm_userspace_memory_region region = {
        .slot = 1, .guest_phys_addr = GFN * PAGE, .memory_size = PAGE,
        .userspace_addr = (uintptr_t)memory,
    };

    if (memory == MAP_FAILED ||
        ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region) < 0) {
        die("a range without RAM");
    }
    *entry = GFN * PAGE | PRESENT_WRITABLE;
    return memory;
}

/* Returns: the memory type in the entry that is made when the guest reads. */
static int memory_type(Vm *vm)
{
    const uint32_t page = SEEN_AT;
    unsigned long long gfn, spte;
    char line[512], *found;
    int type = -1;
    FILE *trace;

    put(TRACING "trace", "\n");
    put(SET_SPTE, "1");
    vm_touch(vm, &page, 1, false);
    put(SET_SPTE, "0");

    trace = fopen(TRACING "trace", "r");
    if (trace == NULL) {
        die(TRACING "trace");
    }
    while (fgets(line, sizeof(line), trace) != NULL) {
        found = strstr(line, "gfn ");
        if (found != NULL &&
            sscanf(found, "gfn %llx spte %llx", &gfn, &spte) == 2 &&
            gfn == GFN) {
            type = spte >> 3 & 7;
        }
    }
    fclose(trace);
    return type;
}

void test_memtype(void)
{
    void *memory;
    int type;
    Vm vm;

    vm_create(&vm, 0);
    vm_add_ram(&vm, 0);
    vm_add_vcpu(&vm);
    memory = add_no_ram(&vm);

    type = memory_type(&vm);
    check(type == UNCACHED, "KVM takes what is no RAM for MMIO (type %d)",
          type);
    check(attach(vm.fd, NO_RAM, PAGE) == 0, "it can be attached");
    type = memory_type(&vm);
    check(type == WRITE_BACK, "from then on it is write-back (type %d)", type);
    munmap(memory, PAGE);
    vm_destroy(&vm);
}
