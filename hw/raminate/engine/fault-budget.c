/*
 * RAMinate: the faults that a guest may take because its pages are watched
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <math.h>

#include "hw/raminate/engine/fault-budget.h"

/* All regions are watched. */
#define ALL_REGIONS (1ULL << 32)

/* For so many seconds it counts how many of the pages watched were written. */
#define MEMORY_S 60

/* At first all are taken to be, as if it had been so for so many seconds. */
#define USUAL_S 5

/*
 * Regions are chosen by how much was found the last time; if there is more all
 * of a sudden, by so many times what was meant.
 */
#define MOST_FOUND 2

/* However few were of late, others may be. */
#define MIN_RATIO (1 / 32.0)

/*
 * Each page that is watched may cost a fault, perhaps much later; so it is paid
 * for when it is watched, by the share of those before that were written.
 * Returns: pages that may be watched.
 */
static double pages_to_watch(RaminateFaultBudget *budget, double per_second,
                             double seconds)
{
    double usual = per_second * USUAL_S;
    double ratio = (budget->lately_faults + usual) /
                   (budget->lately_watched + usual);

    ratio = CLAMP(ratio, MIN_RATIO, 1);
    budget->credit += per_second * seconds - budget->watched * ratio;
    budget->credit = MIN(budget->credit, per_second);
    return MAX(budget->credit / ratio, 0);
}

/*
 * Regions that are not known have half of what may be watched, or what those
 * that are leave; and the other way round.
 */
static void share_pages(RaminateFaultBudget *budget, double pages)
{
    double found = budget->found_known - budget->rest_known;
    double waiting = budget->left_others;
    double room = MAX(pages / 2, pages - found);
    double known = pages - MIN(room, waiting);

    budget->room = room;
    budget->room_known = ceil(MOST_FOUND * known);
    budget->share = ALL_REGIONS * MIN(known / MAX(found, 1), 1);
}

uint64_t raminate_fault_budget_begin_scan(RaminateFaultBudget *budget,
                                          uint32_t per_second, double seconds)
{
    double keep = MAX(1 - seconds / MEMORY_S, 0);
    uint64_t found = budget->found_known;
    uint64_t faults = found - MIN(budget->left_before, found);

    if (!budget->scan) {
        seconds = 0;
    }
    budget->lately_watched = budget->lately_watched * keep + budget->watched;
    budget->lately_faults = budget->lately_faults * keep + faults;
    if (per_second) {
        share_pages(budget, pages_to_watch(budget, per_second, seconds));
    } else {
        budget->credit = 0;
        budget->share = ALL_REGIONS;
        budget->room_known = UINT64_MAX;
        budget->room = UINT64_MAX;
    }
    budget->scan++;
    budget->left_before = budget->left_known;
    budget->watched = 0;
    budget->found_known = 0;
    budget->left_known = 0;
    budget->rest_known = 0;
    budget->left_others = 0;
    return faults;
}

bool raminate_fault_budget_chooses(const RaminateFaultBudget *budget,
                                   uint32_t region, bool is_known)
{
    /* Source of the constants: Knuth's multiplicative hash, and MurmurHash3. */
    uint32_t hash = (region + budget->scan * 0x9e3779b9u) * 0x85ebca6bu;

    hash ^= hash >> 15;
    hash *= 0xc2b2ae35u;
    return is_known ? hash < budget->share && budget->room_known > 0
                    : budget->room > 0;
}

void raminate_fault_budget_watched(RaminateFaultBudget *budget, uint32_t pages,
                                   bool is_known)
{
    budget->watched += pages;
    if (is_known) {
        budget->found_known += pages;
        budget->room_known -= MIN(budget->room_known, pages);
    } else {
        budget->room -= MIN(budget->room, pages);
    }
}

void raminate_fault_budget_left(RaminateFaultBudget *budget, uint64_t pages,
                                bool is_known)
{
    if (is_known) {
        budget->found_known += pages;
        budget->left_known += pages;
    } else {
        budget->left_others += pages;
    }
}

void raminate_fault_budget_rest(RaminateFaultBudget *budget, uint64_t pages)
{
    raminate_fault_budget_left(budget, pages, true);
    budget->rest_known += pages;
}
