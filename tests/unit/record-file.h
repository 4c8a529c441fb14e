/*
 * RAMinate: recordings made up for unit tests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_RECORD_FILE_H
#define RAMINATE_RECORD_FILE_H

#include "hw/raminate/record/record.h"
#include "directory.h"

#define NR_PAGES 100003         /* the last block is not full */

/* Of all files; each test program makes its own. */
static char *directory;

static inline char *file_path(const char *name)
{
    return g_build_filename(directory, name, NULL);
}

static const RaminateRecordHeader header = {
    .page_size = 4096,
    .nr_pages = NR_PAGES,
    .started_us = INT64_C(1700000000000000),
    .scan_period_ms = 1000,
    .nr_tiers = 2,
    .tiers = { { "dram0", 3, 90003, 10000, { 2, 3, 99 } },
               { "mram0", 7, 0, 90003, { 4, 50, 1 } } },
};

static inline GByteArray *make_file(void)
{
    GByteArray *bytes = g_byte_array_new();

    raminate_record_put_header(bytes, &header);
    return bytes;
}

static inline void save(const GByteArray *bytes, const char *path, gsize size)
{
    g_assert_true(g_file_set_contents(path, (const char *)bytes->data, size,
                                      NULL));
}

static inline void put_end(GByteArray *bytes)
{
    RaminateRecordEntry end = { .type = RAMINATE_RECORD_END };

    raminate_record_put_entry(bytes, NR_PAGES, &end);
}

static inline void put_batch(GByteArray *bytes, const RaminateMove *moves,
                             size_t nr, bool by_command)
{
    RaminateRecordEntry entry = {
        .type = RAMINATE_RECORD_BATCH, .time_ms = 5000, .window_ms = 20,
        .moves = moves, .nr_moves = nr, .moved_after_ms = 7,
        .by_command = by_command,
    };

    raminate_record_put_entry(bytes, NR_PAGES, &entry);
}

#endif
