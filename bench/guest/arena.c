/*
 * Memory of a program in the guest, whose place the host is told
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "arena.h"

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* Returns: the frame that the next page is, 0 if that is a secret. */
static uint64_t read_frame(FILE *pagemap)
{
    uint64_t entry;

    if (fread(&entry, sizeof(entry), 1, pagemap) != 1) {
        die("/proc/self/pagemap");
    }
    /* See the kernel's admin-guide/mm/pagemap.rst. */
    return entry & ((UINT64_C(1) << 55) - 1);
}

static void tell_frames(const uint8_t *arena, unsigned pages)
{
    FILE *pagemap = fopen("/proc/self/pagemap", "r");
    unsigned first = 0, page;
    uint64_t start;

    if (!pagemap || fseeko(pagemap, (uintptr_t)arena / PAGE_SIZE *
                           sizeof(uint64_t), SEEK_SET)) {
        die("/proc/self/pagemap");
    }
    start = read_frame(pagemap);
    for (page = 1; page <= pages; page++) {
        uint64_t frame = page < pages ? read_frame(pagemap) : 0;

        if (page == pages || frame != start + page - first) {
            printf("arena: %u pages from %u are at %" PRIu64 "\n",
                   page - first, first, start);
            first = page;
            start = frame;
        }
    }
    fclose(pagemap);
}

uint8_t *arena_new(unsigned pages)
{
    uint8_t *arena = mmap(NULL, (size_t)pages * PAGE_SIZE,
                          PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    if (arena == MAP_FAILED) {
        die("mmap");
    }
    tell_frames(arena, pages);
    return arena;
}
