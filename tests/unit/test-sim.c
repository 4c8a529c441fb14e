/*
 * RAMinate: the simulator counts right, and no policy passes its bound
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib/gstdio.h>

#include "tools/sim/bound.h"
#include "tools/sim/policies.h"

#define NR_PAGES 48
#define NR_FAST 8

static char *path;

static const TraceOptions options = { .lines_per_page = 64 };
static RaminateLayout layout;

/* @kinds: that its scans may tell */
static GByteArray *file_of_kinds(unsigned kinds)
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

static GByteArray *file_new(void)
{
    return file_of_kinds(RAMINATE_WRITTEN);
}

static void put_scan(GByteArray *file, int64_t time_ms, const uint32_t *pages,
                     size_t nr, const uint32_t *lines)
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

static void file_save(GByteArray *file)
{
    RaminateRecordEntry end = { .type = RAMINATE_RECORD_END };

    raminate_record_put_entry(file, NR_PAGES, &end);
    g_assert_true(g_file_set_contents(path, (char *)file->data, file->len,
                                      NULL));
    g_byte_array_unref(file);
}

static const ReplaySettings defaults = {
    .policy = &raminate_policy_null, .engine = {
        .scan_period = 1000, .swap_period = 2000, .life_time = 3000,
        .max_swaps = 4, .reverse_window = 60000,
    },
    .second_look = true,
};

static void replay_as(const ReplaySettings *settings, unsigned passes,
                      ReplayResult *results)
{
    g_autoptr(GError) error = NULL;
    double progress = 0;
    GMutex lock;

    g_mutex_init(&lock);
    replay_run(path, &options, &layout, settings, passes, results, &lock,
               &progress, &error);
    g_assert_no_error(error);
    g_mutex_clear(&lock);
}

static void replay_with(const RaminatePolicyOps *policy, bool keep_policy,
                        unsigned passes, ReplayResult *results)
{
    ReplaySettings settings = defaults;

    settings.policy = policy;
    settings.keep_policy = keep_policy;
    replay_as(&settings, passes, results);
}

/* @text: what raminate-sim takes for --policy */
static void replay_oracle(const char *text, unsigned passes,
                          ReplayResult *results)
{
    ReplaySettings settings = defaults;
    g_autoptr(GError) error = NULL;

    policies_parse(text, &settings, &error);
    g_assert_no_error(error);
    replay_as(&settings, passes, results);
}

static void replay(const RaminatePolicyOps *policy, unsigned passes,
                   ReplayResult *results)
{
    replay_with(policy, false, passes, results);
}

static double bound(void)
{
    g_autoptr(GError) error = NULL;
    double lines = -1;

    g_assert_true(bound_find(path, &options, &layout, &lines, &error));
    g_assert_no_error(error);
    return lines;
}

static void test_counts(void)
{
    GByteArray *file = file_new();
    const uint32_t pages[] = { 0, 7, 8, 47 };
    const uint32_t lines[] = { 1, 10, 100, 1000 };
    ReplayResult result;

    for (int i = 1; i <= 10; i++) {
        put_scan(file, i * 1000, pages, 4, lines);
    }
    file_save(file);
    replay(&raminate_policy_null, 1, &result);
    g_assert_cmpuint(result.scans, ==, 10);
    g_assert_cmpint(result.duration_ms, ==, 9000);
    g_assert_cmpuint(result.pages, ==, 40);
    g_assert_cmpuint(result.slow_pages, ==, 20);
    g_assert_cmpuint(result.lines, ==, 11110);
    g_assert_cmpuint(result.slow_lines, ==, 11000);
    g_assert_cmpuint(result.swaps, ==, 0);
    g_assert_true(result.has_traffic);
}

