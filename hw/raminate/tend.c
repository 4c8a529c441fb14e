/*
 * RAMinate: what is done for pages between batches
 *
 * They are brought to where the placement says that they are, and put together
 * into huge pages where they stay in one tier.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "hw/raminate/placer-internal.h"
#include "trace.h"

/*
 * So many regions are looked at for whether they are huge, after a batch, but
 * no more often than this; that takes 10 to 40 microseconds for one that is
 * not.
 */
#define LOOK_REGIONS 1024
#define LOOK_PERIOD_MS 1000

/* Of these, so many at once */
#define PIECE_REGIONS 32

/* Of these, so many are put together at most: 2 MiB are copied for each. */
#define MAX_COLLAPSES 16

/*
 * A region is taken to be written everywhere all the time if its heat is so
 * much of what it may be, and rests for so many scans.
 */
#define HOT_PER_CENT 85
#define REST_SCANS 32

/* Returns: whether pages may be elsewhere than the placement says. */
static bool has_strays(const RaminatePlacer *placer)
{
    return placer->mover && placer->mover->ops->tend;
}

static bool has_huge(const RaminatePlacer *placer)
{
    return placer->huge;
}

/*
 * Claims the placement.  A placer that is to end has no parts any more.
 * @is_due: with the lock; whether there is anything to tend
 * Returns: false if it can't be had, or there is nothing to tend.
 */
static bool claim(RaminatePlacer *placer,
                  bool (*is_due)(const RaminatePlacer *placer))
{
    bool claimed;

    raminate_placer_lock(placer);
    claimed = !placer->stopping && !raminate_placer_hold_reason(placer) &&
              is_due(placer) && raminate_placer_claim_batch(placer);
    raminate_placer_unlock(placer);
    return claimed;
}

/* With the placement claimed, which it gives back. */
static void account_strays(RaminatePlacer *placer,
                           const RaminateTended *tended)
{
    raminate_placer_lock(placer);
    raminate_engine_figures(placer->engine)->pages_astray += tended->astray;
    if (!placer->keeps_tiers) {
        raminate_engine_adopt(placer->engine, raminate_placer_now(placer),
                              (const RaminateStray *)tended->left->data,
                              tended->left->len);
    }
    raminate_placer_release_batch(placer);
    raminate_placer_unlock(placer);
    if (tended->astray) {
        trace_raminate_astray(placer->memory->id, tended->astray,
                              tended->left->len);
    }
}

/* Brings pages to where the placement says they are, if the mover can. */
static void tend_strays(RaminatePlacer *placer)
{
    g_autoptr(GArray) left = g_array_new(false, false, sizeof(RaminateStray));
    RaminateTended tended = { .more = true, .left = left };

    /* Piece by piece, so that whoever ends the placer need not wait. */
    while (tended.more && claim(placer, has_strays)) {
        g_array_set_size(left, 0);
        raminate_placer_lock(placer);
        tended.may_leave = !placer->keeps_tiers;
        raminate_placer_unlock(placer);
        placer->mover->ops->tend(placer->mover, &tended);
        account_strays(placer, &tended);
    }
}

/* Huge pages */

typedef enum Heat {
    HEAT_NONE,                  /* nothing of it was written lately */
    HEAT_MIXED,
    HEAT_ALL,                   /* everything, all the time */
} Heat;

/* Returns: how a region is written; HEAT_MIXED if not all is in one tier. */
static Heat heat_of(RaminatePlacer *placer, uint32_t region)
{
    const RaminateHeat *heat = raminate_engine_heat(placer->engine);
    uint32_t first = region << RAMINATE_REGION_BITS;
    uint32_t end = first + RAMINATE_REGION_PAGES;
    uint32_t counts[RAMINATE_MAX_TIERS] = { 0 };
    Heat found = HEAT_MIXED;
    unsigned hottest = 0;

    raminate_placer_lock(placer);
    raminate_placement_count(placer->memory->placement, first, end, counts);
    if (counts[raminate_placement_tier(placer->memory->placement, first)] ==
        RAMINATE_REGION_PAGES) {
        if (raminate_heat_is_cold(heat, region)) {
            found = HEAT_NONE;
        } else if (raminate_heat_sum(heat, first, end, &hottest) * 100 >=
                   (uint64_t)HOT_PER_CENT * RAMINATE_HEAT_MAX *
                   RAMINATE_REGION_PAGES) {
            found = HEAT_ALL;
        }
    }
    raminate_placer_unlock(placer);
    return found;
}

