/*
 * RAMinate: recordings made up for tests, and their replay
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_REPLAY_HARNESS_H
#define RAMINATE_REPLAY_HARNESS_H

#include "tools/sim/replay.h"

/* The guest of all recordings here: its first pages are fast. */
#define NR_PAGES 48
#define NR_FAST 8

/* Where a recording is saved */
extern char *recording_path;

/* Takes the place of g_test_init(). */
void recording_init(int *argc, char ***argv);

/* Takes the place of g_test_run(); removes the recording. */
int recording_run(void);

/*
 * A recording that is begun; recording_save() ends and frees it.
 * @kinds: that its scans may tell, RAMINATE_WRITTEN if there is no such
 */
GByteArray *recording_of_kinds(unsigned kinds);
GByteArray *recording_new(void);

/* @lines: written to each of @pages since the last scan, or NULL */
void recording_put_scan(GByteArray *file, int64_t time_ms,
                        const uint32_t *pages, size_t nr,
                        const uint32_t *lines);
void recording_save(GByteArray *file);

/* Reads and writes cost so much in slow memory, and 1 in fast memory. */
void recording_set_costs(uint32_t read, uint32_t write);

/* All of the guest is slow at first, and NR_FAST frames are free. */
void recording_make_room(void);

extern const ReplaySettings replay_defaults;

/* Replay what was saved last; @results: one for each pass */
void replay_as(const ReplaySettings *settings, unsigned passes,
               ReplayResult *results);
void replay_with(const RaminatePolicyOps *policy, bool keep_policy,
                 unsigned passes, ReplayResult *results);
void replay_policy(const RaminatePolicyOps *policy, unsigned passes,
                   ReplayResult *results);

/* @text: what raminate-sim takes for --policy */
void replay_oracle(const char *text, unsigned passes, ReplayResult *results);

/* Returns: the least lines that any policy would need, all in all. */
double recording_bound(void);

#endif
