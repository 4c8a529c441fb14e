/*
 * RAMinate: the engine, which decides when and what to sample and to move
 *
 * Arithmetic: no thread, no clock, no I/O, no lock of its own.  Whoever drives
 * it tells what was seen and what was moved, and asks what to do.  QEMU's
 * placer, the simulator and the unit tests drive the same object code.
 *
 *     sampler --scanned()--> figures, heat, policy --plan()--> mover
 *                                  ^                             |
 *                                  +----------moved()------------+
 *
 * Times are milliseconds on the driver's clock, which stands still while the
 * VM does and never goes back.
 *
 * The policy may take long over a large sample.  So that nobody has to wait for
 * it, functions that say "by the policy" touch nothing but the policy, its
 * back-off and, to read it, the placement: they may be called while another
 * thread calls others of the same engine.  A driver with a lock holds it for
 * all the others; and he lets only one thread at a time go by the policy or
 * change the placement, with raminate_engine_begin_policy() before and
 * raminate_engine_end_policy() after it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_ENGINE_H
#define HW_RAMINATE_ENGINE_H

#include "hw/raminate/engine/figures.h"
#include "hw/raminate/engine/handover.h"
#include "hw/raminate/engine/heat.h"
#include "hw/raminate/engine/move.h"
#include "hw/raminate/engine/moves.h"
#include "hw/raminate/engine/placement.h"
#include "hw/raminate/engine/sample.h"
#include "hw/raminate/engine/settings.h"
#include "hw/raminate/engine/working-set.h"
#include "hw/raminate/policy/policy.h"

typedef enum RaminateTask {
    RAMINATE_TASK_WAIT,
    RAMINATE_TASK_SCAN,
    RAMINATE_TASK_LOOK,         /* the second look after a scan */
    RAMINATE_TASK_BATCH,
} RaminateTask;

/* What a scan has found */
typedef struct RaminateScan {
    int64_t now;                /* when it began */
    const RaminateSample *found;        /* the second look's pages included */
    const uint32_t *gauged;     /* pages of which lines were counted */
    const uint32_t *lines;      /* of each of them, 0 to 64 */
    size_t nr_gauged;
} RaminateScan;

typedef struct RaminateEngine RaminateEngine;

/*
 * @layout: is copied
 * Returns: an engine without a policy, at time 0, or NULL if there is no
 * memory.
 */
RaminateEngine *raminate_engine_new(const RaminateLayout *layout,
                                    const RaminateSettings *settings);
void raminate_engine_free(RaminateEngine *engine);      /* NULL is fine */

/* Puts new settings in force.  A shorter period is so at once. */
void raminate_engine_set(RaminateEngine *engine, int64_t now,
                         const RaminateSettings *settings);

/*
 * By the policy, since it may take memory for all of the guest's pages.
 * @life_time_ms: as the settings have it
 * Returns: a new policy, which knows nothing yet, for
 * raminate_engine_put_policy(); NULL if there is no memory.
 */
RaminatePolicy *raminate_engine_new_policy(const RaminateEngine *engine,
                                           const RaminatePolicyOps *ops,
                                           uint32_t life_time_ms);

/*
 * Puts @policy in the place of the old one, between begin and end of the same
 * claim.  The engine owns it now; the old one is to be freed next.
 */
void raminate_engine_put_policy(RaminateEngine *engine,
                                const RaminatePolicyOps *ops,
                                RaminatePolicy *policy);

/* By the policy that was: frees it, which takes the longer the more it knew. */
void raminate_engine_free_old_policy(RaminateEngine *engine);

/*
 * The three at once, for drivers of one thread.
 * Returns: false if there is no memory; then the old one stays.
 */
bool raminate_engine_set_policy(RaminateEngine *engine,
                                const RaminatePolicyOps *ops);

/*
 * Before and after functions by the policy.  New settings are told to it in
 * the first one, what it takes in memory is noted in the second.
 */
void raminate_engine_begin_policy(RaminateEngine *engine);
void raminate_engine_end_policy(RaminateEngine *engine);

/* Returns: what to do at @now; in @wait_ms, for how long there is nothing. */
RaminateTask raminate_engine_next(const RaminateEngine *engine, int64_t now,
                                  int64_t *wait_ms);

