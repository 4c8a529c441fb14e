/*
 * Writes to pages in turn, as fast as it can, and tells the longest time from
 * one write to the next
 *
 * A line on standard input has the seconds for which to write.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/param.h>

#include "arena.h"
#include "clock.h"

static void write_all(volatile uint8_t *arena, unsigned pages,
                      uint64_t duration_ns)
{
    uint64_t start = now_ns(), last = start, now, longest = 0, writes = 0;

    for (unsigned page = 0; last - start < duration_ns;
         page = (page + 1) % pages) {
        arena[page * PAGE_SIZE]++;
        now = now_ns();
        longest = MAX(longest, now - last);
        last = now;
        writes++;
    }
    printf("gaps: %" PRIu64 " writes, longest %" PRIu64 " ns\n", writes,
           longest);
}

int main(int argc, char **argv)
{
    unsigned pages = argc == 2 ? atoi(argv[1]) : 0;
    uint8_t *arena;
    char line[80];

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!pages) {
        fprintf(stderr, "usage: gaps PAGES\n");
        return 2;
    }
    arena = arena_new(pages);
    printf("gaps: ready\n");
    while (fgets(line, sizeof(line), stdin)) {
        write_all(arena, pages, atof(line) * 1e9);
    }
    return 0;
}
