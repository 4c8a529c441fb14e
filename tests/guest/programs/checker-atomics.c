/*
 * Memory checker: words that all threads add to at the same time.
 *
 * The sum of all words must be the number of additions, whichever vCPU
 * made them and wherever the pages went in between.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "checker.h"

#define PAGES 32

static uint64_t *words;

void atomics_init(Checker *c)
{
    (void)c;
    words = checker_map(PAGES, false);
}

void atomics_round(Checker *c, unsigned thread)
{
    size_t i;

    /* Neighbouring words in turn, so that the threads meet. */
    for (i = 0; i < PAGES * WORDS_PER_PAGE; i += 16) {
        __atomic_fetch_add(&words[i], 1, __ATOMIC_SEQ_CST);
        c->counts[thread].atomics++;
    }
}

void atomics_final(Checker *c)
{
    uint64_t sum = 0, want = 0;
    size_t i;

    for (i = 0; i < PAGES * WORDS_PER_PAGE; i++) {
        sum += words[i];
    }
    for (i = 0; i < c->threads; i++) {
        want += c->counts[i].atomics;
    }
    if (sum != want) {
        checker_error(c, "sum of atomic additions", (uintptr_t)words, want,
                      sum);
    }
}
