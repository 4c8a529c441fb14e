/*
 * RAMinate: what a recording says of what was written
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/raminate/record/record.h"
#include "raminate-common.h"

#define LINES 5
#define CHANGED_PAGE 100
#define SAME_PAGE 101
#define SCANS 30

/* Writes LINES lines of one page, others each time, and one page as it is. */
static void write_pages(QTestState *qts, uint32_t round)
{
    uint8_t lines[LINES * RAMINATE_LINE_SIZE];
    static const uint8_t same[PAGE_SIZE];

    memset(lines, round, sizeof(lines));
    qtest_memwrite(qts, CHANGED_PAGE * PAGE_SIZE + 512, lines, sizeof(lines));
    qtest_memwrite(qts, SAME_PAGE * PAGE_SIZE, same, sizeof(same));
}

static void record(const char *settings)
{
    QTestState *qts = raminate_start(settings, "");
    uint64_t scans = raminate_figure(qts, "scans");

    for (uint32_t i = 1; raminate_figure(qts, "scans") < scans + SCANS; i++) {
        write_pages(qts, i % 255 + 1);
    }
    raminate_set_string(qts, "record", "");
    qtest_quit(qts);
}

static bool has_page(const GArray *pages, uint32_t page)
{
    for (guint i = 0; i < pages->len; i++) {
        if (g_array_index(pages, uint32_t, i) == page) {
            return true;
        }
    }
    return false;
}

/* A page that changes from scan to scan is gauged, and so is one that not. */
static void test_gauge(void)
{
    g_autoptr(RaminateRecordReader) reader = NULL;
    g_autoptr(GArray) gauged = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    g_autoptr(GError) err = NULL;
    RaminateRecordEntry entry;
    uint32_t most = 0;
    unsigned nr_changed = 0;
    unsigned nr_same = 0;

    record(",policy=null,scan-period=20,second-look=0,record=gauge.rec");
    reader = raminate_record_reader_new("gauge.rec", &err);
    g_assert_no_error(err);
    while (raminate_record_reader_next(reader, &entry, &err)) {
        if (entry.type == RAMINATE_RECORD_GAUGE) {
            g_array_set_size(gauged, 0);
            g_array_append_vals(gauged, entry.pages, entry.nr);
            for (size_t i = 0; i < entry.nr; i++) {
                if (entry.pages[i] == CHANGED_PAGE) {
                    g_assert_cmpuint(entry.written[i], <=, LINES);
                    most = MAX(most, entry.written[i]);
                    nr_changed++;
                } else if (entry.pages[i] == SAME_PAGE) {
                    g_assert_cmpuint(entry.written[i], ==, 0);
                    nr_same++;
                }
            }
        } else if (entry.type == RAMINATE_RECORD_SCAN) {
            g_autoptr(GArray) found = g_array_new(FALSE, FALSE,
                                                  sizeof(uint32_t));

            g_array_append_vals(found, entry.pages, entry.nr);
            for (guint i = 0; i < gauged->len; i++) {
                g_assert_true(has_page(found, g_array_index(gauged, uint32_t,
                                                            i)));
            }
        }
    }
    g_assert_no_error(err);
    g_assert_cmpuint(nr_changed, >, SCANS / 2);
    g_assert_cmpuint(nr_same, >, SCANS / 2);
    g_assert_cmpuint(most, ==, LINES);
}

/* Returns: how many second looks a recording has. */
static unsigned count_looks(const char *path)
{
    g_autoptr(RaminateRecordReader) reader =
        raminate_record_reader_new(path, NULL);
    RaminateRecordEntry entry;
    unsigned nr = 0;

    g_assert_nonnull(reader);
    while (raminate_record_reader_next(reader, &entry, NULL)) {
        nr += entry.type == RAMINATE_RECORD_LOOK;
    }
    return nr;
}

