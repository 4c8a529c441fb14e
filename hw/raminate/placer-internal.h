/*
 * RAMinate: the inside of the placer, for the files that make it up
 *
 * placer.c has its life and its settings, loop.c the thread, scan.c a scan,
 * batch.c a batch, tend.c and resize.c what is done between batches, main-work.c
 * what is done in the main loop, parts.c which sampler and mover are in force,
 * claim.c who has placement and policy, hold.c what holds it, info.c what is
 * told to those who ask, lately.c what has happened lately, why.c why a page is
 * where it is.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_PLACER_INTERNAL_H
#define HW_RAMINATE_PLACER_INTERNAL_H

#include "qemu/notify.h"
#include "qemu/queue.h"
#include "hw/raminate/engine/engine.h"
#include "hw/raminate/huge.h"
#include "hw/raminate/main-call.h"
#include "hw/raminate/mover/mover.h"
#include "hw/raminate/placer.h"
#include "hw/raminate/recording.h"
#include "hw/raminate/sampler/gauge.h"
#include "hw/raminate/sampler/sampler.h"
#include "system/runstate.h"

/* Returns: the policy that settings ask for. */
static inline const RaminatePolicyOps *
raminate_settings_policy(const RaminatePlacerSettings *settings)
{
    return raminate_policy_find(RaminatePolicyType_str(settings->policy));
}

/* What a user may choose among: the samplers, or the movers. */
typedef struct RaminatePartChoice {
    const RaminatePart *in_force;
    char *reason;               /* why not a better one, or NULL */
    unsigned failed;            /* bits of types that have failed */
} RaminatePartChoice;

/* What placement and policy are claimed for */
typedef enum RaminateClaim {
    RAMINATE_CLAIM_NONE,
    RAMINATE_CLAIM_POLICY,      /* it is being told something, or plans */
    RAMINATE_CLAIM_BATCH,
} RaminateClaim;

struct RaminatePlacer {
    /* Fixed */
    RaminateMemory *memory;

    /* Of the main loop alone */
    QTAILQ_ENTRY(RaminatePlacer) next;
    VMChangeStateEntry *vm_change;
    Notifier shutdown;
    QemuThread thread;
    bool has_thread;
    bool may_work;              /* has what it needs to be on */
    bool requires_discard;

    /* Has a lock of its own */
    RaminateMainCall main_call;

    /*
     * The lock guards what follows, down to the next comment like this.  It is
     * held for arithmetic only: whoever holds it does no I/O, calls no ioctl
     * and waits for nothing, so that the main loop may always take it.  It is
     * taken inside the big lock.
     */
    QemuMutex lock;
    int locked_by;              /* thread that holds it, for assertions */
    QemuCond changed;           /* settings, vm_running or stopping have */
    RaminatePlacerSettings settings;
    bool stopping;
    bool ended;                 /* the thread has */
    bool left;                  /* the thread is to free what is left */
    bool vm_running;
    bool vm_started;            /* has run at some time */
    char *broken_because;       /* why a part can't be opened, or NULL */
    char *held_because;         /* why the last batch was not made, or NULL */
    bool all_busy;              /* the last batch that the policy planned was
                                   in vain: all its pages were in use */
    RaminatePartChoice sampler_choice;
    RaminatePartChoice mover_choice;
    bool reopen;                /* settings ask for other parts */
    RaminateRecording *recording;       /* or NULL */
    bool keeps_tiers;           /* there is a recording, or about to be: it has
                                   no words for pages that go to another tier
                                   alone */
    uint64_t main_cpu_ns;       /* processor time of work in the main loop */

    /* The clock stands still while the placer holds. */
    bool clock_runs;
    int64_t clock_ms;           /* reading, or distance from the host's */

    /*
     * Whoever has claimed them calls the policy and reads the placement without
     * the lock.  The placement is written by the mover of the batch under way
     * alone, under the lock.  The rest of the engine, figures and heat among it,
     * is guarded by the lock alone: the thread writes it, and the main loop does
     * for its batches, its work and new settings.
     */
    RaminateEngine *engine;
    RaminateClaim claim;
    QemuCond unclaimed;         /* the claim is over, or the thread */
    size_t sample_memory;       /* of the thread's samples, in bytes */

    /*
     * Opened and closed in the main loop, while the thread waits for that; used
     * by both without a lock.
     */
    RaminateSampler *sampler;
    RaminateMover *mover;
    RaminateHuge *huge;         /* NULL if the host can't tell */
    uint32_t next_huge;         /* region to look at */

    /* Of the thread alone */
    RaminateGauge *gauge;
    RaminateSample found;       /* by the scan under way */
    RaminateSample looked;      /* by the second look since the last scan */
    RaminateSample all;         /* by both */
    uint64_t cpu_ns;            /* processor time that the engine knows of */
    int64_t huge_ms;            /* when huge pages were looked at, host's clock */
};

/* All functions below are called with the lock held unless they say so. */

/* Takes and gives back the lock. */
void raminate_placer_lock(RaminatePlacer *placer);
void raminate_placer_unlock(RaminatePlacer *placer);

/* Waits until @cond is signalled, or for @ms at most if that isn't negative. */
void raminate_placer_wait(RaminatePlacer *placer, QemuCond *cond, int64_t ms);

