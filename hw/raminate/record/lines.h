/*
 * RAMinate: lines written and read, summed over entries of a recording
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_RECORD_LINES_H
#define RAMINATE_RECORD_LINES_H

#include "hw/raminate/record/record.h"

/* Pages in ascending order, and the lines of each; all are of uint32_t. */
typedef struct RaminateLines {
    GArray *pages;
    GArray *written;
    GArray *read;

    /* The other half of a merge */
    GArray *spare_pages;
    GArray *spare_written;
    GArray *spare_read;
} RaminateLines;

void raminate_lines_init(RaminateLines *lines);
void raminate_lines_destroy(RaminateLines *lines);
void raminate_lines_clear(RaminateLines *lines);

/*
 * Adds an entry that has lines.  A sum that would be greater than UINT32_MAX
 * stays there.  Cost and memory: O(pages of both), whatever the guest's size.
 */
void raminate_lines_add(RaminateLines *lines,
                        const RaminateRecordEntry *entry);

#endif
