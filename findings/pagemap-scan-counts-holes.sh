#!/bin/bash
# PAGEMAP_SCAN says of pages that were never touched that they were written.
#
# In memory that userfaultfd watches (UFFD_FEATURE_WP_ASYNC), PAGE_IS_WRITTEN
# stands for "not protected".  Nothing is, until a scan protects it: until then
# the mask PAGE_IS_WRITTEN, as documented for finding written pages, finds all
# pages.  Later it finds those that were given back meanwhile (MADV_DONTNEED),
# as by a balloon.  PAGE_IS_WRITTEN|PAGE_IS_PRESENT finds no holes, but still
# pages that were only read; PAGE_IS_PFNZERO, inverted, takes those out.
#
# A sampler that goes by the plain mask counts holes as hot.
#
# Seen with Linux 6.12.117 of Debian 13 (linux-image-6.12.117+deb13-amd64
# 6.12.117-1) and 7.3.4 of its backports (linux-binary-7.3.4+deb13-amd64
# 7.3.4-1~bpo13+1), under QEMU 10.0.13, and with Linux 6.18.44: what $expected
# says.
#
# Boots those kernels in qemu-system-x86_64 without KVM.  Needs apt-get,
# dpkg-deb, gcc with a static C library, and QEMU of any version ($QEMU names
# it).
# Status: 0 if it is so, 1 if it has changed, 2 if it can't be told.
#
# SPDX-License-Identifier: GPL-2.0-or-later
set -euo pipefail

# Package and version
kernels='linux-image-6.12.117+deb13-amd64 6.12.117-1
linux-binary-7.3.4+deb13-amd64 7.3.4-1~bpo13+1'
expected='64 pages of 2048 written: written 2048, and present 64, and not the zero page 64
64 others read: written 2048, and present 128, and not the zero page 64
all protected once: written 0, and present 0, and not the zero page 0
64 others written: written 64, and present 64, and not the zero page 64
protected again, 64 dropped: written 64, and present 0, and not the zero page 0'

# shellcheck source=findings/boot.sh
. "$(dirname "$0")/boot.sh"

cat >probe.c <<'END'
#define _GNU_SOURCE
#include <sys/mman.h>
#include "watched.h"

#define NR_PAGES 2048
#define NR_WRITTEN 64

static int pagemap;
static volatile char *memory;

/* Returns: how many pages there are with all of @mask but @inverted. */
static unsigned count(uint64_t mask, uint64_t inverted)
{
    return scan_pages(pagemap, memory, NR_PAGES * PAGE, 0, mask, inverted);
}

static void protect(void)
{
    scan_pages(pagemap, memory, NR_PAGES * PAGE, WP_MATCHING | CHECK_WPASYNC,
               IS_WRITTEN, 0);
}

static void show(const char *done)
{
    uint64_t present = IS_WRITTEN | IS_PRESENT;

    printf("%s: written %u, and present %u, and not the zero page %u\n", done,
           count(IS_WRITTEN, 0), count(present, 0),
           count(present | IS_PFNZERO, IS_PFNZERO));
}

static void write_from(int first)
{
    for (int page = first; page < first + NR_WRITTEN; page++) {
        memory[page * PAGE] = 1;
    }
}

int main(void)
{
    char sum = 0;

    begin();
    pagemap = open_pagemap();
    memory = mmap(NULL, NR_PAGES * PAGE, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    need(memory != MAP_FAILED, "mmap");
    need(madvise((void *)memory, NR_PAGES * PAGE, MADV_NOHUGEPAGE) == 0,
         "madvise");
    watch(open_watch(), memory, NR_PAGES * PAGE);
    printf("BEGIN\n");
    write_from(0);
    show("64 pages of 2048 written");
    for (int page = NR_WRITTEN; page < 2 * NR_WRITTEN; page++) {
        sum += memory[page * PAGE];
    }
    show("64 others read");
    protect();
    show("all protected once");
    write_from(2 * NR_WRITTEN);
    show("64 others written");
    protect();
    need(madvise((void *)memory, NR_WRITTEN * PAGE, MADV_DONTNEED) == 0,
         "madvise");
    show("protected again, 64 dropped");
    printf("END\n");
    end(sum);
}
END

use_debian_13
build_probe -Wall
while read -r package version; do
    check_kernel "$package" "$version" "$expected"
done <<<"$kernels"