static void test_estimate(void)
{
    GByteArray *file = file_new();
    const uint32_t pages[] = { 0, 8, 9 };
    ReplayResult result;

    put_scan(file, 1000, pages, 3, NULL);
    file_save(file);
    replay(&raminate_policy_null, 1, &result);
    g_assert_false(result.has_traffic);
    g_assert_cmpuint(result.lines, ==, 192);
    g_assert_cmpuint(result.slow_lines, ==, 128);
}

static void test_second_pass_keeps_placement(void)
{
    GByteArray *file = file_new();
    const uint32_t pages[] = { 20, 30 };
    ReplayResult results[2];

    for (int i = 1; i <= 30; i++) {
        put_scan(file, i * 1000, pages, 2, NULL);
    }
    file_save(file);
    replay(&raminate_policy_lru, 2, results);
    g_assert_cmpuint(results[0].swaps, ==, 2);
    g_assert_cmpuint(results[0].swap_lines, ==, 128);
    g_assert_cmpuint(results[0].slow_pages, >, 0);
    g_assert_cmpuint(results[1].swaps, ==, 0);
    g_assert_cmpuint(results[1].slow_pages, ==, 0);
}

/* All of the guest is slow at first, and NR_FAST frames are free. */
static void make_room(void)
{
    layout.ranges[0] = (RaminateFrameRange) { NR_PAGES, NR_FAST };
    layout.ranges[1] = (RaminateFrameRange) { 0, NR_PAGES };
}

/* Room takes a page for nothing: it has no contents that must go elsewhere. */
static void test_room_is_no_page(void)
{
    static const RaminatePolicyOps *const policies[] = {
        &raminate_policy_lru, &raminate_policy_payback, &raminate_policy_cmq,
    };
    const uint32_t pages[] = { 20, 30 };

    for (unsigned i = 0; i < G_N_ELEMENTS(policies); i++) {
        GByteArray *file = file_new();
        ReplayResult result;

        for (int j = 1; j <= 60; j++) {
            put_scan(file, j * 1000, pages, 2, NULL);
        }
        file_save(file);
        make_room();
        replay(policies[i], 1, &result);
        g_assert_cmpuint(result.swaps, ==, 2);
        g_assert_cmpuint(result.swap_lines, ==, 0);
        g_assert_cmpuint(result.swap_reads[0], ==, 0);
        g_assert_cmpuint(result.swap_reads[1], ==, 2);
        g_assert_cmpuint(result.swap_writes[0], ==, 2);
        g_assert_cmpuint(result.swap_writes[1], ==, 0);
        g_assert_cmpuint(result.pages, ==, 120);
        g_assert_cmpuint(result.slow_pages, <, 60);
    }
}

/* A policy that only keeps what it is told was gauged */

struct RaminatePolicy {
    int unused;
};

static GString *gauged;

static RaminatePolicy *gauged_create(const RaminatePolicyConfig *config)
{
    (void)config;
    return g_new0(RaminatePolicy, 1);
}

static void gauged_destroy(RaminatePolicy *policy)
{
    g_free(policy);
}

static void gauged_gauge(RaminatePolicy *policy, const uint32_t *pages,
                         const uint32_t *lines, size_t nr)
{
    (void)policy;
    for (size_t i = 0; i < nr; i++) {
        g_string_append_printf(gauged, "%u:%u ", pages[i], lines[i]);
    }
    g_string_append(gauged, "| ");
}

static size_t gauged_plan(RaminatePolicy *policy, int64_t now_ms,
                          RaminateMove *moves, size_t max)
{
    (void)policy;
    (void)now_ms;
    (void)moves;
    (void)max;
    return 0;
}

static const RaminatePolicyOps policy_gauged = {
    .name = "gauged",
    .create = gauged_create,
    .destroy = gauged_destroy,
    .gauge = gauged_gauge,
    .plan = gauged_plan,
};

/* What is created more than once is a policy that knows nothing yet. */
static unsigned nr_created;
static int64_t last_time_ms;

static RaminatePolicy *counted_create(const RaminatePolicyConfig *config)
{
    (void)config;
    nr_created++;
    last_time_ms = 0;
    return g_new0(RaminatePolicy, 1);
}

