/*
 * What the parts of the KVM extension's selftest share
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef SELFTEST_H
#define SELFTEST_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../kvm/raminate.h"

#define PAGE 4096ul
#define MIB (1ul << 20)

/* Each VM has a run of frames of each of two ranges, "DRAM" and "NVM". */
#define HALF (16 * MIB)
#define RAM_SIZE (2 * HALF)
#define RAM_PAGES (RAM_SIZE / PAGE)
#define REGION_PAGES KVM_RAMINATE_REGION_PAGES

/* Guest pages with a purpose; the rest is for tests. */
enum {
    CODE_PAGE = 1,
    STOP_PAGE,
    LIST_PAGE,                  /* addresses for guest_touch */
    LIST_PAGES = 4,
    TABLE_PAGE = LIST_PAGE + LIST_PAGES,
    TABLE_PAGES = 19,           /* PML4, PDPT, PD, and PTs for RAM_SIZE */
    FREE_PAGE = 64,             /* from here on in each half */
};

typedef struct {
    int fd;
    int mem_fd;
    void *area;                 /* that RAM is in */
    uint8_t *ram;
    uint64_t phys;              /* of the half that is "DRAM" */
    uint64_t nvm_phys;          /* of the other one */
    size_t half;                /* bytes */
    int nr_vcpus;
    int vcpu[4];
    struct kvm_run *run[4];
    size_t run_size;
} Vm;

/* guest.S */
extern const uint8_t guest_code[], guest_code_end[];
extern const uint8_t guest_touch[], guest_sweep[], guest_count[];
extern const uint8_t guest_stamp[], guest_spin[], guest_interrupted[];
extern const uint8_t guest_bump[];

/* vm.c: where ranges are set aside */
extern uint64_t pool_phys;

/* selftest.c: how many times as long as usual to look for what is by chance */
extern unsigned patience;

/* tap.c */
void check(bool ok, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The result of a call, 0 or an errno. */
void expect(int result, int wanted, const char *what);
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void die(const char *what);
int tap_finish(void);

/* vm.c */
int kvm_open(void);
/* Whether KVM maps guests by the TDP MMU, and by nothing else. */
bool has_direct_tables(void);
void vm_create(Vm *vm, int number);
void vm_create_at(Vm *vm, uint64_t phys, uint64_t nvm_phys, size_t half);
void vm_attach(Vm *vm);
void vm_add_ram(Vm *vm, uint32_t flags);
void vm_remove_ram(Vm *vm);
void vm_add_vcpu(Vm *vm);
void vm_destroy(Vm *vm);
void vm_touch(Vm *vm, const uint32_t *pages, unsigned nr, bool write);
void vm_set_regs(Vm *vm, int vcpu, const void *entry, struct kvm_regs *regs);
void vm_get_regs(const Vm *vm, int vcpu, struct kvm_regs *regs);
uint64_t vm_run(Vm *vm, int vcpu);
static inline uint64_t *vm_page(const Vm *vm, uint32_t page)
{
    return (uint64_t *)(vm->ram + page * PAGE);
}

enum { PORT_DONE = 0x10, PORT_WRONG = 0x11 };

/* calls.c: the ioctls, with errno as a negative result */
int attach(int fd, uint64_t phys, uint64_t size);
int detach(int fd, uint64_t phys, uint64_t size);
int claim(int fd, uint64_t phys, uint64_t size, uint32_t flags);
int scan(int fd, struct kvm_raminate_scan *scan);
int swap(int fd, struct kvm_raminate_swap *swap);
int swap_pages(const Vm *vm, uint32_t a, uint32_t b);
/* The same with the flags that ask for a reason; @reason is in and out. */
int attach_or_reason(int fd, uint64_t phys, uint64_t size, uint32_t *reason);
int swap_or_reason(const Vm *vm, uint32_t a, uint32_t b, uint32_t *reason);

typedef struct {
    uint64_t bits[RAM_PAGES / 64];
} Pages;

void scan_ram(const Vm *vm, Pages *pages);

typedef struct {
    Pages written;
    Pages accessed;
    unsigned regions;           /* that there were entries for */
    uint64_t nr_read;
} Found;

int find(int fd, struct kvm_raminate_find *args);
/* By an array with room for @room regions, or for all if that is 0. */
void find_ram(const Vm *vm, uint32_t kinds, uint32_t flags, unsigned room,
              Found *found);
bool has_page(const Pages *pages, uint32_t page);
unsigned count_pages(const Pages *pages, const uint32_t *list, unsigned nr);

/* The tests. */
void test_scan(void);
void test_find(void);
void test_skip(void);
void test_steady(void);
void test_flush(void);
void test_yield(void);
void test_swap(void);
void test_refill(void);
void test_torture(void);
void test_beside(void);
void test_input(void);
void test_claim(void);
void test_fuzz(void);
void test_kill(void);
void test_memtype(void);
void test_vhost(void);
void test_vfio(void);

#endif
