/*
 * RAMinate: any bytes as what happens to an engine
 *
 * They say tiers, policy and settings, and then one thing after the other:
 * scans, looks, batches whose moves are made or not, commands, other settings,
 * another policy, another size of the fastest tier.  After each the placement
 * is a permutation and what is said of it true, plans are what policy.h and
 * resize.h say, and figures are what was told.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>
#include <glib.h>

#include "hw/raminate/engine/gauge-pick.h"
#include "fuzz.h"
#include "machine.h"

#define MAX_RUNS 8
#define MAX_EVENTS 100

/* In so many empty scans, one in 2 s, all is forgotten: test-policy-memory.c. */
#define FORGET_SCANS 20000

/* The start */

static void make_layout(Machine *m)
{
    RaminateFrameRange ranges[MAX_TIERS];
    unsigned nr = 1 + take_byte(m) % MAX_TIERS;
    unsigned shift = take_byte(m) % nr;
    unsigned how = take_byte(m);

    for (unsigned i = 0; i < nr; i++) {
        /* Frames need not come in the order of the ranks. */
        RaminateFrameRange *range = &ranges[(i + shift) % nr];

        range->first = m->nr_frames;
        range->count = 1 + take_below(m, MAX_TIER_PAGES);
        m->tier_pages[(i + shift) % nr] = range->count;
        memset(&m->tiers[m->nr_frames], (i + shift) % nr, range->count);
        m->nr_frames += range->count;
    }
    raminate_layout_init(&m->layout, ranges, nr);
    if (how & 1) {
        m->layout.nr_pages -= take_below(m, m->nr_frames);
    }
    if (how & 2) {
        uint32_t write = 1;

        for (unsigned i = 0; i < nr; i++) {
            write += take_byte(m);
            m->layout.costs[i] = (RaminateCosts) {
                .read = 1 + take_byte(m), .write = write,
                .idle = take_byte(m),
            };
        }
    }
    if (how & 4) {
        m->now = INT64_C(1) << 40;
    }
}

static void change_policy(Machine *m)
{
    const RaminatePolicyOps *const *list = raminate_policy_list();
    unsigned nr = 0;

    while (list[nr]) {
        nr++;
    }
    g_assert_true(raminate_engine_set_policy(m->engine,
                                             list[take_byte(m) % nr]));
    raminate_engine_begin_policy(m->engine);
    if (take_byte(m) % 2) {
        raminate_engine_free_old_policy(m->engine);
    }
    raminate_engine_end_policy(m->engine);
}

static void start(Machine *m)
{
    make_layout(m);
    raminate_settings_init(&m->settings);
    m->engine = raminate_engine_new(&m->layout, &m->settings);
    g_assert_nonnull(m->engine);
    m->placement = raminate_engine_placement(m->engine);
    m->wanted = m->tier_pages[0];
    change_policy(m);
}

/* Scans */

/* Makes a sample of some runs, and checks that it says the same. */
static void make_sample(Machine *m, RaminateSample *sample)
{
    uint32_t nr = m->layout.nr_pages;
    unsigned nr_runs = take_byte(m) % (MAX_RUNS + 1);
    size_t found = 0;

    memset(m->kinds, 0, sizeof(m->kinds));
    for (unsigned i = 0; i < nr_runs; i++) {
        uint32_t first = take_below(m, nr);
        unsigned how = take_byte(m);
        uint32_t end = MIN(first + 1 + (how >> 2) * (how >> 2), nr);

        for (uint32_t page = first; page < end; page++) {
            m->kinds[page] |= 1 + how % 3;
        }
    }
    raminate_sample_clear(sample);
    sample->kinds = RAMINATE_WRITTEN | RAMINATE_READ;
    for (uint32_t page = 0; page < nr; page++) {
        found += m->kinds[page] > 0;
        if (page % 2 && m->kinds[page]) {
            raminate_sample_add_word(sample, page, 1, m->kinds[page]);
        } else if (m->kinds[page]) {
            raminate_sample_add_pages(sample, &page, 1, m->kinds[page]);
        }
    }
    g_assert_cmpuint(sample->nr_pages, ==, found);
    for (uint32_t page = 0; page < nr; page++) {
        g_assert_cmpuint(raminate_sample_find(sample, page), ==,
                         m->kinds[page]);
    }
}

/* Returns: number of pages, a few of those that the scan found written. */
static size_t gauge(Machine *m, const RaminateSample *found, uint32_t *gauged,
                    uint32_t *lines)
{
    unsigned step = 1 + take_byte(m);
    size_t nr, nr_gauged = 0;
    g_autofree uint32_t *pages = raminate_sample_pages(found, RAMINATE_WRITTEN,
                                                       &nr);

    for (size_t i = 0; i < nr && nr_gauged < RAMINATE_GAUGE_PAGES; i += step) {
        gauged[nr_gauged] = pages[i];
        lines[nr_gauged++] = (pages[i] + step) % (RAMINATE_GAUGE_LINES + 1);
    }
    return nr_gauged;
}

static void count(Machine *m, const RaminateSample *found)
{
    unsigned pages = 1 + take_byte(m);
    size_t run = 0;

    raminate_engine_begin_count(m->engine, m->now);
    while (run < found->nr_runs) {
        RaminateSample part = raminate_sample_part(found, &run, pages);

        raminate_engine_count(m->engine, &part);
    }
}

