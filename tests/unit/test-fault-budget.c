/*
 * RAMinate: a guest takes no more faults by being watched than it may
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <string.h>

#include "hw/raminate/engine/fault-budget.h"
#include "hw/raminate/engine/layout.h"

#define REGIONS 4096            /* 8 GiB */
#define PER_SECOND 5000

/*
 * A guest that writes all pages of some regions each second, and none of the
 * rest; pages are found as long as they are not watched, or were written since.
 */
typedef struct Guest {
    RaminateFaultBudget budget;
    uint32_t nr_regions;
    bool is_hot[REGIONS];
    bool is_known[REGIONS];
    bool is_watched[REGIONS];
    unsigned watched[REGIONS];  /* so often */
    uint64_t faults;            /* that it took, and that were told */
    uint64_t told;
} Guest;

static Guest *guest_new(uint32_t nr_regions, uint32_t nr_hot)
{
    Guest *guest = g_new0(Guest, 1);

    guest->nr_regions = nr_regions;
    for (uint32_t i = 0; i < nr_hot; i++) {
        guest->is_hot[i * (nr_regions / nr_hot)] = true;
    }
    return guest;
}

static void scan_region(Guest *guest, uint32_t region)
{
    const uint32_t pages = RAMINATE_REGION_PAGES;
    bool is_known = guest->is_known[region];

    if (guest->is_watched[region] && !guest->is_hot[region]) {
        return;
    }
    guest->faults += guest->is_watched[region] ? pages : 0;
    if (raminate_fault_budget_chooses(&guest->budget, region, is_known)) {
        raminate_fault_budget_watched(&guest->budget, pages, is_known);
        guest->is_known[region] = true;
        guest->is_watched[region] = true;
        guest->watched[region]++;
    } else {
        raminate_fault_budget_left(&guest->budget, pages, is_known);
        guest->is_watched[region] = false;
    }
}

/* A second goes by. */
static void scan(Guest *guest, uint32_t per_second)
{
    guest->told += raminate_fault_budget_begin_scan(&guest->budget, per_second,
                                                    1);
    for (uint32_t region = 0; region < guest->nr_regions; region++) {
        scan_region(guest, region);
    }
}

static uint32_t known(const Guest *guest)
{
    uint32_t nr = 0;

    for (uint32_t region = 0; region < guest->nr_regions; region++) {
        nr += guest->is_known[region];
    }
    return nr;
}

static void test_without_bound(void)
{
    Guest *guest = guest_new(REGIONS, REGIONS);

    for (unsigned i = 1; i <= 3; i++) {
        scan(guest, 0);
        for (uint32_t region = 0; region < REGIONS; region++) {
            g_assert_cmpuint(guest->watched[region], ==, i);
        }
    }
    g_free(guest);
}

/* One that writes little is known soon, from its first region upwards. */
static void test_first_turn(void)
{
    Guest *guest = guest_new(REGIONS, 4);
    unsigned scans = 0;

    while (known(guest) < REGIONS) {
        uint32_t before = known(guest);

        g_assert_cmpuint(++scans, <, 60);
        scan(guest, PER_SECOND);
        for (uint32_t region = before; region < known(guest); region++) {
            g_assert_true(guest->is_known[region]);
        }
    }
    g_assert_cmpuint(guest->faults, <=, (uint64_t)PER_SECOND * scans);
    g_test_message("8 GiB are known after %u scans", scans);
    g_free(guest);
}

/* One that writes far more than it may fault on */
static void test_bound(void)
{
    const unsigned scans = 1000;
    Guest *guest = guest_new(256, 256);

    for (unsigned i = 0; i < scans; i++) {
        scan(guest, PER_SECOND);
    }
    scan_region(guest, 0);
    g_assert_cmpuint(known(guest), ==, 256);
    g_assert_cmpuint(guest->faults, <, PER_SECOND * scans * 11 / 10);
    g_assert_cmpuint(guest->faults, >, PER_SECOND * scans / 2);
    g_assert_cmpuint(guest->told, <, guest->faults * 11 / 10);
    g_assert_cmpuint(guest->told, >, guest->faults * 9 / 10);
    for (uint32_t region = 0; region < 256; region++) {
        /* 9.8 of 256 have their turn at a time, 38 times in all. */
        g_assert_cmpuint(guest->watched[region], >, 10);
        g_assert_cmpuint(guest->watched[region], <, 100);
    }
    g_free(guest);
}

