/*
 * RAMinate: payback's lists are as if each page were moved on by itself
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "hw/raminate/policy/payback-lists.h"
#include "memory-use.h"
#include "new-placement.h"

#define PAGES 1300

/* Ends of tiers within regions, and a last region that is cut short */
static const RaminateFrameRange ranges[] = {
    { 600, 300 }, { 0, 600 }, { 900, 400 },
};
#define NR_TIERS G_N_ELEMENTS(ranges)

/* Each page in an array of its list, moved on when it is the first */
typedef struct Model {
    RaminatePlacement *placement;
    PaybackLists lists;
    GArray *pages[NR_TIERS * PAYBACK_STATES];
    unsigned state[PAGES];
    bool touched[PAGES];    /* written or moved, and not forgotten */
    uint32_t last[PAGES];
    uint32_t scan;
    unsigned forgotten;
} Model;

static void write_page(PaybackLists *lists, uint32_t number, unsigned tier,
                       unsigned history)
{
    PaybackPage *page = payback_lists_need(lists, number);

    payback_lists_write(lists, number, page, payback_lists_state(lists, page),
                        tier, history);
}

static GArray *model_list(Model *m, unsigned tier, unsigned state)
{
    return m->pages[tier * PAYBACK_STATES + state];
}

static void model_leave(Model *m, uint32_t page, unsigned tier)
{
    GArray *list = model_list(m, tier, m->state[page]);
    guint i = 0;

    while (g_array_index(list, uint32_t, i) != page) {
        i++;
        g_assert_cmpuint(i, <, list->len);
    }
    g_array_remove_index(list, i);
}

static void model_enter(Model *m, uint32_t page, unsigned tier,
                        unsigned state)
{
    g_array_append_val(model_list(m, tier, state), page);
    m->state[page] = state;
}

static void model_touch(Model *m, uint32_t page, unsigned from, unsigned to,
                        unsigned state)
{
    model_leave(m, page, from);
    model_enter(m, page, to, state);
    m->touched[page] = true;
}

static void model_age(Model *m)
{
    for (unsigned state = 0; state < PAYBACK_STATES; state++) {
        unsigned age = payback_state_age(state);

        for (unsigned tier = 0;
             age < PAYBACK_AGES - 1 && tier < NR_TIERS; tier++) {
            GArray *list = model_list(m, tier, state);

            while (list->len) {
                uint32_t page = g_array_index(list, uint32_t, 0);
                unsigned now = payback_age_class(m->scan - m->last[page]);

                if (now == age) {
                    break;
                }
                model_leave(m, page, tier);
                model_enter(m, page, tier, state - age + now);
            }
        }
    }
}

/* Returns: how many pages of a list, at its head, are untouched. */
static guint model_untouched(Model *m, const GArray *list)
{
    guint nr = 0;

    while (nr < list->len && !m->touched[g_array_index(list, uint32_t, nr)]) {
        nr++;
    }
    return nr;
}

/* Returns: whether the first touched page of a list was old, and forgotten. */
static bool model_forget_first(Model *m, unsigned tier, GArray *list)
{
    GArray *never = model_list(m, tier, PAYBACK_STATE_OF_NEVER);
    guint first = model_untouched(m, list);
    guint i = 0;
    uint32_t page;

    if (first == list->len) {
        return false;
    }
    page = g_array_index(list, uint32_t, first);
    if (m->scan - m->last[page] < PAYBACK_FORGET_SCANS) {
        return false;
    }
    model_leave(m, page, tier);
    while (i < model_untouched(m, never) &&
           g_array_index(never, uint32_t, i) < page) {
        i++;
    }
    g_array_insert_val(never, i, page);
    m->state[page] = PAYBACK_STATE_OF_NEVER;
    m->touched[page] = false;
    m->last[page] = 0;
    return true;
}

static void model_forget(Model *m)
{
    for (unsigned tier = 0; tier < NR_TIERS; tier++) {
        for (unsigned i = 0; i < PAYBACK_HISTORIES; i++) {
            unsigned state = i * PAYBACK_AGES + PAYBACK_AGES - 1;

            while (model_forget_first(m, tier, model_list(m, tier, state))) {
                m->forgotten++;
            }
        }
    }
}

