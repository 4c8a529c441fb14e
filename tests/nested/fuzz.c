/*
 * Selftest of the KVM extension: calls with random arguments, while slots,
 * mappings and the dirty log change; the kernel's messages are the judge
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "selftest.h"

enum {
    CALLS = 1500,               /* of each kind */
    PAIRS = 64,
    /* Memory that comes and goes, in a slot of its own. */
    HOLE = RAM_PAGES,
    HOLE_PAGES = 512,
};

typedef struct {
    Vm vm;
    uint8_t *hole;
    uint64_t hole_phys;
    atomic_bool stop;
    atomic_int unexpected;
} Fuzz;

static bool one_of(int result, const int *wanted, size_t nr)
{
    size_t i;

    for (i = 0; i < nr; i++) {
        if (result == wanted[i]) {
            return true;
        }
    }
    return false;
}

#define EXPECT(fuzz, result, ...) \
    do { \
        static const int wanted[] = { __VA_ARGS__ }; \
        if (!one_of(result, wanted, sizeof(wanted) / sizeof(wanted[0]))) { \
            (fuzz)->unexpected = result; \
        } \
    } while (0)

/* Mostly something sensible. */
static uint64_t random_number(unsigned *seed, uint64_t sensible)
{
    uint64_t wild = (uint64_t)rand_r(seed) << 32 ^ rand_r(seed);

    switch (rand_r(seed) % 16) {
    case 0:
        return wild << rand_r(seed) % 40;
    case 1:
        return -(wild % 0x10000);
    default:
        return wild % sensible;
    }
}

static uint64_t random_page(unsigned *seed)
{
    return random_number(seed, RAM_PAGES + HOLE_PAGES);
}

static uintptr_t address_of(const Fuzz *fuzz, uint64_t page)
{
    return page < HOLE ? (uintptr_t)fuzz->vm.ram + page * PAGE
                       : (uintptr_t)fuzz->hole + (page - HOLE) * PAGE;
}

/* Never where the program has something else: the kernel would write there. */
static uint64_t random_bitmap(unsigned *seed, Pages *pages)
{
    switch (rand_r(seed) % 8) {
    case 0:
        return 0;
    case 1:
        return (uintptr_t)pages->bits + 1;
    case 2:
        return (uint64_t)rand_r(seed) << 33 | 1ull << 63;
    default:
        return (uintptr_t)pages->bits;
    }
}

static void *fuzz_scan(void *opaque)
{
    Fuzz *fuzz = opaque;
    struct kvm_raminate_scan args;
    unsigned seed = 1, i;
    static Pages pages;
    int ret;

    for (i = 0; i < CALLS; i++) {
        args = (struct kvm_raminate_scan) {
            .flags = random_number(&seed, 4),
            .start = random_page(&seed),
            .nr_pages = random_number(&seed, RAM_PAGES),
            .bitmap = random_bitmap(&seed, &pages),
        };
        if (args.flags & KVM_RAMINATE_SCAN_HVA) {
            args.start = address_of(fuzz, args.start);
        }
        ret = args.nr_pages > RAM_PAGES && args.bitmap != 0
              ? 0 : scan(fuzz->vm.fd, &args);
        EXPECT(fuzz, ret, 0, -EINVAL, -EFAULT);
    }
    return NULL;
}

static void *fuzz_find(void *opaque)
{
    static struct kvm_raminate_region regions[RAM_PAGES / REGION_PAGES];
    Fuzz *fuzz = opaque;
    struct kvm_raminate_find args;
    unsigned seed = 5, i;
    int ret;

    for (i = 0; i < CALLS; i++) {
        args = (struct kvm_raminate_find) {
            .flags = random_number(&seed, 4),
            .kinds = random_number(&seed, 4),
            .start = random_page(&seed),
            .nr_pages = random_number(&seed, RAM_PAGES),
            .regions = rand_r(&seed) % 4 ? (uintptr_t)regions
                       : (uint64_t)rand_r(&seed) << 33 | 1ull << 63,
            .max_regions = rand_r(&seed) % (RAM_PAGES / REGION_PAGES + 1),
        };
        if (args.flags & KVM_RAMINATE_SCAN_HVA) {
            args.start = address_of(fuzz, args.start);
        }
        ret = find(fuzz->vm.fd, &args);
        EXPECT(fuzz, ret, 0, -EINVAL, -EFAULT, -EOPNOTSUPP);
    }
    return NULL;
}

