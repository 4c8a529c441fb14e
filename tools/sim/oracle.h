/*
 * RAMinate: placement by what is going to be written
 *
 * No policy that runs in a host can do this.  It shows what knowing the near
 * future would be worth.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_SIM_ORACLE_H
#define RAMINATE_SIM_ORACLE_H

#include "hw/raminate/engine/move.h"
#include "hw/raminate/engine/placement.h"
#include "trace.h"

/* Of a page to be written: about what GHashTable takes for two numbers */
#define ORACLE_BYTES_PER_PAGE 24

/* What it knows of the pages that are going to be written */
typedef enum OracleKind {
    ORACLE_NONE,
    ORACLE_OF_LINES,            /* how many lines of each */
    ORACLE_OF_PAGES,            /* only by which scans they will be found */
} OracleKind;

typedef struct Oracle Oracle;

/*
 * @kind: not ORACLE_NONE
 * @placement: borrowed; outlives the oracle
 * @foresight_ms: how far ahead it knows what is written
 *
 * Returns: the oracle, at the start of the recording, or NULL with @error set
 * if that can't be read.
 */
Oracle *oracle_new(OracleKind kind, const char *path,
                   const TraceOptions *options,
                   const RaminatePlacement *placement, uint32_t foresight_ms,
                   GError **error);
void oracle_free(Oracle *oracle);

/* Back to the start of the recording. */
void oracle_rewind(Oracle *oracle);

/*
 * Moves on to the end of @step, the next one of the recording.
 * Returns: false with @error set if what follows can't be read.
 */
bool oracle_pass(Oracle *oracle, const TraceStep *step, GError **error);

/*
 * Proposes the exchanges that pay within the foresight: each saves more writes
 * to slower tiers than it makes, the one that saves most first.
 * Returns: number of pairs, at most @max.
 * Cost: O(pages to be written, and pages passed over in fast tiers).
 */
size_t oracle_plan(Oracle *oracle, RaminateMove *moves, size_t max);

#endif
