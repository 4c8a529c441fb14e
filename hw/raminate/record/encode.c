/*
 * RAMinate: entries of a recording, from memory to bytes
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "format.h"
#include "header.h"
#include "moves.h"
#include "put.h"
#include "record.h"

/* Returns: where the entry begins, for end_entry(). */
static guint begin_entry(GByteArray *out, uint8_t type)
{
    guint start = out->len;

    put_u8(out, type);
    put_u32(out, 0);
    return start;
}

static void end_entry(GByteArray *out, guint start)
{
    uint32_t size = GUINT32_TO_LE(out->len - start - RECORD_PREFIX_SIZE);

    memcpy(out->data + start + 1, &size, sizeof(size));
    put_u32(out, raminate_record_crc(0, out->data + start, out->len - start));
}

void raminate_record_put_header(GByteArray *out,
                                const RaminateRecordHeader *header)
{
    guint start;

    g_byte_array_append(out, (const uint8_t *)RECORD_MAGIC, RECORD_MAGIC_SIZE);
    put_u32(out, header->kinds & ~RAMINATE_WRITTEN ? RECORD_VERSION_KINDS
                                                   : RECORD_VERSION);
    start = begin_entry(out, RECORD_HEADER);
    raminate_record_put_fields(out, header);
    end_entry(out, start);
}

/* Runs of pages: to the next one, and whether and how much longer than 1 */
static void put_runs(GByteArray *out, uint32_t first, const uint32_t *pages,
                     size_t nr)
{
    uint32_t next = first;
    size_t i = 0;

    while (i < nr) {
        uint32_t gap = pages[i] - next;
        size_t run = 1;

        while (i + run < nr && pages[i + run] == pages[i] + run) {
            run++;
        }
        put_varint(out, (uint64_t)gap << 1 | (run > 1));
        if (run > 1) {
            put_varint(out, run - 2);
        }
        next = pages[i] + run;
        i += run;
    }
}

static void put_bitmap(GByteArray *out, uint32_t first, uint32_t size,
                       const uint32_t *pages, size_t nr)
{
    guint start = out->len;

    g_byte_array_set_size(out, start + size);
    memset(out->data + start, 0, size);
    for (size_t i = 0; i < nr; i++) {
        uint32_t bit = pages[i] - first;

        out->data[start + bit / 8] |= 1 << bit % 8;
    }
}

static void put_block(GByteArray *out, uint32_t nr_pages, uint32_t block,
                      const uint32_t *pages, size_t nr)
{
    uint32_t first = block * RECORD_BLOCK_PAGES;
    uint32_t bits = MIN(nr_pages - first, RECORD_BLOCK_PAGES);
    uint32_t size = (bits + 7) / 8;
    guint start = out->len;

    put_u8(out, RECORD_BLOCK_RUNS);
    put_varint(out, nr - 1);
    put_runs(out, first, pages, nr);
    if (out->len - start > size + 1) {
        g_byte_array_set_size(out, start);
        put_u8(out, RECORD_BLOCK_BITMAP);
        put_bitmap(out, first, size, pages, nr);
    }
}

static void put_pages(GByteArray *out, uint32_t nr_pages,
                      const uint32_t *pages, size_t nr)
{
    uint32_t next_block = 0;
    size_t i = 0;

    put_varint(out, nr);
    while (i < nr) {
        uint32_t block = pages[i] / RECORD_BLOCK_PAGES;
        size_t in_block = 1;

        while (i + in_block < nr &&
               pages[i + in_block] / RECORD_BLOCK_PAGES == block) {
            in_block++;
        }
        put_varint(out, block - next_block);
        put_block(out, nr_pages, block, pages + i, in_block);
        next_block = block + 1;
        i += in_block;
    }
}

static void put_counts(GByteArray *out, const uint32_t *counts, size_t nr)
{
    for (size_t i = 0; i < nr; i++) {
        put_varint(out, counts[i]);
    }
}

bool raminate_record_has_lines(RaminateRecordType type)
{
    return type == RAMINATE_RECORD_TRAFFIC || type == RAMINATE_RECORD_GAUGE;
}

/* Returns: whether more was looked for than what was written. */
static bool has_kinds(const RaminateRecordEntry *entry)
{
    return entry->kinds & ~RAMINATE_WRITTEN;
}

/* Returns: how entries of that type are marked. */
static uint8_t type_of(const RaminateRecordEntry *entry)
{
    if (!has_kinds(entry)) {
        return entry->type;
    }
    return entry->type == RAMINATE_RECORD_SCAN ? RECORD_SCAN_KINDS
                                               : RECORD_LOOK_KINDS;
}

static void put_found(GByteArray *out, uint32_t nr_pages,
                      const RaminateRecordEntry *entry)
{
    unsigned kinds = has_kinds(entry) ? entry->kinds : RAMINATE_WRITTEN;

    if (has_kinds(entry)) {
        put_u8(out, kinds);
    }
    if (kinds & RAMINATE_WRITTEN) {
        put_pages(out, nr_pages, entry->pages, entry->nr);
    }
    if (kinds & RAMINATE_READ) {
        put_pages(out, nr_pages, entry->read_pages, entry->nr_read_pages);
    }
}

void raminate_record_put_entry(GByteArray *out, uint32_t nr_pages,
                               const RaminateRecordEntry *entry)
{
    guint start = begin_entry(out, type_of(entry));

    if (entry->type != RAMINATE_RECORD_END) {
        put_signed(out, entry->time_ms);
        put_varint(out, entry->window_ms);
    }
    if (entry->type == RAMINATE_RECORD_BATCH) {
        raminate_record_put_batch(out, entry);
    } else if (entry->type != RAMINATE_RECORD_END) {
        put_found(out, nr_pages, entry);
    }
    if (raminate_record_has_lines(entry->type)) {
        put_u8(out, entry->read ? RECORD_HAS_READS : 0);
        put_counts(out, entry->written, entry->nr);
        if (entry->read) {
            put_counts(out, entry->read, entry->nr);
        }
    }
    end_entry(out, start);
}

bool raminate_record_has_magic(const void *data, size_t size)
{
    return size >= RECORD_MAGIC_SIZE &&
           memcmp(data, RECORD_MAGIC, RECORD_MAGIC_SIZE) == 0;
}