/*
 * Takes note of the processor time that a task took which ended at @now.  What
 * comes next is put off as far as the setting max_cpu asks for, a second look
 * is left out.  Whoever has no processors to spare, as a simulator, says
 * nothing.
 */
void raminate_engine_took(RaminateEngine *engine, int64_t now,
                          uint64_t took_ns);

/* The next scan covers other times than a period, and counts for nothing. */
void raminate_engine_hold(RaminateEngine *engine);

/*
 * A scan or a second look: begin, look at the pages, then tell what was found
 * or drop it.
 * @wants_look: whether a second look is wanted, whatever the policy says
 */
void raminate_engine_begin_scan(RaminateEngine *engine, int64_t now,
                                bool wants_look);
void raminate_engine_begin_look(RaminateEngine *engine);

/* Returns: whether what the scan under way finds counts for nothing. */
bool raminate_engine_drops_scan(const RaminateEngine *engine);

/* Returns: when the last scan began. */
int64_t raminate_engine_last_scan(const RaminateEngine *engine);

/*
 * By the policy.  Cost of the two below: O(pages found), and what ages out.
 *
 * @window_ms: from the last scan to @now
 * @found: written within the window; the next scan must include them
 */
void raminate_engine_looked(RaminateEngine *engine, int64_t now,
                            uint32_t window_ms, const RaminateSample *found);
void raminate_engine_scanned(RaminateEngine *engine, const RaminateScan *scan);

/*
 * Counts what was found for figures and heat, part by part, each of them in
 * O(pages in it).  Figures show the scan as a whole, once it has been.
 * @part: see raminate_sample_part()
 * @now: when the scan began
 */
void raminate_engine_begin_count(RaminateEngine *engine, int64_t now);
void raminate_engine_count(RaminateEngine *engine, const RaminateSample *part);
void raminate_engine_end_count(RaminateEngine *engine);

/* The three at once, for drivers of one thread */
static inline void raminate_engine_count_all(RaminateEngine *engine,
                                             int64_t now,
                                             const RaminateSample *found)
{
    raminate_engine_begin_count(engine, now);
    raminate_engine_count(engine, found);
    raminate_engine_end_count(engine);
}

/* The scan or look under way was not made in full. */
void raminate_engine_drop_scan(RaminateEngine *engine, int64_t now);

/* Begins a batch; the next one is due a swap period later. */
void raminate_engine_begin_batch(RaminateEngine *engine, int64_t now);

/*
 * By the policy: asks it what to move.
 * @moves: room for @max
 * Returns: their number.  No page is in two of them.
 */
size_t raminate_engine_plan(RaminateEngine *engine, int64_t now,
                            RaminateMove *moves, size_t max);

/*
 * Goes through what the policy has planned with an eye on huge pages: see
 * raminate_huge_plan_mind().  To be called with nobody changing the placement.
 * @max: @moves has room for so many
 * @is_huge, @huge: see RaminateHugeView
 * Returns: number of moves.
 */
size_t raminate_engine_mind_huge(RaminateEngine *engine, RaminateMove *moves,
                                 size_t nr, size_t max,
                                 bool (*is_huge)(const void *huge,
                                                 uint32_t region),
                                 const void *huge);

/*
 * Takes over what has come along with the guest, in the place of what was taken
 * over before and has been used since.  What comes twice in between is left:
 * each time costs O(pages with heat).
 * @data: see raminate_handover_new()
 */
void raminate_engine_take_over(RaminateEngine *engine, uint8_t *data,
                               size_t size);

/*
 * Asks what came along with the guest what to move.  That is not the policy's
 * plan, and nothing with a policy that goes by no samples.  While something is
 * left of it, the next batch is due soon.  Moves that were not reached are to be
 * put back.
 * Returns: their number; 0 if the policy is to be asked.
 */
size_t raminate_engine_plan_handover(RaminateEngine *engine, int64_t now,
                                     RaminateMove *moves, size_t max);
void raminate_engine_put_back(RaminateEngine *engine,
                              const RaminateMove *moves, size_t nr);

/*
 * The fastest tier is to have so many pages, 1 at least; the slowest one takes
 * what is too much, or gives what is too little.  The next batch is due now.
 */
void raminate_engine_set_fast_pages(RaminateEngine *engine, int64_t now,
                                    uint32_t pages);

