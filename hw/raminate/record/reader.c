/*
 * RAMinate: entries of a recording, from bytes to memory
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <glib/gstdio.h>

#include "cursor.h"
#include "format.h"
#include "header.h"
#include "record.h"
#include "moves.h"

G_DEFINE_QUARK(raminate-record-error, raminate_record_error)

/* Pages of an entry */
typedef struct PageList {
    uint32_t *pages;
    size_t room;                /* in pages */
} PageList;

struct RaminateRecordReader {
    char *path;
    GMappedFile *file;
    const uint8_t *start;
    const uint8_t *end;
    const uint8_t *first_entry;
    const uint8_t *next;
    bool cut;

    RaminateRecordHeader header;
    int64_t last_scan_ms;
    PageList pages;
    PageList read_pages;
    uint32_t *written;
    uint32_t *read;
    size_t counts_room;         /* in written and in read */
    RaminateMove *moves;
    bool out_of_memory;
};

static void set_damaged(const RaminateRecordReader *reader, GError **error)
{
    g_set_error(error, RAMINATE_RECORD_ERROR, RAMINATE_RECORD_ERROR_DAMAGED,
                "%s: the recording is damaged at offset %zu; record it again",
                reader->path, (size_t)(reader->next - reader->start));
}

/*
 * Finds the entry at reader->next and checks its sum.
 * Returns: its payload; with its @type, and where the @after next one begins.
 * NULL if the file ends before the entry does, or with @error set.
 */
static const uint8_t *find_entry(RaminateRecordReader *reader, uint8_t *type,
                                 size_t *size, GError **error)
{
    size_t left = reader->end - reader->next;
    const uint8_t *entry = reader->next;
    uint32_t stored;

    if (left < RECORD_PREFIX_SIZE) {
        reader->cut = true;
        return NULL;
    }
    memcpy(&stored, entry + 1, sizeof(stored));
    *type = entry[0];
    *size = GUINT32_FROM_LE(stored);
    if (left < RECORD_PREFIX_SIZE + *size + RECORD_CRC_SIZE) {
        reader->cut = true;
        return NULL;
    }
    memcpy(&stored, entry + RECORD_PREFIX_SIZE + *size, sizeof(stored));
    if (raminate_record_crc(0, entry, RECORD_PREFIX_SIZE + *size) !=
        GUINT32_FROM_LE(stored)) {
        set_damaged(reader, error);
        return NULL;
    }
    return entry + RECORD_PREFIX_SIZE;
}

/* Header */

static bool read_header(RaminateRecordReader *reader, GError **error)
{
    Cursor cursor = { .next = reader->start, .end = reader->end };
    const uint8_t *payload;
    uint32_t version;
    uint8_t type;
    size_t size;

    if (!raminate_record_has_magic(reader->start,
                                   reader->end - reader->start)) {
        g_set_error(error, RAMINATE_RECORD_ERROR,
                    RAMINATE_RECORD_ERROR_FOREIGN,
                    "%s is not a recording of RAMinate; give a file that "
                    "record= has written", reader->path);
        return false;
    }
    take(&cursor, RECORD_MAGIC_SIZE);
    version = take_u32(&cursor);
    if (!cursor.bad && (version < RECORD_VERSION ||
                        version > RECORD_VERSION_KINDS)) {
        g_set_error(error, RAMINATE_RECORD_ERROR,
                    RAMINATE_RECORD_ERROR_FOREIGN,
                    "%s: the recording has version %u of the format, but only "
                    "%u and %u are known; use the release that wrote it",
                    reader->path, version, RECORD_VERSION,
                    RECORD_VERSION_KINDS);
        return false;
    }
    reader->next = cursor.next;
    payload = find_entry(reader, &type, &size, error);
    if (!payload) {
        if (reader->cut) {
            g_set_error(error, RAMINATE_RECORD_ERROR,
                        RAMINATE_RECORD_ERROR_DAMAGED,
                        "%s: the recording ends within its header; record it "
                        "again", reader->path);
        }
        return false;
    }
    cursor.next = payload;
    cursor.end = payload + size;
    if (type != RECORD_HEADER ||
        !raminate_record_take_header(&reader->header, &cursor)) {
        set_damaged(reader, error);
        return false;
    }
    reader->header.kinds = RAMINATE_WRITTEN;
    if (version == RECORD_VERSION_KINDS) {
        reader->header.kinds |= RAMINATE_READ;
    }
    reader->first_entry = cursor.end + RECORD_CRC_SIZE;
    return true;
}