/* Asserts that this thread holds the lock. */
void raminate_placer_assert_locked(const RaminatePlacer *placer);

/* claim.c */

/* Waits until no batch is under way.  Not in the main loop. */
void raminate_placer_settle(RaminatePlacer *placer);

/*
 * Claims placement and policy in the thread, and gives the lock back.
 * Returns: false if the thread is to end; then it still has the lock, and
 * nothing is claimed.
 */
bool raminate_placer_begin_policy(RaminatePlacer *placer);

/*
 * Without the lock, which the thread has afterwards.
 * Returns: false if the thread is to end; then the memory may be gone already.
 */
bool raminate_placer_end_policy(RaminatePlacer *placer);

/*
 * Waits until nobody has claimed them for the policy, but not for long; then
 * they can be read under the lock.
 * Returns: false if somebody still has.
 */
bool raminate_placer_wait_policy(RaminatePlacer *placer);

/*
 * Claims them for a batch.  Waits for the policy, but not for long.
 * Returns: false if they are claimed.
 */
bool raminate_placer_claim_batch(RaminatePlacer *placer);
void raminate_placer_release_batch(RaminatePlacer *placer);

/* hold.c */

/* Returns: the time on the placer's own clock, in milliseconds. */
int64_t raminate_placer_now(const RaminatePlacer *placer);
void raminate_placer_run_clock(RaminatePlacer *placer, bool run);

/* Returns: whether settings and tiers are such that there is work to do. */
bool raminate_placer_is_on(const RaminatePlacer *placer);

/* Returns: why neither sampler nor mover may be used, or NULL. */
const char *raminate_placer_hold_reason(const RaminatePlacer *placer);

/* Returns: what the placer is doing. */
RaminateState raminate_placer_state(const RaminatePlacer *placer);

/* Takes note of why the last batch was not made; NULL if it was. */
void raminate_placer_set_held(RaminatePlacer *placer, const char *reason);

/* Holds until the user sets something else.  @err: why; freed */
void raminate_placer_set_broken(RaminatePlacer *placer, Error *err);

/* Without the lock.  Returns: whether the thread may go on with its work. */
bool raminate_placer_may_go_on(RaminatePlacer *placer);

/*
 * Without the lock.
 * Returns: where to raminate_recording_encode() what is about to be put down
 * with raminate_recording_add(), to be unreferenced, or NULL if nobody records.
 */
GByteArray *raminate_placer_new_entries(RaminatePlacer *placer);

/* parts.c */

/*
 * Chooses a sampler and a mover for @settings.  Without the lock; in the main
 * loop.
 * Returns: false with @errp set if one asked for by name can't be used; then
 * both choices are as they were.
 */
bool raminate_placer_choose_parts(const RaminateMemory *memory,
                                  const RaminatePlacerSettings *settings,
                                  RaminatePartChoice *sampler,
                                  RaminatePartChoice *mover, Error **errp);

/* Without the lock, in the main loop: opens or closes what settings say. */
void raminate_placer_reopen(void *opaque);
void raminate_placer_close_parts(RaminatePlacer *placer);

/*
 * Takes note that a part has failed for good.  If the user left the choice to
 * us, the next best one takes over; if not, the placer holds.
 * @err: why; freed
 */
void raminate_placer_sampler_failed(RaminatePlacer *placer, Error *err);
void raminate_placer_mover_failed(RaminatePlacer *placer, Error *err);

/* main-work.c; without the lock */

/*
 * Does work in the main loop, under the big lock, and counts for how long that
 * was held.  In the placer's thread.
 * Returns: false if it has not been done, because the placer is to end.
 */
bool raminate_placer_in_main_loop(RaminatePlacer *placer,
                                  void (*work)(void *opaque), void *opaque);

/*
 * Takes note that work in the main loop, begun at @start by the host's clock,
 * is done.
 */
void raminate_placer_note_main_loop(RaminatePlacer *placer, int64_t start);

/* Returns: processor time that this thread has taken, in nanoseconds. */
uint64_t raminate_thread_cpu_ns(void);

/* scan.c; in the thread, without the lock */

void raminate_placer_scan(RaminatePlacer *placer);
void raminate_placer_look(RaminatePlacer *placer);

/* batch.c; in the thread, without the lock */

void raminate_placer_batch(RaminatePlacer *placer);

/* resize.c; in the thread, without the lock */

/*
 * Gives some pages to another tier, if the fastest one has too many or too few:
 * as many as may be exchanged in a batch.
 */
void raminate_placer_resize(RaminatePlacer *placer);

/* tend.c; in the thread, without the lock */

/* Has pages be where the placement says, and in huge pages where that can be. */
void raminate_placer_tend(RaminatePlacer *placer);

/* info.c */

/* @info: all zero */
void raminate_placer_tell_move(const RaminatePlacer *placer,
                               const RaminatePastMove *move,
                               RaminatePageMove *info);

/* why.c */

/*
 * Says why a page is where it is, in the policy's words unless it is at work.
 * @page: what is known of it else
 */
void raminate_placer_explain(RaminatePlacer *placer, RaminatePage *page);

/* loop.c; without the lock */

void *raminate_placer_thread(void *opaque);

/* Frees what a thread that has been left alone still had. */
void raminate_placer_destroy(RaminatePlacer *placer);

#endif
