/*
 * RAMinate: the last move of each page that moved lately
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_MOVES_H
#define HW_RAMINATE_MOVES_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

/* Of moves older than the window, so many are remembered with the others. */
#define RAMINATE_MOVES_KEPT 8192

/* From one tier to another */
typedef struct RaminatePastMove {
    int64_t ms;                 /* when */
    const char *policy;         /* that wanted it, NULL for a user's command */
    uint32_t with;              /* the page that it changed places with, or
                                   RAMINATE_NO_PAGE if it was given alone */
    uint8_t from;
    uint8_t to;
    uint8_t heat;               /* that it had then */
} RaminatePastMove;

/* One of which the last move is known */
typedef struct RaminateLatestMove {
    uint32_t page;
    RaminatePastMove move;
} RaminateLatestMove;

/* Takes memory for pages that moved within the window, and for those kept. */
typedef struct RaminateMoves RaminateMoves;

RaminateMoves *raminate_moves_new(void);
void raminate_moves_free(RaminateMoves *moves);

/*
 * Takes note of a move of @page.
 * @move: copied; its time is never less than in an earlier call
 * @window_ms: for how long a move is remembered in any case
 * Returns: whether the page moved back to where it came from within
 * @window_ms.
 */
bool raminate_moves_note(RaminateMoves *moves, int64_t window_ms,
                         uint32_t page, const RaminatePastMove *move);

/*
 * Forgets moves older than the window at @now, but for those kept.
 * Cost: O(moves forgotten), and less than a millisecond at a time: it is to be
 * called again and again.
 */
void raminate_moves_forget(RaminateMoves *moves, int64_t window_ms,
                           int64_t now);

/*
 * Returns: the last move of @page, valid until the next one is noted or some
 * are forgotten, or NULL.
 */
const RaminatePastMove *raminate_moves_last(const RaminateMoves *moves,
                                            uint32_t page);

/*
 * @pages: returns the pages that moved last, the latest first
 * Returns: their number, at most @max.
 * Cost: O(that).
 */
size_t raminate_moves_latest(const RaminateMoves *moves,
                             RaminateLatestMove *pages, size_t max);

/* Returns: bytes that they take at present. */
size_t raminate_moves_memory(const RaminateMoves *moves);

#endif
