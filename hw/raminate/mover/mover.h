/*
 * RAMinate: movers, which exchange the frames of pages
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_MOVER_H
#define HW_RAMINATE_MOVER_H

#include "hw/raminate/engine/move.h"
#include "hw/raminate/part.h"

typedef enum RaminateExchangeResult {
    RAMINATE_EXCHANGE_OK,
    RAMINATE_EXCHANGE_REFUSED,  /* at present, but perhaps not for ever */
    RAMINATE_EXCHANGE_BROKEN,   /* the mover has failed for good */
    RAMINATE_EXCHANGE_LOST,     /* pages can't be reached: stop the VM */
} RaminateExchangeResult;

typedef struct RaminateMover RaminateMover;

/* What is asked of a mover that tends pages, and what came of it */
typedef struct RaminateTended {
    bool may_leave;             /* whether pages may be left where they are */
    bool more;                  /* to be called again before the next batch */
    uint32_t astray;            /* pages that were */
    GArray *left;               /* of RaminateStray: those that were left */
} RaminateTended;

typedef struct RaminateMoverOps {
    RaminatePart part;

    /*
     * Returns: the mover, or NULL with @errp set.  Called under the big lock,
     * as is close().
     */
    RaminateMover *(*open)(RaminateMemory *memory, Error **errp);
    void (*close)(RaminateMover *mover);

    /*
     * Makes sure that a batch can be exchanged.
     * Returns: false with @errp set if it can't be at present.
     */
    bool (*begin)(RaminateMover *mover, Error **errp);

    /*
     * Makes moves, between begin() and end(), and brings the placement up to
     * date by raminate_memory_exchanged().  No page appears twice.  They are a
     * whole region, see raminate_is_whole_region(), or have none in them.  If
     * the guest stands still meanwhile, those that are not reached in time are
     * left as they are.
     * @deadline: of the host's clock, in nanoseconds
     * Returns: whether all moves were reached; if not, @errp says why.  The
     * status of each is true in any case.  The VM must not run again after
     * RAMINATE_EXCHANGE_LOST; to stop it is left to the caller, after end().
     */
    RaminateExchangeResult (*exchange)(RaminateMover *mover,
                                       RaminateMove *moves, size_t nr,
                                       int64_t deadline, Error **errp);

    /*
     * Has pages be where tier @to is, and gives them to it by
     * raminate_memory_given().  Called in the placer's thread, while nothing
     * else moves pages; NULL if tiers own their frames.
     * @moves: see RaminateMove; none is in @to
     * Returns: as exchange() does.
     */
    RaminateExchangeResult (*give)(RaminateMover *mover, RaminateMove *moves,
                                   size_t nr, unsigned to, Error **errp);

    /* Returns: for how long the vCPUs were paused, in nanoseconds. */
    uint64_t (*end)(RaminateMover *mover);

    /*
     * Looks at a few of the guest's pages, other ones each time, for those that
     * are not where the placement says, and brings them there, or leaves those
     * that have not stayed there; see raminate_engine_adopt().  Called in the
     * placer's thread, while nothing else moves pages; NULL if no page can be
     * elsewhere.  Takes about as long as a slice of a batch.
     */
    void (*tend)(RaminateMover *mover, RaminateTended *tended);

    /*
     * Returns: number of host mappings that show the placement.
     * @limit: most that the mover lets them become, 0 for no limit
     */
    uint32_t (*mappings)(const RaminateMover *mover, uint32_t *limit);
} RaminateMoverOps;

/* What all movers begin with. */
struct RaminateMover {
    const RaminateMoverOps *ops;
    RaminateMemory *memory;
};

extern const RaminateMoverOps raminate_mover_kvm;
extern const RaminateMoverOps raminate_mover_migrate;
extern const RaminateMoverOps raminate_mover_mmap;

#endif
