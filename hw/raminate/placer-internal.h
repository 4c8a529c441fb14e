/*
 * RAMinate: the inside of the placer, for the files that make it up
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_PLACER_INTERNAL_H
#define HW_RAMINATE_PLACER_INTERNAL_H

#include "qemu/lockable.h"
#include "qemu/notify.h"
#include "qemu/queue.h"
#include "hw/raminate/engine/figures.h"
#include "hw/raminate/sampler/gauge.h"
#include "hw/raminate/main-call.h"
#include "hw/raminate/placer.h"
#include "hw/raminate/engine/moves.h"
#include "hw/raminate/engine/heat.h"
#include "hw/raminate/policy/policy.h"
#include "hw/raminate/recording.h"
#include "hw/raminate/sampler/sampler.h"
#include "system/runstate.h"

/* What a user may choose among: the samplers, or the movers. */
typedef struct RaminatePartChoice {
    const RaminatePart *in_force;
    char *reason;               /* why not a better one, or NULL */
    unsigned failed;            /* bits of types that have failed */
} RaminatePartChoice;

struct RaminatePlacer {
    QTAILQ_ENTRY(RaminatePlacer) next;
    RaminateMemory *memory;
    VMChangeStateEntry *vm_change;
    Notifier shutdown;
    RaminateMainCall main_call;
    QemuThread thread;
    bool has_thread;
    bool requires_discard;

    /*
     * The lock protects what follows, and the placement.  It is taken inside
     * the big lock, and not held while waiting for the main loop.
     */
    QemuMutex lock;
    QemuCond changed;           /* settings, vm_running or stopping have */
    RaminateSettings settings;
    bool stopping;
    bool vm_running;
    bool vm_started;            /* has run at some time */
    bool exchanging;            /* a batch is under way */
    QemuCond exchanged;         /* it no longer is */
    char *broken_because;       /* why a part can't be opened, or NULL */
    char *held_because;         /* why the last batch was not made, or NULL */

    RaminateHeat *heat;
    RaminateGauge *gauge;
    RaminateMoves *moves;
    RaminateFigures figures;

    /* Parts are opened and closed in the main loop. */
    RaminatePartChoice sampler_choice;
    RaminatePartChoice mover_choice;
    bool reopen;                /* settings ask for other parts */
    RaminatePolicy *policy;
    const RaminatePolicyOps *policy_ops;
    RaminateSampler *sampler;
    RaminateMover *mover;

    /* The clock stands still while the placer holds. */
    bool clock_runs;
    int64_t clock_ms;           /* reading, or distance from the host's */
    int64_t next_scan_ms;
    int64_t next_swap_ms;
    int64_t next_look_ms;       /* INT64_MAX for none */
    int64_t last_scan_ms;
    bool drop_scan;             /* the next scan covers more than a period */

    unsigned long *written;     /* a bit a page, clear between scans */
    unsigned long *looked;      /* by the second look since the last scan */
    RaminateRecording *recording;       /* or NULL */
};

/* All functions below are called with the lock held unless they say so. */

/* Returns: the time on the placer's own clock, in milliseconds. */
int64_t raminate_placer_now(const RaminatePlacer *placer);

/* Returns: whether settings and tiers are such that there is work to do. */
bool raminate_placer_is_on(const RaminatePlacer *placer);

/* Returns: why neither sampler nor mover may be used, or NULL. */
const char *raminate_placer_hold_reason(const RaminatePlacer *placer);

/*
 * Takes note that the mover has failed for good.  If the user left the choice
 * to us, the next best one takes over; if not, the placer holds.
 * @err: why; freed
 */
void raminate_placer_mover_failed(RaminatePlacer *placer, Error *err);

/*
 * Exchanges one batch.  Without the lock; in the main loop if the mover wants
 * it.
 * @planned: by the policy, so that each pair is to move page a up; those that
 *           no longer do are dropped
 * Returns: false with @errp set if not all pairs were reached.
 */
bool raminate_placer_exchange(RaminatePlacer *placer, RaminateSwap *swaps,
                               size_t nr, bool planned, Error **errp);

#endif
