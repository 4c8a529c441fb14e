/*
 * Memory of a program in the guest, whose place the host is told
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef BENCH_ARENA_H
#define BENCH_ARENA_H

#include <stdint.h>

enum { PAGE_SIZE = 4096 };

/*
 * Prints which of the guest's frames its pages are, a line for each run of
 * them side by side; 0 where root alone is told.  Exits if there is no memory.
 * Returns: so many pages of memory, which are there.
 */
uint8_t *arena_new(unsigned pages);

#endif
