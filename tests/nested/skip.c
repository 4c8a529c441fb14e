/*
 * Selftest of the KVM extension: no write is lost by tables that are skipped,
 * whatever else goes on
 *
 * Everybody counts in pages all over memory for a while and then stops, so that
 * nothing but a scan tells of the last write to a region. What a page's counter
 * was when the page was last reported has to be what it is in the end.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "selftest.h"

enum {
    MAX_VCPUS = 4,
    LIST = PAGE / 8,            /* pages that one counts in, in a round */
    COUNTER = 8,                /* word in the page, as guest_bump has it */
    ROUNDS = 30,                /* times patience */
    SWAPS = 8,                  /* pairs at a time */
    TURN_US = 100,
    EXTRA_SLOT = 1,
    EXTRA_PAGES = 16,
};

typedef struct {
    Vm vm;
    int nr_vcpus;               /* the process counts as one more */
    unsigned random;
    atomic_int running;         /* who has not stopped yet */
    atomic_bool stop;
    pthread_mutex_t turn;       /* of who disturbs */
    pthread_mutex_t lock;
    uint64_t reported[RAM_PAGES];   /* counters at the last report */
} Skip;

typedef struct {
    Skip *skip;
    int number;
    uint32_t pages[LIST];       /* of the process */
} Counter;

static uint64_t count_of(const Skip *s, uint32_t page)
{
    return *(volatile uint64_t *)&vm_page(&s->vm, page)[COUNTER];
}

/* Nobody else counts in the page. */
static uint32_t own_page(Skip *s, int number)
{
    uint32_t page = FREE_PAGE + rand_r(&s->random) % (RAM_PAGES - FREE_PAGE);

    page -= page % (s->nr_vcpus + 1);
    page += number;
    return page < FREE_PAGE || page >= RAM_PAGES ? own_page(s, number) : page;
}

static void *run_vcpu(void *opaque)
{
    Counter *counter = opaque;

    vm_run(&counter->skip->vm, counter->number);
    counter->skip->running--;
    return NULL;
}

static void *run_process(void *opaque)
{
    Counter *counter = opaque;
    unsigned i;

    for (i = 0; i < LIST; i++) {
        ++*(volatile uint64_t *)&vm_page(&counter->skip->vm,
                                         counter->pages[i])[COUNTER];
    }
    counter->skip->running--;
    return NULL;
}

static void start(Skip *s, Counter *counters, pthread_t *threads)
{
    uint64_t *list;
    int i, k;

    s->running = s->nr_vcpus + 1;
    for (i = 0; i <= s->nr_vcpus; i++) {
        counters[i].skip = s;
        counters[i].number = i;
        if (i < s->nr_vcpus) {
            struct kvm_regs regs = {
                .rdi = (LIST_PAGE + i) * PAGE, .rcx = LIST,
            };

            list = vm_page(&s->vm, LIST_PAGE + i);
            for (k = 0; k < LIST; k++) {
                list[k] = own_page(s, i) * PAGE;
            }
            vm_set_regs(&s->vm, i, guest_bump, &regs);
        } else {
            for (k = 0; k < LIST; k++) {
                counters[i].pages[k] = own_page(s, i);
            }
        }
        if (pthread_create(&threads[i], NULL,
                           i < s->nr_vcpus ? run_vcpu : run_process,
                           &counters[i])) {
            die("pthread_create");
        }
    }
}

static void find_and_note(Skip *s, uint32_t kinds)
{
    uint64_t count;
    uint32_t page;
    Found found;

    find_ram(&s->vm, kinds, 0, 0, &found);
    pthread_mutex_lock(&s->lock);
    for (page = FREE_PAGE; page < RAM_PAGES; page++) {
        if (has_page(&found.written, page)) {
            count = count_of(s, page);
            if (count > s->reported[page]) {
                s->reported[page] = count;
            }
        }
    }
    pthread_mutex_unlock(&s->lock);
}

static unsigned lost_pages(const Skip *s)
{
    unsigned lost = 0;
    uint32_t page;

    for (page = FREE_PAGE; page < RAM_PAGES; page++) {
        lost += count_of(s, page) != s->reported[page];
    }
    return lost;
}

