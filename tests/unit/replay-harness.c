/*
 * RAMinate: recordings made up for tests, and their replay
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib/gstdio.h>

#include "replay-harness.h"
#include "tools/sim/bound.h"
#include "tools/sim/policies.h"

char *recording_path;
static char *directory;

static const TraceOptions options = { .lines_per_page = 64 };
static RaminateLayout layout;

void recording_init(int *argc, char ***argv)
{
    g_test_init(argc, argv, NULL);
    directory = g_dir_make_tmp("raminate-sim-XXXXXX", NULL);
    recording_path = g_build_filename(directory, "recording", NULL);
}

int recording_run(void)
{
    int ret = g_test_run();

    g_unlink(recording_path);
    g_rmdir(directory);
    g_free(directory);
    g_free(recording_path);
    return ret;
}

GByteArray *recording_of_kinds(unsigned kinds)
{
    RaminateRecordHeader header = {
        .page_size = 4096, .nr_pages = NR_PAGES, .kinds = kinds, .nr_tiers = 2,
        .tiers = { { "d", 0, 0, NR_FAST, { 0 } },
                   { "m", 1, NR_FAST, NR_PAGES - NR_FAST, { 0 } } },
    };
    GByteArray *file = g_byte_array_new();

    raminate_record_default_costs(&header);
    raminate_record_get_layout(&header, &layout);
    raminate_record_put_header(file, &header);
    return file;
}

GByteArray *recording_new(void)
{
    return recording_of_kinds(RAMINATE_WRITTEN);
}

void recording_put_scan(GByteArray *file, int64_t time_ms,
                        const uint32_t *pages, size_t nr,
                        const uint32_t *lines)
{
    RaminateRecordEntry entry = {
        .type = RAMINATE_RECORD_TRAFFIC, .time_ms = time_ms,
        .window_ms = 1000, .pages = pages, .nr = nr, .written = lines,
    };

    if (lines) {
        raminate_record_put_entry(file, NR_PAGES, &entry);
    }
    entry.type = RAMINATE_RECORD_SCAN;
    raminate_record_put_entry(file, NR_PAGES, &entry);
}

void recording_save(GByteArray *file)
{
    RaminateRecordEntry end = { .type = RAMINATE_RECORD_END };

    raminate_record_put_entry(file, NR_PAGES, &end);
    g_assert_true(g_file_set_contents(recording_path, (char *)file->data,
                                      file->len, NULL));
    g_byte_array_unref(file);
}

const ReplaySettings replay_defaults = {
    .policy = &raminate_policy_null, .engine = {
        .scan_period = 1000, .swap_period = 2000, .life_time = 3000,
        .max_swaps = 4, .reverse_window = 60000,
    },
    .second_look = true,
};

void replay_as(const ReplaySettings *settings, unsigned passes,
               ReplayResult *results)
{
    g_autoptr(GError) error = NULL;
    double progress = 0;
    GMutex lock;

    g_mutex_init(&lock);
    replay_run(recording_path, &options, &layout, settings, passes, results,
               &lock, &progress, &error);
    g_assert_no_error(error);
    g_mutex_clear(&lock);
}

void replay_with(const RaminatePolicyOps *policy, bool keep_policy,
                 unsigned passes, ReplayResult *results)
{
    ReplaySettings settings = replay_defaults;

    settings.policy = policy;
    settings.keep_policy = keep_policy;
    replay_as(&settings, passes, results);
}

void replay_oracle(const char *text, unsigned passes, ReplayResult *results)
{
    ReplaySettings settings = replay_defaults;
    g_autoptr(GError) error = NULL;

    policies_parse(text, &settings, &error);
    g_assert_no_error(error);
    replay_as(&settings, passes, results);
}

void replay_policy(const RaminatePolicyOps *policy, unsigned passes,
                   ReplayResult *results)
{
    replay_with(policy, false, passes, results);
}

double recording_bound(void)
{
    g_autoptr(GError) error = NULL;
    double lines = -1;

    g_assert_true(bound_find(recording_path, &options, &layout, &lines,
                             &error));
    g_assert_no_error(error);
    return lines;
}

void recording_set_costs(uint32_t read, uint32_t write)
{
    layout.costs[1].read = read;
    layout.costs[1].write = write;
}

void recording_make_room(void)
{
    layout.ranges[0] = (RaminateFrameRange) { NR_PAGES, NR_FAST };
    layout.ranges[1] = (RaminateFrameRange) { 0, NR_PAGES };
}
