/*
 * Traffic and scans of one run become one recording
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <string.h>

#include "tools/traffic/merge.h"
#include "directory.h"

#define NR_PAGES 100000

static char *directory;

static char *save(const char *name, const GByteArray *bytes)
{
    char *path = g_build_filename(directory, name, NULL);

    g_assert_true(g_file_set_contents(path, (const char *)bytes->data,
                                      bytes->len, NULL));
    return path;
}

static GByteArray *make_file(uint32_t nr_pages)
{
    RaminateRecordHeader header = {
        .page_size = 4096,
        .nr_pages = nr_pages,
        .started_us = 1234,
        .kinds = RAMINATE_WRITTEN | RAMINATE_READ,
        .nr_tiers = 1,
        .tiers = { { .id = "ram", .count = nr_pages } },
    };
    GByteArray *bytes = g_byte_array_new();

    raminate_record_default_costs(&header);
    raminate_record_put_header(bytes, &header);
    return bytes;
}

static void put(GByteArray *bytes, RaminateRecordType type, int64_t time_ms,
                uint32_t page)
{
    uint32_t pages[] = { page, NR_PAGES - 1 };
    uint32_t written[] = { page, 1 };
    uint32_t read[] = { 2, 3 };
    RaminateRecordEntry entry = {
        .type = type,
        .time_ms = time_ms,
        .window_ms = 10,
        .pages = pages,
        .nr = 2,
        .written = written,
        .read = read,
    };

    raminate_record_put_entry(bytes, NR_PAGES, &entry);
}

/* Puts the scans at 100, 200, 300, and a second look at 220. */
static GByteArray *make_scans(void)
{
    GByteArray *bytes = make_file(NR_PAGES);

    put(bytes, RAMINATE_RECORD_SCAN, 100, 1);
    put(bytes, RAMINATE_RECORD_SCAN, 200, 2);
    put(bytes, RAMINATE_RECORD_LOOK, 220, 3);
    put(bytes, RAMINATE_RECORD_GAUGE, 300, 5);
    put(bytes, RAMINATE_RECORD_SCAN, 300, 4);
    put(bytes, RAMINATE_RECORD_END, 0, 0);
    return bytes;
}

static bool append(const GByteArray *bytes, void *opaque, GError **error)
{
    if (((GByteArray *)opaque)->len > 1 << 20) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC, "it is full");
        return false;
    }
    g_byte_array_append(opaque, bytes->data, bytes->len);
    return true;
}

/* Returns: the merged file, or NULL with @error set. */
static char *run(const GByteArray *scans, const GByteArray *traffic,
                 int64_t offset_ms, MergeResult *result, GError **error)
{
    g_autofree char *scans_path = save("scans", scans);
    g_autofree char *traffic_path = save("traffic", traffic);
    g_autoptr(RaminateRecordReader) a =
        raminate_record_reader_new(scans_path, error);
    g_autoptr(RaminateRecordReader) b =
        raminate_record_reader_new(traffic_path, error);
    g_autoptr(GByteArray) merged = g_byte_array_new();

    g_assert_true(a && b);
    if (!merge(a, b, offset_ms, append, merged, result, error)) {
        return NULL;
    }
    return save("merged", merged);
}

/* Checks that the next entry is of that type and time. */
static void next_is(RaminateRecordReader *reader, RaminateRecordType type,
                    int64_t time_ms, RaminateRecordEntry *entry)
{
    g_assert_true(raminate_record_reader_next(reader, entry, NULL));
    g_assert_cmpint(entry->type, ==, type);
    g_assert_cmpint(entry->time_ms, ==, time_ms);
}

static void has_count(const RaminateRecordEntry *entry, size_t i,
                      uint32_t page, uint32_t written, uint32_t read)
{
    g_assert_cmpuint(i, <, entry->nr);
    g_assert_cmpuint(entry->pages[i], ==, page);
    g_assert_cmpuint(entry->written[i], ==, written);
    g_assert_cmpuint(entry->read[i], ==, read);
}