static void *fuzz_swap(void *opaque)
{
    Fuzz *fuzz = opaque;
    struct kvm_raminate_pair pairs[PAIRS];
    struct kvm_raminate_swap args;
    unsigned seed = 2, i, k;
    int ret;

    for (i = 0; i < CALLS; i++) {
        args = (struct kvm_raminate_swap) {
            .flags = random_number(&seed, 4),
            .nr_pairs = rand_r(&seed) % PAIRS,
            .pairs = (uintptr_t)pairs,
        };
        for (k = 0; k < PAIRS; k++) {
            pairs[k].a = random_page(&seed);
            pairs[k].b = random_page(&seed);
            if (args.flags & KVM_RAMINATE_SWAP_HVA) {
                pairs[k].a = address_of(fuzz, pairs[k].a);
                pairs[k].b = address_of(fuzz, pairs[k].b);
            }
        }
        ret = swap(fuzz->vm.fd, &args);
        EXPECT(fuzz, ret, 0, -EINVAL);
        for (k = 0; ret == 0 && k < args.nr_pairs; k++) {
            EXPECT(fuzz, pairs[k].result, 0, -EINVAL, -ENOENT, -EROFS,
                   -EOPNOTSUPP, -EACCES);
        }
    }
    return NULL;
}

static void *fuzz_attach(void *opaque)
{
    Fuzz *fuzz = opaque;
    unsigned seed = 3, i;
    int ret;

    for (i = 0; i < CALLS; i++) {
        ret = attach(fuzz->vm.fd,
                     pool_phys + random_number(&seed, RAM_PAGES) * PAGE,
                     random_number(&seed, 64) * PAGE);
        EXPECT(fuzz, ret, -EINVAL, -EADDRNOTAVAIL, -EEXIST, -ENOMEM, 0);
        ret = detach(fuzz->vm.fd,
                     pool_phys + random_number(&seed, RAM_PAGES) * PAGE,
                     random_number(&seed, 64) * PAGE);
        EXPECT(fuzz, ret, -ENOENT, 0);

        /* What is scanned and exchanged meanwhile; it takes its time. */
        if (i % 16 == 0) {
            ret = detach(fuzz->vm.fd, fuzz->hole_phys, HOLE_PAGES * PAGE);
            EXPECT(fuzz, ret, 0);
            ret = attach(fuzz->vm.fd, fuzz->hole_phys, HOLE_PAGES * PAGE);
            EXPECT(fuzz, ret, 0);
        }
    }
    return NULL;
}

/* Slots that go, come back, move, and are logged. */
static void *change_slots(void *opaque)
{
    Fuzz *fuzz = opaque;
    struct kvm_userspace_memory_region region = {
        .memory_size = RAM_SIZE, .userspace_addr = (uintptr_t)fuzz->vm.ram,
    };
    unsigned seed = 4;

    while (!fuzz->stop) {
        region.memory_size = rand_r(&seed) % 4 == 0 ? 0 : RAM_SIZE;
        region.guest_phys_addr = rand_r(&seed) % 2 ? 0 : 2 * RAM_SIZE;
        region.flags = rand_r(&seed) % 2 ? KVM_MEM_LOG_DIRTY_PAGES : 0;
        ioctl(fuzz->vm.fd, KVM_SET_USER_MEMORY_REGION, &region);
    }
    region.memory_size = 0;
    ioctl(fuzz->vm.fd, KVM_SET_USER_MEMORY_REGION, &region);
    return NULL;
}

