/*
 * RAMinate: what every policy takes of memory and time for large guests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdlib.h>
#include <sys/resource.h>

#include "hw/raminate/engine/heat.h"
#include "memory-use.h"
#include "policy-harness.h"
#include "new-placement.h"

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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; raminate_policy_list()[i]; i++) {
        const RaminatePolicyOps *ops = raminate_policy_list()[i];

        harness_add_test("/policy/NAME/memory-follows-what-is-written", ops,
                         test_memory_follows_what_is_written);
        harness_add_test("/policy/NAME/plans-for-a-terabyte-are-quick", ops,
                         test_plans_for_a_terabyte_are_quick);
        if (gives_back(ops)) {
            harness_add_test(
                "/policy/NAME/memory-of-cold-pages-is-given-back", ops,
                test_memory_is_given_back);
        }
        if (forgets(ops)) {
            harness_add_test(
                "/policy/NAME/memory-follows-activity-that-moves-away", ops,
                test_memory_follows_activity);
        }
    }
    g_test_add_func("/policy/creation-without-memory-returns-null",
                    test_no_memory);
    g_test_add_func("/policy/freeing-null-is-fine", test_free_null);
    return g_test_run();
}
