/*
 * RAMinate: what the traffic plugin writes, a period at a time
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_TRAFFIC_REPORT_H
#define RAMINATE_TRAFFIC_REPORT_H

#include <glib.h>
#include <stdint.h>

#include "memory.h"
#include "options.h"

typedef struct Report Report;

/*
 * @options, @memory: outlive the report
 * Returns: NULL with @error set if a file can't be written.
 */
Report *report_new(const Options *options, Memory *memory, GError **error);

/*
 * Writes what happened since the last time.  By one thread at a time.
 * @time_ms: since the machine was started
 * @instructions: by all CPUs since then
 */
void report_add(Report *report, int64_t time_ms, uint64_t instructions);

/* Ends the files. */
void report_free(Report *report);

#endif
