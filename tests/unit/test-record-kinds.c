/*
 * RAMinate: recordings tell what was read, too, and are as they were if not
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "hw/raminate/record/format.h"
#include "hw/raminate/record/record.h"
#include "directory.h"

#define NR_PAGES 100003         /* the last block is not full */
#define W RAMINATE_WRITTEN
#define R RAMINATE_READ

static char *directory;

static const RaminateRecordHeader header = {
    .page_size = 4096,
    .nr_pages = NR_PAGES,
    .nr_tiers = 1,
    .tiers = { { "dram0", 0, 0, NR_PAGES, { 1, 1, 0 } } },
};

static const uint32_t written[] = { 3, 4, 70, 40000 };
static const uint32_t read_pages[] = { 4, 5, 6, 40001, NR_PAGES - 1 };

/* @kinds: that were looked for; 0 as by those who know of none */
static void put(GByteArray *bytes, RaminateRecordType type, int64_t time_ms,
                unsigned kinds)
{
    RaminateRecordEntry entry = {
        .type = type, .time_ms = time_ms, .window_ms = 1000, .kinds = kinds,
    };

    if (!kinds || kinds & W) {
        entry.pages = written;
        entry.nr = G_N_ELEMENTS(written);
    }
    if (kinds & R) {
        entry.read_pages = read_pages;
        entry.nr_read_pages = G_N_ELEMENTS(read_pages);
    }
    raminate_record_put_entry(bytes, NR_PAGES, &entry);
}

static GByteArray *make_file(unsigned kinds)
{
    RaminateRecordHeader with_kinds = header;
    GByteArray *bytes = g_byte_array_new();

    with_kinds.kinds = kinds;
    raminate_record_put_header(bytes, &with_kinds);
    return bytes;
}

static RaminateRecordReader *read_file(const GByteArray *bytes)
{
    g_autofree char *path = g_build_filename(directory, "recording", NULL);
    g_autoptr(GError) error = NULL;
    RaminateRecordReader *reader;

    g_assert_true(g_file_set_contents(path, (const char *)bytes->data,
                                      bytes->len, NULL));
    reader = raminate_record_reader_new(path, &error);
    g_assert_no_error(error);
    return reader;
}

static void test_kinds_come_back(void)
{
    static const unsigned kinds[] = { W | R, W, R, 0, W | R };
    static const RaminateRecordType types[] = {
        RAMINATE_RECORD_SCAN, RAMINATE_RECORD_LOOK,
    };
    g_autoptr(GByteArray) bytes = make_file(W | R);
    g_autoptr(RaminateRecordReader) reader = NULL;
    g_autoptr(GError) error = NULL;
    RaminateRecordEntry entry;

    for (size_t i = 0; i < 2 * G_N_ELEMENTS(kinds); i++) {
        put(bytes, types[i % 2], i, kinds[i / 2]);
    }
    put(bytes, RAMINATE_RECORD_END, 0, 0);
    reader = read_file(bytes);
    g_assert_cmpuint(raminate_record_reader_header(reader)->kinds, ==, W | R);
    for (size_t i = 0; i < 2 * G_N_ELEMENTS(kinds); i++) {
        unsigned expected = kinds[i / 2] ?: W;

        g_assert_true(raminate_record_reader_next(reader, &entry, &error));
        g_assert_cmpint(entry.type, ==, types[i % 2]);
        g_assert_cmpint(entry.time_ms, ==, i);
        g_assert_cmpuint(entry.window_ms, ==, 1000);
        g_assert_cmpuint(entry.kinds, ==, expected);
        g_assert_cmpmem(entry.pages, entry.nr * 4, written,
                        expected & W ? sizeof(written) : 0);
        g_assert_cmpmem(entry.read_pages, entry.nr_read_pages * 4, read_pages,
                        expected & R ? sizeof(read_pages) : 0);
    }
    g_assert_false(raminate_record_reader_next(reader, &entry, &error));
    g_assert_no_error(error);
    g_assert_false(raminate_record_reader_is_cut(reader));
}

/* Appends the checksum of what comes from @start on. */
static void put_sum(GByteArray *bytes, guint start)
{
    uint32_t crc = GUINT32_TO_LE(raminate_record_crc(0, bytes->data + start,
                                                     bytes->len - start));

    g_byte_array_append(bytes, (const uint8_t *)&crc, sizeof(crc));
}