static void counted_sample(RaminatePolicy *policy, int64_t now_ms,
                           const RaminateSample *found)
{
    (void)policy;
    (void)found;
    g_assert_cmpint(now_ms, ==, last_time_ms + 1000);
    last_time_ms = now_ms;
}

static void test_policy_is_kept(void)
{
    RaminatePolicyOps ops = policy_gauged;
    GByteArray *file = file_new();
    const uint32_t page = 20;
    ReplayResult results[3];

    for (int i = 1; i <= 5; i++) {
        put_scan(file, i * 1000, &page, 1, NULL);
    }
    file_save(file);
    ops.create = counted_create;
    ops.gauge = NULL;
    ops.sample = counted_sample;
    replay_with(&ops, true, 3, results);
    g_assert_cmpuint(nr_created, ==, 1);
    g_assert_cmpint(last_time_ms, ==, 15000);
    g_assert_cmpuint(results[2].scans, ==, 5);
    replay_with(&ops, false, 3, results);
    g_assert_cmpuint(nr_created, ==, 4);
    g_assert_cmpint(last_time_ms, ==, 5000);
}

static void test_bound_of_known_cases(void)
{
    GByteArray *file = file_new();
    const uint32_t slow = 40;
    const uint32_t lines = 10;
    const uint32_t many = 100;

    /* Twenty times 10 lines: the best is a swap, for 64, after the first. */
    for (int i = 1; i <= 20; i++) {
        put_scan(file, i * 1000, &slow, 1, &lines);
    }
    file_save(file);
    g_assert_cmpfloat(bound(), ==, 74);

    /* Once 10 lines: left where it is. */
    file = file_new();
    put_scan(file, 1000, &slow, 1, &lines);
    file_save(file);
    g_assert_cmpfloat(bound(), ==, 10);

    /* Those in fast memory cost nothing. */
    file = file_new();
    for (uint32_t page = 0; page < NR_FAST; page++) {
        put_scan(file, page * 1000, &page, 1, &many);
    }
    file_save(file);
    g_assert_cmpfloat(bound(), ==, 0);
}

/* Each time that a recording is read, its first scans are the same. */
static void test_traffic_that_is_told_late(void)
{
    GByteArray *file = file_new();
    const uint32_t pages[] = { 0, 40, 41, 47 };
    const uint32_t lines[] = { 1, 10, 100, 1000 };
    ReplayResult results[2];
    double first;

    for (int i = 1; i <= 10; i++) {
        put_scan(file, i * 1000, pages, 4, i > 5 ? lines : NULL);
    }
    file_save(file);
    replay(&raminate_policy_null, 2, results);
    g_assert_cmpuint(results[0].slow_lines, >, 5 * 1110);
    g_assert_cmpuint(results[1].slow_lines, ==, results[0].slow_lines);
    g_assert_cmpuint(results[1].lines, ==, results[0].lines);
    first = bound();
    g_assert_cmpfloat(first, >, 0);
    g_assert_cmpfloat(first, <=, results[0].slow_lines);
}

static void test_no_policy_passes_the_bound(void)
{
    for (unsigned round = 0; round < 40; round++) {
        const RaminatePolicyOps *const *list = raminate_policy_list();
        GByteArray *file = file_new();
        int hot = g_test_rand_int_range(0, NR_PAGES);
        double least;

        for (int i = 1; i <= 60; i++) {
            uint32_t pages[NR_PAGES];
            uint32_t lines[NR_PAGES];
            size_t nr = 0;

            if (g_test_rand_int_range(0, 15) == 0) {
                hot = g_test_rand_int_range(0, NR_PAGES);
            }
            for (int page = 0; page < NR_PAGES; page++) {
                bool is_hot = (page - hot + NR_PAGES) % NR_PAGES < 10;

                if (g_test_rand_int_range(0, 10) < (is_hot ? 8 : 1)) {
                    pages[nr] = page;
                    lines[nr++] = g_test_rand_int_range(1, 100);
                }
            }
            put_scan(file, i * 1000, pages, nr, lines);
        }
        file_save(file);
        if (round % 2) {
            make_room();
        }
        least = bound();
        g_assert_cmpfloat(least, >, 0);
        for (unsigned i = 0; list[i]; i++) {
            ReplayResult result;

            replay(list[i], 1, &result);
            g_assert_cmpfloat(result.slow_lines + result.swap_lines + 1e-6, >=,
                              least);
        }
    }
}

