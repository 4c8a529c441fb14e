/*
 * What probes of memory that userfaultfd watches have in common
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef FINDINGS_WATCHED_H
#define FINDINGS_WATCHED_H

#include <sys/syscall.h>
#include "probe.h"

#define MAX_REGIONS 2048

/* Returns: a new userfaultfd, for write protection that lets writes through. */
static int open_watch(void)
{
    struct uffdio_api api = {
        .api = UFFD_API,
        .features = UFFD_FEATURE_WP_ASYNC,
    };
    int uffd = syscall(__NR_userfaultfd, O_CLOEXEC);

    need(uffd >= 0 && ioctl(uffd, UFFDIO_API, &api) == 0, "userfaultfd");
    return uffd;
}

static int open_pagemap(void)
{
    int pagemap = open("/proc/self/pagemap", O_RDONLY);

    need(pagemap >= 0, "/proc/self/pagemap");
    return pagemap;
}

static void watch(int uffd, volatile char *memory, size_t size)
{
    struct uffdio_register range = {
        .range = { (uintptr_t)memory, size },
        .mode = UFFDIO_REGISTER_MODE_WP,
    };

    need(ioctl(uffd, UFFDIO_REGISTER, &range) == 0, "UFFDIO_REGISTER");
}

/*
 * Returns: how many pages have all categories of @mask, of which those of
 * @inverted are to be missing.
 */
static unsigned scan_pages(int pagemap, volatile char *memory, size_t size,
                           uint64_t flags, uint64_t mask, uint64_t inverted)
{
    static struct region regions[MAX_REGIONS];
    struct scan scan = {
        .size = sizeof(scan),
        .flags = flags,
        .start = (uintptr_t)memory,
        .end = (uintptr_t)memory + size,
        .vec = (uintptr_t)regions,
        .vec_len = MAX_REGIONS,
        .category_inverted = inverted,
        .category_mask = mask,
        .return_mask = mask,
    };
    int nr = ioctl(pagemap, SCAN, &scan);
    unsigned pages = 0;

    need(nr >= 0, "PAGEMAP_SCAN");
    for (int i = 0; i < nr; i++) {
        pages += (regions[i].end - regions[i].start) / PAGE;
    }
    return pages;
}

#endif
