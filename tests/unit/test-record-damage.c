/*
 * RAMinate: recordings that are damaged, cut or foreign are refused
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "hw/raminate/record/format.h"
#include "record-file.h"

static void test_wrong_batches(void)
{
    static const RaminateMove wrong[] = {
        { .page = 5, .with = 5 },
        { .page = NR_PAGES, .with = 5 },
        { .page = 5, .with = NR_PAGES },
        { .page = 5, .with = 6, .status = RAMINATE_MOVE_HELD + 1 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *path = file_path("wrong-batch");
        g_autoptr(GByteArray) bytes = make_file();
        g_autoptr(RaminateRecordReader) reader = NULL;
        g_autoptr(GError) error = NULL;
        RaminateRecordEntry entry;

        put_batch(bytes, &wrong[i], 1, false);
        save(bytes, path, bytes->len);
        reader = raminate_record_reader_new(path, NULL);
        g_assert_false(raminate_record_reader_next(reader, &entry, &error));
        g_assert_error(error, RAMINATE_RECORD_ERROR,
                       RAMINATE_RECORD_ERROR_DAMAGED);
    }
}

/* Returns: number of entries that the first @size bytes give. */
static unsigned read_cut(const GByteArray *bytes, gsize size, bool *cut,
                         GError **error)
{
    g_autofree char *path = file_path("cut");
    g_autoptr(RaminateRecordReader) reader = NULL;
    RaminateRecordEntry entry;
    unsigned nr = 0;

    save(bytes, path, size);
    reader = raminate_record_reader_new(path, error);
    while (reader && raminate_record_reader_next(reader, &entry, error)) {
        nr++;
    }
    *cut = reader && raminate_record_reader_is_cut(reader);
    return nr;
}

static GByteArray *make_small(guint *ends, unsigned nr)
{
    GByteArray *bytes = make_file();
    uint32_t pages[] = { 1, 2, 3, 70, 40000, NR_PAGES - 1 };
    RaminateRecordEntry entry = { .type = RAMINATE_RECORD_SCAN,
                                  .pages = pages,
                                  .nr = G_N_ELEMENTS(pages) };

    for (unsigned i = 0; i < nr; i++) {
        ends[i] = bytes->len;
        raminate_record_put_entry(bytes, NR_PAGES, &entry);
    }
    ends[nr] = bytes->len;
    put_end(bytes);
    return bytes;
}

static void test_cut_anywhere(void)
{
    guint ends[4];
    g_autoptr(GByteArray) bytes = make_small(ends, 3);

    for (guint size = 0; size <= bytes->len; size++) {
        g_autoptr(GError) error = NULL;
        unsigned whole = 0;
        bool cut;
        unsigned nr = read_cut(bytes, size, &cut, &error);

        if (size < ends[0]) {
            g_assert_nonnull(error);
            continue;
        }
        g_assert_no_error(error);
        while (whole < 3 && ends[whole + 1] <= size) {
            whole++;
        }
        g_assert_cmpuint(nr, ==, whole);
        g_assert_true(cut == (size < bytes->len));
    }
}

static void test_damage_is_found(void)
{
    guint ends[4];
    g_autoptr(GByteArray) bytes = make_small(ends, 3);

    for (guint i = 0; i < bytes->len; i++) {
        g_autoptr(GError) error = NULL;
        bool cut;

        /* A changed length may reach beyond the end: then it is cut. */
        bytes->data[i] ^= 1 << i % 8;
        read_cut(bytes, bytes->len, &cut, &error);
        g_assert_true(error || cut);
        bytes->data[i] ^= 1 << i % 8;
    }
}

/* Appends an entry that is sound on the outside. */
static void put_raw(GByteArray *bytes, uint8_t type, const void *payload,
                    uint32_t size)
{
    guint start = bytes->len;
    uint32_t crc = ~0u;

    g_byte_array_append(bytes, &type, 1);
    g_byte_array_append(bytes, (uint8_t *)&size, 4);
    g_byte_array_append(bytes, payload, size);
    for (guint i = start; i < bytes->len; i++) {
        crc ^= bytes->data[i];
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
        }
    }
    crc = ~crc;
    g_byte_array_append(bytes, (uint8_t *)&crc, 4);
}

