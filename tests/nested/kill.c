/*
 * Selftest of the KVM extension: a process that is killed in the middle of a
 * swap leaves nothing behind
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "selftest.h"

enum {
    TIMES = 20,
    PAIRS = 1000,
    ADDRESS_PAGE = FREE_PAGE - 1,
};

static void *run_vcpu(void *opaque)
{
    vm_run(opaque, 0);
    return NULL;
}

/* Swaps until it is killed; says when it has begun. */
static _Noreturn void swap_for_ever(int begun)
{
    static struct kvm_raminate_pair pairs[PAIRS];
    struct kvm_raminate_swap args = {
        .nr_pairs = PAIRS, .pairs = (uintptr_t)pairs,
    };
    struct kvm_regs regs = {
        .rsi = ADDRESS_PAGE * PAGE, .r9 = STOP_PAGE * PAGE, .r10 = 1,
        .r11 = 64,
    };
    pthread_t thread;
    unsigned i;
    Vm vm;

    vm_create(&vm, 0);
    vm_attach(&vm);
    if (claim(vm.fd, vm.phys, HALF, 0) < 0) {
        die("KVM_RAMINATE_CLAIM");
    }
    vm_add_ram(&vm, 0);
    vm_add_vcpu(&vm);
    vm_page(&vm, ADDRESS_PAGE)[0] = FREE_PAGE * PAGE;
    vm_set_regs(&vm, 0, guest_count, &regs);
    for (i = 0; i < PAIRS; i++) {
        pairs[i].a = FREE_PAGE + i;
        pairs[i].b = RAM_PAGES / 2 + FREE_PAGE + i;
    }
    if (pthread_create(&thread, NULL, run_vcpu, &vm)) {
        die("pthread_create");
    }
    for (;;) {
        if (swap(vm.fd, &args) < 0) {
            die("KVM_RAMINATE_SWAP");
        }
        if (begun >= 0 && write(begun, "", 1) == 1) {
            close(begun);
            begun = -1;
        }
    }
}

static bool killed_in_mid_swap(unsigned delay)
{
    int begun[2], status;
    pid_t pid;
    char c;

    if (pipe(begun) < 0) {
        die("pipe");
    }
    pid = fork();
    if (pid == 0) {
        close(begun[0]);
        swap_for_ever(begun[1]);
    }
    close(begun[1]);
    if (read(begun[0], &c, 1) == 1) {
        usleep(delay);
    }
    close(begun[0]);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

void test_kill(void)
{
    unsigned i, killed = 0, free_again = 0;
    unsigned seed = 1;
    Vm vm;

    for (i = 0; i < TIMES; i++) {
        killed += killed_in_mid_swap(rand_r(&seed) % 20000);
        /* It could not be mapped if it were still claimed. */
        vm_create(&vm, 0);
        free_again += attach(vm.fd, vm.phys, HALF) == 0;
        vm_destroy(&vm);
    }
    check(killed == TIMES, "a process dies in the middle of swaps (%u of %d)",
          killed, TIMES);
    check(free_again == TIMES,
          "its ranges can be attached at once (%u of %d times)", free_again,
          TIMES);
}
