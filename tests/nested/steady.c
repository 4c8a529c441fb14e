/*
 * Selftest of the KVM extension: someone who writes all the time is seen by
 * each scan, though his CPU may have the page's entry cached, also if KVM has
 * made the entry anew since
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>

#include "selftest.h"

/* New in Linux 6.11. */
#ifndef KVM_PRE_FAULT_MEMORY
struct kvm_pre_fault_memory {
    uint64_t gpa;
    uint64_t size;
    uint64_t flags;
    uint64_t padding[5];
};
#define KVM_PRE_FAULT_MEMORY _IOWR(KVMIO, 0xd5, struct kvm_pre_fault_memory)
#endif

enum {
    SCANS = 500,
    GUEST_COUNTS = FREE_PAGE,
    PROCESS_COUNTS,
    ADDRESS_PAGE,
    COUNTER = 8,                /* word in the page */
};

static Vm vm;
static atomic_bool stop;

static void *run_vcpu(void *unused)
{
    (void)unused;
    vm_run(&vm, 0);
    return NULL;
}

static void *run_process(void *unused)
{
    volatile uint64_t *count = &vm_page(&vm, PROCESS_COUNTS)[COUNTER];

    (void)unused;
    while (!stop) {
        ++*count;
    }
    return NULL;
}

/* Returns: scans that did not report the page though it was written. */
static unsigned missed_scans(uint32_t page)
{
    volatile uint64_t *count = &vm_page(&vm, page)[COUNTER];
    unsigned i, missed = 0;
    uint64_t before;
    Pages pages;

    scan_ram(&vm, &pages);
    for (i = 0; i < SCANS; i++) {
        /* The second of two writes has begun after the last scan. */
        before = *count;
        while (*count < before + 2) {
        }
        scan_ram(&vm, &pages);
        missed += !has_page(&pages, page);
    }
    return missed;
}

/* Returns: whether the other vCPU's fault for the page can be had. */
static bool fault_again(uint32_t page)
{
    struct kvm_pre_fault_memory args = { .gpa = page * PAGE, .size = PAGE };

    if (ioctl(vm.vcpu[1], KVM_PRE_FAULT_MEMORY, &args) == 0) {
        return true;
    }
    if (errno != ENOTTY && errno != EOPNOTSUPP && errno != EINVAL) {
        die("KVM_PRE_FAULT_MEMORY");
    }
    return false;
}

/* One that clears nothing but what the page's own entry says. */
static bool scan_sees(uint32_t page)
{
    struct kvm_raminate_scan args = { .start = page, .nr_pages = 1 };

    if (scan(vm.fd, &args) < 0) {
        die("KVM_RAMINATE_SCAN");
    }
    return args.nr_written != 0;
}

/* A fault may find that the page's entry is there, and make it anew. */
static void test_entry_made_anew(void)
{
    volatile uint64_t *count = &vm_page(&vm, GUEST_COUNTS)[COUNTER];
    unsigned i, missed = 0;
    uint64_t before;

    for (i = 0; i < 2 * SCANS; i++) {
        before = *count;
        while (*count < before + 2) {
        }
        if (i % 2 == 0 && !fault_again(GUEST_COUNTS)) {
            note("this KVM makes no entry anew when it is asked to");
            return;
        }
        missed += !scan_sees(GUEST_COUNTS);
    }
    check(missed == 0,
          "and though its entry was made anew (%u of %d do not)", missed,
          2 * SCANS);
}

void test_steady(void)
{
    struct kvm_regs regs = {
        .rsi = ADDRESS_PAGE * PAGE, .r9 = STOP_PAGE * PAGE, .r10 = 1,
        .r11 = COUNTER * sizeof(uint64_t),
    };
    pthread_t vcpu, process;
    unsigned missed;

    vm_create(&vm, 0);
    vm_attach(&vm);
    vm_add_ram(&vm, 0);
    vm_add_vcpu(&vm);
    vm_add_vcpu(&vm);
    vm_page(&vm, ADDRESS_PAGE)[0] = GUEST_COUNTS * PAGE;
    vm_set_regs(&vm, 0, guest_count, &regs);

    pthread_create(&vcpu, NULL, run_vcpu, NULL);
    missed = missed_scans(GUEST_COUNTS);
    check(missed == 0, "each scan sees that the guest writes (%u of %d do not)",
          missed, SCANS);
    test_entry_made_anew();
    *(volatile uint64_t *)vm_page(&vm, STOP_PAGE) = 1;
    pthread_join(vcpu, NULL);

    pthread_create(&process, NULL, run_process, NULL);
    missed = missed_scans(PROCESS_COUNTS);
    check(missed == 0,
          "each scan sees that the process writes (%u of %d do not)", missed,
          SCANS);
    stop = true;
    pthread_join(process, NULL);
    vm_destroy(&vm);
}