static void test_garbage_is_refused(void)
{
    for (unsigned i = 0; i < 20000; i++) {
        g_autoptr(GByteArray) bytes = make_file();
        uint8_t payload[40];
        uint32_t size = g_test_rand_int_range(0, sizeof(payload));
        g_autoptr(GError) error = NULL;
        bool cut;

        /* It must not crash. */
        for (unsigned j = 0; j < size; j++) {
            payload[j] = g_test_rand_int() >> g_test_rand_int_range(0, 32);
        }
        put_raw(bytes, g_test_rand_int_range(0, 6), payload, size);
        read_cut(bytes, bytes->len, &cut, &error);
    }
}

/* Returns: the most address space that this process ever had, in KiB. */
static uint64_t peak_kib(void)
{
    g_autofree char *text = NULL;
    const char *line;

    g_assert_true(g_file_get_contents("/proc/self/status", &text, NULL, NULL));
    line = strstr(text, "VmPeak:");
    g_assert_nonnull(line);
    return g_ascii_strtoull(line + strlen("VmPeak:"), NULL, 10);
}

static void test_claims_take_no_memory(void)
{
    static const RaminateRecordHeader large = {
        .page_size = 4096, .nr_pages = UINT32_MAX - 1, .nr_tiers = 1,
        .tiers = { { "dram0", 0, 0, UINT32_MAX - 1, { 1, 1, 0 } } },
    };
    /* Time, window, 2^32 - 2 pages; then a block of one page, or none */
    static const uint8_t claims[] = {
        0, 0, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 0,
    };
    static const RaminateRecordType types[] = {
        RAMINATE_RECORD_SCAN, RAMINATE_RECORD_LOOK, RAMINATE_RECORD_TRAFFIC,
        RAMINATE_RECORD_GAUGE,
    };
    uint64_t before = peak_kib();

    for (unsigned i = 0; i < G_N_ELEMENTS(types); i++) {
        for (size_t size = 7; size <= sizeof(claims); size++) {
            g_autoptr(GByteArray) bytes = g_byte_array_new();
            g_autoptr(GError) error = NULL;
            bool cut;

            raminate_record_put_header(bytes, &large);
            put_raw(bytes, types[i], claims, size);
            g_assert_cmpuint(read_cut(bytes, bytes->len, &cut, &error), ==, 0);
            g_assert_error(error, RAMINATE_RECORD_ERROR,
                           RAMINATE_RECORD_ERROR_DAMAGED);
        }
    }
    g_assert_cmpuint(peak_kib() - before, <, 64 << 10);
}

static void refuse_header(const RaminateRecordHeader *wrong)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GError) error = NULL;
    bool cut;

    raminate_record_put_header(bytes, wrong);
    read_cut(bytes, bytes->len, &cut, &error);
    g_assert_error(error, RAMINATE_RECORD_ERROR, RAMINATE_RECORD_ERROR_DAMAGED);
}

static void test_wrong_headers(void)
{
    RaminateRecordHeader wrong = header;

    wrong.nr_pages = NR_PAGES + 1;
    refuse_header(&wrong);
    wrong = header;
    wrong.tiers[1].first = 1;
    refuse_header(&wrong);
    wrong = header;
    wrong.tiers[2] = (RaminateRecordTier) { "none", 8, 0, 0, { 4, 50, 0 } };
    wrong.nr_tiers = 3;
    refuse_header(&wrong);
    wrong = header;
    wrong.nr_pages = UINT32_MAX;
    wrong.tiers[0].count = UINT32_MAX - 90003;
    wrong.tiers[0].first = 90003;
    refuse_header(&wrong);
}

static void test_wrong_costs(void)
{
    static const RaminateCosts costs[] = {
        { 0, 50, 1 }, { RAMINATE_MAX_COST + 1, 50, 1 },
        { 4, 2, 1 }, { 4, RAMINATE_MAX_COST + 1, 1 },
        { 4, 50, RAMINATE_MAX_COST + 1 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(costs); i++) {
        RaminateRecordHeader wrong = header;

        wrong.tiers[1].costs = costs[i];
        refuse_header(&wrong);
    }
}

/* @missing: bytes that the header lacks at its end */
static void read_short_header(size_t missing, RaminateRecordHeader *result,
                              GError **error)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(RaminateRecordReader) reader = NULL;
    g_autofree char *path = file_path("short-header");
    size_t start = RECORD_MAGIC_SIZE + sizeof(uint32_t);
    uint32_t size, crc;

    raminate_record_put_header(bytes, &header);
    g_byte_array_set_size(bytes, bytes->len - RECORD_CRC_SIZE - missing);
    size = GUINT32_TO_LE(bytes->len - start - RECORD_PREFIX_SIZE);
    memcpy(bytes->data + start + 1, &size, sizeof(size));
    crc = GUINT32_TO_LE(raminate_record_crc(0, bytes->data + start,
                                            bytes->len - start));
    g_byte_array_append(bytes, (const uint8_t *)&crc, sizeof(crc));
    save(bytes, path, bytes->len);
    reader = raminate_record_reader_new(path, error);
    if (reader) {
        *result = *raminate_record_reader_header(reader);
    }
}

