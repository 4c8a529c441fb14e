/*
 * RAMinate: what the costs of tiers make of an exchange
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "hw/raminate/engine/layout.h"

static const RaminateFrameRange ranges[] = {
    { 0, 10 }, { 10, 20 }, { 30, 30 }, { 60, 40 },
};

static void test_usual_costs(void)
{
    static const uint32_t writes[] = { 1, 5, 17, 53 };
    RaminateLayout layout;

    raminate_layout_init(&layout, ranges, 4);
    g_assert_cmpuint(raminate_layout_frames(&layout), ==, 100);
    g_assert_cmpuint(raminate_layout_unit_lines(&layout), ==, 64);
    for (unsigned tier = 0; tier < 4; tier++) {
        g_assert_cmpuint(layout.costs[tier].read, ==, 1);
        g_assert_cmpuint(layout.costs[tier].write, ==, writes[tier]);
        g_assert_cmpuint(layout.costs[tier].idle, ==, tier ? 0 : 125);
    }
}

static unsigned costlier(const RaminateLayout *layout, unsigned tier)
{
    return raminate_layout_costlier(layout, tier, RAMINATE_LINE_WRITTEN);
}

static float swap_cost(const RaminateLayout *layout, unsigned fast,
                       unsigned slow)
{
    return raminate_layout_swap_cost(layout, fast, slow,
                                     RAMINATE_LINE_WRITTEN);
}

static void test_usual_exchange_pays_with_two_pages(void)
{
    RaminateLayout layout;

    raminate_layout_init(&layout, ranges, 4);
    for (unsigned tier = 0; tier < 3; tier++) {
        g_assert_cmpuint(costlier(&layout, tier), ==, tier + 1);
        g_assert_cmpfloat(swap_cost(&layout, tier, tier + 1), ==, 128);
    }
    g_assert_cmpuint(costlier(&layout, 3), ==, 4);
}

static void test_exchange_by_costs(void)
{
    RaminateLayout layout;

    raminate_layout_init(&layout, ranges, 2);
    layout.costs[0] = (RaminateCosts) { 2, 3, 0 };
    layout.costs[1] = (RaminateCosts) { 4, 11, 0 };
    /* 64 lines are read and written in each; one spared saves 8. */
    g_assert_cmpfloat(swap_cost(&layout, 0, 1), ==,
                      64 * (2 + 4 + 3 + 11) / 8.0);
    layout.unit = 2 << 20;
    g_assert_cmpuint(raminate_layout_unit_lines(&layout), ==, 32768);
    g_assert_cmpfloat(swap_cost(&layout, 0, 1), ==,
                      32768 * (2 + 4 + 3 + 11) / 8.0);
}

static void test_tiers_alike(void)
{
    RaminateLayout layout;

    raminate_layout_init(&layout, ranges, 4);
    layout.costs[1].write = 1;
    layout.costs[3].write = layout.costs[2].write;
    g_assert_cmpuint(costlier(&layout, 0), ==, 2);
    g_assert_cmpuint(costlier(&layout, 1), ==, 2);
    g_assert_cmpuint(costlier(&layout, 2), ==, 4);
    g_assert_cmpuint(raminate_layout_fast_tiers(&layout), ==, 2);
    layout.costs[1].write = 2;
    g_assert_cmpuint(raminate_layout_fast_tiers(&layout), ==, 1);
    for (unsigned tier = 0; tier < 4; tier++) {
        layout.costs[tier].write = 1;
    }
    g_assert_cmpuint(raminate_layout_fast_tiers(&layout), ==, 4);
}

