/*
 * RAMinate: any bytes as the heat that came along with a guest
 *
 * The first bytes say what tiers there are where it has come to, and which
 * moves are made.  What passes the check gives the pages the heat that it
 * says, goes on to the next host as it came, and is done after so many plans;
 * each brings hotter pages up in the place of colder ones.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>
#include <glib.h>

#include "hw/raminate/engine/handover.h"
#include "fuzz.h"

#define MAX_TIERS 4
#define TIER_UNIT 16            /* pages; a byte says how many */
#define MAX_PAGES (MAX_TIERS * 256 * TIER_UNIT)
#define HEAD (2 + MAX_TIERS)
#define MAX_LEVEL 15

/*
 * Plans that may be without moves, one after the other: those that have looked
 * at enough while they went through all pages for each level.
 */
#define EMPTY_PLANS 8

typedef struct Destination {
    RaminatePlacement *placement;
    RaminateHeat *heat;
    RaminateBackoff *backoff;
    RaminateHandover *handover;
    unsigned max;               /* moves of a plan */
    uint8_t not_made;           /* bits: of eight moves, in turn */
    RaminateMove left;          /* the first that was not; or from 0 to 0 */
    bool used[MAX_PAGES];       /* pages of the plan at hand */
} Destination;

static uint64_t varint(const uint8_t *data, size_t *at)
{
    uint64_t value = 0;
    unsigned shift = 0;

    do {
        value |= (uint64_t)(data[*at] & 0x7f) << shift;
        shift += 7;
    } while (data[(*at)++] & 0x80);
    return value;
}

/* What handover.h says that bytes mean; they have been checked. */
static void decode(const uint8_t *data, size_t size, uint8_t *levels)
{
    uint64_t page = 0;

    for (size_t at = 0; at < size;) {
        uint64_t end;

        page += varint(data, &at);
        end = page + varint(data, &at) + 1;
        g_assert_cmpuint(end, <=, MAX_PAGES);
        memset(levels + page, data[at++] & 0xf, end - page);
        page = end;
    }
}

static void check_heat(const RaminateHeat *heat, const uint8_t *levels)
{
    for (uint32_t page = 0; page < MAX_PAGES; page++) {
        g_assert_cmpuint(raminate_heat_get(heat, page), ==,
                         levels[page] * RAMINATE_HEAT_MAX / MAX_LEVEL);
    }
}

/* It may go on to another host, in so many bytes. */
static void check_goes_on(const Destination *d, uint32_t nr_pages,
                          const uint8_t *levels, size_t max)
{
    g_autofree uint8_t *data = g_malloc(max);
    size_t size = raminate_handover_encode(d->placement, d->heat, data, max);
    uint8_t after[MAX_PAGES] = { 0 };

    g_assert_cmpuint(size, <=, max);
    g_assert_null(raminate_handover_check(data, size, nr_pages));
    decode(data, size, after);
    for (uint32_t page = 0; page < nr_pages; page++) {
        g_assert_true(after[page] == levels[page] ||
                      (after[page] == 0 && max < RAMINATE_HANDOVER_MAX));
    }
}

static void check_move(Destination *d, const RaminateMove *move)
{
    g_assert_cmpuint(move->page, !=, move->with);
    g_assert_false(d->used[move->page] || d->used[move->with]);
    d->used[move->page] = d->used[move->with] = true;
    g_assert_cmpint(move->status, ==, RAMINATE_MOVE_PENDING);
    g_assert_cmpuint(raminate_heat_get(d->heat, move->page), >,
                     raminate_heat_get(d->heat, move->with));
    g_assert_cmpuint(raminate_placement_tier(d->placement, move->page), >,
                     raminate_placement_tier(d->placement, move->with));
    g_assert_false(raminate_backoff_holds(d->backoff, move->page) ||
                   raminate_backoff_holds(d->backoff, move->with));
}