static Model *model_new(void)
{
    Model *m = g_new0(Model, 1);

    m->placement = placement_new(ranges, NR_TIERS);
    for (unsigned i = 0; i < NR_TIERS * PAYBACK_STATES; i++) {
        m->pages[i] = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    }
    /* Some pages have moved before the policy came. */
    for (uint32_t page = 0; page < 20; page++) {
        raminate_placement_swap(m->placement, page, PAGES - 1 - page * 7);
    }
    for (uint32_t page = 0; page < PAGES; page++) {
        model_enter(m, page, raminate_placement_tier(m->placement, page),
                    PAYBACK_STATE_OF_NEVER);
    }
    g_assert_true(payback_lists_init(&m->lists, m->placement));
    return m;
}

static void model_free(Model *m)
{
    payback_lists_destroy(&m->lists);
    raminate_placement_free(m->placement);
    for (unsigned i = 0; i < NR_TIERS * PAYBACK_STATES; i++) {
        g_array_unref(m->pages[i]);
    }
    g_free(m);
}

static void check_list(Model *m, unsigned tier, unsigned state)
{
    const GArray *list = model_list(m, tier, state);
    uint32_t page = RAMINATE_NO_PAGE;

    g_assert_cmpuint(payback_lists_count(&m->lists, tier, state), ==,
                     list->len);
    for (guint i = 0; i < list->len; i++) {
        page = payback_lists_next(&m->lists, tier, state, page);
        g_assert_cmpuint(page, ==, g_array_index(list, uint32_t, i));
        g_assert_cmpuint(payback_lists_state(
                             &m->lists, payback_lists_get(&m->lists, page)),
                         ==, state);
    }
    page = payback_lists_next(&m->lists, tier, state, page);
    g_assert_cmpuint(page, ==, RAMINATE_NO_PAGE);
    for (guint i = list->len; i-- > 0;) {
        page = payback_lists_prev(&m->lists, tier, state, page);
        g_assert_cmpuint(page, ==, g_array_index(list, uint32_t, i));
    }
    page = payback_lists_prev(&m->lists, tier, state, page);
    g_assert_cmpuint(page, ==, RAMINATE_NO_PAGE);
}

