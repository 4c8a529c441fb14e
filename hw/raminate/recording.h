/*
 * RAMinate: the recording that a placer makes, if the user wants one
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_RECORDING_H
#define HW_RAMINATE_RECORDING_H

#include "hw/raminate/memory.h"
#include "hw/raminate/record/record.h"

typedef struct RaminateRecording RaminateRecording;

/*
 * In the main loop.
 * @memory: outlives the recording
 * Returns: the recording, or NULL with @errp set.
 */
RaminateRecording *raminate_recording_new(const RaminateMemory *memory,
                                          const char *path,
                                          uint32_t scan_period_ms,
                                          Error **errp);

/* Writes what is left to write.  NULL is fine. */
void raminate_recording_free(RaminateRecording *recording);

/* Doesn't wait for the file.  To be called by one thread at a time. */
void raminate_recording_add(RaminateRecording *recording,
                            const RaminateRecordEntry *entry);

/* Returns: whether @path leads to the file of the recording. */
bool raminate_recording_is_to(const RaminateRecording *recording,
                              const char *path);

/* Returns: the file, or NULL if the recording has ended early. */
const char *raminate_recording_path(const RaminateRecording *recording);

#endif