/* Unlike writes, reads may cost less in a slower tier. */
static void test_by_reads(void)
{
    static const struct {
        uint32_t reads[4];
        unsigned costlier[4];
    } cases[] = {
        { { 1, 1, 1, 1 }, { 4, 4, 4, 4 } },
        { { 1, 2, 3, 4 }, { 1, 2, 3, 4 } },
        { { 1, 1, 3, 3 }, { 2, 2, 4, 4 } },
        { { 3, 1, 4, 2 }, { 4, 2, 4, 4 } },
        { { 2, 3, 1, 3 }, { 3, 4, 3, 4 } },
    };
    RaminateLayout layout;

    raminate_layout_init(&layout, ranges, 4);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (unsigned tier = 0; tier < 4; tier++) {
            layout.costs[tier].read = cases[i].reads[tier];
        }
        for (unsigned tier = 0; tier < 4; tier++) {
            g_assert_cmpuint(raminate_layout_costlier(&layout, tier,
                                                      RAMINATE_LINE_READ),
                             ==, cases[i].costlier[tier]);
            g_assert_cmpuint(costlier(&layout, tier), ==, tier + 1);
        }
    }
    layout.costs[0] = (RaminateCosts) { 2, 3, 0 };
    layout.costs[1] = (RaminateCosts) { 4, 11, 0 };
    g_assert_cmpfloat(raminate_layout_swap_cost(&layout, 0, 1,
                                                RAMINATE_LINE_READ), ==,
                      64 * (2 + 4 + 3 + 11) / 2.0);
}

static void test_check(void)
{
    static const RaminateCosts fast = { 5, 7, 0 };
    static const struct {
        RaminateCosts costs;
        const char *wrong;
    } cases[] = {
        { { 1, 7, 0 }, NULL },
        { { RAMINATE_MAX_COST, RAMINATE_MAX_COST, RAMINATE_MAX_COST }, NULL },
        { { 0, 7, 0 }, "read-cost" },
        { { RAMINATE_MAX_COST + 1, 7, 0 }, "read-cost" },
        { { 1, 6, 0 }, "write-cost" },
        { { 1, RAMINATE_MAX_COST + 1, 0 }, "write-cost" },
        { { 1, 7, RAMINATE_MAX_COST + 1 }, "idle-power" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_cmpstr(raminate_layout_check_costs(&cases[i].costs, &fast),
                        ==, cases[i].wrong);
    }
    g_assert_null(raminate_layout_check_costs(&cases[4].costs, NULL));
}

/* The fastest tier may be the one that is slowest to read. */
static void test_reads_cost(void)
{
    static const struct {
        uint32_t reads[3];
        bool cost;
    } cases[] = {
        { { 1, 1, 1 }, false },
        { { 3, 2, 2 }, false },
        { { 1, 1, 2 }, true },
        { { 3, 1, 2 }, true },
        { { 1, 3, 2 }, true },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        RaminateLayout layout = { .nr_tiers = 3 };

        for (unsigned tier = 0; tier < 3; tier++) {
            layout.costs[tier].read = cases[i].reads[tier];
        }
        g_assert_cmpint(raminate_layout_reads_cost(&layout), ==,
                        cases[i].cost);
    }
}

/* However many tiers there are, whatever the fastest costs */
static void test_usual_costs_are_sound(void)
{
    RaminateCosts faster = { RAMINATE_MAX_COST, 1, 0 };

    for (unsigned tier = 1; tier < RAMINATE_MAX_TIERS; tier++) {
        RaminateCosts costs = raminate_layout_default_costs(&faster);

        g_assert_null(raminate_layout_check_costs(&costs, &faster));
        faster = costs;
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/layout/usual-costs", test_usual_costs);
    g_test_add_func("/layout/usual-exchange-pays-with-two-pages",
                    test_usual_exchange_pays_with_two_pages);
    g_test_add_func("/layout/exchange-by-costs", test_exchange_by_costs);
    g_test_add_func("/layout/no-exchange-between-tiers-alike",
                    test_tiers_alike);
    g_test_add_func("/layout/by-reads", test_by_reads);
    g_test_add_func("/layout/reads-cost", test_reads_cost);
    g_test_add_func("/layout/wrong-costs-are-found", test_check);
    g_test_add_func("/layout/usual-costs-are-sound",
                    test_usual_costs_are_sound);
    return g_test_run();
}
