/*
 * Visits the pages of a hot set, as it is told on standard input
 *
 * The line "FIRST PAGES READ SECONDS" tells where in an arena the hot set is,
 * which of its pages are only read, and for how long to visit it.  In a visit
 * each line of a page is read or written.  One visit in sixteen is to any page
 * of the arena.  The visits of a second are as many on any machine that can
 * make them, and are to the same pages in each run.  First it tells where in
 * the guest's memory the arena is.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/param.h>
#include <time.h>

#include "arena.h"
#include "clock.h"
#include "random.h"

enum {
    LINE = 64,
    RUN = 16,           /* pages side by side, all read or all written */
    KINDS = 4,          /* of runs, one after the other */
    TICKS = 20,         /* in a second */
    COLD = 16,          /* one visit in so many is to any page */
};

typedef struct HotSet {
    unsigned first;     /* page of the arena */
    unsigned pages;
    unsigned read;      /* so many of KINDS are only read */
    unsigned seconds;
} HotSet;

static uint8_t *arena;
static unsigned arena_pages, rate;

/* Each write changes what is there: who compares contents sees it. */
static void visit(unsigned page, bool write)
{
    static uint64_t counter;
    volatile uint64_t *word = (volatile uint64_t *)(arena +
                                                    page * PAGE_SIZE);
    volatile uint64_t *end = word + PAGE_SIZE / sizeof(*word);

    for (; word < end; word += LINE / sizeof(*word)) {
        if (write) {
            *word = ++counter;
        } else {
            (void)*word;
        }
    }
}

static void tick(const HotSet *hot, uint64_t *random)
{
    unsigned i;

    for (i = 0; i < rate / TICKS; i++) {
        bool cold = random_next(random) % COLD == 0;
        unsigned page = cold ? random_next(random) % arena_pages
                        : hot->first + random_next(random) % hot->pages;

        visit(page, page / RUN % KINDS >= hot->read);
    }
}

static void wait_until_ns(uint64_t end)
{
    struct timespec until = {
        .tv_sec = end / 1000000000, .tv_nsec = end % 1000000000,
    };

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

/* Ticks that are late are not made up for. */
static void visit_all(const HotSet *hot)
{
    uint64_t random = hot->first, next = now_ns();
    uint64_t end = next + hot->seconds * UINT64_C(1000000000);
    unsigned ticks = 0;

    while (now_ns() < end) {
        tick(hot, &random);
        ticks++;
        next = MAX(next + 1000000000 / TICKS, now_ns());
        wait_until_ns(next);
    }
    printf("hotset: %u visits\n", ticks * (rate / TICKS));
}

static bool is_valid(const HotSet *hot)
{
    return hot->pages > 0 && hot->first < arena_pages &&
           hot->pages <= arena_pages - hot->first && hot->read <= KINDS;
}

int main(int argc, char **argv)
{
    char line[80];
    HotSet hot;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc != 3) {
        fprintf(stderr, "usage: hotset PAGES VISITS-A-SECOND\n");
        return 2;
    }
    arena_pages = atoi(argv[1]);
    rate = atoi(argv[2]);
    arena = arena_new(arena_pages);
    printf("hotset: ready\n");
    while (fgets(line, sizeof(line), stdin)) {
        if (sscanf(line, "%u %u %u %u", &hot.first, &hot.pages, &hot.read,
                   &hot.seconds) != 4 || !is_valid(&hot)) {
            fprintf(stderr, "hotset: what is %s", line);
            return 2;
        }
        visit_all(&hot);
    }
    return 0;
}
