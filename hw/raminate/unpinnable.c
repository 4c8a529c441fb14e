/*
 * RAMinate: memory that the host's kernel can't pin
 *
 * Few ranges, seldom changed, looked at for each request with O_DIRECT.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/rcu.h"
#include "qemu/rcu_queue.h"
#include "hw/raminate/unpinnable.h"

typedef struct Range {
    struct rcu_head rcu;
    QLIST_ENTRY(Range) next;
    const char *start;
    const char *end;
} Range;

static QLIST_HEAD(, Range) ranges = QLIST_HEAD_INITIALIZER(ranges);

bool raminate_can_be_pinned(void *start)
{
#ifdef MADV_POPULATE_READ
    return madvise(start, qemu_real_host_page_size(), MADV_POPULATE_READ) == 0;
#else
    return false;
#endif
}

void raminate_unpinnable_add(const void *start, size_t size)
{
    Range *range = g_new0(Range, 1);

    range->start = start;
    range->end = range->start + size;
    QLIST_INSERT_HEAD_RCU(&ranges, range, next);
}

void raminate_unpinnable_remove(const void *start)
{
    Range *range;

    QLIST_FOREACH(range, &ranges, next) {
        if (range->start == start) {
            QLIST_REMOVE_RCU(range, next);
            g_free_rcu(range, rcu);
            return;
        }
    }
}

bool raminate_is_unpinnable(const void *start, size_t size)
{
    const char *first = start;
    const char *end = first + size;
    Range *range;

    RCU_READ_LOCK_GUARD();
    QLIST_FOREACH_RCU(range, &ranges, next) {
        if (first < range->end && range->start < end) {
            return true;
        }
    }
    return false;
}
