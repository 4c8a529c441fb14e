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

#include "hw/raminate/engine/placement.h"
#include "hw/raminate/engine/sample.h"

/*
 * Times are milliseconds on a clock that stands still while the VM does and
 * never goes back.  It may start anywhere and jump ahead.
 */
typedef struct RaminatePolicyConfig {
    const RaminatePlacement *placement; /* borrowed; outlives the policy */
    uint32_t life_time_ms;              /* how long a write keeps a page hot */
} RaminatePolicyConfig;

/* A page to move up and the page in a faster tier that makes room for it. */
typedef struct RaminatePair {
    uint32_t promote;
    uint32_t demote;
} RaminatePair;

typedef struct RaminatePolicy RaminatePolicy;

typedef struct RaminatePolicyOps {
    const char *name;
    const char *summary;        /* one line, for people */

    /* The kinds of samples that it goes by, RAMINATE_WRITTEN and _READ */
    unsigned kinds;

    /* Returns: bytes of memory that the policy takes for each guest page. */
    size_t bytes_per_page;

    /* Returns: the policy, or NULL if there is no memory. */
    RaminatePolicy *(*create)(const RaminatePolicyConfig *config);
    void (*destroy)(RaminatePolicy *policy);    /* NULL is fine */

    /*
     * Takes note of the pages found written by one scan.
     * @pages: in ascending order, none twice
     * Cost: O(nr), plus what ages out, amortised over the samples.
     */
    void (*sample)(RaminatePolicy *policy, int64_t now_ms,
                   const uint32_t *pages, size_t nr);

    /*
     * Takes note of the pages found written by a second look, which came
     * @window_ms after an earlier one.  A page written all the time is found
     * by it, one written now and then is not.  A sample() that contains them
     * follows.  NULL if the policy makes no use of it.
     * Cost: O(nr).
     */
    void (*look)(RaminatePolicy *policy, int64_t now_ms, uint32_t window_ms,
                 const uint32_t *pages, size_t nr);

    /*
     * Takes note of how many lines of 64 bytes changed, between the last scan
     * and the one that sample() tells of next, in some of the pages that this
     * one found written: a sample, taken at random.  Told before sample(), in
     * order as there.  NULL if the policy makes no use of it.
     * @lines: of each page, 0 to 64
     * Cost: O(nr).
     */
    void (*gauge)(RaminatePolicy *policy, const uint32_t *pages,
                  const uint32_t *lines, size_t nr);

    /*
     * Proposes exchanges, the most useful first.  No page appears twice, and
     * each @promote is in a slower tier than its @demote.  Nothing is moved
     * until swapped() says so: a pair that fails is simply not reported, and
     * the next plan that meets its pages passes them over once.
     * Returns: number of pairs, at most @max.
     * Cost: O(pairs), plus what ages out, amortised over the samples.
     */
    size_t (*plan)(RaminatePolicy *policy, int64_t now_ms,
                   RaminatePair *pairs, size_t max);

    /*
     * Says that pages @a and @b have exchanged their frames; the placement
     * shows it already.  Exchanges that the policy didn't plan (by a user's
     * command, within a tier, downwards) are reported as well.
     */
    void (*swapped)(RaminatePolicy *policy, int64_t now_ms,
                    uint32_t a, uint32_t b);

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
