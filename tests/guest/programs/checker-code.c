/*
 * Memory checker: executes code from pages that move.
 *
 * Every page holds small functions that return a number.  In even pages
 * they are rewritten in each round, in odd pages they stay, so that
 * both fresh and long translated code is run.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "checker.h"

#define PAGES 64
#define SITES_PER_PAGE 4
#define SITE_STRIDE (PAGE_SIZE / SITES_PER_PAGE)

typedef uint32_t Function(void);

static uint8_t *code[MAX_THREADS];
static uint32_t rounds[MAX_THREADS];

/* mov eax, value; ret */
static void write_function(uint8_t *site, uint32_t value)
{
    uint8_t text[] = { 0xb8, 0, 0, 0, 0, 0xc3 };

    memcpy(text + 1, &value, sizeof(value));
    memcpy(site, text, sizeof(text));
}

static uint32_t site_value(size_t page, size_t site, uint32_t round)
{
    return (page % 2 ? 0 : round << 16) + page * SITES_PER_PAGE + site;
}

static uint8_t *site_address(unsigned thread, size_t page, size_t site)
{
    return code[thread] + page * PAGE_SIZE + site * SITE_STRIDE;
}

static void write_pages(unsigned thread, size_t first, size_t step)
{
    size_t page, site;

    for (page = first; page < PAGES; page += step) {
        for (site = 0; site < SITES_PER_PAGE; site++) {
            write_function(site_address(thread, page, site),
                           site_value(page, site, rounds[thread]));
        }
    }
}

static void call_pages(Checker *c, unsigned thread)
{
    size_t page, site;

    for (page = 0; page < PAGES; page++) {
        for (site = 0; site < SITES_PER_PAGE; site++) {
            uint8_t *address = site_address(thread, page, site);
            uint32_t want = site_value(page, site, rounds[thread]);
            uint32_t got = ((Function *)(uintptr_t)address)();

            if (got != want) {
                checker_error(c, "code", (uintptr_t)address, want, got);
            }
            c->counts[thread].calls++;
        }
    }
}

void code_init(Checker *c)
{
    unsigned thread;

    for (thread = 0; thread < c->threads; thread++) {
        code[thread] = checker_map(PAGES, true);
        write_pages(thread, 0, 1);
    }
}

void code_round(Checker *c, unsigned thread)
{
    rounds[thread]++;
    write_pages(thread, 0, 2);
    call_pages(c, thread);
}
