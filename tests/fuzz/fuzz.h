/*
 * RAMinate: what programs that are fed with any bytes have in common
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_FUZZ_H
#define RAMINATE_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/*
 * Of each program: does something with @data, and aborts if anything is wrong.
 * Whatever it did before makes no difference.
 */
void fuzz_one(const uint8_t *data, size_t size);

/* Returns: a file in memory that holds @data, to be closed. */
int fuzz_file(const uint8_t *data, size_t size);

#endif