static void map_hole(const Fuzz *fuzz)
{
    if (mmap(fuzz->hole, HOLE_PAGES * PAGE, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_FIXED, fuzz->vm.mem_fd,
             fuzz->hole_phys) == MAP_FAILED) {
        die("mmap of /dev/mem");
    }
    madvise(fuzz->hole, HOLE_PAGES * PAGE, MADV_DONTFORK);
}

/* The addresses stay taken, or else another thread's memory may be there. */
static void unmap_hole(const Fuzz *fuzz)
{
    if (mmap(fuzz->hole, HOLE_PAGES * PAGE, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
             0) == MAP_FAILED) {
        die("mmap");
    }
}

static void add_hole(Fuzz *fuzz)
{
    struct kvm_userspace_memory_region region = {
        .slot = 1, .guest_phys_addr = HOLE * PAGE,
        .memory_size = HOLE_PAGES * PAGE,
    };

    fuzz->hole_phys = pool_phys + 4 * HALF;
    fuzz->hole = mmap(NULL, HOLE_PAGES * PAGE, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    region.userspace_addr = (uintptr_t)fuzz->hole;
    if (attach(fuzz->vm.fd, fuzz->hole_phys, HOLE_PAGES * PAGE) < 0 ||
        ioctl(fuzz->vm.fd, KVM_SET_USER_MEMORY_REGION, &region) < 0) {
        die("memory that comes and goes");
    }
}

static void *change_mappings(void *opaque)
{
    Fuzz *fuzz = opaque;

    while (!fuzz->stop) {
        map_hole(fuzz);
        mprotect(fuzz->hole, HOLE_PAGES * PAGE, PROT_READ);
        mprotect(fuzz->hole, HOLE_PAGES * PAGE, PROT_READ | PROT_WRITE);
        unmap_hole(fuzz);
    }
    return NULL;
}

/* The guest's code and tables come and go; how it ends does not matter. */
static void *run_vcpu(void *opaque)
{
    Fuzz *fuzz = opaque;
    struct kvm_regs regs;

    while (!fuzz->stop) {
        regs = (struct kvm_regs) {
            .rdi = LIST_PAGE * PAGE, .rcx = 512, .rbx = 1,
        };
        vm_set_regs(&fuzz->vm, 0, guest_touch, &regs);
        ioctl(fuzz->vm.vcpu[0], KVM_RUN, 0);
    }
    return NULL;
}

void test_fuzz(void)
{
    static void *(*const calls[])(void *) = {
        fuzz_scan, fuzz_find, fuzz_swap, fuzz_attach,
    };
    static void *(*const disturbances[])(void *) = {
        change_slots, change_mappings, run_vcpu,
    };
    enum { CALLERS = 4, OTHERS = 3 };
    pthread_t callers[CALLERS], others[OTHERS];
    static Fuzz fuzz;
    uint64_t *list;
    int i;

    vm_create(&fuzz.vm, 0);
    vm_attach(&fuzz.vm);
    vm_add_ram(&fuzz.vm, 0);
    vm_add_vcpu(&fuzz.vm);
    add_hole(&fuzz);
    list = vm_page(&fuzz.vm, LIST_PAGE);
    for (i = 0; i < 512; i++) {
        list[i] = (FREE_PAGE + 7 * i) * PAGE;
    }

    for (i = 0; i < OTHERS; i++) {
        pthread_create(&others[i], NULL, disturbances[i], &fuzz);
    }
    for (i = 0; i < CALLERS; i++) {
        pthread_create(&callers[i], NULL, calls[i], &fuzz);
    }
    for (i = 0; i < CALLERS; i++) {
        pthread_join(callers[i], NULL);
    }
    fuzz.stop = true;
    for (i = 0; i < OTHERS; i++) {
        pthread_join(others[i], NULL);
    }
    check(fuzz.unexpected == 0, "random calls end as the interface says (%s)",
          fuzz.unexpected ? strerrorname_np(-fuzz.unexpected) : "all");

    vm_add_ram(&fuzz.vm, 0);
    check(swap_pages(&fuzz.vm, FREE_PAGE, FREE_PAGE + 1) == 0,
          "the VM can still be used");
    vm_destroy(&fuzz.vm);
}
