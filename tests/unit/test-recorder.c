/*
 * RAMinate: recordings are written whole, and the writer never waits for them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hw/raminate/record/recorder.h"
#include "directory.h"

#define NR_PAGES 100000

static char *directory;

static char *file_path(const char *name)
{
    return g_build_filename(directory, name, NULL);
}

static const RaminateRecordHeader header = {
    .page_size = 4096,
    .nr_pages = NR_PAGES,
    .scan_period_ms = 1000,
    .nr_tiers = 1,
    .tiers = { { "dram0", 3, 0, NR_PAGES, { 1, 1, 0 } } },
};

static void ended_unexpectedly(const char *reason, void *opaque)
{
    (void)opaque;
    g_error("the recording ended: %s", reason);
}

static void test_recorder_writes_all(void)
{
    g_autofree char *path = file_path("recorder");
    g_autoptr(GError) error = NULL;
    uint32_t pages[] = { 5, 6, 99 };
    RaminateRecordEntry entry;

    /* The second one overwrites the first. */
    for (unsigned nr = 1000; nr >= 10; nr /= 100) {
        RaminateRecorder *recorder =
            raminate_recorder_new(path, &header, ended_unexpectedly, NULL,
                                  &error);
        RaminateRecordReader *reader;

        g_assert_no_error(error);
        for (unsigned i = 0; i < nr; i++) {
            entry = (RaminateRecordEntry) {
                .type = RAMINATE_RECORD_SCAN, .time_ms = i, .pages = pages,
                .nr = G_N_ELEMENTS(pages),
            };
            g_assert_true(raminate_recorder_add(recorder, &entry));
        }
        raminate_recorder_free(recorder);

        reader = raminate_record_reader_new(path, &error);
        g_assert_no_error(error);
        for (unsigned i = 0; i < nr; i++) {
            g_assert_true(raminate_record_reader_next(reader, &entry, NULL));
            g_assert_cmpint(entry.time_ms, ==, i);
        }
        g_assert_false(raminate_record_reader_next(reader, &entry, NULL));
        g_assert_false(raminate_record_reader_is_cut(reader));
        raminate_record_reader_free(reader);
    }
}

static void test_other_files_are_left_alone(void)
{
    g_autofree char *path = file_path("precious");
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(g_file_set_contents(path, "precious", -1, NULL));
    g_assert_null(raminate_recorder_new(path, &header, ended_unexpectedly,
                                        NULL, &error));
    g_assert_error(error, RAMINATE_RECORD_ERROR,
                   RAMINATE_RECORD_ERROR_FOREIGN);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "precious");
}

static void note_end(const char *reason, void *opaque)
{
    g_atomic_pointer_set((char **)opaque, g_strdup(reason));
}

static void test_full_disk_ends_it(void)
{
    g_autoptr(GError) error = NULL;
    RaminateRecordEntry entry = { .type = RAMINATE_RECORD_SCAN };
    char *reason = NULL;
    RaminateRecorder *recorder;

    if (!g_file_test("/dev/full", G_FILE_TEST_EXISTS)) {
        g_test_skip("there is no /dev/full");
        return;
    }
    recorder = raminate_recorder_new("/dev/full", &header, note_end, &reason,
                                     &error);
    g_assert_no_error(error);
    while (raminate_recorder_add(recorder, &entry)) {
        g_usleep(1000);
    }
    g_assert_false(raminate_recorder_add(recorder, &entry));
    raminate_recorder_free(recorder);
    g_assert_cmpstr(reason, ==, "No space left on device");
    g_free(reason);
}

static void never_told(const char *reason, void *opaque)
{
    (void)reason;
    (void)opaque;
    g_assert_not_reached();
}

