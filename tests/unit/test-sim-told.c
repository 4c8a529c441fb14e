/*
 * RAMinate: what the simulator tells policies
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "replay-harness.h"

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
    GByteArray *file = recording_new();
    const uint32_t page = 20;
    ReplayResult results[3];

    for (int i = 1; i <= 5; i++) {
        recording_put_scan(file, i * 1000, &page, 1, NULL);
    }
    recording_save(file);
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

static void test_traffic_is_gauged(void)
{
    GByteArray *file = recording_new();
    const uint32_t pages[] = { 3, 40 };
    const uint32_t lines[] = { 7, 1000 };
    ReplayResult result;

    gauged = g_string_new(NULL);
    for (int i = 1; i <= 3; i++) {
        recording_put_scan(file, i * 1000, pages, 2, lines);
    }
    recording_save(file);
    replay_policy(&policy_gauged, 1, &result);
    g_assert_cmpstr(gauged->str, ==, "| 3:7 40:64 | 3:7 40:64 | ");
    g_string_free(gauged, TRUE);
}

static void test_gauge_of_the_recording_is_used(void)
{
    GByteArray *file = recording_new();
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
        recording_put_scan(file, i * 1000, pages, 2, lines);
    }
    recording_save(file);
    replay_policy(&policy_gauged, 1, &result);
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
    GByteArray *file = recording_of_kinds(RAMINATE_WRITTEN | RAMINATE_READ);
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
    recording_put_scan(file, 2000, written, 3, NULL);
    recording_save(file);
    ops.gauge = NULL;
    ops.sample = told_sample;
    ops.look = told_look;
    told = g_string_new(NULL);
    replay_policy(&ops, 1, &result);
    g_assert_cmpstr(told->str, ==,
                    "look of 2: 4+2:2\n"
                    "scan of 3: 3+1:1 4+1:3 5+1:2 40+1:1\n"
                    "scan of 1: 3+2:1 40+1:1\n");
    g_assert_cmpuint(result.pages, ==, 6);
    g_string_free(told, TRUE);
}

int main(int argc, char **argv)
{
    recording_init(&argc, &argv);
    g_test_add_func("/sim/policy-is-kept", test_policy_is_kept);
    g_test_add_func("/sim/traffic-is-gauged", test_traffic_is_gauged);
    g_test_add_func("/sim/gauge-of-the-recording-is-used",
                    test_gauge_of_the_recording_is_used);
    g_test_add_func("/sim/kinds-are-told", test_kinds_are_told);
    return recording_run();
}
