/*
 * Selftest of the KVM extension: a VM whose memory is frames of /dev/mem
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
#include <unistd.h>

#include "selftest.h"

/* The second half is "NVM", at a distance from the first. */
#define NVM_DISTANCE (256 * MIB)
#define ALIGNMENT (2 * MIB)

enum { PTE_P = 1, PTE_W = 2, PTE_PS = 0x80 };
enum { EFER_LME = 0x100, EFER_LMA = 0x400, CR4_PAE = 0x20 };
#define CR0_PE 1u
#define CR0_PG 0x80000000u

uint64_t pool_phys;

int kvm_open(void)
{
    int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        die("/dev/kvm");
    }
    return fd;
}

static bool is_off(const char *parameter)
{
    FILE *file = fopen(parameter, "r");
    bool off = file != NULL && getc(file) == 'N';

    if (file != NULL) {
        fclose(file);
    }
    return off;
}

bool has_direct_tables(void)
{
    return !is_off("/sys/module/kvm/parameters/tdp_mmu") &&
           !is_off("/sys/module/kvm_amd/parameters/npt") &&
           !is_off("/sys/module/kvm_intel/parameters/ept");
}

/* RAM has whatever content its frames have. */
void vm_create_at(Vm *vm, uint64_t phys, uint64_t nvm_phys, size_t half)
{
    int kvm = kvm_open();

    memset(vm, 0, sizeof(*vm));
    vm->phys = phys;
    vm->nvm_phys = nvm_phys;
    vm->half = half;
    vm->fd = ioctl(kvm, KVM_CREATE_VM, 0);
    if (vm->fd < 0) {
        die("KVM_CREATE_VM");
    }
    close(kvm);
    vm->mem_fd = open("/dev/mem", O_RDWR | O_CLOEXEC);
    if (vm->mem_fd < 0) {
        die("/dev/mem");
    }
    /* Tables of the process then have the same pages as the guest's. */
    vm->area = mmap(NULL, 2 * half + ALIGNMENT, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    vm->ram = (uint8_t *)(((uintptr_t)vm->area + ALIGNMENT - 1) &
                          -ALIGNMENT);
    if (vm->area == MAP_FAILED ||
        mmap(vm->ram, half, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
             vm->mem_fd, phys) == MAP_FAILED ||
        mmap(vm->ram + half, half, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_FIXED, vm->mem_fd, nvm_phys) == MAP_FAILED) {
        die("mmap of /dev/mem");
    }
    if (madvise(vm->ram, 2 * half, MADV_DONTFORK) < 0) {
        die("MADV_DONTFORK");
    }
}

/* VMs of different numbers have different frames. */
void vm_create(Vm *vm, int number)
{
    uint64_t phys = pool_phys + number * HALF;

    vm_create_at(vm, phys, phys + NVM_DISTANCE, HALF);
    memset(vm->ram, 0, RAM_SIZE);
}

void vm_attach(Vm *vm)
{
    if (attach(vm->fd, vm->phys, vm->half) < 0 ||
        attach(vm->fd, vm->nvm_phys, vm->half) < 0) {
        die("KVM_RAMINATE_ATTACH");
    }
}

/* Page tables that map all RAM to itself, by 2 MiB entries. */
static void fill_large_tables(Vm *vm)
{
    uint64_t *pml4 = vm_page(vm, TABLE_PAGE);
    uint64_t *pdpt = vm_page(vm, TABLE_PAGE + 1);
    uint64_t *pd = vm_page(vm, TABLE_PAGE + 2);
    uint64_t i, nr = 2 * vm->half / (2 * MIB);

    pml4[0] = (TABLE_PAGE + 1) * PAGE | PTE_P | PTE_W;
    for (i = 0; i < (nr + 511) / 512; i++) {
        pdpt[i] = (TABLE_PAGE + 2 + i) * PAGE | PTE_P | PTE_W;
    }
    for (i = 0; i < nr; i++) {
        pd[i] = i * 2 * MIB | PTE_P | PTE_W | PTE_PS;
    }
}

/* The same by 4 KiB entries, for RAM of RAM_SIZE. */
static void fill_tables(Vm *vm)
{
    uint64_t *pml4 = vm_page(vm, TABLE_PAGE);
    uint64_t *pdpt = vm_page(vm, TABLE_PAGE + 1);
    uint64_t *pd = vm_page(vm, TABLE_PAGE + 2);
    uint64_t *pt = vm_page(vm, TABLE_PAGE + 3);
    uint64_t i;

    pml4[0] = (TABLE_PAGE + 1) * PAGE | PTE_P | PTE_W;
    pdpt[0] = (TABLE_PAGE + 2) * PAGE | PTE_P | PTE_W;
    for (i = 0; i < RAM_PAGES / 512; i++) {
        pd[i] = (TABLE_PAGE + 3 + i) * PAGE | PTE_P | PTE_W;
    }
    for (i = 0; i < RAM_PAGES; i++) {
        pt[i] = i * PAGE | PTE_P | PTE_W;
    }
}

void vm_add_ram(Vm *vm, uint32_t flags)
{
    struct kvm_userspace_memory_region region = {
        .flags = flags,
        .memory_size = 2 * vm->half,
        .userspace_addr = (uintptr_t)vm->ram,
    };

    if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region) < 0) {
        die("KVM_SET_USER_MEMORY_REGION");
    }
}

