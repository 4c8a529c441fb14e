/*
 * Memory checker: disk I/O, so that devices read and write moving pages.
 *
 * Blocks are written and read back with O_DIRECT, into buffers all over
 * a pool of pages, and then once more through the page cache.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checker.h"

#define BLOCK_SIZE (64 * 1024)
#define BLOCK_WORDS (BLOCK_SIZE / sizeof(uint64_t))
#define BLOCKS 64
#define POOL_BLOCKS 37      /* coprime to BLOCKS: a block's buffer varies */

typedef struct Disk {
    Checker *c;
    CheckerCounts *counts;
    int direct, cached;
    uint8_t *pool;
    uint64_t turn;
} Disk;

static uint64_t *next_buffer(Disk *d)
{
    return (uint64_t *)(d->pool + d->turn++ % POOL_BLOCKS * BLOCK_SIZE);
}

static void write_block(Disk *d, unsigned block, uint64_t counter)
{
    off_t offset = (off_t)block * BLOCK_SIZE;
    uint64_t *buffer = next_buffer(d);

    stamp_fill(buffer, BLOCK_WORDS, offset, counter);
    if (pwrite(d->direct, buffer, BLOCK_SIZE, offset) != BLOCK_SIZE) {
        checker_error(d->c, "write to disk", offset, 0, errno);
    }
}

static void check_block(Disk *d, int fd, const char *what, unsigned block,
                        uint64_t counter)
{
    off_t offset = (off_t)block * BLOCK_SIZE;
    uint64_t *buffer = next_buffer(d);

    /* What an earlier read left must not pass for this one's data. */
    memset(buffer, 0, BLOCK_SIZE);
    if (pread(fd, buffer, BLOCK_SIZE, offset) != BLOCK_SIZE) {
        checker_error(d->c, "read from disk", offset, 0, errno);
        return;
    }
    stamp_check(d->c, what, buffer, BLOCK_WORDS, offset, counter);
    d->counts->disk_blocks++;
}

static void disk_round(Disk *d, uint64_t counter)
{
    unsigned block;

    for (block = 0; block < BLOCKS; block++) {
        write_block(d, block, counter);
    }
    for (block = 0; block < BLOCKS; block++) {
        check_block(d, d->direct, "disk", block, counter);
    }
    posix_fadvise(d->cached, 0, 0, POSIX_FADV_DONTNEED);
    for (block = 0; block < BLOCKS; block++) {
        check_block(d, d->cached, "cached disk", block, counter);
    }
}

static int open_disk(const char *path, int flags)
{
    int fd = open(path, O_RDWR | flags);

    if (fd < 0) {
        printf("checker: cannot open %s: %s\n", path, strerror(errno));
        exit(1);
    }
    return fd;
}

void *disk_thread(void *opaque)
{
    Checker *c = opaque;
    Disk d = {
        .c = c,
        .counts = &c->counts[MAX_THREADS],
        .direct = open_disk(c->disk, O_DIRECT),
        .cached = open_disk(c->disk, 0),
        .pool = checker_map(POOL_BLOCKS * (BLOCK_SIZE / PAGE_SIZE), false),
    };
    uint64_t counter;

    for (counter = 1; !checker_stopped(c); counter++) {
        disk_round(&d, counter);
    }
    close(d.direct);
    close(d.cached);
    return NULL;
}