static bool is_left(const Destination *d)
{
    return d->left.page != d->left.with;
}

static void make_moves(Destination *d, RaminateMove *moves, size_t nr)
{
    d->left = (RaminateMove) { 0 };
    for (size_t i = 0; i < nr; i++) {
        if (d->not_made >> i % 8 & 1) {
            d->left = is_left(d) ? d->left : moves[i];
            continue;
        }
        raminate_placement_swap(d->placement, moves[i].page, moves[i].with);
        moves[i].status = RAMINATE_MOVE_DONE;
    }
    raminate_handover_put_back(d->handover, moves, nr);
    d->not_made &= d->not_made >> 1;    /* In the end, all of them are. */
}

static void bring_up(Destination *d)
{
    g_autofree RaminateMove *moves = g_new(RaminateMove, d->max);
    unsigned empty = 0;

    while (!raminate_handover_is_done(d->handover)) {
        size_t nr = raminate_handover_plan(d->handover, d->placement, d->heat,
                                           d->backoff, moves, d->max);

        g_assert_cmpuint(nr, <=, d->max);
        g_assert_true(!is_left(d) || (nr && moves[0].page == d->left.page &&
                                      moves[0].with == d->left.with));
        memset(d->used, 0, sizeof(d->used));
        for (size_t i = 0; i < nr; i++) {
            check_move(d, &moves[i]);
        }
        make_moves(d, moves, nr);
        empty = nr ? 0 : empty + 1;
        g_assert_cmpuint(empty, <, EMPTY_PLANS);
    }
    g_assert_false(is_left(d));
}

/* @head: tiers, and so on */
static RaminatePlacement *new_placement(const uint8_t *head)
{
    RaminateFrameRange ranges[MAX_TIERS];
    RaminateLayout layout;
    unsigned nr = 1 + head[0] % MAX_TIERS;
    uint32_t next = 0;

    for (unsigned i = 0; i < nr; i++) {
        ranges[i] = (RaminateFrameRange) {
            .first = next, .count = (1 + head[2 + i]) * TIER_UNIT,
        };
        next += ranges[i].count;
    }
    raminate_layout_init(&layout, ranges, nr);
    return raminate_placement_new(&layout);
}

static void arrive(const uint8_t *head, uint8_t *data, size_t size)
{
    Destination d = {
        .placement = new_placement(head),
        .heat = raminate_heat_new(MAX_PAGES),
        .backoff = raminate_backoff_new(),
        .max = 1 + (head[0] >> 2) * 8,
        .not_made = head[1],
    };
    uint32_t nr_pages = raminate_placement_pages(d.placement);
    uint8_t levels[MAX_PAGES] = { 0 };

    raminate_backoff_begin_plan(d.backoff);
    raminate_backoff_hold(d.backoff, head[1]);
    decode(data, size, levels);
    d.handover = raminate_handover_new(data, size, d.heat);
    check_heat(d.heat, levels);
    check_goes_on(&d, nr_pages, levels, RAMINATE_HANDOVER_MAX);
    check_goes_on(&d, nr_pages, levels, 1 + head[1]);
    bring_up(&d);
    raminate_handover_free(d.handover);
    raminate_backoff_free(d.backoff);
    raminate_heat_free(d.heat);
    raminate_placement_free(d.placement);
}

void fuzz_one(const uint8_t *data, size_t size)
{
    uint32_t nr_pages = 0;
    uint8_t *heat;

    if (size < HEAD) {
        return;
    }
    for (unsigned i = 0; i <= data[0] % MAX_TIERS; i++) {
        nr_pages += (1 + data[2 + i]) * TIER_UNIT;
    }
    /* Of just this size, so that a sanitizer sees what is read behind it */
    heat = g_memdup2(data + HEAD, size - HEAD);
    if (raminate_handover_check(heat, size - HEAD, nr_pages)) {
        g_free(heat);
        return;
    }
    arrive(data, heat, size - HEAD);
}
