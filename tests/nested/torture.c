/*
 * Selftest of the KVM extension: vCPUs and the process count in pages, the
 * code and the tables of the guest among them, while their frames change
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "selftest.h"

enum {
    VCPUS = 2,
    NR_PAGES = 1024,            /* that are counted in, half of each range */
    GUEST_PAGES = 32,           /* the guest's own */
    ADDRESS_PAGE = GUEST_PAGES - 2, /* addresses of the pages, for the guest */
    BATCH = 48,
    OWN_ONE_IN = 64,            /* pairs that have a page of the guest's own */
    MIN_PAIRS = 10000,          /* times patience */
    MIN_ROUNDS = 20,
    SCAN_EACH = 8,              /* batches */
    HOST = VCPUS,               /* the process counts as one more vCPU */
};

_Static_assert(ADDRESS_PAGE >= TABLE_PAGE + TABLE_PAGES, "no overlap");

typedef struct {
    Vm vm;
    uint64_t rounds[VCPUS + 1];
    atomic_bool wrong[VCPUS + 1];
    atomic_bool stop;
    unsigned random;
    uint64_t pairs;
    uint64_t failed;
    int first_error;
} Torture;

typedef struct {
    Torture *torture;
    int number;
} Counter;

static uint32_t nth_page(uint32_t i)
{
    return FREE_PAGE + i / 2 + (i % 2 ? RAM_PAGES / 2 : 0);
}

static size_t counter_offset(int number)
{
    return 64 + 8 * number;
}

static void *run_vcpu(void *opaque)
{
    Counter *counter = opaque;
    Torture *t = counter->torture;
    struct kvm_regs regs;

    if (vm_run(&t->vm, counter->number) != PORT_DONE) {
        t->wrong[counter->number] = true;
    }
    vm_get_regs(&t->vm, counter->number, &regs);
    t->rounds[counter->number] = regs.r8;
    return NULL;
}

static void *run_process(void *opaque)
{
    Counter *counter = opaque;
    Torture *t = counter->torture;
    volatile uint64_t *page;
    uint32_t i;

    do {
        for (i = 0; i < NR_PAGES; i++) {
            page = vm_page(&t->vm, nth_page(i));
            if (page[0] != i) {
                t->wrong[HOST] = true;
            }
            page[counter_offset(HOST) / 8]++;
        }
        t->rounds[HOST]++;
    } while (!t->stop);
    return NULL;
}

static uint32_t random_page(Torture *t)
{
    return rand_r(&t->random) % OWN_ONE_IN == 0
           ? (uint32_t)rand_r(&t->random) % GUEST_PAGES
           : nth_page(rand_r(&t->random) % NR_PAGES);
}

static void swap_batch(Torture *t)
{
    struct kvm_raminate_pair pairs[BATCH] = { 0 };
    struct kvm_raminate_swap args = {
        .nr_pairs = BATCH, .pairs = (uintptr_t)pairs,
    };
    int i, ret;

    for (i = 0; i < BATCH; i++) {
        pairs[i].a = random_page(t);
        do {
            pairs[i].b = random_page(t);
        } while (pairs[i].b == pairs[i].a);
    }
    ret = swap(t->vm.fd, &args);
    for (i = 0; i < BATCH; i++) {
        if (ret == 0 && pairs[i].result != 0) {
            ret = pairs[i].result;
        }
    }
    t->pairs += args.swapped;
    t->failed += BATCH - args.swapped;
    if (t->first_error == 0) {
        t->first_error = ret;
    }
}

static uint64_t lowest_round(Torture *t)
{
    uint64_t lowest = UINT64_MAX, count;
    int i;

    for (i = 0; i <= HOST; i++) {
        count = vm_page(&t->vm, nth_page(0))[counter_offset(i) / 8];
        lowest = count < lowest ? count : lowest;
    }
    return lowest;
}

static bool anything_wrong(const Torture *t)
{
    int i;

    for (i = 0; i <= HOST; i++) {
        if (t->wrong[i]) {
            return true;
        }
    }
    return false;
}

static void start(Torture *t, pthread_t *threads, Counter *counters)
{
    struct kvm_regs regs;
    int i;

    for (i = 0; i <= HOST; i++) {
        counters[i] = (Counter) { t, i };
        if (i < VCPUS) {
            regs = (struct kvm_regs) {
                .rsi = ADDRESS_PAGE * PAGE, .r9 = STOP_PAGE * PAGE,
                .r10 = NR_PAGES, .r11 = counter_offset(i),
            };
            vm_set_regs(&t->vm, i, guest_count, &regs);
        }
        if (pthread_create(&threads[i], NULL,
                           i < VCPUS ? run_vcpu : run_process, &counters[i])) {
            die("pthread_create");
        }
    }
}

static void stop(Torture *t, pthread_t *threads)
{
    int i;

    t->stop = true;
    *(volatile uint64_t *)vm_page(&t->vm, STOP_PAGE) = 1;
    for (i = 0; i <= HOST; i++) {
        pthread_join(threads[i], NULL);
    }
}

/* Returns: counters that are not what their owner counted. */
static unsigned lost_counts(const Torture *t)
{
    unsigned lost = 0;
    uint64_t *page;
    uint32_t i;
    int number;

    for (i = 0; i < NR_PAGES; i++) {
        page = vm_page(&t->vm, nth_page(i));
        lost += page[0] != i;
        for (number = 0; number <= HOST; number++) {
            lost += page[counter_offset(number) / 8] != t->rounds[number];
        }
    }
    return lost;
}

void test_torture(void)
{
    static Torture torture = { .random = 1 };
    Torture *t = &torture;
    Counter counters[VCPUS + 1];
    pthread_t threads[VCPUS + 1];
    uint64_t *addresses;
    unsigned batches;
    Pages pages;
    uint32_t i;

    vm_create(&t->vm, 0);
    vm_attach(&t->vm);
    vm_add_ram(&t->vm, 0);
    for (i = 0; i < VCPUS; i++) {
        vm_add_vcpu(&t->vm);
    }
    addresses = vm_page(&t->vm, ADDRESS_PAGE);
    for (i = 0; i < NR_PAGES; i++) {
        addresses[i] = nth_page(i) * PAGE;
        vm_page(&t->vm, nth_page(i))[0] = i;
    }

    start(t, threads, counters);
    while (lowest_round(t) == 0) {
        usleep(1000);
    }
    note("torture has begun");
    for (batches = 1; !anything_wrong(t) && t->first_error == 0 &&
         (t->pairs < MIN_PAIRS * patience || lowest_round(t) < MIN_ROUNDS);
         batches++) {
        swap_batch(t);
        if (batches % SCAN_EACH == 0) {
            scan_ram(&t->vm, &pages);
        }
    }
    stop(t, threads);

    note("%llu pairs, rounds %llu %llu %llu", (unsigned long long)t->pairs,
         (unsigned long long)t->rounds[0], (unsigned long long)t->rounds[1],
         (unsigned long long)t->rounds[HOST]);
    check(t->failed == 0, "all pairs are exchanged (%llu not, first error %d)",
          (unsigned long long)t->failed, t->first_error);
    check(!anything_wrong(t), "nobody sees a page in another one's place");
    check(lost_counts(t) == 0, "no write is lost (%u counters are wrong)",
          lost_counts(t));
    vm_destroy(&t->vm);
}