void vm_remove_ram(Vm *vm)
{
    struct kvm_userspace_memory_region region = { .memory_size = 0 };

    if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region) < 0) {
        die("KVM_SET_USER_MEMORY_REGION to delete");
    }
}

static void set_cpuid(int vcpu)
{
    enum { ENTRIES = 256 };
    static uint64_t room[(sizeof(struct kvm_cpuid2) +
                          ENTRIES * sizeof(struct kvm_cpuid_entry2)) / 8];
    struct kvm_cpuid2 *cpuid = (struct kvm_cpuid2 *)room;
    int kvm = kvm_open();

    cpuid->nent = ENTRIES;
    if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, cpuid) < 0 ||
        ioctl(vcpu, KVM_SET_CPUID2, cpuid) < 0) {
        die("KVM_SET_CPUID2");
    }
    close(kvm);
}

static void set_long_mode(int vcpu)
{
    struct kvm_segment segment = {
        .limit = 0xffffffff, .selector = 8, .present = 1, .s = 1, .g = 1,
    };
    struct kvm_sregs sregs;

    if (ioctl(vcpu, KVM_GET_SREGS, &sregs) < 0) {
        die("KVM_GET_SREGS");
    }
    segment.type = 11;
    segment.l = 1;
    sregs.cs = segment;
    segment.type = 3;
    segment.l = 0;
    segment.db = 1;
    sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = segment;
    sregs.cr0 |= CR0_PE | CR0_PG;
    sregs.cr4 |= CR4_PAE;
    sregs.cr3 = TABLE_PAGE * PAGE;
    sregs.efer |= EFER_LME | EFER_LMA;
    if (ioctl(vcpu, KVM_SET_SREGS, &sregs) < 0) {
        die("KVM_SET_SREGS");
    }
}

void vm_add_vcpu(Vm *vm)
{
    int number = vm->nr_vcpus, kvm = kvm_open();

    if (number == 0) {
        memcpy(vm_page(vm, CODE_PAGE), guest_code, guest_code_end - guest_code);
        if (2 * vm->half == RAM_SIZE) {
            fill_tables(vm);
        } else {
            fill_large_tables(vm);
        }
    }
    vm->vcpu[number] = ioctl(vm->fd, KVM_CREATE_VCPU, number);
    if (vm->vcpu[number] < 0) {
        die("KVM_CREATE_VCPU");
    }
    vm->run_size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    vm->run[number] = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE,
                           MAP_SHARED, vm->vcpu[number], 0);
    if (vm->run[number] == MAP_FAILED) {
        die("mmap of a vCPU");
    }
    close(kvm);
    set_cpuid(vm->vcpu[number]);
    set_long_mode(vm->vcpu[number]);
    vm->nr_vcpus++;
}

/* What is left of a VM keeps it, and its ranges, alive. */
void vm_destroy(Vm *vm)
{
    int i;

    for (i = 0; i < vm->nr_vcpus; i++) {
        munmap(vm->run[i], vm->run_size);
        close(vm->vcpu[i]);
    }
    close(vm->fd);
    munmap(vm->area, 2 * vm->half + ALIGNMENT);
    close(vm->mem_fd);
}

void vm_set_regs(Vm *vm, int vcpu, const void *entry, struct kvm_regs *regs)
{
    regs->rip = CODE_PAGE * PAGE + ((const uint8_t *)entry - guest_code);
    regs->rflags = 0x202;       /* with interrupts on, as an idle guest has */
    if (ioctl(vm->vcpu[vcpu], KVM_SET_REGS, regs) < 0) {
        die("KVM_SET_REGS");
    }
}

void vm_get_regs(const Vm *vm, int vcpu, struct kvm_regs *regs)
{
    if (ioctl(vm->vcpu[vcpu], KVM_GET_REGS, regs) < 0) {
        die("KVM_GET_REGS");
    }
}

/* Returns: the port that the guest wrote to. */
uint64_t vm_run(Vm *vm, int vcpu)
{
    struct kvm_run *run = vm->run[vcpu];

    while (ioctl(vm->vcpu[vcpu], KVM_RUN, 0) < 0) {
        if (errno != EINTR && errno != EAGAIN) {
            die("KVM_RUN");
        }
    }
    if (run->exit_reason != KVM_EXIT_IO) {
        note("vCPU %d: exit reason %u", vcpu, run->exit_reason);
        errno = 0;
        die("the guest did not end as it should");
    }
    return run->io.port;
}

/* Let vCPU 0 read or write pages. */
void vm_touch(Vm *vm, const uint32_t *pages, unsigned nr, bool write)
{
    uint64_t *list = vm_page(vm, LIST_PAGE);
    struct kvm_regs regs = {
        .rdi = LIST_PAGE * PAGE, .rcx = nr, .rbx = write,
    };
    unsigned i;

    for (i = 0; i < nr; i++) {
        list[i] = pages[i] * PAGE;
    }
    vm_set_regs(vm, 0, guest_touch, &regs);
    vm_run(vm, 0);
}
