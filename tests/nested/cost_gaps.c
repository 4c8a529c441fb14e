/*
 * What a guest notices of swaps: how long it takes from one write to the next
 * in a loop that writes to the pages that are swapped
 *
 * On two CPUs that take turns, instructions are those of both.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>

#include "cost.h"

enum {
    DURATION = 300000000,       /* instructions */
    BATCH = 1000,               /* pairs, as the paper has them */
    PAUSE = 10000000,           /* instructions between two stops */
    NR_PAGES = 2 * BATCH,       /* that are written to, half of each range */
    LOOK = 1000000,             /* ns of sleep, where nothing is to be done */
    ADDRESS_PAGE = LIST_PAGE,
    HISTOGRAM_PAGE = TABLE_PAGE + TABLE_PAGES,
    BITS = 64,
};

_Static_assert(NR_PAGES <= LIST_PAGES * 512, "the list has room");

typedef struct {
    Vm vm;
    struct kvm_raminate_pair pairs[BATCH];
    uint64_t swapped;
    uint64_t batches;
    pthread_t vcpu;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stop;                  /* the vCPU is to be out of the guest */
    bool stopped;               /* it is */
} Gaps;

static void ignore(int signal)
{
    (void)signal;
}

static void run_on_cpu(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) < 0) {
        die("two CPUs are needed");
    }
}

/* Returns: when the VM may run. */
static void wait_while_stopped(Gaps *g)
{
    pthread_mutex_lock(&g->lock);
    g->stopped = true;
    pthread_cond_broadcast(&g->changed);
    while (g->stop) {
        pthread_cond_wait(&g->changed, &g->lock);
    }
    g->stopped = false;
    g->vm.run[0]->immediate_exit = 0;
    pthread_mutex_unlock(&g->lock);
}

static void *run_vcpu(void *opaque)
{
    Gaps *g = opaque;
    int ret;

    run_on_cpu(1);
    do {
        wait_while_stopped(g);
        ret = ioctl(g->vm.vcpu[0], KVM_RUN, 0);
    } while (ret < 0 && (errno == EINTR || errno == EAGAIN));
    if (ret < 0 || g->vm.run[0]->exit_reason != KVM_EXIT_IO) {
        die("KVM_RUN");
    }
    return NULL;
}

static void swap_batch(Gaps *g)
{
    struct kvm_raminate_swap args = {
        .nr_pairs = BATCH, .pairs = (uintptr_t)g->pairs,
    };

    if (swap(g->vm.fd, &args) < 0 || args.swapped != BATCH) {
        die("KVM_RAMINATE_SWAP");
    }
    g->swapped += args.swapped;
    g->batches++;
}

/* What the guest raises with each write to the first of the pages. */
static volatile uint64_t *first_count(const Gaps *g)
{
    return vm_page(&g->vm, g->pairs[0].a) + 8;
}

static void pause_for(uint64_t count)
{
    struct timespec time = { 0 };
    uint64_t end = instructions() + count;

    while (instructions() < end) {
        time.tv_nsec = LOOK;
        nanosleep(&time, NULL);
    }
}

static void wait_for_guest(const Gaps *g)
{
    while (*first_count(g) == 0) {
        pause_for(LOOK);
    }
}

static void do_nothing(Gaps *g)
{
    (void)g;
    pause_for(PAUSE);
}

static void stop_and_swap(Gaps *g)
{
    pthread_mutex_lock(&g->lock);
    g->stop = true;
    g->vm.run[0]->immediate_exit = 1;
    pthread_kill(g->vcpu, SIGUSR1);
    while (!g->stopped) {
        pthread_cond_wait(&g->changed, &g->lock);
    }
    swap_batch(g);
    g->stop = false;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
    pause_for(PAUSE);
}

static void prepare(Gaps *g)
{
    uint64_t *addresses = vm_page(&g->vm, ADDRESS_PAGE), i;
    uint64_t half = g->vm.half / PAGE;
    struct kvm_regs regs = {
        .rsi = ADDRESS_PAGE * PAGE, .r9 = STOP_PAGE * PAGE, .r10 = NR_PAGES,
        .r13 = HISTOGRAM_PAGE * PAGE,
    };

    for (i = 0; i < BATCH; i++) {
        g->pairs[i].a = FREE_PAGE + i;
        g->pairs[i].b = half + FREE_PAGE + i;
        addresses[2 * i] = g->pairs[i].a * PAGE;
        addresses[2 * i + 1] = g->pairs[i].b * PAGE;
    }
    for (i = 0; i < BITS; i++) {
        vm_page(&g->vm, HISTOGRAM_PAGE)[i] = 0;
    }
    *(volatile uint64_t *)vm_page(&g->vm, STOP_PAGE) = 0;
    *first_count(g) = 0;
    g->swapped = g->batches = 0;
    vm_set_regs(&g->vm, 0, guest_stamp, &regs);
}

static void print(const Gaps *g, const char *mode, uint64_t count)
{
    const uint64_t *histogram = vm_page(&g->vm, HISTOGRAM_PAGE);
    struct kvm_regs regs;
    int i;

    vm_get_regs(&g->vm, 0, &regs);
    printf("gaps mode=%s instructions=%llu writes=%llu swapped=%llu "
           "batches=%llu longest=%llu histogram=", mode,
           (unsigned long long)count, (unsigned long long)regs.r8,
           (unsigned long long)g->swapped, (unsigned long long)g->batches,
           (unsigned long long)regs.r14);
    for (i = 0; i < BITS; i++) {
        printf("%s%llu", i ? "," : "", (unsigned long long)histogram[i]);
    }
    printf("\n");
    fflush(stdout);
}

static void measure(Gaps *g, const char *mode, void (*act)(Gaps *g))
{
    uint64_t start;

    prepare(g);
    start = instructions();
    if (pthread_create(&g->vcpu, NULL, run_vcpu, g)) {
        die("pthread_create");
    }
    wait_for_guest(g);
    while (instructions() - start < DURATION) {
        act(g);
    }
    *(volatile uint64_t *)vm_page(&g->vm, STOP_PAGE) = 1;
    pthread_join(g->vcpu, NULL);
    print(g, mode, instructions() - start);
}

void cost_gaps(unsigned mib)
{
    static Gaps gaps = {
        .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER,
    };
    const struct sigaction action = { .sa_handler = ignore };

    sigaction(SIGUSR1, &action, NULL);
    run_on_cpu(0);
    cost_vm_create(&gaps.vm, mib, true);
    measure(&gaps, "none", do_nothing);
    measure(&gaps, "running", swap_batch);
    measure(&gaps, "stopped", stop_and_swap);
    vm_destroy(&gaps.vm);
}
