/*
 * RAMinate: the placer at work, for those who test it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_PLACING_H
#define RAMINATE_PLACING_H

#include "qobject/qlist.h"
#include "raminate-common.h"

/* As fast as it goes, so that a test need not wait. */
#define FAST_SCANS ",scan-period=1,max-cpu=0"
#define FAST_MOVES FAST_SCANS ",swap-period=1,life-time=1"
#define ONE_HOUR "3600000"

static inline const char *get_str(QDict *info, const char *key)
{
    g_assert_true(qdict_haskey(info, key));
    return qdict_get_str(info, key);
}

static inline double get_double(QDict *info, const char *key)
{
    g_assert_true(qdict_haskey(info, key));
    return qdict_get_double(info, key);
}

static inline uint64_t get_uint(QDict *info, const char *key)
{
    g_assert_true(qdict_haskey(info, key));
    return qdict_get_int(info, key);
}

static inline QDict *get_tier(QDict *info, unsigned rank)
{
    const QListEntry *entry = qlist_first(qdict_get_qlist(info, "tiers"));

    while (rank--) {
        entry = qlist_next(entry);
    }
    return qobject_to(QDict, entry->value);
}

/* Writes a slow page until it is fast; nothing may be lost meanwhile. */
static inline void assert_promotes(QTestState *qts, uint32_t page)
{
    unsigned rounds = 0;

    for (uint32_t other = 0; other < NR_PAGES; other++) {
        raminate_write_page(qts, other, 0);
    }
    while (raminate_tier_of(qts, page) != 0) {
        raminate_write_page(qts, page, rounds);
        raminate_wait(&rounds, "a page to be promoted");
    }
    raminate_write_page(qts, page, 0);
    for (uint32_t other = 0; other < NR_PAGES; other++) {
        raminate_assert_page(qts, other, 0);
    }
    g_assert_cmpuint(raminate_figure(qts, "swaps"), >, 0);
    g_assert_cmpuint(raminate_tier_figure(qts, 0, "pages"), ==, FAST_PAGES);
    g_assert_cmpuint(raminate_tier_figure(qts, 1, "pages"), ==, SLOW_PAGES);
}

/* Writes slow pages again and again, until the figure is @value at least. */
static inline void write_until_figure(QTestState *qts, const char *name,
                                      uint64_t value)
{
    for (unsigned rounds = 0; raminate_figure(qts, name) < value;) {
        for (uint32_t page = FAST_PAGES; page < FAST_PAGES + 20; page++) {
            raminate_write_page(qts, page, 0);
        }
        raminate_wait(&rounds, name);
    }
}

static inline void write_for_scans(QTestState *qts, unsigned scans)
{
    write_until_figure(qts, "scans", raminate_figure(qts, "scans") + scans);
}

/* Returns: the number of scans, once there are no more. */
static inline uint64_t wait_until_quiet(QTestState *qts)
{
    uint64_t scans = raminate_figure(qts, "scans");
    unsigned rounds = 0;

    for (unsigned quiet = 0; quiet < 100; quiet++) {
        raminate_wait(&rounds, "scans to end");
        if (raminate_figure(qts, "scans") != scans) {
            scans = raminate_figure(qts, "scans");
            quiet = 0;
        }
    }
    return scans;
}

/*
 * No scan is made until the scan period is set anew: a page that is watched and
 * is being written when a scan comes is found by the next one as well, see
 * sampler/page-watch.c.
 */
static inline void stop_scans(QTestState *qts)
{
    raminate_set_uint(qts, "scan-period", 3600 * 1000);
    wait_until_quiet(qts);
}

#endif
