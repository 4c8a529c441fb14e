/*
 * RAMinate: what the payback policy has learned, and what it makes of it
 *
 * The model counts, for each state, how many of its pages the next scan finds
 * written, and how many lines of them had changed.  From that follows what a
 * page of a state is worth in fast memory.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_PAYBACK_MODEL_H
#define RAMINATE_PAYBACK_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "hw/raminate/engine/layout.h"
#include "payback-state.h"

/* Counts decay from scan to scan. */
typedef struct PaybackState {
    float seen;             /* its pages, summed over scans */
    float found;            /* those that the next scan found */
    float gauged;           /* those whose lines were counted then */
    float lines;            /* that had changed, of all gauged */
    uint32_t hits;          /* found by the scan at hand */
    float wrote;            /* of those found, that were written */
    uint32_t writes;        /* the same by the scan at hand */
} PaybackState;

/* What second looks say of pages of one pace */
typedef struct PaybackPace {
    float seen;             /* pages that a scan found written */
    float looked;           /* those that the second look before it found */
    float went[PAYBACK_PACES];      /* and the pace that they had then */
    float writes;           /* that a scan which finds a page stands for */
    float chances[PAYBACK_PACES];   /* of the pace that it has then */
} PaybackPace;

/* Where a page's rate goes if it is written: between two classes */
typedef struct PaybackStep {
    unsigned rate;
    float above;            /* share that goes to the class above @rate */
} PaybackStep;

/* Between a tier and slower ones in which it costs more to use a line */
typedef struct PaybackBorder {
    unsigned behind;        /* the fastest of those; nr_tiers if there is none */
    float write_worth;      /* of a line that is not written behind it */
    float read_worth;       /* the same, read */
    float swap_cost;        /* lines that a swap must save to pay */
    float price;            /* lines a scan, for a frame before it */
    float advantage[PAYBACK_STATES];    /* lines, of being before it */
} PaybackBorder;

typedef struct PaybackModel {
    PaybackState states[PAYBACK_STATES];
    PaybackPace paces[PAYBACK_PACES];
    PaybackStep steps[PAYBACK_RATES][PAYBACK_AGES];
    float page_lines;           /* in a page */
    RaminateLineUse use;        /* that lines are counted by */

    /* As of the last payback_model_weigh() */
    float chance[PAYBACK_STATES];       /* that the next scan finds it */
    float saving[PAYBACK_STATES];       /* lines expected until then */
    float read_saving[PAYBACK_STATES];  /* and those that are read */
    float patience;             /* worth of a line that is saved a scan later */
} PaybackModel;

/* @page_lines: in a page */
void payback_model_init(PaybackModel *model, uint32_t page_lines);

/*
 * Makes the border behind @tier, which is not the slowest.
 * @use: of lines; if they are either read or written, RAMINATE_LINE_BOTH
 */
void payback_border_init(PaybackBorder *border, const RaminateLayout *layout,
                         unsigned tier, RaminateLineUse use);

/* A scan found a page of @state written, of which @lines lines changed. */
void payback_model_gauge(PaybackModel *model, unsigned state, uint32_t lines);

/*
 * Lines are used otherwise from now on, so that those counted are forgotten:
 * - written,
 * - read, whether or not they are written as well,
 * - or both, of which scans tell the one from the other.
 */
void payback_model_set_use(PaybackModel *model, RaminateLineUse use);

/* A scan found a page of @state, @written or, if scans tell that, only read. */
static inline void payback_model_hit(PaybackModel *model, unsigned state,
                                     bool written)
{
    model->states[state].hits++;
    model->states[state].writes += written;
}

/*
 * Learns from the hits of a scan.
 * @pages: in each state before it
 * Cost: O(states).
 */
void payback_model_learn(PaybackModel *model, const uint32_t *pages);

/* A page of class @from was written, and has class @to now. */
void payback_model_pace(PaybackModel *model, unsigned from, unsigned to,
                        bool looked);

/*
 * Learns from the paces of a scan.
 * @period_ms: since the scan before; @window_ms: from that one to the second
 *             look
 */
void payback_model_learn_paces(PaybackModel *model, int64_t period_ms,
                               uint32_t window_ms);

/*
 * Sets what a page of each state is expected to save in the next scan.
 * @scans: that the model has learned from
 */
void payback_model_weigh(PaybackModel *model, uint32_t scans);

/*
 * Finds the price at which as many pages behind the border are worth a swap
 * as there are before it that are not worth their frames.
 * @before, @behind: pages of each state on either side of the border
 * @border: what was found last time is where it starts
 * Cost: O(states), some hundred times.
 */
void payback_model_appraise(const PaybackModel *model, const uint32_t *before,
                            const uint32_t *behind, PaybackBorder *border);

#endif
