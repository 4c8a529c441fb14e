/*
 * RAMinate: batches of pairs, and the mappings that they take
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_MAPPINGS_H
#define RAMINATE_MAPPINGS_H

#include "qobject/qlist.h"
#include "raminate-common.h"

/* The placer itself moves nothing. */
#define BY_HAND ",policy=null"

/* Returns: number of host mappings of the container, as the kernel sees it. */
static inline unsigned host_mappings(QTestState *qts)
{
    g_auto(GStrv) lines = raminate_host_mappings(qts);
    unsigned nr = 0;

    for (char **line = lines; *line; line++) {
        nr += g_str_has_suffix(*line, "/dram") ||
              g_str_has_suffix(*line, "/nvm");
    }
    return nr;
}

static inline void assert_mappings(QTestState *qts, unsigned nr)
{
    g_assert_cmpuint(raminate_figure(qts, "mappings"), ==, nr);
    g_assert_cmpuint(host_mappings(qts), ==, nr);
}

static inline void assert_batch_done(QTestState *qts,
                                     const RaminateTestPair *pairs, size_t nr)
{
    QDict *response = raminate_swap_pages(qts, pairs, nr);
    QDict *results = qdict_get_qdict(response, "return");
    const QListEntry *entry;
    size_t i = 0;

    g_assert_nonnull(results);
    g_assert_cmpuint(qdict_get_int(results, "done"), ==, nr);
    QLIST_FOREACH_ENTRY(qdict_get_qlist(results, "results"), entry) {
        QDict *result = qobject_to(QDict, entry->value);

        g_assert_cmpuint(qdict_get_int(result, "a"), ==, pairs[i].a);
        g_assert_cmpuint(qdict_get_int(result, "b"), ==, pairs[i].b);
        g_assert_false(qdict_haskey(result, "error"));
        i++;
    }
    g_assert_cmpuint(i, ==, nr);
    qobject_unref(response);
}

#endif
