/*
 * RAMinate: the faults that a guest may take because its pages are watched
 *
 * A page that is watched costs one fault once it is written, and has to be
 * watched anew then.  Which regions a scan watches is decided here, so that
 * faults keep to what they may be in a second.  A region that has never been
 * watched tells nothing; one that has been is "known".
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_FAULT_BUDGET_H
#define HW_RAMINATE_FAULT_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/* All zeros before the first scan; to be changed by these functions only. */
typedef struct RaminateFaultBudget {
    uint32_t scan;              /* number of the scan under way, from 1 on */
    double credit;              /* faults that the guest may still take */
    double lately_watched;      /* pages, and how many faults there were */
    double lately_faults;
    uint64_t left_before;       /* @left_known of the scan before */

    /* Of the scan under way */
    uint64_t share;             /* of known regions that are watched anew */
    uint64_t room_known;        /* their pages that may yet be, at most */
    uint64_t room;              /* pages of others that may yet be watched */
    uint64_t watched;           /* pages of both that were */
    uint64_t found_known;       /* pages found in known regions */
    uint64_t left_known;        /* those of them that are not watched */
    uint64_t rest_known;        /* and of these, those that need not be */
    uint64_t left_others;       /* the same of other regions */
} RaminateFaultBudget;

/*
 * @per_second: faults that there may be, or 0 for no bound
 * @seconds: since the scan before began
 * Returns: faults that there were in that time.
 */
uint64_t raminate_fault_budget_begin_scan(RaminateFaultBudget *budget,
                                          uint32_t per_second, double seconds);

/*
 * Returns: whether this scan is to watch what it finds of @region.  Those that
 * are not known have their turn in the order in which they are asked for.
 */
bool raminate_fault_budget_chooses(const RaminateFaultBudget *budget,
                                   uint32_t region, bool is_known);

/*
 * Takes note of pages that the scan found, and has watched or left as they are.
 * @is_known: whether their region is; before it was watched
 */
void raminate_fault_budget_watched(RaminateFaultBudget *budget, uint32_t pages,
                                   bool is_known);
void raminate_fault_budget_left(RaminateFaultBudget *budget, uint64_t pages,
                                bool is_known);

/* The same of pages in known regions that need not be watched now. */
void raminate_fault_budget_rest(RaminateFaultBudget *budget, uint64_t pages);

#endif
