/*
 * RAMinate: puts traffic into a recording
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_TRAFFIC_MERGE_H
#define RAMINATE_TRAFFIC_MERGE_H

#include "hw/raminate/record/record.h"

/* Called with the bytes of whole entries, which it may not keep. */
typedef bool MergeWrite(const GByteArray *bytes, void *opaque, GError **error);

typedef struct MergeResult {
    uint64_t scans;
    uint64_t lines_written;     /* of 64 bytes, between the scans */
    uint64_t lines_read;
    uint64_t lines_early;       /* written before the first one: left out */
    uint64_t lines_late;        /* the same behind the last one */
    bool cut;                   /* one of the recordings was */
} MergeResult;

/*
 * Writes the recording @scans anew: before each scan comes what the recording
 * @traffic holds of the time since the scan before.  If that tells of pages
 * that were accessed, scans and second looks tell of pages read, too.
 * @offset_ms: added to the times of the traffic
 * Returns: false with @error set, also by @write.
 */
bool merge(RaminateRecordReader *scans, RaminateRecordReader *traffic,
           int64_t offset_ms, MergeWrite *write, void *opaque,
           MergeResult *result, GError **error);

#endif
