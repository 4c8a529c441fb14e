/*
 * RAMinate: copies of guest pages, made where a page may be out of reach
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/memfd.h"
#include "hw/raminate/bounce.h"

bool raminate_bounce_init(RaminateBounce *bounce, const RaminateMemory *memory,
                          size_t slots, Error **errp)
{
    ERRP_GUARD();

    bounce->size = slots * RAMINATE_PAGE_SIZE;
    bounce->copies = qemu_memfd_alloc("raminate-bounce", bounce->size, 0,
                                      &bounce->fd, errp);
    if (!bounce->copies) {
        error_prepend(errp, "%s '%s': no memory for "
                      "copies of pages: ", memory->type, memory->id);
        return false;
    }
    return true;
}

void raminate_bounce_destroy(RaminateBounce *bounce)
{
    qemu_memfd_free(bounce->copies, bounce->size, bounce->fd);
}

/* What is out of reach in its midst is copied in part only. */
static int copy_result(ssize_t copied)
{
    if (copied < 0) {
        return -errno;
    }
    return (size_t)copied == RAMINATE_PAGE_SIZE ? 0 : -EFAULT;
}

int raminate_bounce_save(RaminateBounce *bounce, size_t slot, uint8_t *page)
{
    return copy_result(pwrite(bounce->fd, page, RAMINATE_PAGE_SIZE,
                              slot * RAMINATE_PAGE_SIZE));
}

int raminate_bounce_load(RaminateBounce *bounce, size_t slot, uint8_t *page)
{
    return copy_result(pread(bounce->fd, page, RAMINATE_PAGE_SIZE,
                             slot * RAMINATE_PAGE_SIZE));
}
