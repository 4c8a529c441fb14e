/*
 * RAMinate: fast-budget, for those who test it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_BUDGET_H
#define RAMINATE_BUDGET_H

#include "placing.h"

/* Returns: the response. */
static inline QDict *set_budget_of(QTestState *qts, const char *id,
                                   uint64_t size)
{
    g_autofree char *path = g_strdup_printf("/objects/%s", id);

    return qtest_qmp(qts, "{ 'execute': 'qom-set', 'arguments': {"
                     "  'path': %s, 'property': 'fast-budget',"
                     "  'value': %" PRIu64 " } }", path, size);
}

static inline void assert_budget(QTestState *qts, uint64_t size)
{
    QDict *response = set_budget_of(qts, "c", size);

    if (!qdict_haskey(response, "return")) {
        g_test_message("%s", qdict_get_str(qdict_get_qdict(response, "error"),
                                           "desc"));
    }
    g_assert_true(qdict_haskey(response, "return"));
    qobject_unref(response);
}

static inline void set_budget(QTestState *qts, uint32_t pages)
{
    assert_budget(qts, pages * (uint64_t)PAGE_SIZE);
    raminate_assert_qom_uint(qts, "/objects/c", "fast-budget",
                             pages * (uint64_t)PAGE_SIZE);
    g_assert_cmpuint(raminate_tier_figure(qts, 0, "size"), ==,
                     pages * (uint64_t)PAGE_SIZE);
    g_assert_cmpuint(raminate_tier_figure(qts, 1, "size"), ==,
                     (NR_PAGES - pages) * (uint64_t)PAGE_SIZE);
}

static inline void wait_for_pages(QTestState *qts, uint32_t fast)
{
    for (unsigned rounds = 0; raminate_figure(qts, "pages-to-resize");) {
        raminate_wait(&rounds, "pages to go to another tier");
    }
    g_assert_cmpuint(raminate_tier_figure(qts, 0, "pages"), ==, fast);
    g_assert_cmpuint(raminate_tier_figure(qts, 1, "pages"), ==,
                     NR_PAGES - fast);
}

#endif
