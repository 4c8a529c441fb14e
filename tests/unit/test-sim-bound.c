/*
 * RAMinate: what no policy passes: the bound, and oracles
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "replay-harness.h"
#include "tools/sim/policies.h"

static void test_bound_of_known_cases(void)
{
    GByteArray *file = recording_new();
    const uint32_t slow = 40;
    const uint32_t lines = 10;
    const uint32_t many = 100;

    /* Twenty times 10 lines: the best is a swap, for 64, after the first. */
    for (int i = 1; i <= 20; i++) {
        recording_put_scan(file, i * 1000, &slow, 1, &lines);
    }
    recording_save(file);
    g_assert_cmpfloat(recording_bound(), ==, 74);

    /* Once 10 lines: left where it is. */
    file = recording_new();
    recording_put_scan(file, 1000, &slow, 1, &lines);
    recording_save(file);
    g_assert_cmpfloat(recording_bound(), ==, 10);

    /* Those in fast memory cost nothing. */
    file = recording_new();
    for (uint32_t page = 0; page < NR_FAST; page++) {
        recording_put_scan(file, page * 1000, &page, 1, &many);
    }
    recording_save(file);
    g_assert_cmpfloat(recording_bound(), ==, 0);
}

/* Each time that a recording is read, its first scans are the same. */
static void test_traffic_that_is_told_late(void)
{
    GByteArray *file = recording_new();
    const uint32_t pages[] = { 0, 40, 41, 47 };
    const uint32_t lines[] = { 1, 10, 100, 1000 };
    ReplayResult results[2];
    double first;

    for (int i = 1; i <= 10; i++) {
        recording_put_scan(file, i * 1000, pages, 4, i > 5 ? lines : NULL);
    }
    recording_save(file);
    replay_policy(&raminate_policy_null, 2, results);
    g_assert_cmpuint(results[0].slow_lines, >, 5 * 1110);
    g_assert_cmpuint(results[1].slow_lines, ==, results[0].slow_lines);
    g_assert_cmpuint(results[1].lines, ==, results[0].lines);
    first = recording_bound();
    g_assert_cmpfloat(first, >, 0);
    g_assert_cmpfloat(first, <=, results[0].slow_lines);
}

