/*
 * RAMinate: constants of the recording format
 *
 * docs/recording-format.md describes what they are for.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_RECORD_FORMAT_H
#define RAMINATE_RECORD_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define RECORD_MAGIC "RAMINREC"
#define RECORD_MAGIC_SIZE 8

/* The second one may hold samples that tell more than what was written. */
#define RECORD_VERSION 1
#define RECORD_VERSION_KINDS 2

/* Type and length of an entry, or of the header, and the checksum behind it */
#define RECORD_PREFIX_SIZE 5
#define RECORD_CRC_SIZE 4

/* The header is an entry of this type. */
#define RECORD_HEADER 0

/* Scans and second looks that tell kinds; all others have their own type. */
#define RECORD_SCAN_KINDS 7
#define RECORD_LOOK_KINDS 8

/* Flags of entries that tell lines */
#define RECORD_HAS_READS 1

/* Milliseconds, some thousand years before and after 0 */
#define RECORD_MAX_TIME (INT64_C(1) << 47)

/* Flags of batches */
#define RECORD_BY_COMMAND 1

/* A move takes two varints and a byte at least. */
#define RECORD_MOVE_MIN_SIZE 3

/* Pages are written block by block, each in the shorter of two ways. */
#define RECORD_BLOCK_PAGES 32768
#define RECORD_BITMAP_SIZE (RECORD_BLOCK_PAGES / 8)
#define RECORD_BLOCK_RUNS 0
#define RECORD_BLOCK_BITMAP 1

/* Continues a checksum, which is 0 at first, as in zip and Ethernet. */
uint32_t raminate_record_crc(uint32_t crc, const uint8_t *data, size_t size);

#endif