/* Pages */

/*
 * Makes room for @nr numbers, of @max that may come.  Whoever made the file
 * may claim any number: there must be bytes for them before there is room.
 */
static bool reserve(RaminateRecordReader *reader, uint32_t **numbers,
                    size_t *room, size_t nr, size_t max)
{
    size_t more = MIN(MAX(nr, 2 * *room), MAX(nr, max));
    uint32_t *moved;

    if (nr <= *room) {
        return true;
    }
    moved = g_try_renew(uint32_t, *numbers, more);
    if (!moved) {
        reader->out_of_memory = true;
        return false;
    }
    *numbers = moved;
    *room = more;
    return true;
}

/* Returns: number of pages taken, at most @max. */
static size_t take_runs(Cursor *cursor, uint32_t first, uint32_t end,
                        uint32_t *pages, size_t max)
{
    size_t nr = take_up_to(cursor, max - 1) + 1;
    uint32_t next = first;
    size_t i = 0;

    while (i < nr && !cursor->bad) {
        uint64_t gap = take_up_to(cursor, (uint64_t)end << 1);
        uint64_t run = gap & 1 ? take_up_to(cursor, nr) + 2 : 1;

        gap >>= 1;
        if (gap + run > end - next || run > nr - i) {
            cursor->bad = true;
            break;
        }
        next += gap;
        while (run--) {
            pages[i++] = next++;
        }
    }
    return cursor->bad ? 0 : nr;
}

/* Returns: number of pages taken, at most @max. */
static size_t take_bitmap(Cursor *cursor, uint32_t first, uint32_t end,
                          uint32_t *pages, size_t max)
{
    uint32_t bits = end - first;
    const uint8_t *bitmap = take(cursor, (bits + 7) / 8);
    size_t nr = 0;

    for (uint32_t i = 0; bitmap && i < (bits + 7) / 8; i++) {
        for (unsigned byte = bitmap[i]; byte; byte &= byte - 1) {
            uint32_t page = first + i * 8 + __builtin_ctz(byte);

            if (page >= end || nr == max) {
                cursor->bad = true;
                return 0;
            }
            pages[nr++] = page;
        }
    }
    return nr;
}

static size_t take_pages(RaminateRecordReader *reader, Cursor *cursor,
                         PageList *list)
{
    uint32_t nr_pages = reader->header.nr_pages;
    size_t nr = take_up_to(cursor, nr_pages);
    uint64_t block = 0;
    size_t i = 0;

    while (i < nr && !cursor->bad) {
        uint64_t first, end;
        uint8_t how;

        block += take_up_to(cursor, nr_pages);
        first = block * RECORD_BLOCK_PAGES;
        end = MIN(first + RECORD_BLOCK_PAGES, nr_pages);
        if (first >= nr_pages) {
            cursor->bad = true;
            break;
        }
        how = take_u8(cursor);
        if (!reserve(reader, &list->pages, &list->room,
                     MIN(i + RECORD_BLOCK_PAGES, nr), nr)) {
            break;
        }
        if (how == RECORD_BLOCK_RUNS) {
            i += take_runs(cursor, first, end, list->pages + i, nr - i);
        } else if (how == RECORD_BLOCK_BITMAP) {
            i += take_bitmap(cursor, first, end, list->pages + i, nr - i);
        } else {
            cursor->bad = true;
        }
        block++;
    }
    return nr;
}

/* Each count takes a byte at least. */
static bool reserve_counts(RaminateRecordReader *reader, const Cursor *cursor,
                           size_t nr)
{
    size_t room = reader->counts_room;

    if (nr > bytes_left(cursor) ||
        !reserve(reader, &reader->written, &room, nr, nr)) {
        return false;
    }
    return reserve(reader, &reader->read, &reader->counts_room, nr, nr);
}