static void test_no_policy_passes_the_bound(void)
{
    for (unsigned round = 0; round < 40; round++) {
        const RaminatePolicyOps *const *list = raminate_policy_list();
        GByteArray *file = recording_new();
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
            recording_put_scan(file, i * 1000, pages, nr, lines);
        }
        recording_save(file);
        if (round % 2) {
            recording_make_room();
        }
        least = recording_bound();
        g_assert_cmpfloat(least, >, 0);
        for (unsigned i = 0; list[i]; i++) {
            ReplayResult result;

            replay_policy(list[i], 1, &result);
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
    GByteArray *file = recording_new();

    for (int i = 0; i < NR_FAST; i++) {
        lines[i] = lines_of_fast;
    }
    for (int i = 1; i <= 8; i++) {
        recording_put_scan(file, i * 1000, pages,
                           i < 5 ? NR_FAST : G_N_ELEMENTS(pages), lines);
    }
    recording_save(file);
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
    GByteArray *file = recording_new();
    ReplayResult result;

    for (int i = 1; i <= 5; i++) {
        recording_put_scan(file, i * 1000, pages, 2, lines);
    }
    recording_save(file);
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

/* Page 20 is written, page 21 read, 22 both.  @kinds: that scans tell */
static void save_recording_of_kinds(int scans, unsigned kinds)
{
    const uint32_t pages[] = { 20, 21, 22 };
    const uint32_t written[] = { 300, 0, 150 };
    const uint32_t read[] = { 0, 290, 150 };
    GByteArray *file = recording_of_kinds(kinds);

    for (int i = 1; i <= scans; i++) {
        RaminateRecordEntry entry = {
            .type = RAMINATE_RECORD_TRAFFIC, .time_ms = i * 1000,
            .window_ms = 1000, .pages = pages, .nr = 3, .written = written,
            .read = read,
        };
        const uint32_t of_scan[] = { 20, 22 };

        raminate_record_put_entry(file, NR_PAGES, &entry);
        entry = (RaminateRecordEntry) {
            .type = RAMINATE_RECORD_SCAN, .time_ms = i * 1000,
            .window_ms = 1000, .kinds = kinds, .pages = of_scan,
            .nr = 2, .read_pages = pages + 1, .nr_read_pages = 2,
        };
        raminate_record_put_entry(file, NR_PAGES, &entry);
    }
    recording_save(file);
}

static void test_oracle_goes_by_costs(void)
{
    ReplayResult result;

    /* A swap costs 64 * (1 + 1 + 3 + 3) = 512; what is saved, twice as many. */
    save_recording_of_kinds(8, RAMINATE_ACCESSED);
    recording_set_costs(3, 3);
    replay_oracle("oracle:foresight=1000", 1, &result);
    g_assert_cmpuint(result.swaps, ==, 3);
    recording_set_costs(2, 4);
    replay_oracle("oracle:foresight=1000", 1, &result);
    /* 900, 290 and 600; for reads alone, it would take 512, too. */
    g_assert_cmpuint(result.swaps, ==, 2);
    g_assert_cmpuint(result.tier_reads[1], ==, 8 * 290 + 3 * 150);
    /* Where reads cost nothing more, only lines written count, and 64. */
    recording_set_costs(1, 5);
    replay_oracle("oracle:foresight=1000", 1, &result);
    g_assert_cmpuint(result.swaps, ==, 2);

    /* 225 lines written and 220 read in the mean: 450 and 440, or both */
    recording_set_costs(3, 3);
    replay_oracle("oracle-scans:foresight=1000", 1, &result);
    g_assert_cmpuint(result.swaps, ==, 1);
    g_assert_cmpuint(result.tier_lines[1], ==, 8 * 300 + 3 * 150);
}

static void replay_moves(const RaminatePolicyOps *policy,
                         ReplayResult *result)
{
    ReplaySettings settings = replay_defaults;

    settings.policy = policy;
    settings.keep_moves = true;
    replay_as(&settings, 1, result);
}

static void test_policies_count_reads_that_cost(void)
{
    const RaminatePolicyOps *const *ops = raminate_policy_list();

    for (; *ops; ops++) {
        ReplayResult plain;
        ReplayResult result;

        save_recording_of_kinds(60, RAMINATE_WRITTEN);
        replay_moves(*ops, &plain);
        g_assert_cmpuint(plain.tier_reads[1], >=, 60 * 290);
        save_recording_of_kinds(60, RAMINATE_ACCESSED);
        replay_moves(*ops, &result);
        g_assert_cmpmem(plain.moves->data,
                        plain.moves->len * sizeof(ReplayMove),
                        result.moves->data,
                        result.moves->len * sizeof(ReplayMove));
        replay_result_clear(&plain);
        replay_result_clear(&result);
        recording_set_costs(3, 3);
        replay_moves(*ops, &result);
        if ((*ops)->kinds) {
            g_assert_cmpuint(result.tier_reads[1], <, 60 * 290);
        }
        replay_result_clear(&result);
    }
}

int main(int argc, char **argv)
{
    recording_init(&argc, &argv);
    g_test_add_func("/sim/oracle-moves-what-pays-in-time",
                    test_oracle_moves_what_pays_in_time);
    g_test_add_func("/sim/oracle-counts-what-makes-room",
                    test_oracle_counts_what_makes_room);
    g_test_add_func("/sim/oracle-of-scans-knows-no-lines",
                    test_oracle_of_scans_knows_no_lines);
    g_test_add_func("/sim/oracle-goes-by-costs", test_oracle_goes_by_costs);
    g_test_add_func("/sim/policies-count-reads-that-cost",
                    test_policies_count_reads_that_cost);
    g_test_add_func("/sim/bound-of-known-cases", test_bound_of_known_cases);
    g_test_add_func("/sim/traffic-that-is-told-late",
                    test_traffic_that_is_told_late);
    g_test_add_func("/sim/no-policy-passes-the-bound",
                    test_no_policy_passes_the_bound);
    return recording_run();
}
