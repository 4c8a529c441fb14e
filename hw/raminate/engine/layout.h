/*
 * RAMinate: how guest memory is divided into pages, regions and tiers
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_LAYOUT_H
#define HW_RAMINATE_LAYOUT_H

#include <stdbool.h>
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
#define RAMINATE_REGION_SIZE ((uint64_t)RAMINATE_REGION_PAGES << \
                              RAMINATE_PAGE_BITS)

/* More tiers than any host has kinds of memory; a tier fits in a byte. */
#define RAMINATE_MAX_TIERS 16

/* What a cache reads and writes at once, in bytes */
#define RAMINATE_LINE_SIZE 64

/* One tier's run of frames.  Tiers are numbered by rank, 0 is the fastest. */
typedef struct RaminateFrameRange {
    uint32_t first;
    uint32_t count;
} RaminateFrameRange;

/* So that sums of a few have room in 32 bits */
#define RAMINATE_MAX_COST 100000000

/* What a tier's memory costs; a line's costs are relative to one another. */
typedef struct RaminateCosts {
    uint32_t read;              /* of a line, 1 to RAMINATE_MAX_COST */
    uint32_t write;             /* the same; not less than a faster tier's */
    uint32_t idle;              /* power while idle, in milliwatts a GiB */
} RaminateCosts;

/*
 * The tiers of a container, fastest first.  Their ranges cover frames 0 to the
 * sum of the counts without gap or overlap.
 *
 * A tier may have room that no guest page takes up: numbers from @nr_pages on
 * stand for it.  They are pages as all others, only that nobody ever writes
 * them, and that they have no contents.  So what is a move where there is room
 * is an exchange with such a page for placement and policies, and memory that
 * is not given to the guest yet, or was given back, is a page without contents.
 */
typedef struct RaminateLayout {
    unsigned nr_tiers;          /* 1 to RAMINATE_MAX_TIERS */
    uint32_t unit;              /* bytes of a page, which moves as a whole */
    uint32_t nr_pages;          /* of the guest */
    RaminateFrameRange ranges[RAMINATE_MAX_TIERS];
    RaminateCosts costs[RAMINATE_MAX_TIERS];
} RaminateLayout;

/*
 * Returns: the costs of a tier of which nobody said anything.  The fastest is
 * taken for DRAM, all reads cost 1, and writes to it as well.  Those to slower
 * tiers cost so much that an exchange with the next faster one pays once it
 * spares it the writing of two pages.  They take no power while idle.
 * @faster: the costs of the next faster tier, NULL if there is none
 */
RaminateCosts raminate_layout_default_costs(const RaminateCosts *faster);

/*
 * Checks costs that were given.
 * @faster: see above
 * Returns: NULL, or what is wrong: the name of a property.
 */
const char *raminate_layout_check_costs(const RaminateCosts *costs,
                                        const RaminateCosts *faster);

void raminate_layout_set_default_costs(RaminateLayout *layout);

/* Tiers of pages of 4 KiB, without room, with the default costs. */
void raminate_layout_init(RaminateLayout *layout,
                          const RaminateFrameRange *ranges, unsigned nr_tiers);

/* Returns: frames of all tiers, hence of pages and room. */
uint64_t raminate_layout_frames(const RaminateLayout *layout);

/* Returns: lines in a unit. */
uint32_t raminate_layout_unit_lines(const RaminateLayout *layout);

/* What is done to a line, that costs more the slower its tier is */
typedef enum RaminateLineUse {
    RAMINATE_LINE_WRITTEN,
    RAMINATE_LINE_READ,
    RAMINATE_LINE_BOTH,         /* read once, and written once */
} RaminateLineUse;

/* Returns: whether a read costs more in some tier than in the next faster. */
bool raminate_layout_reads_cost(const RaminateLayout *layout);

/*
 * Returns: the fastest tier from which on @use costs more than in @tier, which
 * is faster, or nr_tiers if there is none.
 */
unsigned raminate_layout_costlier(const RaminateLayout *layout, unsigned tier,
                                  RaminateLineUse use);

/*
 * Returns: how many tiers are as fast to write as the fastest, 1 at least.
 * They are the first ones, and all others are slow.
 */
unsigned raminate_layout_fast_tiers(const RaminateLayout *layout);

/*
 * What an exchange of two units reads and writes, in both tiers, in terms of
 * what is saved by a line that is used in @fast and not in @slow.
 * @slow: @use costs more there than in @fast
 * Returns: a number of lines.
 */
float raminate_layout_swap_cost(const RaminateLayout *layout, unsigned fast,
                                unsigned slow, RaminateLineUse use);

#endif
