/*
 * RAMinate: the largest guest that there can be, up to its last page
 *
 * Pages have numbers of 32 bits, and the last two are spoken for.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "hw/raminate/engine/engine.h"
#include "hw/raminate/engine/gauge-pick.h"
#include "hw/raminate/engine/regions.h"
#include "hw/raminate/record/recorder.h"
#include "directory.h"
#include "found.h"
#include "new-placement.h"

#define MOST_PAGES (UINT32_MAX - 1)
#define LAST_PAGE (MOST_PAGES - 1)
#define FAST_PAGES 1000
#define HOT_PAGES 8
#define PERIOD_MS 1000
#define SCANS 120

/* The fastest tier comes first, or last. */
static const RaminateFrameRange layouts[][2] = {
    { { 0, FAST_PAGES }, { FAST_PAGES, MOST_PAGES - FAST_PAGES } },
    { { MOST_PAGES - FAST_PAGES, FAST_PAGES },
      { 0, MOST_PAGES - FAST_PAGES } },
};

static void test_regions(void)
{
    RaminateRegions *table = raminate_regions_new(MOST_PAGES, 4);
    uint32_t last = raminate_region_of(LAST_PAGE);
    uint32_t *entry = raminate_regions_need(table, LAST_PAGE);

    *entry = 7;
    raminate_regions_hold(table, LAST_PAGE);
    g_assert_cmpuint(table->nr_regions, ==, last + 1);
    g_assert_true(raminate_regions_get(table, LAST_PAGE) == entry);
    g_assert_null(raminate_regions_get(table, 0));
    g_assert_cmpuint(raminate_regions_next(table, 0), ==, last);
    g_assert_cmpuint(raminate_regions_next(table, last), ==, last);
    g_assert_cmpuint(raminate_regions_next(table, last + 1), ==,
                     RAMINATE_NO_REGION);
    g_assert_cmpuint(raminate_regions_prev(table, UINT32_MAX), ==, last);
    raminate_regions_release(table, LAST_PAGE);
    g_assert_null(raminate_regions_get(table, LAST_PAGE));
    g_assert_cmpuint(raminate_regions_prev(table, last), ==,
                     RAMINATE_NO_REGION);
    raminate_regions_free(table);
}

static void assert_counts(const RaminatePlacement *p, unsigned tiers,
                          const uint32_t *expected, uint32_t first,
                          uint32_t end)
{
    uint32_t counts[RAMINATE_MAX_TIERS] = { 0 };

    raminate_placement_count(p, first, end, counts);
    for (unsigned tier = 0; tier < tiers; tier++) {
        g_assert_cmpuint(counts[tier], ==, expected[tier]);
    }
}

/* Of one tier, one page; of the other, all the rest */
static void test_placement(void)
{
    static const RaminateFrameRange ranges[] = {
        { LAST_PAGE, 1 }, { 0, LAST_PAGE },
    };
    RaminatePlacement *p = placement_new(ranges, 2);

    g_assert_cmpuint(raminate_placement_pages(p), ==, MOST_PAGES);
    g_assert_cmpuint(raminate_placement_next_in_tier(p, 0, 0), ==, LAST_PAGE);
    g_assert_cmpuint(raminate_placement_prev_in_tier(p, 0, UINT32_MAX), ==,
                     LAST_PAGE);
    g_assert_cmpuint(raminate_placement_prev_in_tier(p, 1, LAST_PAGE), ==,
                     LAST_PAGE - 1);
    assert_counts(p, 2, (uint32_t[]) { 1, LAST_PAGE }, 0, MOST_PAGES);

    raminate_placement_swap(p, 0, LAST_PAGE);
    g_assert_cmpuint(raminate_placement_frame(p, 0), ==, LAST_PAGE);
    g_assert_cmpuint(raminate_placement_frame(p, LAST_PAGE), ==, 0);
    g_assert_cmpuint(raminate_placement_tier(p, 0), ==, 0);
    g_assert_cmpuint(raminate_placement_tier(p, LAST_PAGE), ==, 1);
    g_assert_cmpuint(raminate_placement_runs(p), ==, 3);
    g_assert_cmpuint(raminate_placement_next_in_tier(p, 0, 1), ==,
                     RAMINATE_NO_PAGE);
    g_assert_cmpuint(raminate_placement_prev_in_tier(p, 0, LAST_PAGE), ==, 0);
    g_assert_cmpuint(raminate_placement_prev_in_tier(p, 1, UINT32_MAX), ==,
                     LAST_PAGE);
    assert_counts(p, 2, (uint32_t[]) { 1, LAST_PAGE }, 0, MOST_PAGES);
    assert_counts(p, 2, (uint32_t[]) { 0, 1 }, LAST_PAGE, MOST_PAGES);

    raminate_placement_swap(p, LAST_PAGE, 0);
    g_assert_cmpuint(raminate_placement_runs(p), ==, 2);
    g_assert_cmpuint(raminate_placement_memory(p), ==, 0);
    raminate_placement_free(p);
}