static void take_counts(Cursor *cursor, uint32_t *counts, size_t nr)
{
    for (size_t i = 0; i < nr && !cursor->bad; i++) {
        counts[i] = take_up_to(cursor, UINT32_MAX);
    }
}

/* @has_kinds: the entry says what was looked for. */
static void take_found(RaminateRecordReader *reader, Cursor *cursor,
                       bool has_kinds, RaminateRecordEntry *entry)
{
    unsigned kinds = has_kinds ? take_u8(cursor) : RAMINATE_WRITTEN;

    cursor->bad |= !kinds || kinds & ~reader->header.kinds;
    if (kinds & RAMINATE_WRITTEN) {
        entry->nr = take_pages(reader, cursor, &reader->pages);
        entry->pages = reader->pages.pages;
    }
    if (kinds & RAMINATE_READ) {
        entry->nr_read_pages = take_pages(reader, cursor, &reader->read_pages);
        entry->read_pages = reader->read_pages.pages;
    }
    if (!raminate_record_has_lines(entry->type)) {
        entry->kinds = kinds;
    }
}

static bool take_entry(RaminateRecordReader *reader, Cursor *cursor,
                       bool has_kinds, RaminateRecordEntry *entry)
{
    entry->time_ms = take_signed(cursor);
    entry->window_ms = take_up_to(cursor, UINT32_MAX);
    if (entry->time_ms < -RECORD_MAX_TIME ||
        entry->time_ms > RECORD_MAX_TIME) {
        return false;
    }
    if (entry->type == RAMINATE_RECORD_BATCH) {
        return raminate_record_take_batch(cursor, reader->header.nr_pages,
                                          &reader->moves, entry,
                                          &reader->out_of_memory);
    }
    take_found(reader, cursor, has_kinds, entry);
    if (raminate_record_has_lines(entry->type)) {
        uint8_t flags = take_u8(cursor);

        if (flags & ~RECORD_HAS_READS ||
            !reserve_counts(reader, cursor, entry->nr)) {
            return false;
        }
        take_counts(cursor, reader->written, entry->nr);
        entry->written = reader->written;
        if (flags & RECORD_HAS_READS) {
            take_counts(cursor, reader->read, entry->nr);
            entry->read = reader->read;
        }
    }
    return !cursor->bad && !reader->out_of_memory &&
           cursor->next == cursor->end;
}

/* Returns: whether the scan, if it is one, comes after those before it. */
static bool is_in_order(RaminateRecordReader *reader,
                        const RaminateRecordEntry *entry)
{
    if (entry->type == RAMINATE_RECORD_SCAN) {
        if (entry->time_ms < reader->last_scan_ms) {
            return false;
        }
        reader->last_scan_ms = entry->time_ms;
    }
    return true;
}

static void set_wrong(const RaminateRecordReader *reader, GError **error)
{
    if (reader->out_of_memory) {
        g_set_error(error, RAMINATE_RECORD_ERROR,
                    RAMINATE_RECORD_ERROR_MEMORY,
                    "%s: not enough memory for all pages of the entry at "
                    "offset %zu; use a host that has more", reader->path,
                    (size_t)(reader->next - reader->start));
    } else {
        set_damaged(reader, error);
    }
}

static void set_unknown(const RaminateRecordReader *reader, uint8_t type,
                        GError **error)
{
    g_set_error(error, RAMINATE_RECORD_ERROR, RAMINATE_RECORD_ERROR_FOREIGN,
                "%s: the entry at offset %zu is of type %u, which is not "
                "known; use the release that wrote it", reader->path,
                (size_t)(reader->next - reader->start), type);
}

/*
 * @stored: as it is in the file; another number than @type if the entry says
 *          what was looked for
 * Returns: false if it is not known.
 */
