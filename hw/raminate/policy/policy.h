/*
 * RAMinate: the interface of a placement policy
 *
 * A policy is arithmetic over samples: no thread, no clock, no I/O.  The same
 * object file runs in QEMU, in the simulator and in the unit tests.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_POLICY_H
#define RAMINATE_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "hw/raminate/engine/backoff.h"
#include "hw/raminate/engine/move.h"
#include "hw/raminate/engine/placement.h"
#include "hw/raminate/engine/sample.h"

/*
 * Times are milliseconds on a clock that stands still while the VM does and
 * never goes back.  It may start anywhere and jump ahead.
 */
typedef struct RaminatePolicyConfig {
    const RaminatePlacement *placement; /* borrowed; outlives the policy */
    const RaminateBackoff *backoff;     /* the same; see plan() */
    uint32_t life_time_ms;              /* how long a write keeps a page hot */
} RaminatePolicyConfig;

/* The same as raminate_sample_counted(), for the layout of the placement */
static inline unsigned
raminate_policy_counted(const RaminatePolicyConfig *config)
{
    return raminate_sample_counted(
        raminate_placement_layout(config->placement));
}

typedef struct RaminatePolicy RaminatePolicy;
typedef struct RaminateReasons RaminateReasons;

/* Only create() and plan() must be there; all else may be NULL. */
typedef struct RaminatePolicyOps {
    const char *name;
    const char *summary;        /* one line, for people */

    /* The kinds of samples that it goes by, RAMINATE_WRITTEN and _READ */
    unsigned kinds;

    /* Bytes that it takes for each page in its tables: see regions.h */
    size_t bytes_per_page;

    /* Returns: bytes that it takes for the state of pages at present. */
    size_t (*memory)(const RaminatePolicy *policy);

    /* Returns: the policy, or NULL if there is no memory. */
    RaminatePolicy *(*create)(const RaminatePolicyConfig *config);

    /* NULL: free() is enough. */
    void (*destroy)(RaminatePolicy *policy);

    /*
     * Takes note of what one scan found, of which it is to leave out the kinds
     * that it doesn't go by: see RAMINATE_SAMPLE_FOREACH.
     * Cost: O(pages found), plus what ages out, amortised over the samples.
     */
    void (*sample)(RaminatePolicy *policy, int64_t now_ms,
                   const RaminateSample *found);

    /*
     * Takes note of what a second look found, which came @window_ms after an
     * earlier one.  A page written all the time is found by it, one written
     * now and then is not.  A sample() that contains its pages follows, unless
     * that scan is dropped.
     * Cost: O(pages found).
     */
    void (*look)(RaminatePolicy *policy, int64_t now_ms, uint32_t window_ms,
                 const RaminateSample *found);

    /*
     * Takes note of how many lines of 64 bytes changed, between the last scan
     * and the one that sample() tells of next, in some of the pages that this
     * one found written: a sample, taken at random.  Told before sample().
     * @pages: in ascending order, none twice
     * @lines: of each page, 0 to 64
     * Cost: O(nr).
     */
    void (*gauge)(RaminatePolicy *policy, const uint32_t *pages,
                  const uint32_t *lines, size_t nr);

    /*
     * Proposes moves, the most useful first: each brings a page up, and one of
     * a faster tier down.  No page appears twice, and none that
     * raminate_backoff_holds().  Nothing is moved until moved() says so.
     * @moves: returns the pages of each; all else in it is the engine's to set
     * Returns: number of moves, at most @max.
     * Cost: O(moves), plus what ages out, amortised over the samples.
     */
    size_t (*plan)(RaminatePolicy *policy, int64_t now_ms,
                   RaminateMove *moves, size_t max);

    /*
     * Says that two pages have exchanged their frames; the placement shows it
     * already.  Moves that the policy didn't plan (by a user's command, within
     * a tier, downwards) are reported as well.
     */
    void (*moved)(RaminatePolicy *policy, int64_t now_ms,
                  const RaminateMove *move);

    /*
     * Says that a page alone was given to another tier, which has one more page
     * since, and the one that it was in one less; the placement shows it.
     * @from: the tier that it was in
     */
    void (*given)(RaminatePolicy *policy, int64_t now_ms, uint32_t page,
                  unsigned from);

    /*
     * Says why @page is where it is: figures, and a clause made of them that
     * may follow "because".  Changes nothing, not even what is only cached.
     * @reasons: all zero, but for what it is asked with; see reasons.h
     * Cost: O(1).
     */
    void (*explain)(const RaminatePolicy *policy, int64_t now_ms,
                    uint32_t page, RaminateReasons *reasons);

    /* Changes the life time from now on. */
    void (*set_life_time)(RaminatePolicy *policy, uint32_t life_time_ms);
} RaminatePolicyOps;

extern const RaminatePolicyOps raminate_policy_age;
extern const RaminatePolicyOps raminate_policy_cmq;
extern const RaminatePolicyOps raminate_policy_hemem;
extern const RaminatePolicyOps raminate_policy_lru;
extern const RaminatePolicyOps raminate_policy_memtis;
extern const RaminatePolicyOps raminate_policy_null;
extern const RaminatePolicyOps raminate_policy_payback;

/* Returns: the policy of that name, or NULL. */
const RaminatePolicyOps *raminate_policy_find(const char *name);

/* Returns: all policies, ended by NULL. */
const RaminatePolicyOps *const *raminate_policy_list(void);

#endif
