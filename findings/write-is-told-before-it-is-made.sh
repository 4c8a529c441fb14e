#!/bin/bash
# PAGEMAP_SCAN says that a page was written before it is, and says it twice of
# one store.
#
# In memory that userfaultfd watches (UFFD_FEATURE_WP_ASYNC), it is the fault
# that makes a page PAGE_IS_WRITTEN.  The store comes once the faults of its
# instruction have been dealt with, which may take any time: here, one store
# goes to the end of a page that is watched and to the begin of the next one,
# which waits for userfaultfd.  A scan meanwhile finds the first page written,
# with the old contents, and protects it.  Then the store faults there again,
# and the next scan finds the page a second time.  Without a second page, it is
# the same for a moment after each fault.
#
# Who counts pages found as stores counts too many, and who copies pages as soon
# as they are found must not leave out the second find.
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
expected='protected: written 0, last byte 1
the store waits for the next page: written 1, last byte 1
protected again: written 0, last byte 1
the store is done: written 1, last byte 2'

# shellcheck source=findings/boot.sh
. "$(dirname "$0")/boot.sh"

cat >probe.c <<'END'
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include "watched.h"

static int pagemap;
static volatile char *memory;

static void show(const char *when)
{
    printf("%s: written %u, last byte %d\n", when,
           scan_pages(pagemap, memory, PAGE, 0, IS_WRITTEN, 0),
           memory[PAGE - 1]);
}

static void protect(const char *when)
{
    scan_pages(pagemap, memory, PAGE, WP_MATCHING | CHECK_WPASYNC, IS_WRITTEN,
               0);
    show(when);
}

/* One instruction, half of it in either page */
static void *store(void *opaque)
{
    uint64_t value = 0x0202020202020202;

    asm volatile("movq %0, (%1)"
                 : : "r"(value), "r"(memory + PAGE - 4) : "memory");
    return opaque;
}

/* Returns: a userfaultfd; who touches the second page waits for it. */
static int hold_second(void)
{
    struct uffdio_api api = { .api = UFFD_API };
    struct uffdio_register range = {
        .range = { (uintptr_t)memory + PAGE, PAGE },
        .mode = UFFDIO_REGISTER_MODE_MISSING,
    };
    int uffd = syscall(__NR_userfaultfd, O_CLOEXEC);

    need(uffd >= 0 && ioctl(uffd, UFFDIO_API, &api) == 0 &&
         ioctl(uffd, UFFDIO_REGISTER, &range) == 0, "userfaultfd");
    return uffd;
}

static void let_go(int uffd)
{
    struct uffdio_zeropage zero = {
        .range = { (uintptr_t)memory + PAGE, PAGE },
    };

    need(ioctl(uffd, UFFDIO_ZEROPAGE, &zero) == 0, "UFFDIO_ZEROPAGE");
}

int main(void)
{
    struct pollfd waits = { .events = POLLIN };
    pthread_t thread;

    begin();
    pagemap = open_pagemap();
    memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    need(memory != MAP_FAILED, "mmap");
    memory[PAGE - 1] = 1;
    watch(open_watch(), memory, PAGE);
    waits.fd = hold_second();
    printf("BEGIN\n");
    protect("protected");
    need(pthread_create(&thread, NULL, store, NULL) == 0, "pthread_create");
    need(poll(&waits, 1, -1) == 1, "poll");
    show("the store waits for the next page");
    protect("protected again");
    let_go(waits.fd);
    need(pthread_join(thread, NULL) == 0, "pthread_join");
    show("the store is done");
    printf("END\n");
    end(0);
}
END

use_debian_13
build_probe -Wall -pthread
while read -r package version; do
    check_kernel "$package" "$version" "$expected"
done <<<"$kernels"