static void test_looks(void)
{
    record(",policy=null,scan-period=50,second-look=10,record=look.rec");
    g_assert_cmpuint(count_looks("look.rec"), >, SCANS / 2);
    record(",policy=null,scan-period=50,second-look=0,record=no-look.rec");
    g_assert_cmpuint(count_looks("no-look.rec"), ==, 0);
}

/* Returns: QEMU's response. */
static QDict *set_record(QTestState *qts, const char *path)
{
    return qtest_qmp(qts, "{ 'execute': 'qom-set', 'arguments': "
                     "{ 'path': '/objects/c', 'property': 'record',"
                     "  'value': %s } }", path);
}

static void assert_records_to(QTestState *qts, const char *path)
{
    QDict *info = raminate_query(qts, "c");

    g_assert_cmpstr(qdict_get_str(info, "record"), ==, path);
    qobject_unref(info);
    raminate_assert_qom_string(qts, "/objects/c", "record", path);
}

/* Returns: the scans of a recording, once it is complete. */
static unsigned count_scans(const char *path)
{
    unsigned rounds = 0;

    for (;;) {
        g_autoptr(RaminateRecordReader) reader =
            raminate_record_reader_new(path, NULL);
        RaminateRecordEntry entry;
        unsigned nr = 0;

        while (reader && raminate_record_reader_next(reader, &entry, NULL)) {
            nr += entry.type == RAMINATE_RECORD_SCAN;
        }
        if (reader && !raminate_record_reader_is_cut(reader)) {
            return nr;
        }
        raminate_wait(&rounds, path);
    }
}

/* A recording goes on if the one that was to follow can't be made. */
static void test_refused(void)
{
    QTestState *qts = raminate_start(",policy=null,scan-period=20,"
                                     "second-look=0,record=first.rec", "");
    uint64_t scans;

    raminate_wait_scans(qts, 2);
    raminate_assert_error(set_record(qts, "no-such-directory/guest.rec"),
                          "memory-backend-container 'c': can't create the "
                          "recording no-such-directory/guest.rec: No such "
                          "file or directory");
    assert_records_to(qts, "first.rec");
    raminate_assert_error(set_record(qts, "dram"),
                          "memory-backend-container 'c': dram exists and is "
                          "not a recording; remove it, or record to another "
                          "file");
    assert_records_to(qts, "first.rec");
    raminate_wait_scans(qts, 5);
    scans = raminate_figure(qts, "scans");

    /* To the same file: it begins anew. */
    raminate_set_string(qts, "record", "second.rec");
    assert_records_to(qts, "second.rec");
    raminate_wait_scans(qts, 5);
    raminate_set_string(qts, "record", "./second.rec");
    assert_records_to(qts, "./second.rec");
    raminate_set_string(qts, "record", "");
    /* Nobody waits for a busy disk; but while QEMU is there, it ends. */
    g_assert_cmpuint(count_scans("first.rec"), >=, scans);
    g_assert_cmpuint(count_scans("second.rec"), <, 5);
    qtest_quit(qts);
}

/* Nobody waits for a file that takes no data: not a command, nor the exit. */
static void test_stuck(void)
{
    QTestState *qts;
    int fd;

    g_assert_cmpint(mkfifo("stuck", 0600), ==, 0);
    fd = open("stuck", O_RDWR);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(fcntl(fd, F_SETPIPE_SZ, PAGE_SIZE), ==, PAGE_SIZE);
    qts = raminate_start(",policy=null,scan-period=1,record=stuck", "");
    /* Each takes 10 bytes at least. */
    raminate_wait_figure(qts, "scans", 1000);
    raminate_set_string(qts, "record", "");
    raminate_set_string(qts, "record", "stuck");
    raminate_wait_figure(qts, "scans", 2000);
    qtest_quit(qts);
    close(fd);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("/raminate/record/lines-that-changed", test_gauge);
    qtest_add_func("/raminate/record/second-looks", test_looks);
    qtest_add_func("/raminate/record/refused", test_refused);
    qtest_add_func("/raminate/record/stuck-file", test_stuck);
    return g_test_run();
}