/* Returns: whether a region has been put together. */
static bool collapse(RaminatePlacer *placer, uint32_t region, Heat heat)
{
    RaminateSampler *sampler = placer->sampler;
    const RaminateSamplerOps *ops = sampler->ops;
    bool is_watched = ops->unwatch && heat == HEAT_NONE;
    bool done;

    if (is_watched && !ops->unwatch(sampler, region)) {
        return false;
    }
    /* One that does not rest would be taken apart again at once. */
    if (heat == HEAT_ALL && ops->rest &&
        !ops->rest(sampler, region, REST_SCANS)) {
        return false;
    }
    done = raminate_huge_collapse(placer->huge, region);
    if (is_watched) {
        ops->watch_again(sampler, region);
    }
    return done;
}

/*
 * Tries that with regions from @region to before @end.
 * @tries: how many may be tried yet
 * Returns: how many were put together.
 */
static uint32_t collapse_some(RaminatePlacer *placer, uint32_t region,
                              uint32_t end, uint32_t *tries)
{
    uint32_t done = 0;

    for (; region < end && *tries; region++) {
        Heat heat = raminate_huge_is(placer->huge, region)
                    ? HEAT_MIXED : heat_of(placer, region);

        if (heat != HEAT_MIXED &&
            raminate_huge_can_collapse(placer->huge, region)) {
            --*tries;
            done += collapse(placer, region, heat);
        }
    }
    return done;
}

/*
 * With the placement claimed, which it gives back.
 * @looked: regions since the batch
 * @tries: how many may be put together yet
 * Returns: whether there are more to look at.
 */
static bool tend_piece(RaminatePlacer *placer, uint32_t *looked,
                       uint32_t *tries)
{
    RaminateHuge *huge = placer->huge;
    uint32_t nr = raminate_huge_regions(huge);
    RaminateFigures *figures;
    uint32_t end, splits, done;

    if (*looked == 0) {
        raminate_huge_begin_round(huge);
    }
    end = MIN((uint64_t)placer->next_huge + PIECE_REGIONS, nr);
    splits = raminate_huge_look(huge, placer->next_huge,
                                end - placer->next_huge);
    done = collapse_some(placer, placer->next_huge, end, tries);
    *looked += end - placer->next_huge;
    placer->next_huge = end < nr ? end : 0;

    raminate_placer_lock(placer);
    figures = raminate_engine_figures(placer->engine);
    figures->huge_splits += splits;
    figures->huge_collapses += done;
    figures->huge_pages = raminate_huge_count(huge);
    figures->has_huge |= end == nr;
    raminate_placer_release_batch(placer);
    raminate_placer_unlock(placer);
    return *looked < MIN(nr, LOOK_REGIONS);
}

static void tend_huge(RaminatePlacer *placer)
{
    uint32_t looked = 0;
    uint32_t tries = MAX_COLLAPSES;
    int64_t now = qemu_clock_get_ms(QEMU_CLOCK_REALTIME);
    bool more = now - placer->huge_ms >= LOOK_PERIOD_MS;

    if (more) {
        placer->huge_ms = now;
    }
    while (more && claim(placer, has_huge)) {
        more = tend_piece(placer, &looked, &tries);
    }
}

void raminate_placer_tend(RaminatePlacer *placer)
{
    tend_strays(placer);
    tend_huge(placer);
}