/* Pages 20 to 23 are written from 5 s on.  Batches are due at 3 s, 5 s, ... */
static void save_rising_recording(uint32_t lines_of_fast)
{
    const uint32_t pages[] = { 0, 1, 2, 3, 4, 5, 6, 7, 20, 21, 22, 23 };
    uint32_t lines[G_N_ELEMENTS(pages)] = { [NR_FAST] = 100, 70, 34, 31 };
    GByteArray *file = file_new();

    for (int i = 0; i < NR_FAST; i++) {
        lines[i] = lines_of_fast;
    }
    for (int i = 1; i <= 8; i++) {
        put_scan(file, i * 1000, pages, i < 5 ? NR_FAST : G_N_ELEMENTS(pages),
                 lines);
    }
    file_save(file);
}

static void test_oracle_moves_what_pays_in_time(void)
{
    ReplayResult result;

    save_rising_recording(1);
    /* At 3 s, one second with writes is seen.  100 and 70 lines pay. */
    replay_oracle("oracle", 1, &result);
    g_assert_cmpuint(result.swaps, ==, 3);
    g_assert_cmpuint(result.swap_lines, ==, 3 * TRACE_PAGE_LINES);
    /* At 5 s, twice 34 pay, and twice 31 don't. */
    g_assert_cmpuint(result.slow_lines, ==, 34 + 4 * 31 + 2 * 5 + 3);

    /* What it sees by then comes too late for the first second. */
    replay_oracle("oracle:foresight=1000", 1, &result);
    g_assert_cmpuint(result.swaps, ==, 2);
    g_assert_cmpuint(result.slow_lines, ==, 100 + 70 + 4 * (34 + 31) + 2 * 3);

    /* At 3 s, all that is to come pays for all four. */
    replay_oracle("oracle:foresight=5000", 1, &result);
    g_assert_cmpuint(result.swaps, ==, 4);
    g_assert_cmpuint(result.slow_lines, ==, 4 * 5);
}

static void test_oracle_counts_what_makes_room(void)
{
    ReplayResult results[2];

    /* The page that goes down is written, too: twice 100 pay, twice 70 not. */
    save_rising_recording(40);
    replay_oracle("oracle", 2, results);
    g_assert_cmpuint(results[0].swaps, ==, 1);
    g_assert_cmpuint(results[0].slow_lines, ==,
                     100 + 4 * (70 + 34 + 31) + 3 * 40);
    /* It stays there, and the second pass begins as the first one did. */
    g_assert_cmpuint(results[1].swaps, ==, 0);
    g_assert_cmpuint(results[1].slow_lines, ==, 4 * (70 + 34 + 31) + 8 * 40);
}

static void test_oracle_of_scans_knows_no_lines(void)
{
    const uint32_t pages[] = { 20, 21 };
    const uint32_t lines[] = { 100, 10 };
    GByteArray *file = file_new();
    ReplayResult result;

    for (int i = 1; i <= 5; i++) {
        put_scan(file, i * 1000, pages, 2, lines);
    }
    file_save(file);
    replay_oracle("oracle", 1, &result);
    g_assert_cmpuint(result.swaps, ==, 1);
    g_assert_cmpuint(result.slow_lines, ==, 3 * 100 + 5 * 10);
    /* 55 of each a scan, for all it knows */
    replay_oracle("oracle-scans", 1, &result);
    g_assert_cmpuint(result.swaps, ==, 2);
    g_assert_cmpuint(result.slow_lines, ==, 3 * (100 + 10));
    replay_oracle("oracle-scans:foresight=1000", 1, &result);
    g_assert_cmpuint(result.swaps, ==, 0);
}

