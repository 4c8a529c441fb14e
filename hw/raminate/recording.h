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

/*
 * Appends an entry for any recording of the container to @entries.  Takes the
 * longer the more is in it: not for those who have the placer's lock.
 */
void raminate_recording_encode(const RaminateMemory *memory,
                               GByteArray *entries,
                               const RaminateRecordEntry *entry);

/*
 * Waits for no file, and takes the same short time for any size.  With the
 * placer's lock.  Entries fit any recording of the container, so that another
 * one may have begun since they were encoded.
 * @recording: or NULL
 * @entries: as raminate_recording_encode() made them, not changed any more; a
 *           reference is taken.  Or NULL
 */
void raminate_recording_add(RaminateRecording *recording, GByteArray *entries);

/* Tells that it ends early; to be freed next.  Without the placer's lock. */
void raminate_recording_end(RaminateRecording *recording, const char *reason);

/* Returns: whether @path leads to the file of the recording. */
bool raminate_recording_is_to(const RaminateRecording *recording,
                              const char *path);

/*
 * With the placer's lock.
 * Returns: the file, or NULL if the recording has ended early.
 */
const char *raminate_recording_path(const RaminateRecording *recording);

#endif
