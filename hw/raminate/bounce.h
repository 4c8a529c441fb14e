/*
 * RAMinate: copies of guest pages, made where a page may be out of reach
 *
 * The memory of a page may be broken, its file cut short, its file system full.
 * Who touches it then is killed by SIGBUS; the kernel, asked to copy it, says
 * so.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_BOUNCE_H
#define HW_RAMINATE_BOUNCE_H

#include "hw/raminate/memory.h"

typedef struct RaminateBounce {
    int fd;
    size_t size;
    uint8_t *copies;            /* what @fd holds */
} RaminateBounce;

/*
 * @memory: the container, for messages
 * @slots: number of copies, each of a page
 * Returns: false with @errp set if there is no memory.
 */
bool raminate_bounce_init(RaminateBounce *bounce, const RaminateMemory *memory,
                          size_t slots, Error **errp);
void raminate_bounce_destroy(RaminateBounce *bounce);

/*
 * @page, in both of them: host address
 * Returns: 0, or -errno; -EFAULT if the page is out of reach.
 */
int raminate_bounce_save(RaminateBounce *bounce, size_t slot, uint8_t *page);
int raminate_bounce_load(RaminateBounce *bounce, size_t slot, uint8_t *page);

static inline void raminate_bounce_clear(RaminateBounce *bounce, size_t slot)
{
    memset(bounce->copies + slot * RAMINATE_PAGE_SIZE, 0, RAMINATE_PAGE_SIZE);
}

static inline const uint8_t *
raminate_bounce_copy(const RaminateBounce *bounce, size_t slot)
{
    return bounce->copies + slot * RAMINATE_PAGE_SIZE;
}

#endif
