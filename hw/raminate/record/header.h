/*
 * RAMinate: the header of a recording, from memory to bytes and back
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_RECORD_HEADER_H
#define RAMINATE_RECORD_HEADER_H

#include "cursor.h"
#include "record.h"

/* Appends all that is in a header. */
void raminate_record_put_fields(GByteArray *out,
                                const RaminateRecordHeader *header);

/*
 * @header: returns what was there; the ids of its tiers are to be freed with
 *          g_free() in any case
 * Returns: whether it is a whole header that makes sense.
 */
bool raminate_record_take_header(RaminateRecordHeader *header,
                                 Cursor *cursor);

#endif
