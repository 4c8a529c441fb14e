/*
 * RAMinate: how guest memory is divided into pages, regions and tiers
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_LAYOUT_H
#define HW_RAMINATE_LAYOUT_H

#include <stdint.h>

/* Pages and frames are 4 KiB and numbered from the start of the container. */
#define RAMINATE_PAGE_BITS 12

/* No container has so many. */
#define RAMINATE_NO_PAGE UINT32_MAX

/*
 * A region is 2 MiB.  State of its pages comes to life when something happens
 * in it, so that memory nobody touches costs next to nothing.
 */
#define RAMINATE_REGION_BITS 9
#define RAMINATE_REGION_PAGES (1u << RAMINATE_REGION_BITS)

/* More tiers than any host has kinds of memory; a tier fits in a byte. */
#define RAMINATE_MAX_TIERS 16

/* One tier's run of frames.  Tiers are numbered by rank, 0 is the fastest. */
typedef struct RaminateFrameRange {
    uint32_t first;
    uint32_t count;
} RaminateFrameRange;

#endif
