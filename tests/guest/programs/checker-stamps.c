/*
 * Memory checker: memory that all threads stamp, each in its own words.
 *
 * Word w of a page belongs to thread w % threads, so every page is
 * written by every vCPU.  A word holds its own address and the number
 * of times that it was written, so that a lost write shows as an old
 * number and a misplaced one as a foreign address.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "checker.h"

#define HOT_PAGES 64
#define HOT_VISITS 4        /* in a round */
#define ROUND_PAGES 512     /* so that a round is short */

typedef struct Area {
    uint64_t *words;
    size_t pages;
    uint64_t counter[MAX_THREADS];  /* finished walks of each thread */
} Area;

static Area all, hot;
static size_t position[MAX_THREADS];

static void visit(Checker *c, const Area *area, size_t page, unsigned thread,
                  bool write)
{
    uint64_t *words = area->words + page * WORDS_PER_PAGE;
    uint64_t counter = area->counter[thread];
    size_t i;

    for (i = thread; i < WORDS_PER_PAGE; i += c->threads) {
        volatile uint64_t *word = &words[i];   /* it is read every time */
        uint64_t tag = (uintptr_t)words;
        uint64_t want = stamp_value(tag, i, counter), got = *word;

        if (got != want) {
            checker_error(c, "memory", (uintptr_t)word, want, got);
        }
        if (write) {
            *word = stamp_value(tag, i, counter + 1);
        }
        c->counts[thread].stamps++;
    }
}

static void area_init(Area *area, size_t pages)
{
    area->words = checker_map(pages, false);
    area->pages = pages;
    stamp_fill(area->words, pages * WORDS_PER_PAGE, (uintptr_t)area->words,
               0);
}

void stamps_init(Checker *c, size_t pages)
{
    (void)c;
    area_init(&hot, HOT_PAGES);
    area_init(&all, pages - HOT_PAGES);
}

static void walk(Checker *c, Area *area, unsigned thread, bool write)
{
    size_t page;

    for (page = 0; page < area->pages; page++) {
        visit(c, area, page, thread, write);
    }
    area->counter[thread] += write;
}

void stamps_round(Checker *c, unsigned thread)
{
    size_t i;

    for (i = 0; i < ROUND_PAGES; i++) {
        if (i % (ROUND_PAGES / HOT_VISITS) == 0) {
            walk(c, &hot, thread, true);
        }
        visit(c, &all, position[thread], thread, true);
        if (++position[thread] == all.pages) {
            position[thread] = 0;
            all.counter[thread]++;
            c->counts[thread].passes++;
        }
    }
}

/* The pages before the position have one write more than those after. */
void stamps_final(Checker *c, unsigned thread)
{
    size_t page;

    walk(c, &hot, thread, false);
    all.counter[thread]++;
    for (page = 0; page < all.pages; page++) {
        all.counter[thread] -= page == position[thread];
        visit(c, &all, page, thread, false);
    }
}