/* A page that is in no list by itself has nothing, like one never written. */
static void check_entries(Model *m)
{
    static const PaybackPage nothing;
    uint16_t touched[PAGES / RAMINATE_REGION_PAGES + 1] = { 0 };

    for (uint32_t page = 0; page < PAGES; page++) {
        const PaybackPage *entry = payback_lists_get(&m->lists, page);

        touched[raminate_region_of(page)] += m->touched[page];
        if (m->touched[page]) {
            g_assert_true(entry->listed);
            g_assert_cmpuint(entry->last, ==, m->last[page]);
        } else if (entry) {
            g_assert_cmpmem(entry, sizeof(*entry), &nothing, sizeof(nothing));
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(touched); i++) {
        g_assert_true(!touched[i] == !m->lists.pages->chunks[i]);
        g_assert_cmpuint(m->lists.pages->held[i], ==, touched[i]);
    }
}

static void check(Model *m)
{
    check_entries(m);
    for (unsigned tier = 0; tier < NR_TIERS; tier++) {
        for (unsigned state = 0; state < PAYBACK_STATES; state++) {
            check_list(m, tier, state);
        }
    }
}

/* @one_in: of so many pages, one is written */
static void scan(Model *m, uint32_t first, uint32_t end, unsigned one_in)
{
    for (uint32_t page = first; page < end; page++) {
        unsigned tier = raminate_placement_tier(m->placement, page);
        /* Few, so that there are runs */
        unsigned history = g_test_rand_int_range(0, 3);

        if (g_test_rand_int_range(0, one_in) == 0) {
            write_page(&m->lists, page, tier, history);
            model_touch(m, page, tier, tier, history * PAYBACK_AGES);
            m->last[page] = m->scan + 1;
        }
    }
    m->scan++;
    payback_lists_age(&m->lists);
    model_age(m);
    model_forget(m);
}

static void rest(Model *m, int scans)
{
    for (int i = 0; i < scans; i++) {
        scan(m, 0, 0, 1);
        if (i % 1024 == 0) {
            check(m);
        }
    }
    check(m);
}

static void move(Model *m, uint32_t a, uint32_t b)
{
    unsigned tier_a = raminate_placement_tier(m->placement, a);
    unsigned tier_b = raminate_placement_tier(m->placement, b);

    raminate_placement_swap(m->placement, a, b);
    payback_lists_move(&m->lists, a, tier_a, tier_b);
    payback_lists_move(&m->lists, b, tier_b, tier_a);
    model_touch(m, a, tier_a, tier_b, m->state[a]);
    model_touch(m, b, tier_b, tier_a, m->state[b]);
}

static void test_begins_untouched(void)
{
    Model *m = model_new();

    check(m);
    g_assert_cmpuint(m->lists.pages->nr_live, ==, 0);
    model_free(m);
}

/* Also the same two again, and within a tier */
static void move_any(Model *m)
{
    move(m, g_test_rand_int_range(0, PAGES / 2),
         g_test_rand_int_range(PAGES / 2, PAGES));
}

/* Bursts, swaps and silence, long enough for all to be forgotten */
static void test_random(void)
{
    Model *m = model_new();

    for (int i = 0; i < 6000; i++) {
        if (i % 100 < 10) {
            uint32_t first = g_test_rand_int_range(0, PAGES);

            scan(m, first, MIN(first + 200, PAGES),
                 g_test_rand_int_range(1, 20));
        } else {
            scan(m, 0, i % 7 ? 5 : 0, 2);
        }
        while (i / 500 % 2 && g_test_rand_int_range(0, 3) == 0) {
            move_any(m);
        }
        if (i % 17 == 0) {
            check(m);
        }
        if (i % 750 == 749) {
            rest(m, g_test_rand_int_range(0, 2 * PAYBACK_FORGET_SCANS));
            /* Old pages that come by themselves, behind younger ones */
            move_any(m);
        }
    }
    g_assert_cmpuint(m->forgotten, >, 100);
    check(m);
    model_free(m);
}

/* What was moved in the meantime may be behind what was not. */
static void test_all_is_forgotten(void)
{
    Model *m = model_new();

    scan(m, 0, PAGES, 1);
    scan(m, 300, 400, 1);
    move(m, 0, PAGES - 1);
    rest(m, 3000);
    for (int i = 0; i < 20; i++) {
        move_any(m);
    }
    rest(m, PAYBACK_FORGET_SCANS - 3003);
    g_assert_cmpuint(m->forgotten, ==, 0);
    rest(m, 2);
    g_assert_cmpuint(m->forgotten, >, 1000);
    rest(m, PAYBACK_FORGET_SCANS - 2);
    g_assert_cmpuint(m->forgotten, ==, PAGES);
    g_assert_cmpuint(m->lists.pages->nr_live, ==, 0);

    /* Moved, but never written since */
    move(m, 0, 1000);
    move(m, 1, 2);
    check(m);
    rest(m, 1);
    g_assert_cmpuint(m->forgotten, ==, PAGES + 4);
    g_assert_cmpuint(m->lists.pages->nr_live, ==, 0);
    model_free(m);
}

/* A moved page that was never written is known until then, from the start on */
static void test_moved_page_is_forgotten(void)
{
    Model *m = model_new();

    move(m, 0, 1000);
    rest(m, 100);
    move(m, 1, 1001);
    move(m, 0, 1000);
    rest(m, PAYBACK_FORGET_SCANS - 101);
    g_assert_cmpuint(m->forgotten, ==, 0);
    rest(m, 1);
    g_assert_cmpuint(m->forgotten, ==, 4);
    g_assert_cmpuint(m->lists.pages->nr_live, ==, 0);
    model_free(m);
}

/* A run is in its list until the last class, and no longer. */
static void test_run_grows_old(void)
{
    Model *m = model_new();

    scan(m, 0, 400, 1);
    for (int i = 0; i < 2500; i++) {
        scan(m, 0, 0, 1);
        if (i % 64 < 2) {
            check(m);
        }
    }
    scan(m, 100, 300, 1);
    check(m);
    model_free(m);
}

static void test_memory_follows_what_is_written(void)
{
    /* 64 GiB, of which every hundredth region is written */
    static const RaminateFrameRange large[] = {
        { 0, 1u << 21 }, { 1u << 21, 7u << 21 },
    };
    RaminatePlacement *placement = placement_new(large, 2);
    size_t before;
    uint32_t nr = 0;
    PaybackLists lists;

    if (!memory_use_is_known()) {
        raminate_placement_free(placement);
        return;
    }
    g_assert_true(payback_lists_init(&lists, placement));
    before = memory_allocated();
    for (uint32_t region = 0; region < 1u << 15; region += 100) {
        for (uint32_t i = 0; i < RAMINATE_REGION_PAGES; i++, nr++) {
            uint32_t page = (region << RAMINATE_REGION_BITS) + i;

            write_page(&lists, page, raminate_placement_tier(placement, page),
                       0);
        }
    }
    payback_lists_age(&lists);
    g_test_message("%u pages written, %zu bytes in chunks", nr,
                   memory_allocated() - before);
    g_assert_cmpuint(memory_allocated() - before, <,
                     nr * sizeof(PaybackPage) + MEMORY_USE_SLACK);
    g_assert_cmpuint(payback_lists_count(&lists, 0, 0) +
                     payback_lists_count(&lists, 1, 0), ==, nr);
    payback_lists_destroy(&lists);
    raminate_placement_free(placement);
}

static void test_burst_is_forgotten_in_parts(void)
{
    enum { BURST = 5 * PAYBACK_FORGET_PAGES / 2 };
    static const RaminateFrameRange halves[] = {
        { 0, BURST }, { BURST, BURST },
    };
    RaminatePlacement *placement = placement_new(halves, 2);
    PaybackLists lists;
    uint32_t left = BURST;

    g_assert_true(payback_lists_init(&lists, placement));
    for (uint32_t i = 0; i < BURST; i++) {
        uint32_t page = BURST / 2 + i;

        write_page(&lists, page, raminate_placement_tier(placement, page),
                   page % 3);
    }
    for (unsigned i = 0; i < PAYBACK_FORGET_SCANS; i++) {
        payback_lists_age(&lists);
    }
    while (left) {
        g_assert_cmpuint(lists.untouched[0].nr + lists.untouched[1].nr, ==,
                         2 * BURST - left);
        payback_lists_age(&lists);
        left -= MIN(left, PAYBACK_FORGET_PAGES);
    }
    for (unsigned tier = 0; tier < 2; tier++) {
        g_assert_cmpuint(lists.untouched[tier].nr, ==, BURST);
        g_assert_cmpuint(payback_lists_count(&lists, tier,
                                             PAYBACK_STATE_OF_NEVER),
                         ==, BURST);
    }
    g_assert_cmpuint(lists.pages->nr_live, ==, 0);
    payback_lists_destroy(&lists);
    raminate_placement_free(placement);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/payback-lists/begin-untouched-by-number",
                    test_begins_untouched);
    g_test_add_func("/payback-lists/random-scans-and-moves-agree-with-arrays",
                    test_random);
    g_test_add_func("/payback-lists/run-grows-old-to-the-end",
                    test_run_grows_old);
    g_test_add_func("/payback-lists/all-is-forgotten-in-the-end",
                    test_all_is_forgotten);
    g_test_add_func("/payback-lists/page-moved-but-never-written-is-forgotten",
                    test_moved_page_is_forgotten);
    g_test_add_func("/payback-lists/burst-is-forgotten-in-parts",
                    test_burst_is_forgotten_in_parts);
    g_test_add_func("/payback-lists/memory-follows-what-is-written",
                    test_memory_follows_what_is_written);
    return g_test_run();
}