static void swap_some(Skip *s, unsigned *seed)
{
    struct kvm_raminate_pair pairs[SWAPS] = { 0 };
    struct kvm_raminate_swap args = {
        .nr_pairs = SWAPS, .pairs = (uintptr_t)pairs,
    };
    unsigned i;

    for (i = 0; i < SWAPS; i++) {
        pairs[i].a = rand_r(seed) % RAM_PAGES;
        pairs[i].b = rand_r(seed) % RAM_PAGES;
    }
    if (swap(s->vm.fd, &args) < 0) {
        die("KVM_RAMINATE_SWAP");
    }
}

/* All of the guest's tables go with a slot. */
static void change_slot(const Skip *s, void *memory, bool add)
{
    struct kvm_userspace_memory_region region = {
        .slot = EXTRA_SLOT, .guest_phys_addr = 2 * RAM_SIZE,
        .memory_size = add ? EXTRA_PAGES * PAGE : 0,
        .userspace_addr = (uintptr_t)memory,
    };

    if (ioctl(s->vm.fd, KVM_SET_USER_MEMORY_REGION, &region) < 0) {
        die("KVM_SET_USER_MEMORY_REGION");
    }
}

static void get_log(const Skip *s)
{
    static Pages log;
    struct kvm_dirty_log args = { .dirty_bitmap = log.bits };

    ioctl(s->vm.fd, KVM_GET_DIRTY_LOG, &args);
}

static void *disturb(void *opaque)
{
    Skip *s = opaque;
    unsigned seed = 2;
    void *memory = mmap(NULL, EXTRA_PAGES * PAGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    while (!s->stop) {
        pthread_mutex_lock(&s->turn);
        switch (rand_r(&seed) % 8) {
        case 0:
            change_slot(s, memory, true);
            change_slot(s, memory, false);
            break;
        case 1:
            vm_add_ram(&s->vm, KVM_MEM_LOG_DIRTY_PAGES);
            get_log(s);
            break;
        case 2:
            get_log(s);
            vm_add_ram(&s->vm, 0);
            break;
        case 3:
            find_and_note(s, KVM_RAMINATE_WRITTEN);
            break;
        default:
            swap_some(s, &seed);
            break;
        }
        pthread_mutex_unlock(&s->turn);
        usleep(TURN_US);
    }
    munmap(memory, EXTRA_PAGES * PAGE);
    return NULL;
}

static unsigned run_round(Skip *s, uint32_t kinds)
{
    static Counter counters[MAX_VCPUS + 1];
    pthread_t threads[MAX_VCPUS + 1];
    unsigned i, lost;

    start(s, counters, threads);
    for (i = 0; s->running > 0; i++) {
        find_and_note(s, i % 2 ? kinds : KVM_RAMINATE_WRITTEN);
    }
    for (i = 0; i <= (unsigned)s->nr_vcpus; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_mutex_lock(&s->turn);
    /* What was written during the last scan, the next one finds. */
    find_and_note(s, KVM_RAMINATE_WRITTEN);
    find_and_note(s, kinds);
    lost = lost_pages(s);
    pthread_mutex_unlock(&s->turn);
    return lost;
}

static void run(int nr_vcpus, bool is_disturbed)
{
    Skip *s = calloc(1, sizeof(*s));
    uint32_t kinds;
    unsigned i, lost = 0;
    pthread_t other;
    Found found;

    s->nr_vcpus = nr_vcpus;
    s->random = 1;
    pthread_mutex_init(&s->turn, NULL);
    pthread_mutex_init(&s->lock, NULL);
    vm_create(&s->vm, 0);
    vm_attach(&s->vm);
    vm_add_ram(&s->vm, 0);
    for (i = 0; i < (unsigned)nr_vcpus; i++) {
        vm_add_vcpu(&s->vm);
    }
    kinds = ioctl(s->vm.fd, KVM_CHECK_EXTENSION, KVM_CAP_RAMINATE_2);
    find_ram(&s->vm, kinds, 0, 0, &found);

    if (is_disturbed &&
        pthread_create(&other, NULL, disturb, s)) {
        die("pthread_create");
    }
    for (i = 0; i < ROUNDS * patience && lost == 0; i++) {
        lost = run_round(s, kinds);
    }
    s->stop = true;
    if (is_disturbed) {
        pthread_join(other, NULL);
    }
    check(lost == 0, "%d vCPUs%s: each last write is reported (%u not, "
          "round %u)", nr_vcpus,
          is_disturbed ? ", swaps, the log, slots and other scans" : "",
          lost, i);
    vm_destroy(&s->vm);
    free(s);
}

void test_skip(void)
{
    run(2, false);
    run(2, true);
    run(4, true);
}
