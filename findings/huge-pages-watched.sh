#!/bin/bash
# Watched by userfaultfd, a huge page of a memfd counts as written as a whole,
# and MADV_COLLAPSE fails.
#
# One expects write protection (UFFD_FEATURE_WP_ASYNC) to be by page whatever
# the memory is, and MADV_COLLAPSE to do what it says.  But if PAGEMAP_SCAN
# protects 2 MiB at once (PM_SCAN_WP_MATCHING) that are mapped as a huge page,
# and then one page of 4 KiB is written:
#
# - Anonymous memory: 1 page is written.  The mapping is split for it and stays
#   so: MADV_COLLAPSE gives EINVAL as long as one page of it is protected.
# - memfd: 512 pages are written.  The split of a file's mapping drops it, with
#   the protection of the other 511, and the fault maps the huge page anew.
#   Protected in two parts, the mapping is split before, each page has its own
#   protection, and 1 page is written.
#
# In a range that is registered, MADV_COLLAPSE of a memfd gives EINVAL, whether
# or not anything is protected, unless the mapping is huge already.  The memfd
# has the huge page all the same: who maps it anew sees it.  In the old mapping
# MADV_DONTNEED and a touch bring it, except with 6.12: that keeps the empty
# page table.
#
# What was never registered counts as written up to 6.18, but not with 7.3.
#
# A hypervisor that samples like this finds huge pages of shared guest memory
# hot as a whole, 511 of 512 pages without a write; and has private guest memory
# mapped in small pages, for as long as it watches.
#
# Seen with Linux 6.12.117 of Debian 13 (linux-image-6.12.117+deb13-amd64
# 6.12.117-1) and 7.3.4 of its backports (linux-binary-7.3.4+deb13-amd64
# 7.3.4-1~bpo13+1), under QEMU 7.2.22 of Debian: what expect() says.  Linux
# 6.18.44 is as 6.12 where nothing is registered, and as 7.3 after
# MADV_DONTNEED.
#
# Boots those kernels in qemu-system-x86_64 without KVM.  Needs apt-get,
# dpkg-deb, gcc with a static C library, and QEMU of any version ($QEMU names
# it).
# Status: 0 if it is so, 1 if it has changed, 2 if it can't be told.
#
# SPDX-License-Identifier: GPL-2.0-or-later
set -euo pipefail

# Package, version, and what differs: pages that are written where nothing is
# registered, and that are huge after MADV_DONTNEED
kernels='linux-image-6.12.117+deb13-amd64 6.12.117-1 512 0
linux-binary-7.3.4+deb13-amd64 7.3.4-1~bpo13+1 0 512'

# expect UNREGISTERED DROPPED
expect() {
    cat <<END
anonymous, MADV_COLLAPSE: done: written $1, huge 512
registered and protected: written 0, huge 512
one page written: written 1, huge 0
MADV_COLLAPSE: Invalid argument: written 1, huge 0
no more protected, MADV_COLLAPSE: done: written 512, huge 512
memfd, MADV_COLLAPSE: done: written $1, huge 512
registered and protected: written 0, huge 512
one page written: written 512, huge 512
protected in two parts: written 0, huge 0
one page written: written 1, huge 0
memfd in small pages: written $1, huge 0
registered, MADV_COLLAPSE: Invalid argument: written 512, huge 0
mapped anew, touched: written $1, huge 512
the old mapping after MADV_DONTNEED, touched: written 512, huge $2
END
}

# shellcheck source=findings/boot.sh
. "$(dirname "$0")/boot.sh"

cat >probe.c <<'END'
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include "watched.h"

#define NR_PAGES 512
#define SIZE (NR_PAGES * PAGE)

/* Of Linux 6.1; headers of a C library may be older. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

static int pagemap, uffd;

static void protect(char *memory, size_t size)
{
    scan_pages(pagemap, memory, size, WP_MATCHING | CHECK_WPASYNC, IS_WRITTEN,
               0);
}

static void show(char *memory, const char *done)
{
    printf("%s: written %u, huge %u\n", done,
           scan_pages(pagemap, memory, SIZE, 0, IS_WRITTEN, 0),
           scan_pages(pagemap, memory, SIZE, 0, IS_HUGE, 0));
}

static void collapse(char *memory, const char *before)
{
    int error = madvise(memory, SIZE, MADV_COLLAPSE) ? errno : 0;

    printf("%sMADV_COLLAPSE: ", before);
    show(memory, error ? strerror(error) : "done");
}

/* Returns: SIZE bytes at a multiple of SIZE, each page of them written. */
static char *map_pages(int fd)
{
    int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    uintptr_t room = (uintptr_t)mmap(NULL, 2 * SIZE, PROT_NONE,
                                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *memory = mmap((void *)((room + SIZE - 1) & -SIZE), SIZE,
                        PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0);

    need(memory != MAP_FAILED, "mmap");
    memset(memory, 1, SIZE);
    return memory;
}

static void show_anonymous(void)
{
    char *memory = map_pages(-1);
    struct uffdio_writeprotect none = { { (uintptr_t)memory, SIZE }, 0 };

    collapse(memory, "anonymous, ");
    watch(uffd, memory, SIZE);
    protect(memory, SIZE);
    show(memory, "registered and protected");
    memory[0] = 2;
    show(memory, "one page written");
    collapse(memory, "");
    need(ioctl(uffd, UFFDIO_WRITEPROTECT, &none) == 0, "UFFDIO_WRITEPROTECT");
    collapse(memory, "no more protected, ");
}

static void show_memfd(int fd)
{
    char *memory = map_pages(fd);

    collapse(memory, "memfd, ");
    watch(uffd, memory, SIZE);
    protect(memory, SIZE);
    show(memory, "registered and protected");
    memory[0] = 2;
    show(memory, "one page written");
    protect(memory, SIZE / 2);
    protect(memory + SIZE / 2, SIZE / 2);
    show(memory, "protected in two parts");
    memory[0] = 2;
    show(memory, "one page written");
}

static void show_small_memfd(int fd)
{
    char *memory = map_pages(fd);

    show(memory, "memfd in small pages");
    watch(uffd, memory, SIZE);
    collapse(memory, "registered, ");
    show(map_pages(fd), "mapped anew, touched");
    need(madvise(memory, SIZE, MADV_DONTNEED) == 0, "MADV_DONTNEED");
    memset(memory, 2, SIZE);
    show(memory, "the old mapping after MADV_DONTNEED, touched");
}

int main(void)
{
    int memfds[] = { memfd_create("huge", 0), memfd_create("small", 0) };

    begin();
    pagemap = open_pagemap();
    uffd = open_watch();
    for (int i = 0; i < 2; i++) {
        need(ftruncate(memfds[i], SIZE) == 0, "memfd_create");
    }
    printf("BEGIN\n");
    show_anonymous();
    show_memfd(memfds[0]);
    show_small_memfd(memfds[1]);
    printf("END\n");
    end(0);
}
END

use_debian_13
build_probe -Wall
while read -r package version unregistered dropped; do
    check_kernel "$package" "$version" "$(expect "$unregistered" "$dropped")"
done <<<"$kernels"
