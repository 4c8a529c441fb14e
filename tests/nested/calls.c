/*
 * Selftest of the KVM extension: its ioctls as functions
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "selftest.h"

int attach(int fd, uint64_t phys, uint64_t size)
{
    struct kvm_raminate_attach args = { .phys = phys, .size = size };

    return ioctl(fd, KVM_RAMINATE_ATTACH, &args) < 0 ? -errno : 0;
}

int detach(int fd, uint64_t phys, uint64_t size)
{
    struct kvm_raminate_attach args = { .phys = phys, .size = size };

    return ioctl(fd, KVM_RAMINATE_DETACH, &args) < 0 ? -errno : 0;
}

int claim(int fd, uint64_t phys, uint64_t size, uint32_t flags)
{
    struct kvm_raminate_attach args = {
        .phys = phys, .size = size, .flags = flags,
    };

    return ioctl(fd, KVM_RAMINATE_CLAIM, &args) < 0 ? -errno : 0;
}

int attach_or_reason(int fd, uint64_t phys, uint64_t size, uint32_t *reason)
{
    struct kvm_raminate_attach args = {
        .phys = phys, .size = size, .reason = *reason,
        .flags = KVM_RAMINATE_ATTACH_REASON,
    };
    int ret = ioctl(fd, KVM_RAMINATE_ATTACH, &args) < 0 ? -errno : 0;

    *reason = args.reason;
    return ret;
}

int scan(int fd, struct kvm_raminate_scan *args)
{
    return ioctl(fd, KVM_RAMINATE_SCAN, args) < 0 ? -errno : 0;
}

int swap(int fd, struct kvm_raminate_swap *args)
{
    return ioctl(fd, KVM_RAMINATE_SWAP, args) < 0 ? -errno : 0;
}

/* Returns: the call's error or the pair's result. */
int swap_pages(const Vm *vm, uint32_t a, uint32_t b)
{
    struct kvm_raminate_pair pair = { .a = a, .b = b };
    struct kvm_raminate_swap args = {
        .nr_pairs = 1, .pairs = (uintptr_t)&pair,
    };
    int ret = swap(vm->fd, &args);

    return ret < 0 ? ret : pair.result;
}

int swap_or_reason(const Vm *vm, uint32_t a, uint32_t b, uint32_t *reason)
{
    struct kvm_raminate_pair pair = { .a = a, .b = b };
    struct kvm_raminate_swap args = {
        .nr_pairs = 1, .pairs = (uintptr_t)&pair, .reason = *reason,
        .flags = KVM_RAMINATE_SWAP_REASON,
    };
    int ret = swap(vm->fd, &args);

    *reason = args.reason;
    return ret < 0 ? ret : pair.result;
}

void scan_ram(const Vm *vm, Pages *pages)
{
    struct kvm_raminate_scan args = {
        .flags = KVM_RAMINATE_SCAN_HVA,
        .start = (uintptr_t)vm->ram,
        .nr_pages = RAM_PAGES,
        .bitmap = (uintptr_t)pages->bits,
    };

    if (scan(vm->fd, &args) < 0) {
        die("KVM_RAMINATE_SCAN");
    }
}

int find(int fd, struct kvm_raminate_find *args)
{
    return ioctl(fd, KVM_RAMINATE_FIND, args) < 0 ? -errno : 0;
}

static void add_region(Pages *pages, uint64_t first, const __u64 *bits)
{
    memcpy(&pages->bits[first / 64], bits, REGION_PAGES / 8);
}

void find_ram(const Vm *vm, uint32_t kinds, uint32_t flags, unsigned room,
              Found *found)
{
    struct kvm_raminate_region regions[RAM_PAGES / REGION_PAGES];
    struct kvm_raminate_find args;
    uint64_t done;
    unsigned i;

    memset(found, 0, sizeof(*found));
    for (done = 0; done < RAM_PAGES; done += args.done) {
        args = (struct kvm_raminate_find) {
            .flags = KVM_RAMINATE_SCAN_HVA | flags, .kinds = kinds,
            .start = (uintptr_t)vm->ram + done * PAGE,
            .nr_pages = RAM_PAGES - done, .regions = (uintptr_t)regions,
            .max_regions = room ? room : RAM_PAGES / REGION_PAGES,
        };
        if (find(vm->fd, &args) < 0) {
            die("KVM_RAMINATE_FIND");
        }
        for (i = 0; i < args.nr_regions; i++) {
            add_region(&found->written, done + regions[i].first,
                       regions[i].written);
            add_region(&found->accessed, done + regions[i].first,
                       regions[i].accessed);
        }
        found->regions += args.nr_regions;
        found->nr_read += args.nr_read;
    }
}

bool has_page(const Pages *pages, uint32_t page)
{
    return pages->bits[page / 64] >> page % 64 & 1;
}

unsigned count_pages(const Pages *pages, const uint32_t *list, unsigned nr)
{
    unsigned i, count = 0;

    for (i = 0; i < nr; i++) {
        count += has_page(pages, list[i]);
    }
    return count;
}