/* One that writes nothing, and then all of its memory each second */
static void test_outbreak(void)
{
    Guest *guest = guest_new(REGIONS, 4);

    while (known(guest) < REGIONS) {
        scan(guest, PER_SECOND);
    }
    for (unsigned i = 0; i < 100; i++) {
        scan(guest, PER_SECOND);
    }
    memset(guest->is_hot, true, sizeof(guest->is_hot));
    /* What is watched already can't be helped. */
    scan(guest, PER_SECOND);
    guest->faults = 0;
    for (unsigned i = 0; i < 100; i++) {
        scan(guest, PER_SECOND);
    }
    g_assert_cmpuint(guest->faults, >, 0);
    g_assert_cmpuint(guest->faults, <, PER_SECOND * 100);
    g_free(guest);
}

/* Neither those that are known nor those that are not wait for the others. */
static void test_both_have_a_share(void)
{
    Guest *guest = guest_new(REGIONS, REGIONS);
    unsigned again = 0;

    for (unsigned i = 0; i < 100; i++) {
        scan(guest, PER_SECOND);
    }
    g_assert_cmpuint(known(guest), >, 300);
    g_assert_cmpuint(known(guest), <, 700);
    for (uint32_t region = 0; region < REGIONS; region++) {
        again += guest->watched[region] > 1;
    }
    g_assert_cmpuint(again, >, 100);
    g_free(guest);
}

/* What may be spent changes while the guest runs. */
static void test_change(void)
{
    Guest *guest = guest_new(256, 256);
    uint64_t faults;

    for (unsigned i = 0; i < 10; i++) {
        scan(guest, 1);
    }
    g_assert_cmpuint(known(guest), ==, 1);
    scan(guest, 0);
    g_assert_cmpuint(known(guest), ==, 256);
    scan(guest, PER_SECOND);
    faults = guest->faults;
    for (unsigned i = 0; i < 100; i++) {
        scan(guest, PER_SECOND);
    }
    g_assert_cmpuint(guest->faults - faults, <, PER_SECOND * 100 * 6 / 5);
    g_free(guest);
}

/* What need not be watched now takes nothing from what is to be. */
static void test_rest(void)
{
    const uint32_t pages = RAMINATE_REGION_PAGES;
    RaminateFaultBudget budget = { 0 };
    uint64_t told = 0;

    for (unsigned i = 0; i < 100; i++) {
        told = raminate_fault_budget_begin_scan(&budget, PER_SECOND, 1);
        raminate_fault_budget_rest(&budget, 200 * pages);
        for (uint32_t region = 0; region < 5; region++) {
            bool chosen = raminate_fault_budget_chooses(&budget, region, true);

            /* The first scans have no faults yet to give. */
            g_assert_true(chosen || i < 3);
            raminate_fault_budget_watched(&budget, pages, true);
        }
    }
    /* Nor is it taken for faults that there were anew. */
    g_assert_cmpuint(told, ==, 5 * pages);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fault-budget/without-a-bound-all-are-watched",
                    test_without_bound);
    g_test_add_func("/fault-budget/first-turn", test_first_turn);
    g_test_add_func("/fault-budget/bound", test_bound);
    g_test_add_func("/fault-budget/outbreak", test_outbreak);
    g_test_add_func("/fault-budget/both-have-a-share", test_both_have_a_share);
    g_test_add_func("/fault-budget/change", test_change);
    g_test_add_func("/fault-budget/rest", test_rest);
    return g_test_run();
}
