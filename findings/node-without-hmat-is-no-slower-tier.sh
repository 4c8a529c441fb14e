#!/bin/bash
# A node without CPUs is in the tier of DRAM, however far away, without HMAT.
#
# Linux sorts nodes into tiers of memory, and demotes pages from a node to those
# of slower tiers.  One would take a node that has no CPUs for a slow one (as
# Linux did until 6.0), at the latest if the firmware says that it is far away
# (SLIT).  But a node's tier comes from the performance that HMAT tells of, or
# from the driver that put the memory online (kmem, for devices of DAX and CXL):
# nodes of which neither is known share the tier of DRAM.  Then nothing is ever
# demoted, though demotion_enabled says 1 and is taken without an error; the
# memory is reclaimed otherwise, or can't be.
#
# Whoever compares something with the kernel's tiers in a virtual machine, where
# a node without CPUs is made by -numa, needs hmat=on, hmat-lb and initiator=.
#
# Seen with Linux 6.12.117 of Debian 13 (linux-image-6.12.117+deb13-amd64
# 6.12.117-1) and 7.3.4 of its backports (linux-binary-7.3.4+deb13-amd64
# 7.3.4-1~bpo13+1), under QEMU 10.0.13: what $without and $with say.
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
without='nodes of the tier of DRAM: 0-1
demotion is on: true
asked to reclaim 32 MiB of node 0: Resource temporarily unavailable
pages demoted: none'
with='nodes of the tier of DRAM: 0
demotion is on: true
asked to reclaim 32 MiB of node 0: Success
pages demoted: some'

# shellcheck source=findings/boot.sh
. "$(dirname "$0")/boot.sh"

cat >probe.c <<'END'
#define _GNU_SOURCE
#include <errno.h>
#include <linux/mempolicy.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include "probe.h"

#define SIZE (64 << 20)
#define GROUP "/cgroup/group/"
#define DEMOTION "/sys/kernel/mm/numa/demotion_enabled"
/* DRAM's: its number is MEMTIER_DEFAULT_DRAM_ADISTANCE / 128 */
#define TIER "/sys/devices/virtual/memory_tiering/memory_tier4/nodelist"

static void get(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY);
    ssize_t nr;

    need(fd >= 0, path);
    nr = read(fd, text, size - 1);
    need(nr >= 0, path);
    text[nr] = 0;
    close(fd);
}

/* Returns: 0, or errno. */
static int put(const char *path, const char *value)
{
    int fd = open(path, O_WRONLY);
    int error;

    need(fd >= 0, path);
    error = write(fd, value, strlen(value)) < 0 ? errno : 0;
    close(fd);
    return error;
}

static void mount_all(void)
{
    mkdir("/sys", 0755);
    mount("sys", "/sys", "sysfs", 0, NULL);
    mkdir("/cgroup", 0755);
    need(mount("cgroup", "/cgroup", "cgroup2", 0, NULL) == 0, "cgroup2");
    need(put("/cgroup/cgroup.subtree_control", "+memory") == 0, "+memory");
    need(mkdir(GROUP, 0755) == 0, GROUP);
    need(put(GROUP "cgroup.procs", "1") == 0, "cgroup.procs");
}

static void take_memory(void)
{
    unsigned long mask = 1;
    void *memory;

    need(syscall(__NR_set_mempolicy, MPOL_PREFERRED, &mask, 64) == 0,
         "set_mempolicy");
    memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    need(memory != MAP_FAILED, "mmap");
    memset(memory, 1, SIZE);
}

static unsigned long demoted(void)
{
    static char text[1 << 16];
    unsigned long sum = 0;
    char *at = text;

    get("/proc/vmstat", text, sizeof(text));
    while ((at = strstr(at, "\npgdemote_"))) {
        at = strchr(at, ' ');
        sum += strtoul(at, NULL, 10);
    }
    return sum;
}

int main(void)
{
    char text[99];

    begin();
    mount_all();
    need(put(DEMOTION, "1") == 0, DEMOTION);
    take_memory();
    printf("BEGIN\n");
    get(TIER, text, sizeof(text));
    printf("nodes of the tier of DRAM: %s", text);
    get(DEMOTION, text, sizeof(text));
    printf("demotion is on: %s", text);
    printf("asked to reclaim 32 MiB of node 0: %s\n",
           strerror(put(GROUP "memory.reclaim", "32M")));
    printf("pages demoted: %s\n", demoted() ? "some" : "none");
    printf("END\n");
    end(0);
}
END

nodes=(-object "memory-backend-ram,id=near,size=512M"
       -object "memory-backend-ram,id=far,size=512M"
       -numa "node,nodeid=0,memdev=near,cpus=0,initiator=0"
       -numa "node,nodeid=1,memdev=far,initiator=0")
lb='hierarchy=memory,data-type=access'
hmat=(-numa "hmat-lb,initiator=0,target=0,$lb-latency,latency=100"
      -numa "hmat-lb,initiator=0,target=0,$lb-bandwidth,bandwidth=100G"
      -numa "hmat-lb,initiator=0,target=1,$lb-latency,latency=300"
      -numa "hmat-lb,initiator=0,target=1,$lb-bandwidth,bandwidth=20G")

use_debian_13
build_probe -Wall
while read -r package version; do
    # Without HMAT, QEMU takes no initiator.
    memory=(-M q35 -m 1024 "${nodes[@]//,initiator=0/}"
            -numa "dist,src=0,dst=1,val=80")
    check_kernel "$package" "$version" "$without"
    memory=(-M "q35,hmat=on" -m 1024 "${nodes[@]}" "${hmat[@]}"
            -numa "dist,src=0,dst=1,val=80")
    check_kernel "$package" "$version" "$with"
done <<<"$kernels"
