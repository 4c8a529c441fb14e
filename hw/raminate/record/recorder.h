/*
 * RAMinate: a thread that writes a recording
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_RECORDER_H
#define RAMINATE_RECORDER_H

#include "record.h"

typedef struct RaminateRecorder RaminateRecorder;

/*
 * Called at most once, by the recorder's thread, if the recording ends before
 * it is told to.
 * @reason: what went wrong
 */
typedef void (*RaminateRecorderEnded)(const char *reason, void *opaque);

/*
 * Creates the file, or overwrites it if it is a recording or empty; any other
 * file is left alone.
 * Returns: the recorder, or NULL with @error set.
 */
RaminateRecorder *raminate_recorder_new(const char *path,
                                        const RaminateRecordHeader *header,
                                        RaminateRecorderEnded ended,
                                        void *opaque, GError **error);

/*
 * Hands an entry over to be written.  Never waits for the file: if too much
 * is waiting already, the recording ends.
 * Returns: false if the recording has ended.
 */
bool raminate_recorder_add(RaminateRecorder *recorder,
                           const RaminateRecordEntry *entry);

/*
 * The same for entries as raminate_record_put_entry() made them: for whoever
 * holds a lock meanwhile, since it takes the same short time for any size.
 * @entries: not changed any more by anyone; a reference is taken
 */
bool raminate_recorder_hand_over(RaminateRecorder *recorder,
                                 GByteArray *entries);

/* Writes what is waiting, and the end, however long it takes.  NULL is fine. */
void raminate_recorder_free(RaminateRecorder *recorder);

/*
 * The same, but if the file takes nothing for @stall_ms, what is left is
 * written by the recorder's thread in its own time, and nobody is told.
 * Returns: whether the recording is complete.
 */
bool raminate_recorder_leave(RaminateRecorder *recorder, int64_t stall_ms);

#endif
