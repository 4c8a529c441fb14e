/*
 * RAMinate: bytes of a recording, which may be anything, taken one by one
 *
 * They are defined here since the reader spends its time in them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_RECORD_CURSOR_H
#define RAMINATE_RECORD_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <glib.h>

/* Once @bad, all that is taken is 0. */
typedef struct Cursor {
    const uint8_t *next;
    const uint8_t *end;
    bool bad;
} Cursor;

static inline size_t bytes_left(const Cursor *cursor)
{
    return cursor->end - cursor->next;
}

/* Returns: the next @size bytes, or NULL if there are not so many. */
static inline const uint8_t *take(Cursor *cursor, size_t size)
{
    const uint8_t *data = cursor->next;

    if (bytes_left(cursor) < size) {
        cursor->bad = true;
        return NULL;
    }
    cursor->next += size;
    return data;
}

static inline uint8_t take_u8(Cursor *cursor)
{
    const uint8_t *data = take(cursor, 1);

    return data ? *data : 0;
}

static inline uint32_t take_u32(Cursor *cursor)
{
    const uint8_t *data = take(cursor, sizeof(uint32_t));
    uint32_t value = 0;

    if (data) {
        memcpy(&value, data, sizeof(value));
    }
    return GUINT32_FROM_LE(value);
}

static inline uint64_t take_u64(Cursor *cursor)
{
    const uint8_t *data = take(cursor, sizeof(uint64_t));
    uint64_t value = 0;

    if (data) {
        memcpy(&value, data, sizeof(value));
    }
    return GUINT64_FROM_LE(value);
}

static inline uint64_t take_varint(Cursor *cursor)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = take_u8(cursor);

        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            return value;
        }
    }
    cursor->bad = true;
    return 0;
}

/* Returns: a number up to @max; any greater is bad. */
static inline uint64_t take_up_to(Cursor *cursor, uint64_t max)
{
    uint64_t value = take_varint(cursor);

    if (value > max) {
        cursor->bad = true;
        return 0;
    }
    return value;
}

static inline int64_t take_signed(Cursor *cursor)
{
    uint64_t value = take_varint(cursor);

    return value >> 1 ^ (value & 1 ? UINT64_MAX : 0);
}

#endif