static bool take_type(const RaminateRecordReader *reader, uint8_t stored,
                      RaminateRecordType *type)
{
    switch (stored) {
    case RAMINATE_RECORD_SCAN:
    case RAMINATE_RECORD_LOOK:
    case RAMINATE_RECORD_TRAFFIC:
    case RAMINATE_RECORD_GAUGE:
    case RAMINATE_RECORD_BATCH:
        *type = stored;
        return true;
    case RECORD_SCAN_KINDS:
    case RECORD_LOOK_KINDS:
        *type = stored == RECORD_SCAN_KINDS ? RAMINATE_RECORD_SCAN
                                            : RAMINATE_RECORD_LOOK;
        return reader->header.kinds & ~RAMINATE_WRITTEN;
    }
    return false;
}

bool raminate_record_reader_next(RaminateRecordReader *reader,
                                 RaminateRecordEntry *entry, GError **error)
{
    const uint8_t *payload;
    uint8_t type;
    size_t size;
    Cursor cursor;

    payload = find_entry(reader, &type, &size, error);
    if (!payload) {
        return false;
    }
    if (type == RAMINATE_RECORD_END) {
        return false;
    }
    memset(entry, 0, sizeof(*entry));
    cursor = (Cursor) { .next = payload, .end = payload + size };
    if (!take_type(reader, type, &entry->type)) {
        set_unknown(reader, type, error);
        return false;
    }
    if (!take_entry(reader, &cursor, type != entry->type, entry) ||
        !is_in_order(reader, entry)) {
        set_wrong(reader, error);
        return false;
    }
    reader->next = payload + size + RECORD_CRC_SIZE;
    return true;
}

/* Life */

static bool map_file(RaminateRecordReader *reader, GError **error)
{
    g_autoptr(GError) err = NULL;
    const char *trouble = NULL;
    int fd;

    if (g_file_test(reader->path, G_FILE_TEST_EXISTS) &&
        !g_file_test(reader->path, G_FILE_TEST_IS_REGULAR)) {
        trouble = "it is not a regular file";
    } else if ((fd = g_open(reader->path, O_RDONLY | O_CLOEXEC, 0)) < 0) {
        trouble = g_strerror(errno);
    } else {
        reader->file = g_mapped_file_new_from_fd(fd, FALSE, &err);
        g_close(fd, NULL);
    }
    if (!reader->file) {
        g_set_error(error, RAMINATE_RECORD_ERROR, RAMINATE_RECORD_ERROR_IO,
                    "can't open the recording %s: %s", reader->path,
                    trouble ?: err->message);
        return false;
    }
    reader->start = (const uint8_t *)g_mapped_file_get_contents(reader->file);
    /* An empty file is mapped nowhere. */
    if (reader->start) {
        reader->end = reader->start + g_mapped_file_get_length(reader->file);
    }
    return true;
}

RaminateRecordReader *raminate_record_reader_new(const char *path,
                                                 GError **error)
{
    RaminateRecordReader *reader = g_new0(RaminateRecordReader, 1);

    reader->path = g_strdup(path);
    if (!map_file(reader, error) || !read_header(reader, error)) {
        raminate_record_reader_free(reader);
        return NULL;
    }
    raminate_record_reader_rewind(reader);
    return reader;
}

void raminate_record_reader_free(RaminateRecordReader *reader)
{
    if (!reader) {
        return;
    }
    for (unsigned i = 0; i < reader->header.nr_tiers; i++) {
        g_free((char *)reader->header.tiers[i].id);
    }
    if (reader->file) {
        g_mapped_file_unref(reader->file);
    }
    g_free(reader->path);
    g_free(reader->pages.pages);
    g_free(reader->read_pages.pages);
    g_free(reader->moves);
    g_free(reader->written);
    g_free(reader->read);
    g_free(reader);
}

const RaminateRecordHeader *
raminate_record_reader_header(const RaminateRecordReader *reader)
{
    return &reader->header;
}

void raminate_record_reader_rewind(RaminateRecordReader *reader)
{
    reader->next = reader->first_entry;
    reader->last_scan_ms = INT64_MIN;
    reader->cut = false;
}

bool raminate_record_reader_is_cut(const RaminateRecordReader *reader)
{
    return reader->cut;
}

double raminate_record_reader_progress(const RaminateRecordReader *reader)
{
    return (double)(reader->next - reader->start) /
           (reader->end - reader->start);
}