/* @value: of a setting of all policies, or of oracles */
static bool takes(const char *policy, const char *setting, guint64 value)
{
    ReplaySettings settings = defaults;
    g_autoptr(GError) error = NULL;
    g_autofree char *text = g_strdup_printf("%s:%s=%" G_GUINT64_FORMAT, policy,
                                            setting, value);

    if (policies_parse(text, &settings, &error)) {
        return true;
    }
    g_assert_nonnull(strstr(error->message, setting));
    return false;
}

static void test_settings_have_the_ranges_of_containers(void)
{
    static const char *const names[] = {
        "swap-period", "life-time", "max-swaps",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        const RaminateSetting *setting = raminate_setting_find(names[i]);

        g_assert_true(takes("cmq", names[i], setting->min));
        g_assert_true(takes("cmq", names[i], setting->max));
        g_assert_false(takes("cmq", names[i], (guint64)setting->max + 1));
        g_assert_false(takes("cmq", names[i], setting->min - 1));
    }
    g_assert_true(takes("oracle", "foresight", 1 << 20));
}

static void test_settings_are_checked(void)
{
    static const char *const bad[] = {
        "", ":", "nosuch", "cmq:max-swaps", "cmq:max-swaps=0", "cmq:nosuch=1",
        "cmq:foresight=1000", "oracle:foresight=", "oracle:foresight=1048577",
    };
    ReplaySettings settings = defaults;

    g_assert_true(policies_parse("cmq:swap-period=5000,life-time=7,max-swaps=9",
                                 &settings, NULL));
    g_assert_true(settings.policy == &raminate_policy_cmq);
    g_assert_cmpuint(settings.engine.swap_period, ==, 5000);
    g_assert_cmpuint(settings.engine.life_time, ==, 7);
    g_assert_cmpuint(settings.engine.max_swaps, ==, 9);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        settings = defaults;
        g_assert_false(policies_parse(bad[i], &settings, &error));
        g_assert_nonnull(error);
    }
}

static void test_traffic_is_gauged(void)
{
    GByteArray *file = file_new();
    const uint32_t pages[] = { 3, 40 };
    const uint32_t lines[] = { 7, 1000 };
    ReplayResult result;

    gauged = g_string_new(NULL);
    for (int i = 1; i <= 3; i++) {
        put_scan(file, i * 1000, pages, 2, lines);
    }
    file_save(file);
    replay(&policy_gauged, 1, &result);
    g_assert_cmpstr(gauged->str, ==, "| 3:7 40:64 | 3:7 40:64 | ");
    g_string_free(gauged, TRUE);
}

static void test_gauge_of_the_recording_is_used(void)
{
    GByteArray *file = file_new();
    const uint32_t pages[] = { 3, 40 };
    const uint32_t lines[] = { 7, 1000 };
    const uint32_t changed = 9;
    RaminateRecordEntry entry = {
        .type = RAMINATE_RECORD_GAUGE, .window_ms = 1000,
        .pages = &pages[1], .written = &changed,
    };
    ReplayResult result;

    gauged = g_string_new(NULL);
    for (int i = 1; i <= 3; i++) {
        entry.time_ms = i * 1000;
        entry.nr = i > 1;
        raminate_record_put_entry(file, NR_PAGES, &entry);
        put_scan(file, i * 1000, pages, 2, lines);
    }
    file_save(file);
    replay(&policy_gauged, 1, &result);
    g_assert_cmpstr(gauged->str, ==, "| 40:9 | 40:9 | ");
    g_string_free(gauged, TRUE);
}

/* What a policy is told of scans and looks, in text */
static GString *told;