static void put_raw(GByteArray *bytes, uint8_t type, const void *payload,
                    size_t size)
{
    uint32_t length = GUINT32_TO_LE(size);
    guint start = bytes->len;

    g_byte_array_append(bytes, &type, 1);
    g_byte_array_append(bytes, (const uint8_t *)&length, sizeof(length));
    g_byte_array_append(bytes, payload, size);
    put_sum(bytes, start);
}

/* Time 1000, window 1000, no kinds, and the four pages in runs */
static const uint8_t known[] = {
    0xd0, 0x0f, 0xe8, 0x07, 4, 0, 0, 2, 7, 0, 130, 1, 0, 0, 0, 0x80, 0x71,
};

/* Byte for byte as before there were kinds, and so for those who know none */
static void test_writes_alone_are_as_they_were(void)
{
    static const unsigned kinds[] = { 0, W };

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(GByteArray) bytes = make_file(kinds[i]);
        g_autoptr(GByteArray) expected = g_byte_array_new();

        g_assert_cmpuint(bytes->data[RECORD_MAGIC_SIZE], ==, 1);
        g_byte_array_set_size(bytes, 0);
        put(bytes, RAMINATE_RECORD_SCAN, 1000, kinds[i]);
        put(bytes, RAMINATE_RECORD_LOOK, 1000, kinds[i]);
        put_raw(expected, 1, known, sizeof(known));
        put_raw(expected, 2, known, sizeof(known));
        g_assert_cmpmem(bytes->data, bytes->len, expected->data,
                        expected->len);
    }
}

/* They refuse the version, before they come to what they can't read. */
static void test_kinds_have_a_version_of_their_own(void)
{
    static const unsigned kinds[] = { R, W | R };

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(GByteArray) bytes = make_file(kinds[i]);

        g_assert_cmpuint(bytes->data[RECORD_MAGIC_SIZE], ==, 2);
    }
}

/* @kinds: of the header */
static void refuse_entry(unsigned kinds, uint8_t type, const void *payload,
                         size_t size, int code)
{
    g_autoptr(GByteArray) bytes = make_file(kinds);
    g_autoptr(RaminateRecordReader) reader = NULL;
    g_autoptr(GError) error = NULL;
    RaminateRecordEntry entry;

    put_raw(bytes, type, payload, size);
    reader = read_file(bytes);
    g_assert_false(raminate_record_reader_next(reader, &entry, &error));
    g_assert_error(error, RAMINATE_RECORD_ERROR, code);
}

static void test_what_nobody_writes_is_refused(void)
{
    /* Time, window, kinds, and as many lists of one page, which is page 0 */
    static const uint8_t wrong[][15] = {
        { 0, 0, 0 },
        { 0, 0, 4, 1, 0, 0, 0, 0 },
        { 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0 },
        { 0, 0, 3, 1, 0, 0, 0, 0 },
        { 0, 0, 7, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0 },
    };
    static const size_t sizes[] = { 3, 8, 13, 8, 13 };
    static const uint8_t good[] = { 0, 0, 3, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0 };

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        refuse_entry(W | R, RECORD_SCAN_KINDS, wrong[i], sizes[i],
                     RAMINATE_RECORD_ERROR_DAMAGED);
        refuse_entry(W | R, RECORD_LOOK_KINDS, wrong[i], sizes[i],
                     RAMINATE_RECORD_ERROR_DAMAGED);
    }
    /* What is not of this version, or of none that is known */
    refuse_entry(W, RECORD_SCAN_KINDS, good, sizeof(good),
                 RAMINATE_RECORD_ERROR_FOREIGN);
    refuse_entry(W | R, RECORD_LOOK_KINDS + 1, good, sizeof(good),
                 RAMINATE_RECORD_ERROR_FOREIGN);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    directory = g_dir_make_tmp("raminate-kinds-XXXXXX", NULL);
    g_test_add_func("/record-kinds/come-back", test_kinds_come_back);
    g_test_add_func("/record-kinds/writes-alone-are-as-they-were",
                    test_writes_alone_are_as_they_were);
    g_test_add_func("/record-kinds/have-a-version-of-their-own",
                    test_kinds_have_a_version_of_their_own);
    g_test_add_func("/record-kinds/what-nobody-writes-is-refused",
                    test_what_nobody_writes_is_refused);
    ret = g_test_run();
    directory_remove(directory);
    return ret;
}
