/*
 * RAMinate: the processor time that a placer may take
 *
 * What a placer does costs what the guest makes it cost.  So what each piece of
 * work took is told here, and the next one has to wait until enough time has
 * passed: in any stretch of time, work may take the share allowed of that time
 * and RAMINATE_BUDGET_SAVED_MS, and is then at most one piece over.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_BUDGET_H
#define HW_RAMINATE_BUDGET_H

#include <stdint.h>

/* Time whose share is kept for later if it was not taken */
#define RAMINATE_BUDGET_SAVED_MS 10000

typedef struct RaminateBudget {
    int64_t free_ns;            /* the share of all time before is taken */
} RaminateBudget;

/* @now: milliseconds.  Nothing has been taken yet. */
void raminate_budget_init(RaminateBudget *budget, int64_t now);

/*
 * Takes note of work.
 * @now: milliseconds; when it ended
 * @took_ns: processor time
 * @percent: of one processor that may be taken, at most 100; 0: no bound
 */
void raminate_budget_take(RaminateBudget *budget, int64_t now,
                          uint64_t took_ns, uint32_t percent);

/* Returns: the first millisecond at which work may begin again. */
int64_t raminate_budget_free_at(const RaminateBudget *budget);

#endif
