#!/bin/bash
# A page that KSM merges with another counts as written.
#
# In memory that userfaultfd watches (UFFD_FEATURE_WP_ASYNC), PAGEMAP_SCAN takes
# pages for written that are not protected.  KSM maps the page that it has made
# of equal ones without the protection that each of them had: all but the pages
# that it keeps were written then, says PAGE_IS_WRITTEN, and nobody has written
# them.  One would expect the opposite: KSM leaves alone what is being written,
# and write-protects what it merges.  A merged page can be protected again, and
# is told from a written one then; when it is unmerged, it stays protected.
#
# A sampler that goes by PAGE_IS_WRITTEN finds each page hot once, just when KSM
# has found it cold.
#
# Seen with Linux 6.12.117 of Debian 13 (linux-image-6.12.117+deb13-amd64
# 6.12.117-1) and 7.3.4 of its backports (linux-binary-7.3.4+deb13-amd64
# 7.3.4-1~bpo13+1), under QEMU 10.0.13: what $expected says.
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
expected='512 equal pages: written 512
protected: written 0
510 merged into 2: written 510
protected again: written 0
64 of them written: written 64
protected again, and unmerged: written 0'

# shellcheck source=findings/boot.sh
. "$(dirname "$0")/boot.sh"

cat >probe.c <<'END'
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include "watched.h"

#define NR_PAGES 512
#define NR_WRITTEN 64

static int pagemap;
static volatile char *memory;

/* Returns: pages that have been written, which @flags may protect. */
static unsigned written(uint64_t flags)
{
    return scan_pages(pagemap, memory, NR_PAGES * PAGE, flags,
                      IS_WRITTEN | IS_PRESENT, 0);
}

/* Returns: a file of KSM's. */
static int open_ksm(const char *name, int flags)
{
    char path[99];
    int fd;

    sprintf(path, "/sys/kernel/mm/ksm/%s", name);
    fd = open(path, flags);
    need(fd >= 0, path);
    return fd;
}

static void put(const char *name, const char *value)
{
    int fd = open_ksm(name, O_WRONLY);

    need(write(fd, value, strlen(value)) > 0, name);
    close(fd);
}

static int nr_sharing(void)
{
    int fd = open_ksm("pages_sharing", O_RDONLY);
    char text[32] = "";

    need(read(fd, text, sizeof(text) - 1) > 0, "pages_sharing");
    close(fd);
    return atoi(text);
}

static void show(const char *done)
{
    printf("%s: written %u\n", done, written(0));
}

static void make_memory(void)
{
    memory = mmap(NULL, NR_PAGES * PAGE, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    need(memory != MAP_FAILED, "mmap");
    need(madvise((void *)memory, NR_PAGES * PAGE, MADV_NOHUGEPAGE) == 0,
         "MADV_NOHUGEPAGE");
    memset((void *)memory, 1, NR_PAGES * PAGE);
    need(madvise((void *)memory, NR_PAGES * PAGE, MADV_MERGEABLE) == 0,
         "MADV_MERGEABLE");
    watch(open_watch(), memory, NR_PAGES * PAGE);
}

/* A page of KSM's stands for at most 256, so that two stay. */
static void merge(void)
{
    put("sleep_millisecs", "1");
    put("pages_to_scan", "10000");
    put("run", "1");
    while (nr_sharing() < NR_PAGES - 2) {
        usleep(10000);
    }
    put("run", "0");
}

int main(void)
{
    begin();
    mkdir("/sys", 0755);
    mount("sys", "/sys", "sysfs", 0, NULL);
    pagemap = open_pagemap();
    make_memory();
    printf("BEGIN\n");
    show("512 equal pages");
    written(WP_MATCHING | CHECK_WPASYNC);
    show("protected");
    merge();
    show("510 merged into 2");
    written(WP_MATCHING | CHECK_WPASYNC);
    show("protected again");
    for (int page = 0; page < NR_WRITTEN; page++) {
        memory[page * PAGE] = page + 2;
    }
    show("64 of them written");
    written(WP_MATCHING | CHECK_WPASYNC);
    put("run", "2");
    need(nr_sharing() == 0, "pages_sharing");
    show("protected again, and unmerged");
    printf("END\n");
    end(0);
}
END

use_debian_13
build_probe -Wall
while read -r package version; do
    check_kernel "$package" "$version" "$expected"
done <<<"$kernels"
