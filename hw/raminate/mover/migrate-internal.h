/*
 * RAMinate: the inside of the mover migrate, for its files
 *
 * migrate.c exchanges pages, migrate-give.c moves pages alone, migrate-tend.c
 * looks for those that are astray.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_MOVER_MIGRATE_INTERNAL_H
#define HW_RAMINATE_MOVER_MIGRATE_INTERNAL_H

#include "hw/raminate/engine/regions.h"
#include "hw/raminate/mover/mover.h"

/* Pages that one system call is asked to move or to find, at most */
#define MIGRATE_CALL_PAGES RAMINATE_REGION_PAGES

/* Of whoever has the batch: in the placer's thread or the main loop */
typedef struct MigrateMover {
    RaminateMover parent;
    uint64_t reserve[RAMINATE_MAX_TIERS];   /* bytes that stay free on nodes */

    /* migrate-tend.c */
    bool is_tending;            /* there is more to do before the next batch */
    uint64_t looked;            /* regions, in all */
    uint32_t regions;           /* to look at before the next batch */
    uint32_t left;              /* of them */
    uint32_t astray;            /* pages brought back or left, since the batch
                                   before */
    uint64_t probed;            /* regions, in all */
    uint32_t probes;            /* to be probed before the next batch */
    int64_t probed_ms;          /* when that was last begun, of the clock */
    GArray *suspects;           /* of uint32_t: regions that look astray */
    RaminateRegions *returns;   /* a byte a page: how often it was brought
                                   back since @returns_ms */
    RaminateRegions *failures;  /* a byte a page: how often it could not be */
    int64_t returns_ms;
    int64_t stuck_ms;           /* all were in vain: how long none is tried */
    int64_t stuck_until_ms;
} MigrateMover;

/* Pages for one system call, and what became of them */
typedef struct MigrateCall {
    void *addrs[MIGRATE_CALL_PAGES];
    int nodes[MIGRATE_CALL_PAGES];      /* where each is to be */
    int status[MIGRATE_CALL_PAGES];     /* node that each is on, or -errno */
    size_t nr;
} MigrateCall;

/* Returns: whether @nr pages more fit on the node of @tier. */
bool migrate_has_room(const MigrateMover *mover, unsigned tier, size_t nr);

/* @call: has less than MIGRATE_CALL_PAGES; @node: where @page is to be */
void migrate_add_page(MigrateCall *call, const RaminateMemory *memory,
                      uint32_t page, int node);

/* Returns: 0, or -errno if nothing can be known of any page. */
int migrate_find_pages(MigrateCall *call);

/* Returns: the node that the placement has @page on. */
int migrate_node_of(const RaminateMemory *memory, uint32_t page);

/*
 * Takes pages out of the huge pages that they are in, and moves them.
 * Returns: 0, or -errno if the system call has failed.
 */
int migrate_split_and_move(MigrateCall *call);

/*
 * Whether a page is where it is to be; one without memory is anywhere.  So is
 * one that shows the kernel's page of zeroes, of which it says EFAULT: pages
 * full of zeroes become so when the huge page that they are in is split.
 */
bool migrate_is_there(const MigrateCall *call, size_t i);

/* There was no room for any of them. */
void migrate_no_room(RaminateMove *moves, size_t nr);

/* A system call has failed as a whole.  @ret: -errno */
RaminateExchangeResult migrate_call_failed(const RaminateMemory *memory,
                                           int ret, Error **errp);

/* migrate-give.c; see RaminateMoverOps */
RaminateExchangeResult migrate_give(RaminateMover *mover, RaminateMove *moves,
                                    size_t nr, unsigned to, Error **errp);

/* migrate-tend.c; the last as RaminateMoverOps says */
void migrate_tend_init(MigrateMover *mover);
void migrate_tend_end(MigrateMover *mover);
void migrate_tend(RaminateMover *parent, RaminateTended *tended);

#endif
