/*
 * Selftest of the KVM extension: VMs of two processes are scanned and swapped
 * at the same time. One of them comes and goes, and neither loses anything.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "selftest.h"

enum {
    NR_PAGES = 512,             /* half of each range */
    COUNTER = 8,                /* word in the page, as guest_bump has it */
    ONE_IN = 4,                 /* of the pages is written to in a round */
    PAIRS = 64,                 /* a batch */
    ROUNDS = 30,
    TIMES = 5,                  /* that the other VM comes */
};

/* What became of a VM, for the process that tells of it. */
typedef struct {
    atomic_bool begun;
    unsigned rounds;
    unsigned failed;            /* pairs */
    unsigned missed;            /* pages that were written, to the scans */
    unsigned extra;             /* found though nobody wrote to them */
    unsigned wrong;             /* counters in the end */
} Result;

typedef struct {
    Vm vm;
    Result *result;
    unsigned random;
    uint64_t counts[NR_PAGES];  /* as they have to be in the pages */
} Work;

static uint32_t nth_page(uint32_t i)
{
    return FREE_PAGE + i / 2 + (i % 2 ? RAM_PAGES / 2 : 0);
}

static void begin(Work *work, int number, Result *result)
{
    Pages found;

    memset(work, 0, sizeof(*work));
    work->result = result;
    work->random = number + 1;
    vm_create(&work->vm, number);
    vm_attach(&work->vm);
    vm_add_ram(&work->vm, 0);
    vm_add_vcpu(&work->vm);
    scan_ram(&work->vm, &found);
}

static void count_in_some(Work *work, bool *written)
{
    uint64_t *list = vm_page(&work->vm, LIST_PAGE);
    struct kvm_regs regs = { .rdi = LIST_PAGE * PAGE };
    uint32_t i;

    for (i = 0; i < NR_PAGES; i++) {
        written[i] = rand_r(&work->random) % ONE_IN == 0;
        if (written[i]) {
            list[regs.rcx++] = nth_page(i) * PAGE;
            work->counts[i]++;
        }
    }
    if (regs.rcx) {
        vm_set_regs(&work->vm, 0, guest_bump, &regs);
        vm_run(&work->vm, 0);
    }
}

static void swap_some(Work *work)
{
    struct kvm_raminate_pair pairs[PAIRS] = { 0 };
    struct kvm_raminate_swap args = {
        .nr_pairs = PAIRS, .pairs = (uintptr_t)pairs,
    };
    uint32_t page;
    int i;

    for (i = 0; i < PAIRS; i++) {
        page = rand_r(&work->random) % NR_PAGES;
        pairs[i].a = nth_page(page);
        pairs[i].b = nth_page((page + NR_PAGES / 2 + 1) % NR_PAGES);
    }
    if (swap(work->vm.fd, &args) < 0) {
        work->result->failed += PAIRS;
    } else {
        work->result->failed += PAIRS - args.swapped;
    }
}

static void do_round(Work *work)
{
    Result *result = work->result;
    bool written[NR_PAGES];
    Pages found;
    uint32_t i;

    count_in_some(work, written);
    swap_some(work);
    scan_ram(&work->vm, &found);
    for (i = 0; i < NR_PAGES; i++) {
        result->missed += written[i] && !has_page(&found, nth_page(i));
        result->extra += !written[i] && has_page(&found, nth_page(i));
    }
    result->rounds++;
}

static void end(Work *work)
{
    uint32_t i;

    for (i = 0; i < NR_PAGES; i++) {
        work->result->wrong += vm_page(&work->vm, nth_page(i))[COUNTER] !=
                               work->counts[i];
    }
    vm_destroy(&work->vm);
}

static _Noreturn void come_and_go(const Result *first, Result *result)
{
    Work work;
    int i, k;

    while (!first->begun) {
        usleep(1000);
    }
    for (i = 0; i < TIMES; i++) {
        begin(&work, 1, result);
        for (k = 0; k < ROUNDS; k++) {
            do_round(&work);
        }
        end(&work);
    }
    _exit(0);
}

static void tell(const char *which, const Result *result)
{
    note("%s: %u rounds", which, result->rounds);
    check(result->failed == 0, "%s: all pairs are exchanged (%u not)", which,
          result->failed);
    check(result->missed == 0, "%s: scans find what its guest wrote (%u not)",
          which, result->missed);
    check(result->extra == 0, "%s: and nothing else (%u)", which,
          result->extra);
    check(result->wrong == 0, "%s: no write is lost (%u counters are wrong)",
          which, result->wrong);
}

void test_beside(void)
{
    Result *results = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 0;
    Work work;
    pid_t pid;

    if (results == MAP_FAILED) {
        die("mmap");
    }
    /* Before there is a VM, of which it would have a part. */
    pid = fork();
    if (pid == 0) {
        come_and_go(&results[0], &results[1]);
    }
    begin(&work, 0, &results[0]);
    results[0].begun = true;
    do {
        do_round(&work);
    } while (waitpid(pid, &status, WNOHANG) == 0);
    end(&work);

    check(status == 0 && results[1].rounds == TIMES * ROUNDS,
          "a VM comes and goes beside another one");
    tell("the one that stays", &results[0]);
    tell("the other one", &results[1]);
    munmap(results, PAGE);
}