static void test_sample_and_heat(void)
{
    uint32_t word = LAST_PAGE / 64 * 64;
    uint32_t picked[RAMINATE_GAUGE_PAGES];
    RaminateHeat *heat = raminate_heat_new(MOST_PAGES);
    RaminateSample sample = { 0 };
    g_autofree uint32_t *pages = NULL;
    uint64_t random = 0;
    size_t nr;

    raminate_sample_add_word(&sample, 0, 1, RAMINATE_WRITTEN);
    raminate_sample_add_word(&sample, word, 1ull << LAST_PAGE % 64,
                             RAMINATE_WRITTEN);
    g_assert_cmpuint(raminate_sample_find(&sample, LAST_PAGE), ==,
                     RAMINATE_WRITTEN);
    pages = raminate_sample_pages(&sample, RAMINATE_WRITTEN, &nr);
    g_assert_cmpuint(nr, ==, 2);
    g_assert_cmpuint(pages[1], ==, LAST_PAGE);
    raminate_heat_sample(heat, &sample);
    g_assert_cmpuint(raminate_heat_get(heat, LAST_PAGE), >, 0);
    g_assert_cmpuint(raminate_heat_get(heat, LAST_PAGE - 1), ==, 0);
    g_assert_false(raminate_heat_is_cold(heat, raminate_region_of(LAST_PAGE)));
    g_assert_cmpuint(raminate_gauge_pick(&random, heat, MOST_PAGES, pages, nr,
                                         picked), ==, 2);
    g_assert_cmpuint(picked[1], ==, LAST_PAGE);

    raminate_sample_clear(&sample);
    for (unsigned i = 0; i < RAMINATE_HEAT_LINGER; i++) {
        raminate_heat_sample(heat, &sample);
    }
    g_assert_cmpuint(raminate_heat_memory(heat), ==, 0);
    raminate_sample_destroy(&sample);
    raminate_heat_free(heat);
}

/* Makes what the engine's policy plans. */
static void move(RaminateEngine *engine, int64_t now)
{
    RaminateMove moves[HOT_PAGES];
    size_t nr;

    raminate_engine_begin_batch(engine, now);
    nr = raminate_engine_plan(engine, now, moves, G_N_ELEMENTS(moves));
    for (size_t i = 0; i < nr; i++) {
        g_assert_cmpuint(moves[i].page, <, MOST_PAGES);
        g_assert_cmpuint(moves[i].with, <, MOST_PAGES);
        raminate_placement_swap(raminate_engine_placement(engine),
                                moves[i].page, moves[i].with);
        moves[i].status = RAMINATE_MOVE_DONE;
    }
    raminate_engine_moved(engine, now, moves, nr, true);
}

