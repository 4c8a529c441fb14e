/*
 * RAMinate: pages that could not be moved lately
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "hw/raminate/engine/backoff.h"
#include "hw/raminate/engine/page-table.h"

typedef struct FailedPage {
    uint64_t last_plan;         /* that leaves it out */
    uint32_t plans;             /* left out since it failed */
    bool held;                  /* by raminate_backoff_hold() */
} FailedPage;

struct RaminateBackoff {
    GHashTable *pages;          /* page number to its FailedPage */
    GHashTable *bad;            /* numbers of pages that failed for good */
    uint64_t plan;              /* number of the plan at hand */
};

RaminateBackoff *raminate_backoff_new(void)
{
    RaminateBackoff *backoff = g_new0(RaminateBackoff, 1);

    backoff->pages = raminate_page_table_new();
    backoff->bad = g_hash_table_new(NULL, NULL);
    return backoff;
}

void raminate_backoff_free(RaminateBackoff *backoff)
{
    g_hash_table_destroy(backoff->pages);
    g_hash_table_destroy(backoff->bad);
    g_free(backoff);
}

void raminate_backoff_clear(RaminateBackoff *backoff)
{
    g_hash_table_remove_all(backoff->pages);
    g_hash_table_remove_all(backoff->bad);
}

/* Long past: not planned again for as long as it would be left out at most. */
static gboolean is_forgotten(gpointer key G_GNUC_UNUSED, gpointer value,
                             gpointer plan)
{
    const FailedPage *failed = value;

    return failed->last_plan + RAMINATE_BACKOFF_MAX < *(uint64_t *)plan;
}

void raminate_backoff_begin_plan(RaminateBackoff *backoff)
{
    backoff->plan++;
    if (backoff->plan % RAMINATE_BACKOFF_MAX == 0) {
        g_hash_table_foreach_remove(backoff->pages, is_forgotten,
                                    &backoff->plan);
    }
}

bool raminate_backoff_holds(const RaminateBackoff *backoff, uint32_t page)
{
    const FailedPage *failed;

    if (raminate_backoff_is_bad(backoff, page)) {
        return true;
    }
    if (!g_hash_table_size(backoff->pages)) {
        return false;
    }
    failed = g_hash_table_lookup(backoff->pages, GUINT_TO_POINTER(page));
    return failed && backoff->plan <= failed->last_plan;
}

RaminateBackoffReason
raminate_backoff_reason(const RaminateBackoff *backoff, uint32_t page,
                        uint64_t *plans)
{
    const FailedPage *failed =
        g_hash_table_lookup(backoff->pages, GUINT_TO_POINTER(page));

    *plans = 0;
    if (raminate_backoff_is_bad(backoff, page)) {
        return RAMINATE_BACKOFF_BAD;
    }
    if (!failed || failed->last_plan <= backoff->plan) {
        return RAMINATE_BACKOFF_NONE;
    }
    *plans = failed->last_plan - backoff->plan;
    return failed->held ? RAMINATE_BACKOFF_HELD : RAMINATE_BACKOFF_FAILED;
}

static FailedPage *need_page(RaminateBackoff *backoff, uint32_t page)
{
    FailedPage *failed = g_hash_table_lookup(backoff->pages,
                                             GUINT_TO_POINTER(page));

    if (!failed) {
        failed = g_new0(FailedPage, 1);
        g_hash_table_insert(backoff->pages, GUINT_TO_POINTER(page), failed);
    }
    return failed;
}

static void leave_out(RaminateBackoff *backoff, FailedPage *failed,
                      uint32_t plans)
{
    failed->plans = plans;
    failed->last_plan = backoff->plan + plans;
}

void raminate_backoff_failed(RaminateBackoff *backoff, uint32_t page)
{
    FailedPage *failed = need_page(backoff, page);

    failed->held = false;
    leave_out(backoff, failed,
              failed->plans ? MIN(2 * failed->plans, RAMINATE_BACKOFF_MAX)
                            : 1);
}

void raminate_backoff_hold(RaminateBackoff *backoff, uint32_t page)
{
    FailedPage *failed = need_page(backoff, page);

    failed->held = true;
    leave_out(backoff, failed, RAMINATE_BACKOFF_MAX);
}

void raminate_backoff_moved(RaminateBackoff *backoff, uint32_t page)
{
    g_hash_table_remove(backoff->pages, GUINT_TO_POINTER(page));
    g_hash_table_remove(backoff->bad, GUINT_TO_POINTER(page));
}

bool raminate_backoff_add_bad(RaminateBackoff *backoff, uint32_t page)
{
    return g_hash_table_add(backoff->bad, GUINT_TO_POINTER(page));
}

bool raminate_backoff_is_bad(const RaminateBackoff *backoff, uint32_t page)
{
    return g_hash_table_size(backoff->bad) &&
           g_hash_table_contains(backoff->bad, GUINT_TO_POINTER(page));
}

size_t raminate_backoff_memory(const RaminateBackoff *backoff)
{
    return raminate_page_table_memory(backoff->pages, sizeof(FailedPage));
}
