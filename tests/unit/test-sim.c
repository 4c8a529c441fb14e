/*
 * RAMinate: the simulator counts right
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "replay-harness.h"
#include "tools/sim/policies.h"

static void test_counts(void)
{
    GByteArray *file = recording_new();
    const uint32_t pages[] = { 0, 7, 8, 47 };
    const uint32_t lines[] = { 1, 10, 100, 1000 };
    ReplayResult result;

    for (int i = 1; i <= 10; i++) {
        recording_put_scan(file, i * 1000, pages, 4, lines);
    }
    recording_save(file);
    replay_policy(&raminate_policy_null, 1, &result);
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
    GByteArray *file = recording_new();
    const uint32_t pages[] = { 0, 8, 9 };
    ReplayResult result;

    recording_put_scan(file, 1000, pages, 3, NULL);
    recording_save(file);
    replay_policy(&raminate_policy_null, 1, &result);
    g_assert_false(result.has_traffic);
    g_assert_cmpuint(result.lines, ==, 192);
    g_assert_cmpuint(result.slow_lines, ==, 128);
}

static void test_second_pass_keeps_placement(void)
{
    GByteArray *file = recording_new();
    const uint32_t pages[] = { 20, 30 };
    ReplayResult results[2];

    for (int i = 1; i <= 30; i++) {
        recording_put_scan(file, i * 1000, pages, 2, NULL);
    }
    recording_save(file);
    replay_policy(&raminate_policy_lru, 2, results);
    g_assert_cmpuint(results[0].swaps, ==, 2);
    g_assert_cmpuint(results[0].swap_lines, ==, 128);
    g_assert_cmpuint(results[0].slow_pages, >, 0);
    g_assert_cmpuint(results[1].swaps, ==, 0);
    g_assert_cmpuint(results[1].slow_pages, ==, 0);
}

/* Room takes a page for nothing: it has no contents that must go elsewhere. */
static void test_room_is_no_page(void)
{
    static const RaminatePolicyOps *const policies[] = {
        &raminate_policy_lru, &raminate_policy_payback, &raminate_policy_cmq,
    };
    const uint32_t pages[] = { 20, 30 };

    for (unsigned i = 0; i < G_N_ELEMENTS(policies); i++) {
        GByteArray *file = recording_new();
        ReplayResult result;

        for (int j = 1; j <= 60; j++) {
            recording_put_scan(file, j * 1000, pages, 2, NULL);
        }
        recording_save(file);
        recording_make_room();
        replay_policy(policies[i], 1, &result);
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

/* @value: of a setting of all policies, or of oracles */
static bool takes(const char *policy, const char *setting, guint64 value)
{
    ReplaySettings settings = replay_defaults;
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
    ReplaySettings settings = replay_defaults;

    g_assert_true(policies_parse("cmq:swap-period=5000,life-time=7,max-swaps=9",
                                 &settings, NULL));
    g_assert_true(settings.policy == &raminate_policy_cmq);
    g_assert_cmpuint(settings.engine.swap_period, ==, 5000);
    g_assert_cmpuint(settings.engine.life_time, ==, 7);
    g_assert_cmpuint(settings.engine.max_swaps, ==, 9);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        settings = replay_defaults;
        g_assert_false(policies_parse(bad[i], &settings, &error));
        g_assert_nonnull(error);
    }
}

static void test_scans_are_merged(void)
{
    TraceOptions merge = { .scan_period_ms = 2000, .lines_per_page = 1 };
    GByteArray *file = recording_new();
    const uint32_t first[] = { 1, 5 };
    const uint32_t second[] = { 2, 5 };
    const uint32_t lines[] = { 10, 20 };
    g_autoptr(Trace) trace = NULL;
    const TraceStep *step;

    recording_put_scan(file, 1000, first, 2, lines);
    recording_put_scan(file, 2000, second, 2, lines);
    recording_put_scan(file, 3000, first, 2, lines);
    recording_save(file);
    trace = trace_new(recording_path, &merge, NULL);
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
    GByteArray *file = recording_new();
    const uint32_t pages[] = { 0, 3, 4, 9, 10, 11, 47 };
    const uint32_t lines[] = { 1, 2, 3, 4, 5, 6, 7 };
    g_autoptr(Trace) trace = NULL;
    const TraceStep *step;

    recording_put_scan(file, 1000, pages, 7, lines);
    recording_save(file);
    trace = trace_new(recording_path, &units, NULL);
    step = trace_next(trace, NULL);
    assert_numbers(step->pages, "0 1 2 11");
    assert_numbers(step->traffic_pages, "0 1 2 11");
    assert_numbers(step->written, "3 3 15 7");
}

/* What isn't told is estimated by page, not by unit. */
static void test_estimates_of_units(void)
{
    TraceOptions units = { .lines_per_page = 10, .unit_pages = 4 };
    GByteArray *file = recording_new();
    const uint32_t pages[] = { 0, 3, 4, 9, 10, 11, 47 };
    RaminateRecordEntry entry = {
        .type = RAMINATE_RECORD_SCAN, .time_ms = 1000, .window_ms = 1000,
        .pages = pages, .nr = 7,
    };
    g_autoptr(Trace) trace = NULL;
    const TraceStep *step;

    raminate_record_put_entry(file, NR_PAGES, &entry);
    recording_save(file);
    trace = trace_new(recording_path, &units, NULL);
    step = trace_next(trace, NULL);
    assert_numbers(step->written, "20 10 30 10");
}

int main(int argc, char **argv)
{
    recording_init(&argc, &argv);
    g_test_add_func("/sim/null-counts-pages-and-lines", test_counts);
    g_test_add_func("/sim/unknown-traffic-is-estimated", test_estimate);
    g_test_add_func("/sim/second-pass-keeps-the-placement",
                    test_second_pass_keeps_placement);
    g_test_add_func("/sim/scans-are-merged", test_scans_are_merged);
    g_test_add_func("/sim/room-is-no-page", test_room_is_no_page);
    g_test_add_func("/sim/pages-make-units", test_pages_make_units);
    g_test_add_func("/sim/estimates-of-units-are-by-page",
                    test_estimates_of_units);
    g_test_add_func("/sim/settings-of-policies-are-checked",
                    test_settings_are_checked);
    g_test_add_func("/sim/settings-have-the-ranges-of-containers",
                    test_settings_have_the_ranges_of_containers);
    return recording_run();
}