/*
 * Returns: how many pages the fastest tier has too many, less than 0 if it has
 * too few.
 */
int64_t raminate_engine_excess(const RaminateEngine *engine);

/*
 * Asks for pages to be given to tier @to, until none is too much or too little:
 * see raminate_resize_plan().  While there are any, the next batch is due soon.
 */
size_t raminate_engine_plan_resize(RaminateEngine *engine, int64_t now,
                                   RaminateMove *moves, size_t max,
                                   unsigned *to);

/*
 * Takes note of what became of them, and tells the policy.  The placement shows
 * those that were made already.
 * @from: the tier that they were in
 */
void raminate_engine_given(RaminateEngine *engine, int64_t now,
                           const RaminateMove *moves, size_t nr,
                           unsigned from);

/*
 * Has pages count to the tiers that they are in, and tells the policy; not for
 * the last page of a tier.  Others will go the other way, until the fastest
 * tier has its size.  To be called with the policy begun, as for a batch.
 * @strays: none is where the placement says
 */
void raminate_engine_adopt(RaminateEngine *engine, int64_t now,
                           const RaminateStray *strays, size_t nr);

/* The next batch is due a swap period from @now. */
void raminate_engine_put_off_batch(RaminateEngine *engine, int64_t now);

/*
 * The last batch had no time for all of its moves.  The next one comes as soon
 * as the guest has had ten times as long for itself, if a swap period is more.
 */
void raminate_engine_cut_batch(RaminateEngine *engine, int64_t now);

/*
 * Puts planned moves that have been overtaken behind all others: those that
 * would not bring their page up any more.
 * Returns: number of the others.
 */
size_t raminate_engine_drop_stale(const RaminateEngine *engine,
                                  RaminateMove *moves, size_t nr);

/*
 * Takes note of what became of moves, and tells the policy.  The placement
 * shows those that were made already.
 * @planned: by the policy, not by a user
 */
void raminate_engine_moved(RaminateEngine *engine, int64_t now,
                           const RaminateMove *moves, size_t nr,
                           bool planned);

/*
 * The memory of @page has failed: no plan moves it any more, and nobody is to
 * look at it.  Not while a policy reads what failed.
 */
void raminate_engine_page_failed(RaminateEngine *engine, uint32_t page);

/* Returns: whether it has, and no user has moved the page since. */
bool raminate_engine_page_is_bad(const RaminateEngine *engine, uint32_t page);

/*
 * Returns: bytes that the state of pages takes; what the policy takes is as of
 * the last raminate_engine_end_policy().
 */
size_t raminate_engine_memory(const RaminateEngine *engine);

/* Parts of it; they live as long as the engine. */
RaminatePlacement *raminate_engine_placement(RaminateEngine *engine);
const RaminateHeat *raminate_engine_heat(const RaminateEngine *engine);
RaminateFigures *raminate_engine_figures(RaminateEngine *engine);
const RaminateWorkingSet *
raminate_engine_working_set(const RaminateEngine *engine);

/* Returns: the last move of @page, valid until the next, or NULL. */
const RaminatePastMove *raminate_engine_last_move(const RaminateEngine *engine,
                                                  uint32_t page);

/*
 * Asks the policy why @page is where it is, with nobody going by it.
 * @reasons: see RaminatePolicyOps
 * Returns: the policy's functions, or NULL if it can't say.
 */
const RaminatePolicyOps *raminate_engine_explain(const RaminateEngine *engine,
                                                 int64_t now, uint32_t page,
                                                 RaminateReasons *reasons);

/*
 * With nobody going by the policy, whose back-off it reads.
 * Returns: as raminate_backoff_reason()
 */
RaminateBackoffReason
raminate_engine_backoff_reason(const RaminateEngine *engine, uint32_t page,
                               uint64_t *plans);

/* Returns: as raminate_moves_latest() */
size_t raminate_engine_latest_moves(const RaminateEngine *engine,
                                    RaminateLatestMove *pages, size_t max);

/* Returns: the policy's functions, or NULL if there is none yet. */
const RaminatePolicyOps *raminate_engine_policy(const RaminateEngine *engine);

/* Forgets past moves and what failed: they were another run's. */
void raminate_engine_forget_moves(RaminateEngine *engine);

#endif
