/*
 * RAMinate: host mappings that are kept to be given up
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/raminate/memory.h"
#include "hw/raminate/mover/spare.h"

/* Each of these pages of address space is a mapping. */
#define SPARE_PAGES 32
#define SPARE_SIZE (SPARE_PAGES * RAMINATE_PAGE_SIZE)

bool raminate_spare_get(uint8_t **spare)
{
    uint8_t *pages;

    if (*spare) {
        return true;
    }
    pages = mmap(NULL, SPARE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                 0);
    if (pages == MAP_FAILED) {
        return false;
    }
    /* Neighbours that are not alike are not joined. */
    for (size_t at = 0; at < SPARE_SIZE; at += 2 * RAMINATE_PAGE_SIZE) {
        if (mprotect(pages + at, RAMINATE_PAGE_SIZE, PROT_READ) < 0) {
            munmap(pages, SPARE_SIZE);
            return false;
        }
    }
    *spare = pages;
    return true;
}

void raminate_spare_drop(uint8_t **spare)
{
    if (*spare) {
        munmap(*spare, SPARE_SIZE);
        *spare = NULL;
    }
}
