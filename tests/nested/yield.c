/*
 * Selftest of the KVM extension: long calls let signals through, and others run
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "selftest.h"

enum {
    WRITTEN = 100,
    SCAN_PAGES = 1 << 24,       /* most of them hold nothing */
    PAIRS = 4000,
    NOT_LOOKED_AT = 77,         /* what a result was before the call */
    SIGNAL_MS = 1,
    SCANS = 1000,               /* until a signal comes, at the most */
    LONG_MS = 300,
    /* Long scans; this machine may stand still for as long as one takes. */
    TRIES = 5,
};

static void on_alarm(int number)
{
    (void)number;
}

static void send_signals(unsigned ms)
{
    struct itimerval timer = {
        .it_interval.tv_usec = 1000 * ms, .it_value.tv_usec = 1000 * ms,
    };
    struct sigaction action = { .sa_handler = on_alarm };

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void interrupted_scan(Vm *vm)
{
    const struct kvm_raminate_scan all = {
        .flags = KVM_RAMINATE_SCAN_HVA,
        .start = (uintptr_t)vm->ram - SCAN_PAGES / 2 * PAGE,
        .nr_pages = SCAN_PAGES,
    };
    struct kvm_raminate_scan args;
    uint64_t *bits = malloc(SCAN_PAGES / 8);
    unsigned i, tries, signals = 0, odd = 0, found = 0;
    uint32_t page, pages[WRITTEN];
    uint64_t written = 0;
    int ret;

    for (i = 0; i < WRITTEN; i++) {
        pages[i] = FREE_PAGE + 50 * i;
    }
    args = all;
    scan(vm->fd, &args);

    /* Where the host's clock is slow, a scan may be faster than a signal. */
    send_signals(SIGNAL_MS);
    for (tries = 0; tries < SCANS && !signals; tries++) {
        vm_touch(vm, pages, WRITTEN, true);
        memset(bits, 0, SCAN_PAGES / 8);
        args = all;
        args.bitmap = (uintptr_t)bits;
        written = 0;
        while ((ret = scan(vm->fd, &args)) == -EINTR) {
            signals++;
            odd += args.done % 64 != 0;
            written += args.nr_written;
            args.start += args.done * PAGE;
            args.nr_pages -= args.done;
            args.bitmap += args.done / 8;
        }
        written += args.nr_written;
    }
    send_signals(0);
    for (i = 0; i < WRITTEN; i++) {
        page = SCAN_PAGES / 2 + pages[i];
        found += bits[page / 64] >> page % 64 & 1;
    }
    check(ret == 0 && signals > 0 && odd == 0,
          "a signal ends a scan after whole words (%u times)", signals);
    check(found == WRITTEN && written >= WRITTEN,
          "gone on with, it reports all written pages (%u/%d)", found,
          WRITTEN);
    free(bits);
}

static void interrupted_swap(const Vm *vm)
{
    static struct kvm_raminate_pair pairs[PAIRS];
    struct kvm_raminate_swap args = {
        .nr_pairs = PAIRS, .pairs = (uintptr_t)pairs,
    };
    unsigned i, signals = 0, touched = 0, failed = 0, wrong = 0;
    struct kvm_raminate_pair *left = pairs;
    int ret;

    for (i = 0; i < PAIRS; i++) {
        pairs[i] = (struct kvm_raminate_pair) {
            .a = FREE_PAGE + i, .b = RAM_PAGES / 2 + FREE_PAGE + i,
            .result = NOT_LOOKED_AT,
        };
        vm_page(vm, pairs[i].a)[0] = i;
        vm_page(vm, pairs[i].b)[0] = PAIRS + i;
    }
    send_signals(SIGNAL_MS);
    while ((ret = swap(vm->fd, &args)) == -EINTR) {
        signals++;
        left += args.done;
        touched += left->result != NOT_LOOKED_AT &&
                   left->result != KVM_RAMINATE_SWAP_PENDING;
        args.pairs = (uintptr_t)left;
        args.nr_pairs -= args.done;
    }
    send_signals(0);
    for (i = 0; i < PAIRS; i++) {
        failed += pairs[i].result != 0;
        wrong += vm_page(vm, pairs[i].a)[0] != i ||
                 vm_page(vm, pairs[i].b)[0] != PAIRS + i;
    }
    check(ret == 0 && signals > 0 && touched == 0,
          "a signal ends a swap between two pairs (%u times)", signals);
    check(failed == 0 && wrong == 0,
          "gone on with, it exchanges all (%u not, %u with wrong content)",
          failed, wrong);
}

static uint64_t now_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

static void *wants_to_run(void *opaque)
{
    atomic_bool *stop = opaque;

    while (!*stop) {
    }
    return NULL;
}

/* On one CPU, with one other who wants it. */
static void others_run(const Vm *vm)
{
    struct kvm_raminate_scan args = {
        .flags = KVM_RAMINATE_SCAN_HVA, .start = (uintptr_t)vm->ram,
        .nr_pages = SCAN_PAGES,
    };
    static atomic_bool stop;
    uint64_t ran, took;
    unsigned tries = 0;
    cpu_set_t all, one;
    pthread_t other;
    clockid_t clock;

    sched_getaffinity(0, sizeof(all), &all);
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    sched_setaffinity(0, sizeof(one), &one);
    if (pthread_create(&other, NULL, wants_to_run, &stop) ||
        pthread_getcpuclockid(other, &clock)) {
        die("pthread_create");
    }
    do {
        ran = now_ms(clock);
        took = now_ms(CLOCK_MONOTONIC);
        if (scan(vm->fd, &args) < 0) {
            die("KVM_RAMINATE_SCAN");
        }
        ran = now_ms(clock) - ran;
        took = now_ms(CLOCK_MONOTONIC) - took;
        if (took < LONG_MS) {
            args.nr_pages *= 2;
        } else {
            tries++;
        }
    } while (args.nr_pages <= KVM_RAMINATE_SCAN_MAX_PAGES &&
             (took < LONG_MS || (4 * ran < took && tries < TRIES)));
    stop = true;
    pthread_join(other, NULL);
    sched_setaffinity(0, sizeof(all), &all);
    check(4 * ran >= took, "another thread runs during a long scan "
          "(%llu of %llu ms)", (unsigned long long)ran,
          (unsigned long long)took);
}

void test_yield(void)
{
    Vm vm;

    vm_create(&vm, 0);
    vm_attach(&vm);
    vm_add_ram(&vm, 0);
    vm_add_vcpu(&vm);
    interrupted_scan(&vm);
    interrupted_swap(&vm);
    others_run(&vm);
    vm_destroy(&vm);
}