static void append_sample(const char *what, const RaminateSample *sample)
{
    g_string_append_printf(told, "%s of %x:", what, sample->kinds);
    RAMINATE_SAMPLE_FOREACH(run, sample, RAMINATE_WRITTEN | RAMINATE_READ) {
        g_string_append_printf(told, " %u+%u:%x", run->first, run->nr,
                               run->kinds);
    }
    g_string_append(told, "\n");
}

static void told_sample(RaminatePolicy *policy, int64_t now_ms,
                        const RaminateSample *found)
{
    (void)policy;
    (void)now_ms;
    append_sample("scan", found);
}

static void told_look(RaminatePolicy *policy, int64_t now_ms,
                      uint32_t window_ms, const RaminateSample *found)
{
    (void)policy;
    (void)now_ms;
    (void)window_ms;
    append_sample("look", found);
}

static void test_kinds_are_told(void)
{
    GByteArray *file = file_of_kinds(RAMINATE_WRITTEN | RAMINATE_READ);
    const uint32_t written[] = { 3, 4, 40 };
    const uint32_t read[] = { 4, 5 };
    RaminateRecordEntry entry = {
        .type = RAMINATE_RECORD_LOOK, .time_ms = 500, .window_ms = 500,
        .kinds = RAMINATE_READ, .read_pages = read, .nr_read_pages = 2,
    };
    RaminatePolicyOps ops = policy_gauged;
    ReplayResult result;

    raminate_record_put_entry(file, NR_PAGES, &entry);
    entry.type = RAMINATE_RECORD_SCAN;
    entry.time_ms = entry.window_ms = 1000;
    entry.kinds |= RAMINATE_WRITTEN;
    entry.pages = written;
    entry.nr = 3;
    raminate_record_put_entry(file, NR_PAGES, &entry);
    put_scan(file, 2000, written, 3, NULL);
    file_save(file);
    ops.gauge = NULL;
    ops.sample = told_sample;
    ops.look = told_look;
    told = g_string_new(NULL);
    replay(&ops, 1, &result);
    g_assert_cmpstr(told->str, ==,
                    "look of 2: 4+2:2\n"
                    "scan of 3: 3+1:1 4+1:3 5+1:2 40+1:1\n"
                    "scan of 1: 3+2:1 40+1:1\n");
    g_assert_cmpuint(result.pages, ==, 6);
    g_string_free(told, TRUE);
}

static void test_scans_are_merged(void)
{
    TraceOptions merge = { .scan_period_ms = 2000, .lines_per_page = 1 };
    GByteArray *file = file_new();
    const uint32_t first[] = { 1, 5 };
    const uint32_t second[] = { 2, 5 };
    const uint32_t lines[] = { 10, 20 };
    g_autoptr(Trace) trace = NULL;
    const TraceStep *step;

    put_scan(file, 1000, first, 2, lines);
    put_scan(file, 2000, second, 2, lines);
    put_scan(file, 3000, first, 2, lines);
    file_save(file);
    trace = trace_new(path, &merge, NULL);
    step = trace_next(trace, NULL);
    g_assert_cmpint(step->time_ms, ==, 1000);
    step = trace_next(trace, NULL);
    g_assert_cmpint(step->time_ms, ==, 3000);
    g_assert_cmpuint(step->pages->len, ==, 3);
    g_assert_cmpuint(step->traffic_pages->len, ==, 3);
    g_assert_cmpuint(g_array_index(step->written, uint32_t, 2), ==, 40);
    g_assert_null(trace_next(trace, NULL));
}

/* Numbers in text, for comparisons */
static char *numbers_text(const GArray *numbers)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < numbers->len; i++) {
        g_string_append_printf(text, "%s%u", i ? " " : "",
                               g_array_index(numbers, uint32_t, i));
    }
    return g_string_free(text, FALSE);
}

static void assert_numbers(const GArray *numbers, const char *expected)
{
    g_autofree char *text = numbers_text(numbers);

    g_assert_cmpstr(text, ==, expected);
}

