/*
 * RAMinate: the tiers that raminate-sim makes of its command line
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "tools/sim/tiers.h"

static void refuse_tiers_of(const RaminateRecordHeader *header,
                            const TierOptions *tiers, const char *reason)
{
    g_autoptr(GError) error = NULL;
    RaminateLayout made;

    g_assert_false(tiers_make(&made, header, tiers, &error));
    g_assert_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE);
    g_assert_nonnull(strstr(error->message, reason));
}

static void refuse_tiers(const TierOptions *tiers, const char *reason)
{
    RaminateRecordHeader header = {
        .page_size = 4096, .nr_pages = 10000, .nr_tiers = 2,
        .tiers = { { "d", 0, 0, 1000, { 0 } },
                   { "m", 1, 1000, 9000, { 0 } } },
    };

    raminate_record_default_costs(&header);
    refuse_tiers_of(&header, tiers, reason);
}

static void test_wrong_tiers(void)
{
    static const char *const costs[] = {
        "1:1", "1:1,1:5,1:9", "1:5,1:4", "0:1,1:5", "1:1,1", "1:1,1:5:x",
        "1:1,1:5:1:1", "1:1,1:-5", "1:1,1:100000001", "",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(costs); i++) {
        TierOptions tiers = { .costs = costs[i] };

        refuse_tiers(&tiers, "--costs");
    }
    refuse_tiers(&(TierOptions) { .unit = 2 << 20 }, "not multiples");
    refuse_tiers(&(TierOptions) { .sizes = "10Q" }, "10Q");
    refuse_tiers(&(TierOptions) { .sizes = "50%,50%" }, "no page");
    refuse_tiers(&(TierOptions) { .sizes = "100%" }, "not within");
}

static void test_tiers(void)
{
    RaminateRecordHeader header = {
        .page_size = 4096, .nr_pages = 10000, .nr_tiers = 2,
        .tiers = { { "d", 0, 0, 1000, { 2, 3, 4 } },
                   { "m", 1, 1000, 9000, { 5, 6, 7 } } },
    };
    TierOptions tiers = { .sizes = "4M", .unit = 2 << 20 };
    RaminateLayout made;

    g_assert_true(tiers_make(&made, &header, &tiers, NULL));
    g_assert_cmpuint(made.unit, ==, 2 << 20);
    g_assert_cmpuint(made.ranges[0].count, ==, 2);
    /* 19.53 units: the last one is not full. */
    g_assert_cmpuint(made.nr_pages, ==, 20);
    g_assert_cmpuint(made.costs[1].write, ==, 6);
    tiers = (TierOptions) { .sizes = "10%,10%" };
    g_assert_true(tiers_make(&made, &header, &tiers, NULL));
    g_assert_cmpuint(made.nr_tiers, ==, 3);
    g_assert_cmpuint(made.costs[2].write, ==, 17);
    tiers.costs = "1:1,1:2:3,4:50";
    g_assert_true(tiers_make(&made, &header, &tiers, NULL));
    g_assert_cmpuint(made.costs[1].idle, ==, 3);
    g_assert_cmpuint(made.costs[2].read, ==, 4);
}

static void test_room(void)
{
    RaminateRecordHeader header = {
        .page_size = 4096, .nr_pages = 10000, .nr_tiers = 3,
        .tiers = { { "d", 0, 9000, 1000, { 0 } }, { "c", 1, 0, 2000, { 0 } },
                   { "m", 2, 2000, 7000, { 0 } } },
    };
    TierOptions tiers = { .fast_is_room = true };
    RaminateLayout made;

    raminate_record_default_costs(&header);
    g_assert_true(tiers_make(&made, &header, &tiers, NULL));
    g_assert_cmpuint(made.nr_pages, ==, 10000);
    g_assert_cmpuint(raminate_layout_frames(&made), ==, 11000);
    g_assert_cmpuint(made.ranges[0].first, ==, 10000);
    g_assert_cmpuint(made.ranges[0].count, ==, 1000);
    g_assert_cmpuint(made.ranges[1].first, ==, 0);
    g_assert_cmpuint(made.ranges[2].first, ==, 2000);
    g_assert_cmpuint(made.ranges[2].count, ==, 8000);
    header.nr_tiers = 1;
    header.tiers[0] = (RaminateRecordTier) { "d", 0, 0, 10000, { 1, 1, 0 } };
    refuse_tiers_of(&header, &tiers, "two tiers");
}

static void test_unit(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_cmpuint(tiers_parse_unit("4K", NULL), ==, 4096);
    g_assert_cmpuint(tiers_parse_unit("2M", NULL), ==, 2 << 20);
    g_assert_cmpuint(tiers_parse_unit("1G", &error), ==, 0);
    g_assert_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sim-tiers/sizes-units-and-costs", test_tiers);
    g_test_add_func("/sim-tiers/fastest-is-room", test_room);
    g_test_add_func("/sim-tiers/wrong-ones-are-refused", test_wrong_tiers);
    g_test_add_func("/sim-tiers/units-are-pages-or-regions", test_unit);
    return g_test_run();
}
