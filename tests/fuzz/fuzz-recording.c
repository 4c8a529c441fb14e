/*
 * RAMinate: any bytes as a recording
 *
 * Its checksums are put right first, or else nothing behind them would be
 * read.  What can be read is sound, is the same when it is written again, and
 * can be replayed.  The last byte, part of a checksum that nobody needs, says
 * what replays it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>
#include <unistd.h>

#include "hw/raminate/record/format.h"
#include "hw/raminate/record/record.h"
#include "sim/bound.h"
#include "sim/policies.h"
#include "sim/tiers.h"
#include "fuzz.h"

#define MAX_SIZE 4096

/* A few bytes can stand for many pages: what takes long finds nothing new. */
#define MAX_PAGES (1 << 17)
#define MAX_GUEST_PAGES (1 << 20)

#define PASSES 2
#define UNIT (1 << (RAMINATE_PAGE_BITS + RAMINATE_REGION_BITS))

/* Bits of the last byte, beside the policy */
enum {
    AS_RECORDED = 0x10,
    KEEP_POLICY = 0x20,
    SECOND_LOOK = 0x40,
    LARGE_UNITS = 0x80,         /* instead of as recorded */
    POLICY_MASK = 0x0f,
};

static void mend_sums(uint8_t *data, size_t size)
{
    size_t at = RECORD_MAGIC_SIZE + sizeof(uint32_t);

    while (at <= size && size - at >= RECORD_PREFIX_SIZE + RECORD_CRC_SIZE) {
        uint32_t length, sum;

        memcpy(&length, data + at + 1, sizeof(length));
        length = GUINT32_FROM_LE(length);
        if (length > size - at - RECORD_PREFIX_SIZE - RECORD_CRC_SIZE) {
            return;
        }
        length += RECORD_PREFIX_SIZE;
        sum = GUINT32_TO_LE(raminate_record_crc(0, data + at, length));
        memcpy(data + at + length, &sum, sizeof(sum));
        at += length + RECORD_CRC_SIZE;
    }
}

static void check_header(const RaminateRecordHeader *header)
{
    RaminateLayout layout;

    raminate_record_get_layout(header, &layout);
    g_assert_cmpuint(header->nr_tiers, >=, 1);
    g_assert_cmpuint(header->nr_tiers, <=, RAMINATE_MAX_TIERS);
    g_assert_cmpuint(raminate_layout_frames(&layout), ==, header->nr_pages);
    for (unsigned i = 0; i < header->nr_tiers; i++) {
        g_assert_nonnull(header->tiers[i].id);
        g_assert_null(raminate_layout_check_costs(
            &layout.costs[i], i ? &layout.costs[i - 1] : NULL));
    }
}

static void check_entry(const RaminateRecordHeader *header,
                        const RaminateRecordEntry *entry)
{
    for (size_t i = 0; i < entry->nr; i++) {
        g_assert_cmpuint(entry->pages[i], <, header->nr_pages);
        g_assert_true(i == 0 || entry->pages[i - 1] < entry->pages[i]);
    }
    g_assert_true(!entry->written ==
                  !(raminate_record_has_lines(entry->type) && entry->nr) ||
                  !entry->nr);
    for (size_t i = 0; i < entry->nr_moves; i++) {
        g_assert_cmpuint(entry->moves[i].page, <, header->nr_pages);
        g_assert_cmpuint(entry->moves[i].with, <, header->nr_pages);
        g_assert_cmpuint(entry->moves[i].page, !=, entry->moves[i].with);
        g_assert_cmpuint(entry->moves[i].status, <=, RAMINATE_MOVE_HELD);
    }
}

static bool same_numbers(const uint32_t *a, const uint32_t *b, size_t nr)
{
    return !nr || (!a == !b &&
                   (!a || memcmp(a, b, nr * sizeof(*a)) == 0));
}

static void check_same(const RaminateRecordEntry *a,
                       const RaminateRecordEntry *b)
{
    g_assert_cmpint(a->type, ==, b->type);
    g_assert_cmpint(a->time_ms, ==, b->time_ms);
    g_assert_cmpuint(a->window_ms, ==, b->window_ms);
    g_assert_cmpuint(a->nr, ==, b->nr);
    g_assert_true(same_numbers(a->pages, b->pages, a->nr));
    g_assert_true(same_numbers(a->written, b->written, a->nr));
    g_assert_true(same_numbers(a->read, b->read, a->nr));
    g_assert_cmpuint(a->moved_after_ms, ==, b->moved_after_ms);
    g_assert_cmpint(a->by_command, ==, b->by_command);
    g_assert_cmpuint(a->nr_moves, ==, b->nr_moves);
    for (size_t i = 0; i < a->nr_moves; i++) {
        g_assert_cmpuint(a->moves[i].page, ==, b->moves[i].page);
        g_assert_cmpuint(a->moves[i].with, ==, b->moves[i].with);
        g_assert_cmpint(a->moves[i].status, ==, b->moves[i].status);
    }
}

