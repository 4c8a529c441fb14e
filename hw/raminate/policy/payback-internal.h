/*
 * RAMinate: the payback policy's state, for the files that make it up
 *
 * payback.c takes samples and plans, payback-lists.c has the pages in lists,
 * payback-model.c what was learned, payback-explain.c what is told of a page.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_PAYBACK_INTERNAL_H
#define RAMINATE_PAYBACK_INTERNAL_H

#include "payback-lists.h"
#include "payback-model.h"
#include "policy.h"

/* A state by its advantage */
typedef struct PaybackRank {
    float advantage;
    uint16_t state;
} PaybackRank;

struct RaminatePolicy {
    const RaminatePlacement *placement;
    const RaminateBackoff *backoff;
    unsigned nr_tiers;
    bool reads_cost;            /* more in a slower tier */
    bool tells;                 /* samples tell reads from writes */
    RaminateLineUse use;        /* that the last sample told of */
    unsigned counted;           /* kinds of samples, of which one is enough */
    int64_t last_ms;
    uint32_t look_window_ms;    /* 0: none since the last scan */
    RaminateSample looked;      /* pages with a note, found by that look */

    PaybackLists lists;
    PaybackModel model;
    PaybackBorder *borders;     /* behind each tier but the last */
    RaminateRegions *notes;     /* uint8_t, see counts.h; 0 for nothing */

    PaybackRank ranks[PAYBACK_STATES];
};

/* See RaminatePolicyOps */
void payback_explain(const RaminatePolicy *p, int64_t now_ms, uint32_t page,
                     RaminateReasons *reasons);

#endif
