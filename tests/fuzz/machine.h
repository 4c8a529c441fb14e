/*
 * RAMinate: the engine that bytes happen to, and what should come of it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_FUZZ_MACHINE_H
#define RAMINATE_FUZZ_MACHINE_H

#include <string.h>

#include "hw/raminate/engine/engine.h"

#define MAX_TIERS 4
#define MAX_TIER_PAGES 1100
#define MAX_PAGES (MAX_TIERS * MAX_TIER_PAGES)
#define MAX_MOVES 1024

/* Of pages that failed, as backoff.h has it */
typedef struct Failed {
    uint64_t last_plan;         /* that leaves it out */
    unsigned plans;
} Failed;

typedef struct Machine {
    const uint8_t *next;        /* bytes that are left */
    const uint8_t *end;

    RaminateEngine *engine;
    RaminatePlacement *placement;
    RaminateLayout layout;
    RaminateSettings settings;
    uint32_t nr_frames;
    uint8_t tiers[MAX_PAGES];   /* by frame: the tier that it is in */
    uint32_t tier_pages[MAX_TIERS];
    uint32_t wanted;            /* of the fastest */
    int64_t now;

    RaminateSample found;
    RaminateSample looked;
    bool has_looked;            /* since the last scan */
    uint8_t kinds[MAX_PAGES];   /* of @found, or of @looked */

    RaminateMove moves[MAX_MOVES];
    uint64_t plan;              /* number of the last one */
    Failed failed[MAX_PAGES];
    uint64_t done;
    uint64_t not_done[RAMINATE_MOVE_HELD + 1];  /* by status */
    uint64_t resized;           /* given to another tier */
    uint64_t adopted;           /* by the tier that they were found in */
    uint64_t reads[RAMINATE_MAX_TIERS];         /* pages that moves read */
    uint64_t writes[RAMINATE_MAX_TIERS];        /* and wrote */
    uint64_t scans;
} Machine;

/* Input */

static inline unsigned take_byte(Machine *m)
{
    return m->next < m->end ? *m->next++ : 0;
}

static inline unsigned take_word(Machine *m)
{
    unsigned low = take_byte(m);

    return low | take_byte(m) << 8;
}

/* Returns: a number below @nr. */
static inline uint32_t take_below(Machine *m, uint32_t nr)
{
    return take_word(m) % nr;
}

/* What happens: move-machine.c */

/* A plan of the policy's, and what becomes of it */
void batch(Machine *m);

/* A user's command, which may want a page to be anywhere */
void command(Machine *m);

/* The fastest tier is to have another size, and some pages go for that. */
void set_fast_pages(Machine *m);
void resize(Machine *m);

/* Some pages are found in another tier than they were to be in, to stay. */
void adopt(Machine *m);

void forget_moves(Machine *m);

/*
 * All is where it was at the start, the tiers are of the same sizes, and what
 * moved is forgotten.
 */
void bring_all_back(Machine *m);

/* What is true: check-machine.c */

/* The placement is a permutation, and pages are where their frames are. */
void check_pages(const Machine *m);

/* What is said of the whole is what can be seen page by page. */
void check_sums(const Machine *m);

/* What is due is said at once, or when. */
void check_clock(const Machine *m);

void check_figures(const Machine *m);

/* After a scan that found @found */
void check_counted(const Machine *m, const RaminateSample *found);

#endif