/* The last or first pages of the slow tier are written all the time. */
static void place(const RaminatePolicyOps *ops,
                  const RaminateFrameRange *ranges)
{
    uint32_t first = ranges[0].first ? 0 : MOST_PAGES - HOT_PAGES;
    RaminateSettings settings;
    RaminateLayout layout;
    RaminateEngine *engine;
    const RaminatePlacement *p;
    uint32_t pages[HOT_PAGES];
    g_autoptr(Found) found = NULL;
    int64_t wait_ms;

    raminate_settings_init(&settings);
    raminate_layout_init(&layout, ranges, 2);
    engine = raminate_engine_new(&layout, &settings);
    g_assert_nonnull(engine);
    g_assert_true(raminate_engine_set_policy(engine, ops));
    p = raminate_engine_placement(engine);
    for (unsigned i = 0; i < HOT_PAGES; i++) {
        pages[i] = first + i;
    }
    found = found_written(pages, HOT_PAGES);
    for (unsigned i = 1; i <= SCANS; i++) {
        RaminateScan scan = { .now = i * PERIOD_MS, .found = found };

        raminate_engine_begin_scan(engine, scan.now, false);
        raminate_engine_begin_policy(engine);
        raminate_engine_scanned(engine, &scan);
        raminate_engine_count_all(engine, scan.now, found);
        if (raminate_engine_next(engine, scan.now, &wait_ms) ==
            RAMINATE_TASK_BATCH) {
            move(engine, scan.now);
        }
        raminate_engine_end_policy(engine);
    }
    for (unsigned i = 0; i < HOT_PAGES; i++) {
        g_assert_cmpuint(raminate_placement_tier(p, pages[i]), ==, 0);
        g_assert_nonnull(raminate_engine_last_move(engine, pages[i]));
    }
    assert_counts(p, 2, (uint32_t[]) { FAST_PAGES, MOST_PAGES - FAST_PAGES },
                  0, MOST_PAGES);
    raminate_engine_free(engine);
}

static void test_policy(gconstpointer ops)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(layouts); i++) {
        place(ops, layouts[i]);
    }
}

static char *directory;

static void ended_unexpectedly(const char *reason, void *opaque)
{
    (void)opaque;
    g_error("the recording ended: %s", reason);
}

static void test_recording(void)
{
    static const uint32_t pages[] = { 0, 7, LAST_PAGE - 1, LAST_PAGE };
    static const RaminateMove moves[] = {
        { .page = LAST_PAGE, .with = 0, .status = RAMINATE_MOVE_DONE },
    };
    static const RaminateRecordEntry entries[] = {
        { .type = RAMINATE_RECORD_SCAN, .pages = pages,
          .nr = G_N_ELEMENTS(pages) },
        { .type = RAMINATE_RECORD_BATCH, .moves = moves,
          .nr_moves = G_N_ELEMENTS(moves) },
    };
    RaminateRecordHeader header = {
        .page_size = 4096,
        .nr_pages = MOST_PAGES,
        .nr_tiers = 2,
        .tiers = { { "dram0", 0, MOST_PAGES - FAST_PAGES, FAST_PAGES,
                     { 1, 1, 0 } },
                   { "mram0", 1, 0, MOST_PAGES - FAST_PAGES, { 1, 5, 0 } } },
    };
    g_autofree char *path = g_build_filename(directory, "recording", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(RaminateRecordReader) reader = NULL;
    RaminateRecordEntry entry;
    RaminateRecorder *recorder =
        raminate_recorder_new(path, &header, ended_unexpectedly, NULL,
                              &error);

    g_assert_no_error(error);
    for (unsigned i = 0; i < G_N_ELEMENTS(entries); i++) {
        g_assert_true(raminate_recorder_add(recorder, &entries[i]));
    }
    raminate_recorder_free(recorder);

    reader = raminate_record_reader_new(path, &error);
    g_assert_no_error(error);
    g_assert_true(raminate_record_reader_next(reader, &entry, &error));
    g_assert_cmpmem(entry.pages, entry.nr * sizeof(*entry.pages), pages,
                    sizeof(pages));
    g_assert_true(raminate_record_reader_next(reader, &entry, &error));
    g_assert_cmpuint(entry.nr_moves, ==, 1);
    g_assert_cmpuint(entry.moves[0].page, ==, LAST_PAGE);
    g_assert_cmpuint(entry.moves[0].with, ==, 0);
    g_assert_false(raminate_record_reader_next(reader, &entry, &error));
    g_assert_no_error(error);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    directory = g_dir_make_tmp("raminate-largest-XXXXXX", NULL);
    g_assert_nonnull(directory);
    g_test_add_func("/largest/regions", test_regions);
    g_test_add_func("/largest/placement", test_placement);
    g_test_add_func("/largest/sample-and-heat", test_sample_and_heat);
    g_test_add_func("/largest/recording", test_recording);
    for (unsigned i = 0; raminate_policy_list()[i]; i++) {
        const RaminatePolicyOps *ops = raminate_policy_list()[i];

        if (ops != &raminate_policy_null) {
            g_autofree char *name =
                g_strdup_printf("/largest/policy/%s", ops->name);

            g_test_add_data_func(name, ops, test_policy);
        }
    }
    status = g_test_run();
    directory_remove(directory);
    return status;
}
