/*
 * RAMinate: recordings are read as they were written
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "record-file.h"

/* Pages of one entry, made up from its number: none, few, runs, all */
static GArray *make_pages(unsigned number)
{
    GArray *pages = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    static const int shares[] = { 0, 1, 30, 500, 970, 1000 };
    int share = shares[number % G_N_ELEMENTS(shares)];
    bool written = false;

    for (uint32_t page = 0; page < NR_PAGES; page++) {
        if (number / 6 % 2 == 0 || g_test_rand_int_range(0, 20) == 0) {
            written = g_test_rand_int_range(0, 1000) < share;
        }
        if (written) {
            g_array_append_val(pages, page);
        }
    }
    return pages;
}

static GArray *make_counts(guint nr)
{
    GArray *counts = g_array_new(FALSE, FALSE, sizeof(uint32_t));

    for (guint i = 0; i < nr; i++) {
        uint32_t count = g_test_rand_int() >> g_test_rand_int_range(0, 32);

        g_array_append_val(counts, count);
    }
    return counts;
}

static const RaminateRecordType types[] = {
    RAMINATE_RECORD_SCAN, RAMINATE_RECORD_LOOK, RAMINATE_RECORD_TRAFFIC,
    RAMINATE_RECORD_GAUGE, RAMINATE_RECORD_GAUGE, RAMINATE_RECORD_TRAFFIC,
    RAMINATE_RECORD_SCAN,
};

/* Appends entry @i, and to @lists its pages, and lines written and read. */
static void put_entry(GByteArray *bytes, GPtrArray *lists, unsigned i)
{
    GArray *pages = make_pages(i);
    GArray *written = make_counts(pages->len);
    GArray *read = make_counts(pages->len);
    RaminateRecordEntry entry = {
        .type = types[i % G_N_ELEMENTS(types)],
        .time_ms = (int64_t)i * 1000000007 - 5,
        .window_ms = i * 77,
        .pages = (uint32_t *)pages->data,
        .nr = pages->len,
    };

    if (raminate_record_has_lines(entry.type)) {
        entry.written = (uint32_t *)written->data;
        entry.read = i % 2 ? (uint32_t *)read->data : NULL;
    }
    raminate_record_put_entry(bytes, NR_PAGES, &entry);
    g_ptr_array_add(lists, pages);
    g_ptr_array_add(lists, written);
    g_ptr_array_add(lists, read);
}

static void check_header(const RaminateRecordHeader *read)
{
    g_assert_cmpuint(read->nr_pages, ==, NR_PAGES);
    g_assert_cmpstr(read->tiers[1].id, ==, "mram0");
    g_assert_cmpuint(read->tiers[0].rank, ==, 3);
    for (unsigned i = 0; i < header.nr_tiers; i++) {
        g_assert_cmpmem(&read->tiers[i].costs, sizeof(RaminateCosts),
                        &header.tiers[i].costs, sizeof(RaminateCosts));
    }
}

/* @entry: the one of this number that was read */
static void check_entry(const RaminateRecordEntry *entry,
                        const GPtrArray *lists, unsigned number)
{
    GArray *pages = lists->pdata[3 * number];
    GArray *written = lists->pdata[3 * number + 1];
    GArray *read = lists->pdata[3 * number + 2];

    g_assert_cmpuint(entry->type, ==, types[number % G_N_ELEMENTS(types)]);
    g_assert_cmpint(entry->time_ms, ==, (int64_t)number * 1000000007 - 5);
    g_assert_cmpuint(entry->window_ms, ==, number * 77);
    g_assert_cmpmem(entry->pages, entry->nr * 4, pages->data, pages->len * 4);
    if (raminate_record_has_lines(entry->type)) {
        g_assert_cmpmem(entry->written, entry->nr * 4, written->data,
                        pages->len * 4);
        /* An empty GArray has no data: nothing was said to be read. */
        g_assert_true(!entry->read == !(number % 2 && pages->len));
        if (entry->read) {
            g_assert_cmpmem(entry->read, entry->nr * 4, read->data,
                            pages->len * 4);
        }
    }
}