static void scan(Machine *m)
{
    uint32_t gauged[RAMINATE_GAUGE_PAGES];
    uint32_t lines[RAMINATE_GAUGE_PAGES];
    unsigned how = take_byte(m);
    RaminateSample all = { 0 };
    RaminateScan scan = {
        .now = m->now, .found = &all, .gauged = gauged, .lines = lines,
    };

    raminate_engine_begin_scan(m->engine, m->now, how & 1);
    make_sample(m, &m->found);
    raminate_sample_merge(&all, &m->found, &m->looked);
    if (raminate_engine_drops_scan(m->engine) || how & 2) {
        raminate_engine_drop_scan(m->engine, m->now);
    } else {
        scan.nr_gauged = how & 4 ? gauge(m, &all, gauged, lines) : 0;
        raminate_engine_begin_policy(m->engine);
        raminate_engine_scanned(m->engine, &scan);
        count(m, &all);
        raminate_engine_end_policy(m->engine);
        raminate_engine_end_count(m->engine);
        m->scans++;
        check_counted(m, &all);
    }
    raminate_sample_destroy(&all);
    raminate_sample_clear(&m->looked);
    m->has_looked = false;
}

static void look(Machine *m)
{
    if (m->has_looked) {
        return;
    }
    raminate_engine_begin_look(m->engine);
    make_sample(m, &m->looked);
    m->has_looked = true;
    if (raminate_engine_drops_scan(m->engine)) {
        return;
    }
    raminate_engine_begin_policy(m->engine);
    raminate_engine_looked(m->engine, m->now, m->now -
                           raminate_engine_last_scan(m->engine), &m->looked);
    raminate_engine_end_policy(m->engine);
}

/* Settings, and the rest */

static void set(Machine *m)
{
    const RaminateSetting *setting =
        &raminate_setting_list[take_byte(m) %
                               (sizeof(m->settings) / sizeof(uint32_t))];
    unsigned how = take_byte(m);
    uint32_t more = take_word(m) << how % 16;

    *raminate_setting_value(&m->settings, setting) =
        how & 0x80 ? setting->initial
                   : setting->min + more % (setting->max - setting->min + 1);
    raminate_engine_set(m->engine, m->now, &m->settings);
}

static void advance(Machine *m)
{
    unsigned how = take_byte(m);

    m->now += how < 0xf0 ? (int64_t)how * how : INT64_C(1) << (how & 0xf) * 3;
}

static void happen(Machine *m)
{
    static void (*const events[])(Machine *) = {
        scan, advance, batch, look, command, set, change_policy, forget_moves,
    };
    unsigned what = take_byte(m);
    uint64_t moved = m->done + m->resized + m->adopted;

    switch (what) {
    case 0xff:
        raminate_engine_hold(m->engine);
        break;
    case 0xfe:
        raminate_engine_put_off_batch(m->engine, m->now);
        break;
    case 0xfd:
        raminate_engine_cut_batch(m->engine, m->now);
        break;
    case 0xf8 ... 0xfc:
        set_fast_pages(m);
        break;
    case 0xf0 ... 0xf4:
        resize(m);
        break;
    case 0xf5 ... 0xf7:
        adopt(m);
        break;
    default:
        events[what % G_N_ELEMENTS(events)](m);
    }
    check_clock(m);
    check_figures(m);
    if (m->done + m->resized + m->adopted != moved) {
        check_pages(m);
        check_sums(m);
    }
}

/* The end */

/* Others remember fast pages in the order in which they went cold. */
static bool forgets_all(const RaminatePolicyOps *ops)
{
    return ops == &raminate_policy_lru || ops == &raminate_policy_payback ||
           ops == &raminate_policy_null;
}

/* A guest that rests is forgotten: what it took is given back. */
static void rest(Machine *m)
{
    const RaminateSample nothing = { .kinds = RAMINATE_WRITTEN };

    bring_all_back(m);
    for (unsigned i = 0; i < FORGET_SCANS; i++) {
        RaminateScan scan = { .now = m->now += 2000, .found = &nothing };

        raminate_engine_begin_policy(m->engine);
        raminate_engine_scanned(m->engine, &scan);
        if (i % 500 == 0) {
            raminate_engine_plan(m->engine, m->now, m->moves, 0);
        }
        raminate_engine_end_policy(m->engine);
        raminate_engine_count_all(m->engine, m->now, &nothing);
    }
    g_assert_cmpuint(raminate_heat_memory(raminate_engine_heat(m->engine)), ==,
                     0);
    if (forgets_all(raminate_engine_policy(m->engine))) {
        g_assert_cmpuint(raminate_engine_memory(m->engine), ==, 0);
    }
}

void fuzz_one(const uint8_t *data, size_t size)
{
    Machine *m = g_new0(Machine, 1);
    bool rests;

    m->next = data;
    m->end = data + size;
    rests = take_byte(m) == 'r';
    start(m);
    for (unsigned i = 0; i < MAX_EVENTS && m->next < m->end; i++) {
        happen(m);
    }
    if (rests) {
        rest(m);
    }
    raminate_engine_free(m->engine);
    raminate_sample_destroy(&m->found);
    raminate_sample_destroy(&m->looked);
    g_free(m);
}
