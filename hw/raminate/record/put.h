/*
 * RAMinate: numbers of a recording, from memory to bytes
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_RECORD_PUT_H
#define RAMINATE_RECORD_PUT_H

#include <stdint.h>
#include <glib.h>

/* Little-endian; see docs/recording-format.md for varints. */
static inline void put_u8(GByteArray *out, uint8_t value)
{
    g_byte_array_append(out, &value, 1);
}

static inline void put_u32(GByteArray *out, uint32_t value)
{
    value = GUINT32_TO_LE(value);
    g_byte_array_append(out, (const uint8_t *)&value, sizeof(value));
}

static inline void put_u64(GByteArray *out, uint64_t value)
{
    value = GUINT64_TO_LE(value);
    g_byte_array_append(out, (const uint8_t *)&value, sizeof(value));
}

static inline void put_varint(GByteArray *out, uint64_t value)
{
    uint8_t bytes[10];
    unsigned nr = 0;

    for (; value >= 0x80; value >>= 7) {
        bytes[nr++] = value | 0x80;
    }
    bytes[nr++] = value;
    g_byte_array_append(out, bytes, nr);
}

static inline void put_signed(GByteArray *out, int64_t value)
{
    put_varint(out, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

#endif
