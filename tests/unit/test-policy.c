/*
 * RAMinate: what holds for every policy, whatever the workload
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "hw/raminate/engine/heat.h"
#include "found.h"
#include "memory-use.h"
#include "policy-harness.h"
#include "new-placement.h"

static void test_names(void)
{
    const RaminatePolicyOps *const *list = raminate_policy_list();
    unsigned nr = 0;

    for (; list[nr]; nr++) {
        g_assert_true(raminate_policy_find(list[nr]->name) == list[nr]);
        g_assert_cmpuint(strlen(list[nr]->summary), >, 0);
    }
    g_assert_cmpuint(nr, >=, 7);
    g_assert_true(raminate_policy_find("cmq") == &raminate_policy_cmq);
    g_assert_true(raminate_policy_find("lru") == &raminate_policy_lru);
    g_assert_true(raminate_policy_find("null") == &raminate_policy_null);
}

static void test_unknown_names(void)
{
    g_assert_null(raminate_policy_find(""));
    g_assert_null(raminate_policy_find("CMQ"));
    g_assert_null(raminate_policy_find("cmq2"));
}

static void test_null_moves_nothing(void)
{
    Harness *h = harness_new(&raminate_policy_null, 5000, 4, 16);

    for (int64_t now = 0; now < 100000; now += 1000) {
        harness_scan(h, now, 10, 11, -1);
        g_assert_cmpstr(harness_plan(h, now, 10), ==, "");
    }
    harness_set_life_time(h, 1);
    harness_swap(h, 100000, 0, 10);
    g_assert_cmpstr(harness_plan(h, 100000, 10), ==, "");
    harness_free(h);
}

/* Returns: a copy of all frames, each of which has one page. */
static uint32_t *frames(const RaminatePlacement *placement)
{
    uint32_t nr = raminate_placement_pages(placement);
    g_autofree bool *seen = g_new0(bool, nr);
    uint32_t *copy = g_new(uint32_t, nr);

    for (uint32_t page = 0; page < nr; page++) {
        copy[page] = raminate_placement_frame(placement, page);
        g_assert_cmpuint(copy[page], <, nr);
        g_assert_false(seen[copy[page]]);
        seen[copy[page]] = true;
    }
    return copy;
}

static uint32_t write_cost(const Harness *h, uint32_t page)
{
    return raminate_placement_layout(h->placement)
           ->costs[raminate_placement_tier(h->placement, page)].write;
}

static void check_plan(const Harness *h, uint32_t nr_pages)
{
    g_autofree bool *seen = g_new0(bool, nr_pages);

    for (size_t i = 0; i < h->nr_pairs; i++) {
        uint32_t up = h->pairs[i].page;
        uint32_t down = h->pairs[i].with;

        g_assert_cmpuint(up, <, nr_pages);
        g_assert_cmpuint(down, <, nr_pages);
        g_assert_cmpuint(write_cost(h, up), >, write_cost(h, down));
        g_assert_false(seen[up]);
        seen[up] = true;
        g_assert_false(seen[down]);
        seen[down] = true;
    }
}

