/*
 * Whether a guest takes an interrupt once that is injected once, where what
 * counts instructions stops the CPU at any of them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cost.h"

enum {
    VECTOR = 0x80,
    ROUNDS = 16,
    /* More than there are from one tick of the host's to the next */
    SPINS = 6000000,
    COUNT_PAGE = LIST_PAGE,
    STACK_PAGE,
    DESCRIPTOR_PAGE,
    CODE_SELECTOR = 8,
    STACK_SELECTOR = 16,
    IDT = 256,                  /* where it is in its page */
    APIC_SPURIOUS = 0xf0,       /* a register; it also switches the APIC on */
};

static uint64_t address_of(const uint8_t *code)
{
    return CODE_PAGE * PAGE + (code - guest_code);
}

/* See the AMD64 manual, volume 2, 4.8 (descriptors of long mode). */
static void set_descriptors(Vm *vm)
{
    uint64_t *gdt = vm_page(vm, DESCRIPTOR_PAGE);
    uint64_t *gate = gdt + IDT / sizeof(*gdt) + 2 * VECTOR;
    uint64_t handler = address_of(guest_interrupted);
    struct kvm_sregs sregs;

    /* Present, of 64 bits, code that may be read */
    gdt[CODE_SELECTOR / 8] = 0x00209a0000000000;
    /* Present, data that may be written */
    gdt[STACK_SELECTOR / 8] = 0x0000920000000000;
    /* An interrupt gate, present */
    gate[0] = (handler & 0xffff) | CODE_SELECTOR << 16 |
              0x8e0000000000 | (handler >> 16 & 0xffff) << 48;
    gate[1] = handler >> 32;

    if (ioctl(vm->vcpu[0], KVM_GET_SREGS, &sregs) < 0) {
        die("KVM_GET_SREGS");
    }
    sregs.ss.selector = STACK_SELECTOR;
    sregs.gdt.base = DESCRIPTOR_PAGE * PAGE;
    sregs.gdt.limit = IDT - 1;
    sregs.idt.base = DESCRIPTOR_PAGE * PAGE + IDT;
    sregs.idt.limit = 16 * (VECTOR + 1) - 1;
    if (ioctl(vm->vcpu[0], KVM_SET_SREGS, &sregs) < 0) {
        die("KVM_SET_SREGS");
    }
}

/* A VM whose interrupts KVM sees to; @lapic: as it is when none is pending */
static void create_vm(Vm *vm, unsigned mib, struct kvm_lapic_state *lapic)
{
    const uint32_t enabled = 0x1ff;
    size_t half = mib * MIB / 2;

    vm_create_at(vm, pool_phys, pool_phys + half, half);
    if (ioctl(vm->fd, KVM_CREATE_IRQCHIP) < 0) {
        die("KVM_CREATE_IRQCHIP");
    }
    vm_add_ram(vm, 0);
    vm_add_vcpu(vm);
    set_descriptors(vm);
    if (ioctl(vm->vcpu[0], KVM_GET_LAPIC, lapic) < 0) {
        die("KVM_GET_LAPIC");
    }
    memcpy(lapic->regs + APIC_SPURIOUS, &enabled, sizeof(enabled));
}

static void interrupt(const Vm *vm, struct kvm_lapic_state *lapic)
{
    struct kvm_msi msi = { .address_lo = 0xfee00000, .data = VECTOR };

    /* The one before has not been acknowledged. */
    if (ioctl(vm->vcpu[0], KVM_SET_LAPIC, lapic) < 0) {
        die("KVM_SET_LAPIC");
    }
    if (ioctl(vm->fd, KVM_SIGNAL_MSI, &msi) < 0) {
        die("KVM_SIGNAL_MSI");
    }
}

void cost_interrupts(unsigned mib)
{
    struct kvm_lapic_state lapic;
    uint64_t *count;
    int i;
    Vm vm;

    create_vm(&vm, mib, &lapic);
    count = vm_page(&vm, COUNT_PAGE);
    *count = 0;
    for (i = 0; i < ROUNDS; i++) {
        struct kvm_regs regs = {
            .rcx = SPINS, .r9 = COUNT_PAGE * PAGE,
            .rsp = (STACK_PAGE + 1) * PAGE,
        };

        vm_set_regs(&vm, 0, guest_spin, &regs);
        interrupt(&vm, &lapic);
        vm_run(&vm, 0);
    }
    printf("interrupts injected=%d taken=%llu\n", ROUNDS,
           (unsigned long long)*count);
    vm_destroy(&vm);
}