static void test_times(void)
{
    g_autoptr(GByteArray) scans = make_scans();
    g_autoptr(GByteArray) traffic = make_file(NR_PAGES);
    g_autoptr(RaminateRecordReader) reader = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    RaminateRecordEntry entry;
    MergeResult result;

    /* None in the first scan's window; three until the second one's end */
    put(traffic, RAMINATE_RECORD_TRAFFIC, 30, 1);
    put(traffic, RAMINATE_RECORD_TRAFFIC, 110, 2);
    put(traffic, RAMINATE_RECORD_TRAFFIC, 121, 7);
    put(traffic, RAMINATE_RECORD_TRAFFIC, 170, 7);
    put(traffic, RAMINATE_RECORD_TRAFFIC, 220, 9);
    put(traffic, RAMINATE_RECORD_TRAFFIC, 221, 5);
    put(traffic, RAMINATE_RECORD_TRAFFIC, 321, 6);
    put(traffic, RAMINATE_RECORD_END, 0, 0);
    path = run(scans, traffic, -20, &result, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(result.scans, ==, 3);
    g_assert_cmpuint(result.lines_written, ==, 7 + 7 + 9 + 5 + 4);
    g_assert_cmpuint(result.lines_read, ==, 4 * 5);
    g_assert_cmpuint(result.lines_early, ==, 2 + 3);
    g_assert_cmpuint(result.lines_late, ==, 7);
    g_assert_false(result.cut);

    reader = raminate_record_reader_new(path, NULL);
    g_assert_cmpint(raminate_record_reader_header(reader)->started_us, ==,
                    1234);
    next_is(reader, RAMINATE_RECORD_TRAFFIC, 100, &entry);
    g_assert_cmpuint(entry.nr, ==, 0);
    next_is(reader, RAMINATE_RECORD_SCAN, 100, &entry);
    g_assert_cmpuint(entry.pages[0], ==, 1);
    next_is(reader, RAMINATE_RECORD_TRAFFIC, 200, &entry);
    g_assert_cmpuint(entry.nr, ==, 3);
    g_assert_cmpuint(entry.window_ms, ==, 30);
    has_count(&entry, 0, 7, 14, 4);
    has_count(&entry, 1, 9, 9, 2);
    has_count(&entry, 2, NR_PAGES - 1, 3, 9);
    next_is(reader, RAMINATE_RECORD_SCAN, 200, &entry);
    next_is(reader, RAMINATE_RECORD_LOOK, 220, &entry);
    g_assert_cmpuint(entry.pages[0], ==, 3);
    next_is(reader, RAMINATE_RECORD_GAUGE, 300, &entry);
    g_assert_cmpuint(entry.written[0], ==, 5);
    next_is(reader, RAMINATE_RECORD_TRAFFIC, 300, &entry);
    has_count(&entry, 0, 5, 5, 2);
    next_is(reader, RAMINATE_RECORD_SCAN, 300, &entry);
    g_assert_false(raminate_record_reader_next(reader, &entry, NULL));
    g_assert_false(raminate_record_reader_is_cut(reader));
}

static void test_cut(void)
{
    g_autoptr(GByteArray) scans = make_scans();
    g_autoptr(GByteArray) traffic = make_file(NR_PAGES);
    g_autofree char *path = NULL;
    MergeResult result;

    /* The plugin's QEMU was killed. */
    put(traffic, RAMINATE_RECORD_TRAFFIC, 95, 7);
    g_byte_array_append(traffic, (const uint8_t *)"\3", 1);
    path = run(scans, traffic, 0, &result, NULL);
    g_assert_nonnull(path);
    g_assert_true(result.cut);
    g_assert_cmpuint(result.lines_written, ==, 8);
}

static void fails(const GByteArray *scans, const GByteArray *traffic,
                  const char *message)
{
    g_autoptr(GError) error = NULL;
    MergeResult result;

    g_assert_null(run(scans, traffic, 0, &result, &error));
    g_assert_nonnull(strstr(error->message, message));
}

static void test_errors(void)
{
    g_autoptr(GByteArray) scans = make_scans();
    g_autoptr(GByteArray) traffic = make_file(NR_PAGES);
    g_autoptr(GByteArray) other = make_file(NR_PAGES + 1);
    g_autoptr(GByteArray) many = make_file(NR_PAGES);

    put(traffic, RAMINATE_RECORD_TRAFFIC, 95, 7);
    fails(scans, other, "the traffic is of 100001 pages, the scans are of "
          "100000");
    fails(scans, scans, "has scans");
    fails(traffic, traffic, "has traffic already");
    for (unsigned i = 0; i < 50000; i++) {
        put(many, RAMINATE_RECORD_SCAN, i, 1);
    }
    fails(many, traffic, "it is full");
    traffic->data[traffic->len - 1] ^= 1;
    fails(scans, traffic, "damaged");
}

static void test_kinds_are_kept(void)
{
    static const uint32_t written = 3;
    static const uint32_t read[] = { 3, 5 };
    RaminateRecordEntry entry = {
        .type = RAMINATE_RECORD_SCAN, .time_ms = 100, .window_ms = 10,
        .kinds = RAMINATE_WRITTEN | RAMINATE_READ,
        .pages = &written, .nr = 1,
        .read_pages = read, .nr_read_pages = 2,
    };
    g_autoptr(GByteArray) scans = make_file(NR_PAGES);
    g_autoptr(GByteArray) traffic = make_file(NR_PAGES);
    g_autoptr(RaminateRecordReader) reader = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    MergeResult result;

    raminate_record_put_entry(scans, NR_PAGES, &entry);
    path = run(scans, traffic, 0, &result, &error);
    g_assert_no_error(error);
    reader = raminate_record_reader_new(path, NULL);
    next_is(reader, RAMINATE_RECORD_TRAFFIC, 100, &entry);
    next_is(reader, RAMINATE_RECORD_SCAN, 100, &entry);
    g_assert_cmpuint(entry.kinds, ==, RAMINATE_WRITTEN | RAMINATE_READ);
    g_assert_cmpmem(entry.pages, entry.nr * 4, &written, sizeof(written));
    g_assert_cmpmem(entry.read_pages, entry.nr_read_pages * 4, read,
                    sizeof(read));
}

/* As the plugin tells of pages that were accessed in 10 ms */
static void put_accesses(GByteArray *bytes, int64_t time_ms, uint32_t page)
{
    uint32_t pages[] = { page, NR_PAGES - 1 };
    RaminateRecordEntry entry = {
        .type = RAMINATE_RECORD_SCAN,
        .time_ms = time_ms,
        .window_ms = 10,
        .kinds = RAMINATE_READ,
        .read_pages = pages,
        .nr_read_pages = 2,
    };

    put(bytes, RAMINATE_RECORD_TRAFFIC, time_ms, page);
    raminate_record_put_entry(bytes, NR_PAGES, &entry);
}

/* Checks what the next entry found: one page written, others read. */
static void next_found(RaminateRecordReader *reader, RaminateRecordType type,
                       int64_t time_ms, uint32_t written, size_t nr_read,
                       const uint32_t *read)
{
    RaminateRecordEntry entry;

    do {
        g_assert_true(raminate_record_reader_next(reader, &entry, NULL));
    } while (entry.type != type);
    g_assert_cmpint(entry.time_ms, ==, time_ms);
    g_assert_cmpuint(entry.kinds, ==, RAMINATE_ACCESSED);
    g_assert_cmpuint(entry.pages[0], ==, written);
    g_assert_cmpmem(entry.read_pages, entry.nr_read_pages * sizeof(*read),
                    read, nr_read * sizeof(*read));
}

static void test_accesses_are_read(void)
{
    static const uint32_t of_scan[] = { 7, 9, 11, NR_PAGES - 1 };
    static const uint32_t of_look[] = { 3, 4, NR_PAGES - 1 };
    static const uint32_t of_last[] = { 1, 3, 4, 5, NR_PAGES - 1 };
    g_autoptr(GByteArray) scans = make_scans();
    g_autoptr(GByteArray) traffic = make_file(NR_PAGES);
    g_autoptr(RaminateRecordReader) reader = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    MergeResult result;

    put_accesses(traffic, 90, 2);
    put_accesses(traffic, 110, 9);
    put_accesses(traffic, 150, 7);
    put_accesses(traffic, 200, 11);
    /* The look is of 10 ms. */
    put_accesses(traffic, 210, 1);
    put_accesses(traffic, 211, 4);
    put_accesses(traffic, 220, 3);
    put_accesses(traffic, 230, 5);
    path = run(scans, traffic, 0, &result, &error);
    g_assert_no_error(error);
    reader = raminate_record_reader_new(path, NULL);
    next_found(reader, RAMINATE_RECORD_SCAN, 100, 1, 0, NULL);
    next_found(reader, RAMINATE_RECORD_SCAN, 200, 2, 4, of_scan);
    next_found(reader, RAMINATE_RECORD_LOOK, 220, 3, 3, of_look);
    next_found(reader, RAMINATE_RECORD_SCAN, 300, 4, 5, of_last);
    g_assert_cmpuint(result.lines_written, ==, 9 + 7 + 11 + 1 + 4 + 3 + 5 + 7);
    g_assert_cmpuint(result.lines_early, ==, 3);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    directory = g_dir_make_tmp("raminate-merge-XXXXXX", NULL);
    g_test_add_func("/merge/traffic-comes-before-its-scan", test_times);
    g_test_add_func("/merge/what-is-cut-off-is-merged", test_cut);
    g_test_add_func("/merge/what-does-not-fit-is-refused", test_errors);
    g_test_add_func("/merge/kinds-are-kept", test_kinds_are_kept);
    g_test_add_func("/merge/accesses-are-read", test_accesses_are_read);
    ret = g_test_run();
    directory_remove(directory);
    return ret;
}
