/*
 * Demo workload: writes a hot set all the time and other pages now and then.
 * With the argument "read", it reads them instead.
 *
 * The hot set lies scattered in the first of the parts of an arena, two by
 * default.  Each time that the line "move" arrives on standard input, it moves
 * to the next part, and from the last one to the first.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE_SIZE 4096
#define TICK_MS 50
#define TICKS_PER_SECOND (1000 / TICK_MS)

typedef struct Workload {
    int reads;          /* and writes nothing */
    uint8_t *arena;
    size_t pages;       /* in the arena */
    size_t hot;         /* pages used at every tick */
    size_t thin;        /* other pages used in a second */
    size_t parts;       /* of the arena */
    size_t part;        /* where the hot set is, from 0 */
    size_t phase;       /* one more with each move */
    uint64_t random;
    uint64_t counter;
} Workload;

static size_t number_or(int argc, char **argv, const char *name, size_t number)
{
    size_t len = strlen(name);
    int i;

    for (i = 1; i < argc; i++) {
        if (!strncmp(argv[i], name, len) && argv[i][len] == '=') {
            return atol(argv[i] + len + 1);
        }
    }
    return number;
}

static size_t number_arg(int argc, char **argv, const char *name)
{
    size_t number = number_or(argc, argv, name, SIZE_MAX);

    if (number == SIZE_MAX) {
        fprintf(stderr, "workload: %s=NUMBER is missing\n", name);
        exit(2);
    }
    return number;
}

static uint64_t next_random(Workload *w)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random;
}

static void use_page(Workload *w, size_t page)
{
    /* volatile: nobody else looks at it, but it must be done */
    volatile uint64_t *word = (uint64_t *)(w->arena + page * PAGE_SIZE);

    if (w->reads) {
        w->counter += *word;
    } else {
        *word = ++w->counter;
    }
}

/* Hot pages are spread evenly: none has a hot neighbour to hide behind. */
static void tick(Workload *w)
{
    size_t part_pages = w->pages / w->parts;
    size_t stride = part_pages / w->hot;
    size_t i;

    for (i = 0; i < w->hot; i++) {
        use_page(w, w->part * part_pages + i * stride);
    }
    for (i = 0; i < w->thin / TICKS_PER_SECOND; i++) {
        use_page(w, next_random(w) % w->pages);
    }
}

static void announce(const Workload *w)
{
    printf("workload: phase %zu\n", w->phase);
}

static void wait_for_tick(Workload *w)
{
    struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
    char line[80];

    if (poll(&in, 1, TICK_MS) > 0 && fgets(line, sizeof(line), stdin) &&
        !strncmp(line, "move", 4)) {
        w->part = (w->part + 1) % w->parts;
        w->phase++;
        announce(w);
    }
}

int main(int argc, char **argv)
{
    Workload w = {
        .reads = !strcmp(argv[argc - 1], "read"),
        .pages = number_arg(argc, argv, "arena"),
        .hot = number_arg(argc, argv, "hot"),
        .thin = number_arg(argc, argv, "thin"),
        .parts = number_or(argc, argv, "parts", 2),
        .phase = 1,
        .random = 88172645463325252ULL,
    };

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!w.hot || !w.parts || w.hot > w.pages / w.parts) {
        fprintf(stderr, "workload: hot must be 1 to what a part has\n");
        return 2;
    }
    w.arena = mmap(NULL, w.pages * PAGE_SIZE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (w.arena == MAP_FAILED) {
        perror("workload: mmap");
        return 1;
    }
    announce(&w);
    for (;;) {
        tick(&w);
        wait_for_tick(&w);
    }
}
