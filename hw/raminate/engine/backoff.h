/*
 * RAMinate: pages that could not be moved lately
 *
 * What fails may go on to fail, and must not keep others from being tried.
 * A page whose move failed is left out of the next plan; if it fails again, of
 * two, four and more.  One whose memory has failed is left out of all.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_BACKOFF_H
#define HW_RAMINATE_BACKOFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most plans that a page is left out of */
#define RAMINATE_BACKOFF_MAX 64

/* Takes memory for pages that failed lately, or for good. */
typedef struct RaminateBackoff RaminateBackoff;

RaminateBackoff *raminate_backoff_new(void);
void raminate_backoff_free(RaminateBackoff *backoff);

/* Forgets all that failed. */
void raminate_backoff_clear(RaminateBackoff *backoff);

/* To be called before each plan. */
void raminate_backoff_begin_plan(RaminateBackoff *backoff);

/* Returns: whether the plan at hand is to leave out @page. */
bool raminate_backoff_holds(const RaminateBackoff *backoff, uint32_t page);

/* Why plans leave out a page */
typedef enum RaminateBackoffReason {
    RAMINATE_BACKOFF_NONE,
    RAMINATE_BACKOFF_FAILED,    /* its move did */
    RAMINATE_BACKOFF_HELD,      /* it did not stay where it was brought back */
    RAMINATE_BACKOFF_BAD,       /* for good */
} RaminateBackoffReason;

/*
 * Returns: why plans after the one at hand leave out @page.
 * @plans: returns how many do, 0 if that is known of none, or has no end
 */
RaminateBackoffReason
raminate_backoff_reason(const RaminateBackoff *backoff, uint32_t page,
                        uint64_t *plans);

/* The move of @page failed. */
void raminate_backoff_failed(RaminateBackoff *backoff, uint32_t page);

/*
 * @page did not stay where it had been brought back to: leaves it out for as
 * long as one that has failed many times.
 */
void raminate_backoff_hold(RaminateBackoff *backoff, uint32_t page);

/* The move of @page did not fail: what did before is forgotten. */
void raminate_backoff_moved(RaminateBackoff *backoff, uint32_t page);

/*
 * @page has failed for good.  This and raminate_backoff_moved() alone change
 * what raminate_backoff_is_bad() says.
 * Returns: whether that is new.
 */
bool raminate_backoff_add_bad(RaminateBackoff *backoff, uint32_t page);
bool raminate_backoff_is_bad(const RaminateBackoff *backoff, uint32_t page);

/* Returns: bytes that they take at present. */
size_t raminate_backoff_memory(const RaminateBackoff *backoff);

#endif