/* One random life of a policy, among random tiers */
static void live(const RaminatePolicyOps *ops)
{
    RaminateFrameRange ranges[4];
    unsigned nr_tiers = g_test_rand_int_range(1, 5);
    uint32_t nr_pages = 0;
    int64_t now = g_test_rand_int_range(-100000, 100000);
    int fail = g_test_rand_int_range(0, 101);
    RaminateLayout layout;
    Harness *h;

    /* The rank is in no relation to the offset. */
    for (unsigned i = nr_tiers; i-- > 0;) {
        unsigned tier = (i + nr_tiers / 2) % nr_tiers;

        ranges[tier].first = nr_pages;
        ranges[tier].count = g_test_rand_int_range(1, 25);
        nr_pages += ranges[tier].count;
    }
    raminate_layout_init(&layout, ranges, nr_tiers);
    for (unsigned tier = 1; tier < nr_tiers; tier++) {
        if (g_test_rand_int_range(0, 3) == 0) {
            layout.costs[tier].write = layout.costs[tier - 1].write;
        }
    }
    h = harness_new_layout(ops, g_test_rand_int_range(0, 8000), &layout);

    for (int i = 0; i < 500; i++) {
        g_autofree uint32_t *written = g_new(uint32_t, nr_pages);
        g_autofree uint32_t *before = NULL;
        g_autofree uint32_t *after = NULL;
        int share = g_test_rand_int_range(0, 100);
        size_t nr = 0;
        size_t max = g_test_rand_int_range(0, HARNESS_MAX_PAIRS);

        now += g_test_rand_int_range(0, 50) ?
               g_test_rand_int_range(0, 3000) :
               g_test_rand_int_range(0, G_MAXINT32);

        for (uint32_t page = 0; page < nr_pages; page++) {
            if (g_test_rand_int_range(0, 100) < share) {
                written[nr++] = page;
            }
        }
        if (ops->look && g_test_rand_bit()) {
            /* Any first part of what the scan will find */
            harness_look(h, now, g_test_rand_int_range(1, 1000), written,
                      nr ? g_test_rand_int_range(0, nr + 1) : 0);
        }
        if (ops->gauge && g_test_rand_bit()) {
            g_autofree uint32_t *lines = g_new(uint32_t, nr_pages);

            for (size_t j = 0; j < nr; j++) {
                lines[j] = g_test_rand_int_range(0, 65);
            }
            ops->gauge(h->policy, written, lines,
                       nr ? g_test_rand_int_range(0, nr + 1) : 0);
        }
        harness_sample(h, now, written, nr);

        before = frames(h->placement);
        memset(h->pairs, 0xff, sizeof(h->pairs));
        harness_plan(h, now, max);
        after = frames(h->placement);
        g_assert_cmpmem(before, nr_pages * sizeof(before[0]),
                        after, nr_pages * sizeof(after[0]));
        for (size_t j = h->nr_pairs; j < HARNESS_MAX_PAIRS; j++) {
            g_assert_cmpuint(h->pairs[j].page, ==, UINT32_MAX);
            g_assert_cmpuint(h->pairs[j].with, ==, UINT32_MAX);
        }
        check_plan(h, nr_pages);

        for (size_t j = 0; j < h->nr_pairs; j++) {
            if (g_test_rand_int_range(0, 100) >= fail) {
                /* Either page may be named first. */
                if (g_test_rand_bit()) {
                    harness_swap(h, now, h->pairs[j].page,
                                 h->pairs[j].with);
                } else {
                    harness_swap(h, now, h->pairs[j].with,
                                 h->pairs[j].page);
                }
            }
        }
        if (nr_pages > 1 && g_test_rand_int_range(0, 5) == 0) {
            uint32_t a = g_test_rand_int_range(0, nr_pages);
            uint32_t b = (a + g_test_rand_int_range(1, nr_pages)) % nr_pages;

            harness_swap(h, now, a, b);
        }
        if (g_test_rand_int_range(0, 50) == 0) {
            harness_set_life_time(h, g_test_rand_int_range(0, 8000));
        }
    }
    harness_free(h);
}

static void test_random_lives(const void *data)
{
    for (int i = 0; i < 40; i++) {
        live(data);
    }
}

static void test_hot_set_becomes_fast(const void *data)
{
    Harness *h = harness_new(data, 5000, 8, 100);

    for (int64_t now = 0; now <= 120000; now += 1000) {
        harness_scan(h, now, 20, 33, 40, 41, 77, 107, -1);
        if (now % 5000 == 0) {
            harness_move(h, now, 2);
        }
    }
    g_assert_cmpuint(raminate_placement_tier(h->placement, 20), ==, 0);
    g_assert_cmpuint(raminate_placement_tier(h->placement, 33), ==, 0);
    g_assert_cmpuint(raminate_placement_tier(h->placement, 40), ==, 0);
    g_assert_cmpuint(raminate_placement_tier(h->placement, 41), ==, 0);
    g_assert_cmpuint(raminate_placement_tier(h->placement, 77), ==, 0);
    g_assert_cmpuint(raminate_placement_tier(h->placement, 107), ==, 0);

    /* And nothing more is to be done. */
    g_assert_cmpstr(harness_plan(h, 120000, 10), ==, "");
    harness_free(h);
}

