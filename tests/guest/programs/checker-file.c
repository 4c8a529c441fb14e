/*
 * Memory checker: the page cache, in which the kernel does the copying.
 *
 * Each thread rewrites and reads back a file of its own in tmpfs, and
 * reads the program's own file, which came with the initramfs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "checker.h"

#define BLOCK_SIZE (16 * 1024)
#define BLOCK_WORDS (BLOCK_SIZE / sizeof(uint64_t))
#define BLOCKS 64

typedef struct Cached {
    int fd;
    uint64_t counter[BLOCKS];
    uint64_t next;              /* block to rewrite */
    uint64_t program_sum;       /* of the program's own file */
    uint64_t buffer[BLOCK_WORDS];
} Cached;

static Cached *cached[MAX_THREADS];

/* FNV-1a, over words. */
static uint64_t sum_program(Cached *f)
{
    uint64_t sum = 0xcbf29ce484222325ULL;
    int fd = open("/proc/self/exe", O_RDONLY);
    ssize_t got;

    while ((got = read(fd, f->buffer, BLOCK_SIZE)) > 0) {
        size_t i;

        for (i = 0; i < got / sizeof(uint64_t); i++) {
            sum = (sum ^ f->buffer[i]) * 0x100000001b3ULL;
        }
    }
    close(fd);
    return sum;
}

static void write_block(Cached *f, unsigned block)
{
    off_t offset = (off_t)block * BLOCK_SIZE;

    stamp_fill(f->buffer, BLOCK_WORDS, offset, f->counter[block]);
    if (pwrite(f->fd, f->buffer, BLOCK_SIZE, offset) != BLOCK_SIZE) {
        perror("checker: write to tmpfs");
        exit(1);
    }
}

static void check_block(Checker *c, Cached *f, unsigned block)
{
    off_t offset = (off_t)block * BLOCK_SIZE;

    if (pread(f->fd, f->buffer, BLOCK_SIZE, offset) != BLOCK_SIZE) {
        checker_error(c, "read from tmpfs", offset, BLOCK_SIZE, 0);
        return;
    }
    stamp_check(c, "tmpfs file", f->buffer, BLOCK_WORDS, offset,
                f->counter[block]);
}

static Cached *cached_new(unsigned thread)
{
    Cached *f = checker_map((sizeof(*f) + PAGE_SIZE - 1) / PAGE_SIZE, false);
    char path[64];
    unsigned block;

    snprintf(path, sizeof(path), "/tmp/checker-%u", thread);
    f->fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (f->fd < 0) {
        perror("checker: open in /tmp");
        exit(1);
    }
    for (block = 0; block < BLOCKS; block++) {
        write_block(f, block);
    }
    f->program_sum = sum_program(f);
    return f;
}

void file_init(Checker *c)
{
    unsigned thread;

    for (thread = 0; thread < c->threads; thread++) {
        cached[thread] = cached_new(thread);
    }
}

void file_round(Checker *c, unsigned thread)
{
    Cached *f = cached[thread];
    unsigned block = f->next++ % BLOCKS;
    uint64_t sum;

    check_block(c, f, block);
    f->counter[block]++;
    write_block(f, block);
    check_block(c, f, (block + BLOCKS / 2) % BLOCKS);
    c->counts[thread].file_blocks += 2;
    if (block == 0) {
        sum = sum_program(f);
        if (sum != f->program_sum) {
            checker_error(c, "program file", 0, f->program_sum, sum);
        }
    }
}