static void test_pages_make_units(void)
{
    TraceOptions units = { .lines_per_page = 10, .unit_pages = 4 };
    GByteArray *file = file_new();
    const uint32_t pages[] = { 0, 3, 4, 9, 10, 11, 47 };
    const uint32_t lines[] = { 1, 2, 3, 4, 5, 6, 7 };
    g_autoptr(Trace) trace = NULL;
    const TraceStep *step;

    put_scan(file, 1000, pages, 7, lines);
    file_save(file);
    trace = trace_new(path, &units, NULL);
    step = trace_next(trace, NULL);
    assert_numbers(step->pages, "0 1 2 11");
    assert_numbers(step->traffic_pages, "0 1 2 11");
    assert_numbers(step->written, "3 3 15 7");
}

/* What isn't told is estimated by page, not by unit. */
static void test_estimates_of_units(void)
{
    TraceOptions units = { .lines_per_page = 10, .unit_pages = 4 };
    GByteArray *file = file_new();
    const uint32_t pages[] = { 0, 3, 4, 9, 10, 11, 47 };
    RaminateRecordEntry entry = {
        .type = RAMINATE_RECORD_SCAN, .time_ms = 1000, .window_ms = 1000,
        .pages = pages, .nr = 7,
    };
    g_autoptr(Trace) trace = NULL;
    const TraceStep *step;

    raminate_record_put_entry(file, NR_PAGES, &entry);
    file_save(file);
    trace = trace_new(path, &units, NULL);
    step = trace_next(trace, NULL);
    assert_numbers(step->written, "20 10 30 10");
}

int main(int argc, char **argv)
{
    g_autofree char *directory = NULL;
    int ret;

    g_test_init(&argc, &argv, NULL);
    directory = g_dir_make_tmp("raminate-sim-XXXXXX", NULL);
    path = g_build_filename(directory, "recording", NULL);
    g_test_add_func("/sim/null-counts-pages-and-lines", test_counts);
    g_test_add_func("/sim/unknown-traffic-is-estimated", test_estimate);
    g_test_add_func("/sim/second-pass-keeps-the-placement",
                    test_second_pass_keeps_placement);
    g_test_add_func("/sim/scans-are-merged", test_scans_are_merged);
    g_test_add_func("/sim/room-is-no-page", test_room_is_no_page);
    g_test_add_func("/sim/pages-make-units", test_pages_make_units);
    g_test_add_func("/sim/estimates-of-units-are-by-page",
                    test_estimates_of_units);
    g_test_add_func("/sim/policy-is-kept", test_policy_is_kept);
    g_test_add_func("/sim/traffic-is-gauged", test_traffic_is_gauged);
    g_test_add_func("/sim/gauge-of-the-recording-is-used",
                    test_gauge_of_the_recording_is_used);
    g_test_add_func("/sim/kinds-are-told", test_kinds_are_told);
    g_test_add_func("/sim/oracle-moves-what-pays-in-time",
                    test_oracle_moves_what_pays_in_time);
    g_test_add_func("/sim/oracle-counts-what-makes-room",
                    test_oracle_counts_what_makes_room);
    g_test_add_func("/sim/oracle-of-scans-knows-no-lines",
                    test_oracle_of_scans_knows_no_lines);
    g_test_add_func("/sim/settings-of-policies-are-checked",
                    test_settings_are_checked);
    g_test_add_func("/sim/settings-have-the-ranges-of-containers",
                    test_settings_have_the_ranges_of_containers);
    g_test_add_func("/sim/bound-of-known-cases", test_bound_of_known_cases);
    g_test_add_func("/sim/traffic-that-is-told-late",
                    test_traffic_that_is_told_late);
    g_test_add_func("/sim/no-policy-passes-the-bound",
                    test_no_policy_passes_the_bound);
    ret = g_test_run();
    g_unlink(path);
    g_rmdir(directory);
    g_free(path);
    return ret;
}