/* Tiers of 4, 4 and 100 pages, the first two as fast to write */
static Harness *new_with_tiers_alike(const RaminatePolicyOps *ops,
                                     bool slow_too)
{
    static const RaminateFrameRange ranges[] = { { 0, 4 }, { 4, 4 },
                                                 { 8, 100 } };
    RaminateLayout layout;

    raminate_layout_init(&layout, ranges, 3);
    layout.costs[1].write = layout.costs[0].write;
    if (slow_too) {
        layout.costs[2].write = layout.costs[0].write;
    }
    return harness_new_layout(ops, 5000, &layout);
}

static void test_tiers_alike_are_filled_alike(const void *data)
{
    static const uint32_t hot[] = { 20, 33, 40, 41, 77, 107 };
    Harness *h = new_with_tiers_alike(data, false);

    for (int64_t now = 0; now <= 120000; now += 1000) {
        harness_sample(h, now, hot, G_N_ELEMENTS(hot));
        if (now % 5000 == 0) {
            harness_move(h, now, 2);
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(hot); i++) {
        g_assert_cmpuint(raminate_placement_tier(h->placement, hot[i]), <, 2);
    }
    g_assert_cmpstr(harness_plan(h, 120000, 10), ==, "");
    harness_free(h);
}

static void test_tiers_alike_exchange_nothing(const void *data)
{
    Harness *h = new_with_tiers_alike(data, true);

    for (int64_t now = 0; now <= 120000; now += 1000) {
        harness_scan(h, now, 5, 6, 20, 33, 40, 41, 77, 107, -1);
        g_assert_cmpstr(harness_plan(h, now, 10), ==, "");
    }
    harness_free(h);
}

/* A policy that goes by writes must not take a page that was read for one. */
static void test_reads_are_not_writes(const void *data)
{
    Harness *h = harness_new(data, 5000, 8, 100);
    RaminateSample found = { 0 };
    const uint32_t pages[] = { 20, 33, 40, 41, 77 };

    for (int64_t now = 0; now <= 120000; now += 1000) {
        raminate_sample_clear(&found);
        raminate_sample_add_pages(&found, pages, G_N_ELEMENTS(pages),
                                  RAMINATE_READ);
        h->ops->sample(h->policy, now, &found);
        g_assert_cmpstr(harness_plan(h, now, 10), ==, "");
    }
    raminate_sample_destroy(&found);
    harness_free(h);
}

static void test_starts_in_mid_flight(const void *data)
{
    Harness *h = harness_new(data, 1000, 2, 60);

    /* A policy that takes over finds pages where the last one left them. */
    harness_swap(h, 0, 0, 6);
    harness_swap(h, 0, 1, 7);
    harness_start_policy(h, 1000);

    harness_scan(h, 0, -1);
    for (int64_t now = 10000; now < 60000; now += 1000) {
        harness_scan(h, now, 0, 1, -1);
        harness_move(h, now, 10);
    }
    g_assert_cmpuint(raminate_placement_tier(h->placement, 0), ==, 0);
    g_assert_cmpuint(raminate_placement_tier(h->placement, 1), ==, 0);
    harness_free(h);
}

/* Regions in which something happens, and the pages in them */
#define LIVE_REGIONS 1000
#define LIVE_PAGES (LIVE_REGIONS * RAMINATE_REGION_PAGES)

/* A guest of 1 TiB, of which every 500th region is written */
#define TERABYTE_PAGES (1u << 28)
#define LIVE_STEP (TERABYTE_PAGES / LIVE_REGIONS)

static const RaminateFrameRange terabyte[] = {
    { 0, TERABYTE_PAGES / 8 },
    { TERABYTE_PAGES / 8, TERABYTE_PAGES - TERABYTE_PAGES / 8 },
};

/* Address space for a table's directory, whatever is in it; see regions.h */
#define DIRECTORY_SIZE (16 << 20)

/* These know for long when a page was written, and then forget it. */
static bool forgets(const RaminatePolicyOps *ops)
{
    return ops == &raminate_policy_lru || ops == &raminate_policy_payback;
}

/* In so many scans, one a second, they have forgotten all of LIVE_PAGES. */
#define FORGET_SCANS 14500

/* hemem waits for a page that is written again and again: see there. */
static bool gives_back(const RaminatePolicyOps *ops)
{
    return ops != &raminate_policy_hemem && ops != &raminate_policy_null;
}

static uint32_t *live_pages(void)
{
    uint32_t *pages = g_new(uint32_t, LIVE_PAGES);

    for (uint32_t i = 0; i < LIVE_PAGES; i++) {
        pages[i] = i / RAMINATE_REGION_PAGES * LIVE_STEP /
                   RAMINATE_REGION_PAGES * RAMINATE_REGION_PAGES +
                   i % RAMINATE_REGION_PAGES;
    }
    return pages;
}

static void test_memory_follows_what_is_written(const void *data)
{
    const RaminatePolicyOps *ops = data;
    g_autofree uint32_t *pages = live_pages();
    size_t stated = ops->bytes_per_page * LIVE_PAGES;
    size_t before, idle, live;
    Harness *h;

    if (!memory_use_is_known()) {
        return;
    }
    before = memory_allocated();
    h = harness_new_tiers(ops, 5000, terabyte, 2);
    idle = memory_allocated();
    g_assert_cmpuint(idle - before, <, 2 * DIRECTORY_SIZE);
    harness_sample(h, 1000, pages, LIVE_PAGES);
    live = memory_allocated();
    /* What the C library adds to each chunk, and what a sample needs */
    g_assert_cmpuint(live - idle, <=, stated + stated / 8 + MEMORY_USE_SLACK);
    harness_free(h);
    g_assert_cmpuint(memory_allocated(), <, before + MEMORY_USE_SLACK);
}

/* Returns: what the policy says that it takes, 0 if it doesn't say. */
static size_t policy_memory(const Harness *h)
{
    return h->ops->memory ? h->ops->memory(h->policy) : 0;
}

/* @nr: of empty scans, one a second, and a plan now and then */
static void rest(Harness *h, int64_t *now, unsigned nr)
{
    for (unsigned i = 0; i < nr; i++, *now += 1000) {
        harness_sample(h, *now, NULL, 0);
        if (i % 50 == 0) {
            harness_plan(h, *now, 0);
        }
    }
}

static void test_memory_is_given_back(const void *data)
{
    g_autofree uint32_t *pages = live_pages();
    int64_t now = 2000;
    size_t idle;
    Harness *h;

    if (!memory_use_is_known()) {
        return;
    }
    h = harness_new_tiers(data, 5000, terabyte, 2);
    /* The first eighth is fast: what is known of its pages is their order. */
    idle = memory_allocated();
    harness_sample(h, 1000, pages + LIVE_PAGES / 4, LIVE_PAGES / 2);
    g_assert_cmpuint(memory_allocated(), >, idle + LIVE_PAGES / 2);
    rest(h, &now, 200);
    if (forgets(data)) {
        g_assert_cmpuint(memory_allocated(), >, idle + LIVE_PAGES / 2);
        rest(h, &now, FORGET_SCANS);
    }
    g_assert_cmpuint(memory_allocated(), <, idle + MEMORY_USE_SLACK);
    g_assert_cmpuint(policy_memory(h), ==, 0);
    harness_free(h);
}

/* 64 GiB in three tiers, and what is written in them at a time */
#define LARGE_PAGES (1u << 24)
#define ACTIVE_PAGES (64 * RAMINATE_REGION_PAGES)

static const RaminateFrameRange large_guest[] = {
    { 0, LARGE_PAGES / 8 },
    { LARGE_PAGES / 8, LARGE_PAGES / 8 },
    { LARGE_PAGES / 4, LARGE_PAGES - LARGE_PAGES / 4 },
};

/* Writes @pages for some minutes, so that some of them move. */
static void be_active(Harness *h, int64_t *now, const uint32_t *pages)
{
    for (int i = 0; i < 120; i++, *now += 1000) {
        harness_look(h, *now - 980, 20, pages, ACTIVE_PAGES / 2);
        harness_sample(h, *now, pages, ACTIVE_PAGES);
        harness_move(h, *now, HARNESS_MAX_PAIRS);
    }
}

/* Activity goes from place to place, and ends. */
static void test_memory_follows_activity(const void *data)
{
    const RaminatePolicyOps *ops = data;
    Harness *h = harness_new_tiers(ops, 5000, large_guest, 3);
    g_autofree uint32_t *pages = g_new(uint32_t, ACTIVE_PAGES);
    size_t most = ops->bytes_per_page * ACTIVE_PAGES;
    int64_t now = 1000;

    for (uint32_t first = LARGE_PAGES / 16; first < LARGE_PAGES;
         first += LARGE_PAGES / 4) {
        for (uint32_t i = 0; i < ACTIVE_PAGES; i++) {
            pages[i] = first + 2 * i;
        }
        be_active(h, &now, pages);
        g_assert_cmpuint(policy_memory(h), >=, most);
        /* Twice as many regions, and those of pages that it changed for */
        g_assert_cmpuint(policy_memory(h), <, 3 * most);
        rest(h, &now, 2 * FORGET_SCANS);
        g_assert_cmpuint(policy_memory(h), ==, 0);
    }
    harness_free(h);
}

static void test_plans_for_a_terabyte_are_quick(const void *data)
{
    g_autofree uint32_t *pages = live_pages();
    Harness *h = harness_new_tiers(data, 5000, terabyte, 2);
    gint64 start = g_get_monotonic_time();

    /* To walk through all pages each time takes minutes, not a second. */
    for (int64_t now = 0; now < 100000; now += 1000) {
        harness_sample(h, now, pages + LIVE_PAGES / 2, RAMINATE_REGION_PAGES);
        harness_move(h, now, 10);
    }
    g_assert_cmpint(g_get_monotonic_time() - start, <, 30 * G_USEC_PER_SEC);
    harness_free(h);
}

/*
 * Calls @create with more and more memory to be had, so that each of its
 * allocations fails once, until there is enough.
 * Returns: what it returned in the end.
 */
static void *starve(void *(*create)(const void *), const void *data,
                    unsigned *failures)
{
    struct rlimit full;
    void *result = NULL;

    g_assert_cmpint(getrlimit(RLIMIT_AS, &full), ==, 0);
    for (size_t mib = 0; !result; mib++) {
        struct rlimit tight = full;
        g_autofree char *statm = NULL;
        size_t before;

        /* The limit counts what is mapped already, code included. */
        g_assert_true(g_file_get_contents("/proc/self/statm", &statm, NULL,
                                          NULL));
        before = memory_allocated();
        tight.rlim_cur = g_ascii_strtoull(statm, NULL, 10) * 4096 +
                         (mib << 20);
        g_assert_cmpint(setrlimit(RLIMIT_AS, &tight), ==, 0);
        result = create(data);
        g_assert_cmpint(setrlimit(RLIMIT_AS, &full), ==, 0);
        if (!result) {
            (*failures)++;
            g_assert_cmpuint(memory_allocated(), <, before + MEMORY_USE_SLACK);
        }
    }
    return result;
}

/* As large as can be, so that even what is idle takes some memory */
static const RaminateFrameRange large = { 0, UINT32_MAX - 1 };

/* What takes some bytes a region, not a page, needs a guest of 8 TiB. */
static const RaminateFrameRange huge = { 0, 1u << 31 };

static void *create_placement(const void *data)
{
    return placement_new(data, 1);
}

static void *create_heat(const void *data)
{
    const RaminateFrameRange *range = data;

    return raminate_heat_new(range->count);
}

static RaminatePlacement *large_placement;

static void *create_policy(const void *data)
{
    const RaminatePolicyOps *ops = data;
    RaminatePolicyConfig config = { .placement = large_placement };

    return ops->create(&config);
}

static void test_no_memory(void)
{
    const RaminatePolicyOps *const *list = raminate_policy_list();
    RaminatePolicy *policy;
    RaminateHeat *heat;
    unsigned failures = 0;

    if (!memory_use_is_known()) {
        return;
    }
    raminate_placement_free(starve(create_placement, &huge, &failures));
    g_assert_cmpuint(failures, >, 15);

    failures = 0;
    heat = starve(create_heat, &huge, &failures);
    g_assert_cmpuint(failures, >, 15);
    raminate_heat_free(heat);

    large_placement = placement_new(&large, 1);
    for (unsigned i = 0; list[i]; i++) {
        failures = 0;
        policy = starve(create_policy, list[i], &failures);
        if (list[i]->bytes_per_page) {
            g_assert_cmpuint(failures, >, 10);
        }
        if (list[i]->destroy) {
            list[i]->destroy(policy);
        } else {
            free(policy);
        }
    }
    raminate_placement_free(large_placement);
}

static void test_free_null(void)
{
    raminate_placement_free(NULL);
    raminate_heat_free(NULL);
}

static void add(const char *format, const RaminatePolicyOps *ops,
                GTestDataFunc func)
{
    g_autoptr(GString) path = g_string_new(format);

    g_string_replace(path, "NAME", ops->name, 1);
    g_test_add_data_func(path->str, ops, func);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/policy/every-policy-is-found-by-name", test_names);
    g_test_add_func("/policy/unknown-name-is-not-found",
                    test_unknown_names);
    g_test_add_func("/policy/null/moves-nothing", test_null_moves_nothing);
    for (unsigned i = 0; raminate_policy_list()[i]; i++) {
        const RaminatePolicyOps *ops = raminate_policy_list()[i];

        add("/policy/NAME/random-plans-keep-the-rules", ops,
            test_random_lives);
        add("/policy/NAME/memory-follows-what-is-written", ops,
            test_memory_follows_what_is_written);
        add("/policy/NAME/plans-for-a-terabyte-are-quick", ops,
            test_plans_for_a_terabyte_are_quick);
        add("/policy/NAME/tiers-alike-exchange-nothing", ops,
            test_tiers_alike_exchange_nothing);
        if (gives_back(ops)) {
            add("/policy/NAME/memory-of-cold-pages-is-given-back", ops,
                test_memory_is_given_back);
        }
        if (forgets(ops)) {
            add("/policy/NAME/memory-follows-activity-that-moves-away", ops,
                test_memory_follows_activity);
        }
        if (ops->kinds == RAMINATE_WRITTEN) {
            add("/policy/NAME/reads-are-not-writes", ops,
                test_reads_are_not_writes);
        }
        if (ops != &raminate_policy_null) {
            add("/policy/NAME/steady-hot-set-becomes-fast", ops,
                test_hot_set_becomes_fast);
            add("/policy/NAME/takes-over-from-another", ops,
                test_starts_in_mid_flight);
            add("/policy/NAME/tiers-alike-are-filled-alike", ops,
                test_tiers_alike_are_filled_alike);
        }
    }
    g_test_add_func("/policy/creation-without-memory-returns-null",
                    test_no_memory);
    g_test_add_func("/policy/freeing-null-is-fine", test_free_null);
    return g_test_run();
}
