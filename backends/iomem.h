/*
 * RAMinate: who uses a range of physical addresses, by /proc/iomem
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_IOMEM_H
#define RAMINATE_IOMEM_H

#include <stdbool.h>
#include <stdint.h>

typedef enum RaminateIomemUse {
    /*
     * Set aside as memory (memmap=SIZE$ADDR, an NVDIMM, soft-reserved or CXL
     * memory) and left alone by drivers; or not listed at all, like memory
     * that the host's kernel was told not to use (mem=SIZE).
     */
    RAMINATE_IOMEM_FREE,

    /* At least in part the host's own memory */
    RAMINATE_IOMEM_SYSTEM_RAM,

    /* At least in part claimed by a driver, a device or the firmware */
    RAMINATE_IOMEM_CLAIMED,

    /* The text shows no addresses: its reader lacked CAP_SYS_ADMIN */
    RAMINATE_IOMEM_UNKNOWN,
} RaminateIomemUse;

/*
 * @text: what /proc/iomem holds
 * @start, @size: the range, in bytes; @size is not 0
 * @name: returns the entry that is in the way, as /proc/iomem names it, to
 *        be freed with g_free(); NULL if the range is free or unknown
 */
RaminateIomemUse raminate_iomem_use(const char *text, uint64_t start,
                                    uint64_t size, char **name);

/* Of x86_64 (SECTION_SIZE_BITS in the kernel's asm/sparsemem.h), in bytes */
#define RAMINATE_IOMEM_SECTION (UINT64_C(128) << 20)

/*
 * The host's kernel has page structs for whole sections, if any of a section
 * is its own memory, and takes all of such a section to be mapped.
 * Returns: whether the range shares a section with memory of the host itself.
 */
bool raminate_iomem_shares_section(const char *text, uint64_t start,
                                   uint64_t size);

#endif
