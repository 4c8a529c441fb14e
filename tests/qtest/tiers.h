/*
 * RAMinate: tiers as they are shown, and seen by the guest
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_TIERS_H
#define RAMINATE_TIERS_H

#include "qobject/qlist.h"
#include "raminate-common.h"

#define ARBITRARY_CONTENTS 1

/* Checks the tier that is @index-th by rank. */
static inline void assert_tier(QTestState *qts, unsigned index, const char *id,
                               unsigned rank, uint64_t offset, uint64_t size)
{
    QDict *info = raminate_query(qts, "c");
    const QListEntry *entry = qlist_first(qdict_get_qlist(info, "tiers"));
    QDict *tier;

    while (index--) {
        entry = qlist_next(entry);
    }
    g_assert_nonnull(entry);
    tier = qobject_to(QDict, entry->value);
    g_assert_cmpstr(qdict_get_str(tier, "id"), ==, id);
    g_assert_cmpuint(qdict_get_int(tier, "rank"), ==, rank);
    g_assert_cmphex(qdict_get_int(tier, "offset"), ==, offset);
    g_assert_cmphex(qdict_get_int(tier, "size"), ==, size);
    g_assert_cmpuint(qdict_get_int(tier, "pages"), ==, size / PAGE_SIZE);
    qobject_unref(info);
}

/* Checks that page @page at @addr is shown by frame @frame of file @name. */
static inline void assert_shows(QTestState *qts, uint64_t addr,
                                const char *name, uint32_t frame)
{
    uint32_t page = addr / PAGE_SIZE;

    raminate_write_page(qts, page, ARBITRARY_CONTENTS);
    raminate_assert_page(qts, page, ARBITRARY_CONTENTS);
    raminate_assert_frame(name, frame, page, ARBITRARY_CONTENTS);
}

#endif
