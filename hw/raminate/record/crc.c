/*
 * RAMinate: the checksum of recordings, CRC-32
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "format.h"

/* The polynomial of IEEE 802.3, lowest bit first */
#define CRC_POLYNOMIAL 0xedb88320u

static uint32_t table[256];

static void fill_table(void)
{
    for (uint32_t i = 0; i < G_N_ELEMENTS(table); i++) {
        uint32_t crc = i;

        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc & 1 ? crc >> 1 ^ CRC_POLYNOMIAL : crc >> 1;
        }
        table[i] = crc;
    }
}

uint32_t raminate_record_crc(uint32_t crc, const uint8_t *data, size_t size)
{
    static gsize filled;

    if (g_once_init_enter(&filled)) {
        fill_table();
        g_once_init_leave(&filled, 1);
    }
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc = crc >> 8 ^ table[(uint8_t)(crc ^ data[i])];
    }
    return ~crc;
}
