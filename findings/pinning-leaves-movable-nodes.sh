#!/bin/bash
# Memory that is pinned leaves a movable node, whatever its policy says.
#
# A page that is pinned for long (VFIO, fixed buffers of io_uring, RDMA) may not
# stay in movable memory.  The kernel moves it before it pins it, to any node
# that has other memory: also if MPOL_BIND allows no node but the one that it
# leaves.  It succeeds without a word, the policy still reads as it was set, and
# the pages stay where they went when they are let go.
#
# Slow memory that is hot-plugged, as that of CXL devices, is movable where it
# is to go offline again.  So a guest whose memory is bound to such a node takes
# none of it once it is given a device, but as much of another node, which is
# that of DRAM as a rule.  If the memory is online as the kernel's
# (memhp_default_state=online_kernel), all pages stay.
#
# Seen with Linux 6.12.117 of Debian 13 (linux-image-6.12.117+deb13-amd64
# 6.12.117-1) and 7.3.4 of its backports (linux-binary-7.3.4+deb13-amd64
# 7.3.4-1~bpo13+1), under QEMU 10.0.13: what $movable and $kernels say.
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
movable='bound to node 1: 0 on node 0, 512 on node 1
pinned: 512 on node 0, 0 on node 1
may be on nodes: 0x2
let go: 512 on node 0, 0 on node 1'
unmovable='bound to node 1: 0 on node 0, 512 on node 1
pinned: 0 on node 0, 512 on node 1
may be on nodes: 0x2
let go: 0 on node 0, 512 on node 1'

# shellcheck source=findings/boot.sh
. "$(dirname "$0")/boot.sh"

cat >probe.c <<'END'
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <linux/mempolicy.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include "probe.h"

#define NR_PAGES 512
#define NODE 1
#define NR_NODES 2
#define MASK_BITS 64

static char *memory;

static void make_memory(void)
{
    unsigned long mask = 1 << NODE;

    memory = mmap(NULL, NR_PAGES * PAGE, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    need(memory != MAP_FAILED, "mmap");
    need(syscall(__NR_mbind, memory, NR_PAGES * PAGE, MPOL_BIND, &mask,
                 MASK_BITS, 0) == 0, "mbind");
    memset(memory, 1, NR_PAGES * PAGE);
}

static void show(const char *done)
{
    void *pages[NR_PAGES];
    int status[NR_PAGES];
    int nr[NR_NODES] = { 0 };

    for (int i = 0; i < NR_PAGES; i++) {
        pages[i] = memory + i * PAGE;
    }
    need(syscall(__NR_move_pages, 0, NR_PAGES, pages, NULL, status, 0) == 0,
         "move_pages");
    for (int i = 0; i < NR_PAGES; i++) {
        need(status[i] >= 0 && status[i] < NR_NODES, "a page's node");
        nr[status[i]]++;
    }
    printf("%s: %d on node 0, %d on node 1\n", done, nr[0], nr[1]);
}

static void show_policy(void)
{
    unsigned long mask = 0;
    int mode;

    need(syscall(__NR_get_mempolicy, &mode, &mask, MASK_BITS, memory,
                 MPOL_F_ADDR) == 0 && mode == MPOL_BIND, "get_mempolicy");
    printf("may be on nodes: %#lx\n", mask);
}

int main(void)
{
    struct io_uring_params params = { 0 };
    struct iovec buffer;
    int ring;

    begin();
    make_memory();
    buffer = (struct iovec) { memory, NR_PAGES * PAGE };
    ring = syscall(__NR_io_uring_setup, 1, &params);
    need(ring >= 0, "io_uring_setup");
    printf("BEGIN\n");
    show("bound to node 1");
    need(syscall(__NR_io_uring_register, ring, IORING_REGISTER_BUFFERS, &buffer,
                 1) == 0, "IORING_REGISTER_BUFFERS");
    show("pinned");
    show_policy();
    need(syscall(__NR_io_uring_register, ring, IORING_UNREGISTER_BUFFERS, NULL,
                 0) == 0, "IORING_UNREGISTER_BUFFERS");
    show("let go");
    printf("END\n");
    end(0);
}
END

# Node 1 is a DIMM that is plugged.
memory=(-m "512,slots=1,maxmem=1G"
        -object "memory-backend-ram,id=ram,size=512M"
        -object "memory-backend-ram,id=dimm,size=512M"
        -numa "node,nodeid=0,memdev=ram,cpus=0" -numa "node,nodeid=1"
        -device "pc-dimm,memdev=dimm,node=1")

use_debian_13
build_probe -Wall
while read -r package version; do
    parameters='console=ttyS0 quiet memhp_default_state=online_movable'
    check_kernel "$package" "$version" "$movable"
    parameters='console=ttyS0 quiet memhp_default_state=online_kernel'
    check_kernel "$package" "$version" "$unmovable"
done <<<"$kernels"
