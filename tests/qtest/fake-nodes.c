/*
 * RAMinate: stands in for the kernel of a host with two NUMA nodes
 *
 * To be preloaded.  Pages stay where they are; on which node each would be is
 * in nodes.h, and what can't be done a test says there.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <fcntl.h>
#include <numa.h>
#include <numaif.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/param.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "hw/raminate/sampler/pagemap-scan.h"
#include "nodes.h"

#define PAGE_SIZE 4096

static FakeNodes *nodes;

static void __attribute__((constructor)) find_nodes(void)
{
    int fd = syscall(SYS_openat, AT_FDCWD, NODES_FILE, O_RDWR | O_CLOEXEC);

    if (fd >= 0) {
        nodes = mmap(NULL, sizeof(*nodes), PROT_READ | PROT_WRITE, MAP_SHARED,
                     fd, 0);
        close(fd);
    }
}

/* What the host has */

int numa_available(void)
{
    return 0;
}

int numa_max_node(void)
{
    return NR_NODES - 1;
}

long long numa_node_size64(int node, long long *unused)
{
    if (node >= NR_NODES) {
        return -1;
    }
    *unused = NODE_SIZE / 2;
    /* libnuma itself asks before the test's file is found. */
    if (!nodes) {
        return NODE_SIZE;
    }
    *unused += nodes->more - nodes->others[node];
    return NODE_SIZE + nodes->more;
}

int numa_bitmask_isbitset(const struct bitmask *mask, unsigned int node)
{
    return node < NR_NODES;
}

/*
 * Of its settings, those that a test has put into its directory; and a file for
 * each node, to be locked, which is never the host's own
 */
int open(const char *path, int flags, ...)
{
    static const char *const settings[] = { "demotion_enabled", "run" };
    const char *name = strrchr(path, '/');
    char node[16];
    va_list list;
    unsigned mode;

    va_start(list, flags);
    mode = va_arg(list, unsigned);
    va_end(list);
    if (sscanf(path, "/sys/devices/system/node/%15[^/]/meminfo", node) == 1) {
        path = node;
    }
    for (unsigned i = 0; name && i < sizeof(settings) / sizeof(*settings);
         i++) {
        if (strncmp(path, "/sys/kernel/mm/", 15) == 0 &&
            strcmp(name + 1, settings[i]) == 0) {
            path = settings[i];
        }
    }
    return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

/* The host's own, counted.  A page that is to be given back is so before it. */
int ioctl(int fd, unsigned long request, ...)
{
    va_list list;
    void *argument;

    va_start(list, request);
    argument = va_arg(list, void *);
    va_end(list);
    nodes->scans += request == RAMINATE_PM_SCAN;
    if (request == RAMINATE_PM_SCAN && nodes->hole) {
        madvise((void *)nodes->hole, PAGE_SIZE, MADV_DONTNEED);
        nodes->hole = 0;
    }
    return syscall(SYS_ioctl, fd, request, argument);
}

/* Where pages are */

/* Returns: the page's number, or -1 if it is not of that memory. */
static int page_at(uintptr_t addr)
{
    uintptr_t page = (addr - nodes->base) / PAGE_SIZE;

    return nodes->base && addr >= nodes->base && page < nodes->pages ? page
                                                                     : -1;
}

static bool is_present(int page)
{
    unsigned char present = 0;

    mincore((void *)(nodes->base + page * PAGE_SIZE), PAGE_SIZE, &present);
    return present & 1;
}

/* Returns: the node that a page is on, or -ENOENT. */
static int look(int page)
{
    if (!is_present(page)) {
        nodes->node[page] = -1;
        return -ENOENT;
    }
    if (nodes->node[page] < 0) {
        nodes->node[page] = nodes->preferred[page];
    }
    return nodes->node[page];
}

static bool has_room(int node)
{
    uint32_t taken = 0;

    for (int page = 0; page < (int)nodes->pages; page++) {
        taken += look(page) == node;
    }
    return !nodes->room[node] || taken < nodes->room[node];
}

/* Returns: the node that it is on afterwards, or -errno. */
static int move_to(int page, int node)
{
    int old = look(page);
    int error = nodes->fails[page] ? nodes->fails[page]
                                   : nodes->fails_once[page];

    if (old < 0 || old == node) {
        return old;
    }
    nodes->fails_once[page] = 0;
    if (error) {
        return -error;
    }
    if (!has_room(node)) {
        return -ENOMEM;
    }
    nodes->node[page] = node;
    nodes->moves++;
    return node;
}

/* Memory of which something is preferred begins with the first such call. */
long mbind(void *addr, unsigned long size, int mode, const unsigned long *mask,
           unsigned long max_node, unsigned flags)
{
    uintptr_t first = (uintptr_t)addr;

    if (!nodes->base || first < nodes->base) {
        memset(nodes->node, -1, sizeof(nodes->node));
        nodes->base = first;
        nodes->pages = 0;
    }
    for (uintptr_t page = (first - nodes->base) / PAGE_SIZE;
         page < MIN(NODES_PAGES, (first + size - nodes->base) / PAGE_SIZE);
         page++) {
        nodes->preferred[page] = mode == MPOL_PREFERRED && !(mask[0] & 1);
        nodes->pages = MAX(nodes->pages, page + 1);
    }
    return 0;
}

long move_pages(int pid, unsigned long nr, void **addrs, const int *to,
                int *status, int flags)
{
    if (to && nodes->call_fails) {
        errno = nodes->call_fails;
        return -1;
    }
    for (unsigned long i = 0; i < nr; i++) {
        int page = page_at((uintptr_t)addrs[i]);

        status[i] = page < 0 ? -EFAULT
                    : to ? move_to(page, to[i]) : look(page);
    }
    return 0;
}