/* What a file doesn't take is written when it does, and nobody waits for it. */
static void test_stuck_file_is_left(void)
{
    g_autofree char *path = file_path("stuck");
    g_autofree char *copy = file_path("copy");
    g_autofree uint32_t *pages = g_new(uint32_t, NR_PAGES / 2);
    RaminateRecordEntry entry = { .type = RAMINATE_RECORD_SCAN,
                                  .pages = pages, .nr = NR_PAGES / 2 };
    g_autofree char *rest = g_malloc(1 << 20);
    g_autoptr(GByteArray) taken = g_byte_array_new();
    g_autoptr(GError) error = NULL;
    RaminateRecorder *recorder;
    RaminateRecordReader *reader;
    unsigned nr = 0;
    ssize_t size;
    int fd;

    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    fd = open(path, O_RDWR | O_NONBLOCK);
    g_assert_cmpint(fd, >=, 0);
    for (uint32_t i = 0; i < entry.nr; i++) {
        pages[i] = 2 * i;
    }
    recorder = raminate_recorder_new(path, &header, never_told, NULL, &error);
    g_assert_no_error(error);
    for (unsigned i = 0; i < 1000; i++) {
        g_assert_true(raminate_recorder_add(recorder, &entry));
    }
    g_assert_false(raminate_recorder_leave(recorder, 50));

    /* The writer has gone when there is an end of file. */
    close(fd);
    fd = open(path, O_RDONLY);
    while ((size = read(fd, rest, 1 << 20)) > 0) {
        g_byte_array_append(taken, (uint8_t *)rest, size);
    }
    close(fd);
    g_assert_true(g_file_set_contents(copy, (char *)taken->data, taken->len,
                                      NULL));
    reader = raminate_record_reader_new(copy, &error);
    g_assert_no_error(error);
    while (raminate_record_reader_next(reader, &entry, &error)) {
        nr++;
    }
    g_assert_no_error(error);
    g_assert_cmpuint(nr, ==, 1000);
    g_assert_false(raminate_record_reader_is_cut(reader));
    raminate_record_reader_free(reader);
}

static void test_slow_file_ends_it(void)
{
    g_autofree char *path = file_path("pipe");
    g_autofree uint32_t *pages = g_new(uint32_t, NR_PAGES / 2);
    RaminateRecordEntry entry = { .type = RAMINATE_RECORD_SCAN,
                                  .pages = pages, .nr = NR_PAGES / 2 };
    g_autoptr(GError) error = NULL;
    g_autofree char *rest = g_malloc(1 << 20);
    char *reason = NULL;
    RaminateRecorder *recorder;
    unsigned nr = 0;
    int fd;

    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    fd = open(path, O_RDWR);
    g_assert_cmpint(fd, >=, 0);
    for (uint32_t i = 0; i < entry.nr; i++) {
        pages[i] = 2 * i;
    }
    recorder = raminate_recorder_new(path, &header, note_end, &reason,
                                     &error);
    g_assert_no_error(error);
    while (raminate_recorder_add(recorder, &entry)) {
        nr++;
    }
    g_assert_cmpuint(nr, >, 1000);
    /* What waits is written still. */
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (!g_atomic_pointer_get(&reason)) {
        if (read(fd, rest, 1 << 20) < 0) {
            g_usleep(1000);
        }
    }
    raminate_recorder_free(recorder);
    g_assert_nonnull(strstr(reason, "more slowly"));
    g_free(reason);
    close(fd);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    directory = g_dir_make_tmp("raminate-recorder-XXXXXX", NULL);
    g_test_add_func("/recorder/writes-all-and-overwrites-recordings",
                    test_recorder_writes_all);
    g_test_add_func("/recorder/other-files-are-left-alone",
                    test_other_files_are_left_alone);
    g_test_add_func("/recorder/full-disk-ends-the-recording",
                    test_full_disk_ends_it);
    g_test_add_func("/recorder/stuck-file-is-left", test_stuck_file_is_left);
    g_test_add_func("/recorder/slow-file-ends-the-recording",
                    test_slow_file_ends_it);
    ret = g_test_run();
    directory_remove(directory);
    return ret;
}
