/*
 * What the probes of findings have in common: they are the only process of a
 * machine, or are run by hand.  PAGEMAP_SCAN is as Linux has it since 6.7.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef FINDINGS_PROBE_H
#define FINDINGS_PROBE_H

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096

/* Of Linux 6.7; headers of a C library may be older. */
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC (1 << 15)
#endif

#define IS_WRITTEN (1 << 1)
#define IS_PRESENT (1 << 3)
#define IS_PFNZERO (1 << 5)
#define IS_HUGE (1 << 6)

struct region {
    uint64_t start, end, categories;
};

struct scan {
    uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
    uint64_t category_inverted, category_mask, category_anyof_mask;
    uint64_t return_mask;
};

#define WP_MATCHING (1 << 0)
#define CHECK_WPASYNC (1 << 1)
#define SCAN _IOWR('f', 16, struct scan)

/* Ends the machine, as its first process. */
static void end(int status)
{
    if (getpid() == 1) {
        reboot(RB_POWER_OFF);
    }
    exit(status);
}

static void need(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        end(1);
    }
}

/* Has what a process finds elsewhere, and its output on the console. */
static void begin(void)
{
    if (getpid() == 1) {
        mkdir("/dev", 0755);
        mkdir("/proc", 0755);
        mount("dev", "/dev", "devtmpfs", 0, NULL);
        mount("proc", "/proc", "proc", 0, NULL);
        dup2(open("/dev/console", O_RDWR), 1);
        dup2(1, 2);
    }
    setbuf(stdout, NULL);
}

#endif