static void test_round_trip(void)
{
    g_autofree char *path = file_path("round-trip");
    g_autoptr(GByteArray) bytes = make_file();
    g_autoptr(GPtrArray) lists =
        g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
    g_autoptr(RaminateRecordReader) reader = NULL;
    g_autoptr(GError) error = NULL;
    const unsigned nr = 36;
    RaminateRecordEntry entry;

    for (unsigned i = 0; i < nr; i++) {
        put_entry(bytes, lists, i);
    }
    put_end(bytes);
    save(bytes, path, bytes->len);

    reader = raminate_record_reader_new(path, &error);
    g_assert_no_error(error);
    check_header(raminate_record_reader_header(reader));
    for (unsigned i = 0; i < 2 * nr; i++) {
        if (i == nr) {
            raminate_record_reader_rewind(reader);
        }
        g_assert_true(raminate_record_reader_next(reader, &entry, &error));
        check_entry(&entry, lists, i % nr);
    }
    g_assert_false(raminate_record_reader_next(reader, &entry, &error));
    g_assert_no_error(error);
    g_assert_false(raminate_record_reader_is_cut(reader));
}

static void test_batches(void)
{
    static const RaminateMove moves[] = {
        { .page = 0, .with = NR_PAGES - 1, .status = RAMINATE_MOVE_DONE },
        { .page = 300, .with = 2, .status = RAMINATE_MOVE_FAILED },
        { .page = 7, .with = 8, .status = RAMINATE_MOVE_HELD },
        { .page = 9, .with = 4, .status = RAMINATE_MOVE_PENDING },
    };
    g_autofree char *path = file_path("batches");
    g_autoptr(GByteArray) bytes = make_file();
    g_autoptr(RaminateRecordReader) reader = NULL;
    g_autoptr(GError) error = NULL;
    RaminateRecordEntry entry;

    put_batch(bytes, NULL, 0, false);
    put_batch(bytes, moves, G_N_ELEMENTS(moves), true);
    put_end(bytes);
    save(bytes, path, bytes->len);
    reader = raminate_record_reader_new(path, &error);
    g_assert_no_error(error);
    g_assert_true(raminate_record_reader_next(reader, &entry, &error));
    g_assert_cmpuint(entry.type, ==, RAMINATE_RECORD_BATCH);
    g_assert_cmpuint(entry.nr_moves, ==, 0);
    g_assert_false(entry.by_command);
    g_assert_true(raminate_record_reader_next(reader, &entry, &error));
    g_assert_cmpint(entry.time_ms, ==, 5000);
    g_assert_cmpuint(entry.window_ms, ==, 20);
    g_assert_cmpuint(entry.moved_after_ms, ==, 7);
    g_assert_true(entry.by_command);
    g_assert_cmpuint(entry.nr_moves, ==, G_N_ELEMENTS(moves));
    for (size_t i = 0; i < entry.nr_moves; i++) {
        g_assert_cmpuint(entry.moves[i].page, ==, moves[i].page);
        g_assert_cmpuint(entry.moves[i].with, ==, moves[i].with);
        g_assert_cmpint(entry.moves[i].status, ==, moves[i].status);
    }
    g_assert_false(raminate_record_reader_next(reader, &entry, &error));
    g_assert_no_error(error);
}

static void test_compact(void)
{
    g_autofree uint32_t *pages = g_new(uint32_t, NR_PAGES);
    RaminateRecordEntry entry = { .type = RAMINATE_RECORD_SCAN,
                                  .pages = pages };
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    /* One run, however long, takes a few bytes in each block. */
    for (entry.nr = 0; entry.nr < NR_PAGES; entry.nr++) {
        pages[entry.nr] = entry.nr;
    }
    raminate_record_put_entry(bytes, NR_PAGES, &entry);
    g_assert_cmpuint(bytes->len, <, 64);

    /* Every other page: a bit a page */
    g_byte_array_set_size(bytes, 0);
    for (entry.nr = 0; entry.nr < NR_PAGES / 2; entry.nr++) {
        pages[entry.nr] = 2 * entry.nr;
    }
    raminate_record_put_entry(bytes, NR_PAGES, &entry);
    g_assert_cmpuint(bytes->len, <, NR_PAGES / 8 + 64);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    directory = g_dir_make_tmp("raminate-record-XXXXXX", NULL);
    g_test_add_func("/record/what-is-written-is-read", test_round_trip);
    g_test_add_func("/record/is-compact", test_compact);
    g_test_add_func("/record/batches-come-back", test_batches);
    ret = g_test_run();
    directory_remove(directory);
    return ret;
}