static char *path_of(int fd)
{
    return g_strdup_printf("/proc/self/fd/%d", fd);
}

/* Writes what @reader reads again, and compares. */
static void check_again(RaminateRecordReader *reader, GByteArray *written)
{
    int fd = fuzz_file(written->data, written->len);
    g_autofree char *path = path_of(fd);
    g_autoptr(GError) error = NULL;
    g_autoptr(RaminateRecordReader) again =
        raminate_record_reader_new(path, &error);
    RaminateRecordEntry a, b;

    g_assert_no_error(error);
    raminate_record_reader_rewind(reader);
    while (raminate_record_reader_next(again, &b, &error)) {
        g_assert_true(raminate_record_reader_next(reader, &a, NULL));
        check_same(&a, &b);
    }
    g_assert_no_error(error);
    close(fd);
}

/* Returns: the recording's header if it is worth replaying; false if not. */
static bool read_all(const char *path, RaminateRecordHeader *header)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RaminateRecordReader) reader =
        raminate_record_reader_new(path, &error);
    g_autoptr(GByteArray) written = g_byte_array_new();
    RaminateRecordEntry entry;
    size_t pages = 0;

    if (!reader) {
        g_assert_nonnull(error);
        return false;
    }
    *header = *raminate_record_reader_header(reader);
    check_header(header);
    raminate_record_put_header(written, header);
    while (pages <= MAX_PAGES &&
           raminate_record_reader_next(reader, &entry, &error)) {
        check_entry(header, &entry);
        raminate_record_put_entry(written, header->nr_pages, &entry);
        pages += entry.nr;
    }
    check_again(reader, written);
    return pages <= MAX_PAGES;
}

static void replay(const char *path, const RaminateRecordHeader *header,
                   uint8_t choice)
{
    g_auto(GStrv) names = policies_names();
    bool large = choice & LARGE_UNITS;
    TierOptions tiers = { .unit = large ? UNIT : 0, .fast_is_room = large };
    TraceOptions options = { .lines_per_page = 10,
                             .unit_pages = tiers.unit / header->page_size };
    ReplayResult results[PASSES] = { 0 };
    ReplaySettings settings = {
        .as_recorded = choice & AS_RECORDED && !large,
        .keep_policy = choice & KEEP_POLICY,
        .second_look = choice & SECOND_LOOK,
        .keep_steps = true,
        .keep_moves = true,
    };
    g_autoptr(GError) error = NULL;
    RaminateLayout layout;
    GMutex lock;
    double progress = 0;
    double bound;

    raminate_settings_init(&settings.engine);
    g_assert_true(policies_parse(names[(choice & POLICY_MASK) %
                                       g_strv_length(names)],
                                 &settings, NULL));
    if (!tiers_make(&layout, header, &tiers, &error)) {
        return;
    }
    g_mutex_init(&lock);
    if (replay_run(path, &options, &layout, &settings, PASSES, results, &lock,
                   &progress, &error)) {
        for (unsigned i = 0; i < PASSES; i++) {
            g_assert_cmpuint(results[i].slow_pages, <=, results[i].pages);
            g_assert_cmpuint(results[i].slow_lines, <=, results[i].lines);
            g_assert_cmpuint(results[i].scans, ==, results[0].scans);
            g_assert_cmpuint(results[i].steps->len, ==, results[i].scans);
        }
        g_assert_cmpfloat(progress, <=, PASSES);
    } else {
        g_assert_nonnull(error);
    }
    g_mutex_clear(&lock);
    for (unsigned i = 0; i < PASSES; i++) {
        replay_result_clear(&results[i]);
    }
    if (!error && bound_find(path, &options, &layout, &bound, &error)) {
        g_assert_true(bound >= 0);
    }
}

void fuzz_one(const uint8_t *data, size_t size)
{
    g_autofree uint8_t *copy = g_memdup2(data, size);
    uint8_t choice = size ? data[size - 1] : 0;
    RaminateRecordHeader header;
    g_autofree char *path = NULL;
    int fd;

    if (size > MAX_SIZE) {
        return;
    }
    mend_sums(copy, size);
    fd = fuzz_file(copy, size);
    path = path_of(fd);
    if (read_all(path, &header) && header.nr_pages <= MAX_GUEST_PAGES &&
        header.page_size == 1 << RAMINATE_PAGE_BITS) {
        replay(path, &header, choice);
    }
    close(fd);
}