/* As recordings were before costs came to the header */
static void test_header_without_costs(void)
{
    RaminateCosts fast = raminate_layout_default_costs(NULL);
    RaminateCosts slow = raminate_layout_default_costs(&fast);
    RaminateRecordHeader result;
    g_autoptr(GError) error = NULL;

    read_short_header(2 * 3 * sizeof(uint32_t), &result, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(&result.tiers[0].costs, sizeof(fast), &fast, sizeof(fast));
    g_assert_cmpmem(&result.tiers[1].costs, sizeof(slow), &slow, sizeof(slow));
    read_short_header(3 * sizeof(uint32_t), &result, &error);
    g_assert_error(error, RAMINATE_RECORD_ERROR, RAMINATE_RECORD_ERROR_DAMAGED);
}

static void test_wrong_times(void)
{
    static const int64_t wrong[][2] = {
        { 1000, 999 }, { 0, INT64_MAX }, { INT64_MIN, 0 },
    };
    static const uint32_t page = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GByteArray) bytes = make_file();
        g_autoptr(GError) error = NULL;
        bool cut;

        for (unsigned j = 0; j < 2; j++) {
            RaminateRecordEntry entry = {
                .type = RAMINATE_RECORD_SCAN, .time_ms = wrong[i][j],
                .pages = &page, .nr = 1,
            };

            raminate_record_put_entry(bytes, NR_PAGES, &entry);
        }
        read_cut(bytes, bytes->len, &cut, &error);
        g_assert_error(error, RAMINATE_RECORD_ERROR,
                       RAMINATE_RECORD_ERROR_DAMAGED);
    }
}

static void test_foreign_files(void)
{
    g_autofree char *path = file_path("foreign");
    g_autofree char *missing = file_path("missing");
    g_autoptr(GByteArray) bytes = make_file();
    static const char *const texts[] = { "", "RAM", "#!/bin/sh\necho hello\n" };
    g_autoptr(GError) error = NULL;

    g_assert_null(raminate_record_reader_new(missing, &error));
    g_assert_error(error, RAMINATE_RECORD_ERROR, RAMINATE_RECORD_ERROR_IO);
    g_clear_error(&error);
    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_assert_true(g_file_set_contents(path, texts[i], -1, NULL));
        g_assert_null(raminate_record_reader_new(path, &error));
        g_assert_error(error, RAMINATE_RECORD_ERROR,
                       RAMINATE_RECORD_ERROR_FOREIGN);
        g_clear_error(&error);
    }
    bytes->data[8] = 99;
    save(bytes, path, bytes->len);
    g_assert_null(raminate_record_reader_new(path, &error));
    g_assert_error(error, RAMINATE_RECORD_ERROR,
                   RAMINATE_RECORD_ERROR_FOREIGN);
    g_assert_nonnull(strstr(error->message, "version 99"));
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    directory = g_dir_make_tmp("raminate-record-XXXXXX", NULL);
    g_test_add_func("/record/cut-anywhere-gives-what-is-whole",
                    test_cut_anywhere);
    g_test_add_func("/record/any-changed-bit-is-found", test_damage_is_found);
    g_test_add_func("/record/garbage-is-survived", test_garbage_is_refused);
    g_test_add_func("/record/claims-take-no-memory",
                    test_claims_take_no_memory);
    g_test_add_func("/record/wrong-batches-are-refused", test_wrong_batches);
    g_test_add_func("/record/wrong-headers-are-refused", test_wrong_headers);
    g_test_add_func("/record/wrong-costs-are-refused", test_wrong_costs);
    g_test_add_func("/record/header-without-costs-has-the-usual-ones",
                    test_header_without_costs);
    g_test_add_func("/record/wrong-times-are-refused", test_wrong_times);
    g_test_add_func("/record/foreign-files-are-refused", test_foreign_files);
    ret = g_test_run();
    directory_remove(directory);
    return ret;
}
