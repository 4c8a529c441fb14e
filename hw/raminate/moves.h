/*
 * RAMinate: pages that moved lately, to find out which of them move back
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_MOVES_H
#define HW_RAMINATE_MOVES_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>

/* Takes memory for the pages that moved within the window only. */
typedef struct RaminateMoves RaminateMoves;

RaminateMoves *raminate_moves_new(void);
void raminate_moves_free(RaminateMoves *moves);

/*
 * Takes note that @page moved from tier @from to tier @to.
 * @now_ms: never less than in an earlier call
 * @window_ms: for how long a move is remembered
 * Returns: whether the page moved back to where it came from within
 * @window_ms.
 */
bool raminate_moves_note(RaminateMoves *moves, int64_t now_ms,
                         int64_t window_ms, uint32_t page,
                         unsigned from, unsigned to);

#endif
