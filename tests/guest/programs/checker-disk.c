/*
 * Memory checker: disk I/O, so that devices read and write moving pages.
 *
 * Blocks are written and read back with O_DIRECT, into buffers all over
 * a pool of pages, and then once more through the page cache.  A directory
 * of the host, by 9p, has a file in place of a disk.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checker.h"

#define DISK_BLOCK (64 * 1024)
#define DISK_BLOCK_WORDS (DISK_BLOCK / sizeof(uint64_t))
#define BLOCKS 64
#define POOL_BLOCKS 37      /* coprime to BLOCKS: a block's buffer varies */
#define SHARE "9p:"
#define PATIENCE 60         /* seconds */

typedef struct Disk {
    Checker *c;
    CheckerCounts *counts;
    int direct, cached;
    unsigned blocks;
    uint8_t *pool;
    uint64_t turn;
} Disk;

static uint64_t *next_buffer(Disk *d)
{
    return (uint64_t *)(d->pool + d->turn++ % POOL_BLOCKS * DISK_BLOCK);
}

static void write_block(Disk *d, unsigned block, uint64_t counter)
{
    off_t offset = (off_t)block * DISK_BLOCK;
    uint64_t *buffer = next_buffer(d);

    stamp_fill(buffer, DISK_BLOCK_WORDS, offset, counter);
    if (pwrite(d->direct, buffer, DISK_BLOCK, offset) != DISK_BLOCK) {
        checker_error(d->c, "write to disk", offset, 0, errno);
    }
}

static void check_block(Disk *d, int fd, const char *what, unsigned block,
                        uint64_t counter)
{
    off_t offset = (off_t)block * DISK_BLOCK;
    uint64_t *buffer = next_buffer(d);

    /* What an earlier read left must not pass for this one's data. */
    memset(buffer, 0, DISK_BLOCK);
    if (pread(fd, buffer, DISK_BLOCK, offset) != DISK_BLOCK) {
        checker_error(d->c, "read from disk", offset, 0, errno);
        return;
    }
    stamp_check(d->c, what, buffer, DISK_BLOCK_WORDS, offset, counter);
    d->counts->disk_blocks++;
}

static void disk_round(Disk *d, uint64_t counter)
{
    unsigned block;

    for (block = 0; block < d->blocks; block++) {
        write_block(d, block, counter);
    }
    for (block = 0; block < d->blocks; block++) {
        check_block(d, d->direct, "disk", block, counter);
    }
    posix_fadvise(d->cached, 0, 0, POSIX_FADV_DONTNEED);
    for (block = 0; block < d->blocks; block++) {
        check_block(d, d->cached, "cached disk", block, counter);
    }
}

static int open_disk(const char *path, int flags)
{
    int fd, tries;

    /* Some are found long after their driver is loaded. */
    for (tries = 0; tries < PATIENCE; tries++) {
        fd = open(path, O_RDWR | flags, 0600);
        if (fd >= 0 || errno != ENOENT) {
            break;
        }
        sleep(1);
    }
    if (fd < 0) {
        printf("checker: cannot open %s: %s\n", path, strerror(errno));
        exit(1);
    }
    return fd;
}

/* Returns: a block device's path, or that of a file in the directory. */
static const char *find_disk(const char *name)
{
    const char *tag = name + strlen(SHARE);

    if (strncmp(name, SHARE, strlen(SHARE))) {
        return name;
    }
    mkdir("/tmp/share", 0755);
    if (mount(tag, "/tmp/share", "9p", 0,
              "trans=virtio,version=9p2000.L,msize=131072")) {
        printf("checker: cannot mount %s: %s\n", tag, strerror(errno));
        exit(1);
    }
    close(open_disk("/tmp/share/disk", O_CREAT));
    return "/tmp/share/disk";
}

/* Returns: how many are written; a file grows as it has to. */
static unsigned count_blocks(int fd)
{
    off_t end = lseek(fd, 0, SEEK_END);

    return end > 0 && end < BLOCKS * DISK_BLOCK ? end / DISK_BLOCK : BLOCKS;
}

void *disk_thread(void *opaque)
{
    CheckerDevice *device = opaque;
    Checker *c = device->c;
    const char *path = find_disk(device->name);
    Disk d = {
        .c = c,
        .counts = device->counts,
        .direct = open_disk(path, O_DIRECT),
        .cached = open_disk(path, 0),
        .pool = checker_map(POOL_BLOCKS * (DISK_BLOCK / PAGE_SIZE), false),
    };
    uint64_t counter;

    d.blocks = count_blocks(d.direct);
    for (counter = 1; !checker_stopped(c); counter++) {
        disk_round(&d, counter);
    }
    close(d.direct);
    close(d.cached);
    return NULL;
}
