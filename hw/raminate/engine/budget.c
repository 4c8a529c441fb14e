/*
 * RAMinate: the processor time that a placer may take
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "hw/raminate/engine/budget.h"

#define NS_PER_MS 1000000

/* More than a year is not told apart, so that sums stay in range. */
#define MOST_NS (INT64_C(400) * 24 * 60 * 60 * 1000 * NS_PER_MS)

/* Nor are times after some 290 years, when nothing is put off any more. */
#define LAST_MS ((INT64_MAX - 2 * MOST_NS) / NS_PER_MS)

static int64_t to_ns(int64_t ms)
{
    return MIN(ms, LAST_MS) * NS_PER_MS;
}

void raminate_budget_init(RaminateBudget *budget, int64_t now)
{
    budget->free_ns = to_ns(now - RAMINATE_BUDGET_SAVED_MS);
}

void raminate_budget_take(RaminateBudget *budget, int64_t now,
                          uint64_t took_ns, uint32_t percent)
{
    int64_t saved_ns = to_ns(now - RAMINATE_BUDGET_SAVED_MS);

    budget->free_ns = MAX(budget->free_ns, saved_ns);
    if (percent) {
        budget->free_ns += MIN(took_ns, MOST_NS / 100) * 100 / percent;
        budget->free_ns = MIN(budget->free_ns, to_ns(now) + MOST_NS);
    }
}

int64_t raminate_budget_free_at(const RaminateBudget *budget)
{
    /* Up; for what is negative, division goes there by itself. */
    return (budget->free_ns + (budget->free_ns > 0 ? NS_PER_MS - 1 : 0)) /
           NS_PER_MS;
}
