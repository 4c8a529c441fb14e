#!/bin/bash
# Userfaultfd's write protection does not hold for io_uring's registered
# buffers.
#
# UFFDIO_WRITEPROTECT takes the right to write from page table entries, so
# whoever writes through them waits for the handler: stores, read(2), io_uring
# with buffers that are not registered.  A buffer that was registered before
# is pinned, and the kernel keeps its page frames: IORING_OP_READ_FIXED writes
# to them with no fault, while the range is protected all the time.  What is
# written through another mapping of the same memory is missed as well.
#
# A hypervisor that goes by write protection to hold or to find the guest's
# writes (to move pages, for a snapshot while the guest runs) thus loses what
# disks write, if its block layer registers guest memory, and what a process
# writes that shares the memory (vhost-user).
#
# Seen with Linux 6.1.176 of Debian 12 (linux-image-6.1.0-50-amd64 6.1.176-1)
# under QEMU 7.2.22 of Debian, and with Linux 6.18.44:
#
#     store: faults 1, written yes, protected no
#     read: faults 1, written yes, protected no
#     io_uring, buffer not registered: faults 1, written yes, protected no
#     io_uring, buffer registered: faults 0, written yes, protected yes
#     store by another mapping: faults 0, written yes, protected yes
#
# ("protected" is after the write: the handler of a fault takes it away.)
#
# Boots that kernel in qemu-system-x86_64 without KVM.  Needs apt-get, dpkg-deb,
# gcc with a static C library, and QEMU of any version ($QEMU names it).
# Status: 0 if it is so, 1 if it has changed, 2 if it can't be told.
#
# SPDX-License-Identifier: GPL-2.0-or-later
set -euo pipefail

package=linux-image-6.1.0-50-amd64
version=6.1.176-1
expected='store: faults 1, written yes, protected no
read: faults 1, written yes, protected no
io_uring, buffer not registered: faults 1, written yes, protected no
io_uring, buffer registered: faults 0, written yes, protected yes
store by another mapping: faults 0, written yes, protected yes'

# shellcheck source=findings/boot.sh
. "$(dirname "$0")/boot.sh"

cat >probe.c <<'END'
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include "probe.h"

static int uffd, file, ring;
static char *page, *other;              /* two mappings of the same memory */
static _Atomic int faults, is_protected;
static struct io_uring_params params;
static struct io_uring_sqe *sqes;
static char *rings;

static void protect(int on)
{
    struct uffdio_writeprotect wp = {
        .range = { (unsigned long)page, PAGE },
        .mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
    };

    is_protected = on;
    need(ioctl(uffd, UFFDIO_WRITEPROTECT, &wp) == 0, "UFFDIO_WRITEPROTECT");
}

static void *handler(void *opaque)
{
    struct uffd_msg message;

    while (read(uffd, &message, sizeof(message)) == sizeof(message)) {
        faults++;
        protect(0);
    }
    return opaque;
}

static void start_ring(void)
{
    struct iovec buffer = { page, PAGE };
    size_t size;

    ring = syscall(__NR_io_uring_setup, 4, &params);
    need(ring >= 0 && params.features & IORING_FEAT_SINGLE_MMAP, "io_uring");
    size = params.cq_off.cqes +
           params.cq_entries * sizeof(struct io_uring_cqe);
    rings = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring,
                 IORING_OFF_SQ_RING);
    sqes = mmap(NULL, params.sq_entries * sizeof(*sqes),
                PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
    need(rings != MAP_FAILED && sqes != MAP_FAILED, "mmap of the rings");
    need(syscall(__NR_io_uring_register, ring, IORING_REGISTER_BUFFERS,
                 &buffer, 1) == 0, "IORING_REGISTER_BUFFERS");
}

/* Reads a page of the file, and waits for it. */
static void submit(int opcode)
{
    _Atomic unsigned *tail = (void *)(rings + params.sq_off.tail);
    unsigned *array = (void *)(rings + params.sq_off.array);
    _Atomic unsigned *head = (void *)(rings + params.cq_off.head);
    unsigned slot = *tail % params.sq_entries;

    sqes[slot] = (struct io_uring_sqe) {
        .opcode = opcode, .fd = file, .addr = (unsigned long)page, .len = PAGE,
    };
    array[slot] = slot;
    (*tail)++;
    need(syscall(__NR_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS,
                 NULL, 0) == 1, "io_uring_enter");
    (*head)++;
}

static void store(void)
{
    *(volatile char *)page = 'x';
}

static void read_file(void)
{
    need(pread(file, page, PAGE, 0) == PAGE, "read");
}

static void read_ring(void)
{
    submit(IORING_OP_READ);
}

static void read_registered(void)
{
    submit(IORING_OP_READ_FIXED);
}

static void store_other(void)
{
    *(volatile char *)other = 'x';
}

static void try(const char *name, void (*write_page)(void))
{
    protect(0);
    memset(page, 0, PAGE);
    protect(1);
    faults = 0;
    write_page();
    printf("%s: faults %d, written %s, protected %s\n", name, faults,
           *(volatile char *)page == 'x' ? "yes" : "no",
           is_protected ? "yes" : "no");
}

int main(void)
{
    struct uffdio_api api = {
        .api = UFFD_API,
        .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP |
                    UFFD_FEATURE_WP_HUGETLBFS_SHMEM,
    };
    struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_WP };
    int memory = memfd_create("memory", 0);
    char text[PAGE];
    pthread_t thread;

    begin();
    setbuf(stdout, NULL);
    need(ftruncate(memory, PAGE) == 0, "memfd");
    page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    other = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    need(page != MAP_FAILED && other != MAP_FAILED, "mmap");
    memset(text, 'x', PAGE);
    file = memfd_create("file", 0);
    need(write(file, text, PAGE) == PAGE, "write");

    page[0] = other[0] = 0;
    uffd = syscall(__NR_userfaultfd, O_CLOEXEC);
    need(uffd >= 0 && ioctl(uffd, UFFDIO_API, &api) == 0, "userfaultfd");
    range.range.start = (unsigned long)page;
    range.range.len = PAGE;
    need(ioctl(uffd, UFFDIO_REGISTER, &range) == 0, "UFFDIO_REGISTER");
    need(pthread_create(&thread, NULL, handler, NULL) == 0, "thread");
    start_ring();
    printf("BEGIN\n");
    try("store", store);
    try("read", read_file);
    try("io_uring, buffer not registered", read_ring);
    try("io_uring, buffer registered", read_registered);
    try("store by another mapping", store_other);
    printf("END\n");
    end(0);
}
END

build_probe -pthread
get_kernel "$package" "$version"
boot_probe
check_seen "$expected"
