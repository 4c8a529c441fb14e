/*
 * RAMinate: what of the pages' heat goes along with a guest
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "hw/raminate/engine/handover.h"

/* Two varints of 32 bits, and a byte */
#define LONGEST_RUN 11

#define MAX_LEVEL 15
#define HEAT_PER_LEVEL 16
#define HEAT_OF_LEVEL 17        /* 15 of them are the most heat there is */

/* So many regions at most are tried for what fits. */
#define TRIED_REGIONS 1024

/* Runs and pages that one plan looks at, at most */
#define LOOKS 65536

/* Moves left of an earlier plan that one takes again, at most */
#define MOST_LEFT 4096
#define PASSED_PER_LOOK 64

/* Pages with the same heat and tier */
typedef struct HeatRun {
    uint32_t first;
    uint32_t nr;
    uint8_t tier;
    uint8_t level;
} HeatRun;

struct RaminateHandover {
    uint8_t *data;
    size_t size;

    /* How far the walk has come; it goes once through all for each level. */
    unsigned level;             /* 0: all done */
    size_t at;                  /* byte */
    HeatRun run;                /* the last one that was read */
    uint32_t next;              /* page of that run, by its number in it */

    uint32_t victim[RAMINATE_MAX_TIERS];        /* where to look next */
    GArray *left;               /* of RaminateMove, proposed and not made */
};

/* Bytes */

static size_t put_varint(uint8_t *out, uint32_t value)
{
    size_t nr = 0;

    for (; value >= 0x80; value >>= 7) {
        out[nr++] = value | 0x80;
    }
    out[nr++] = value;
    return nr;
}

/* Returns: whether there was a number of 32 bits. */
static bool take_varint(const uint8_t *data, size_t size, size_t *at,
                        uint32_t *value)
{
    uint64_t sum = 0;

    for (unsigned shift = 0; shift < 35 && *at < size; shift += 7) {
        uint8_t byte = data[(*at)++];

        sum |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *value = sum;
            return sum <= UINT32_MAX;
        }
    }
    return false;
}

/*
 * @run: the run before, or all zeros; returns the next
 * Returns: whether there was one, whose numbers may be anything.
 */
static bool take_run(const uint8_t *data, size_t size, size_t *at,
                     HeatRun *run)
{
    uint32_t gap, nr;

    if (!take_varint(data, size, at, &gap) ||
        !take_varint(data, size, at, &nr) || *at >= size) {
        return false;
    }
    run->first += run->nr + gap;
    run->nr = nr + 1;
    run->tier = data[*at] >> 4;
    run->level = data[*at] & 0xf;
    (*at)++;
    return true;
}

const char *raminate_handover_check(const uint8_t *data, size_t size,
                                    uint32_t nr_pages)
{
    size_t at = 0;
    uint64_t end = 0;

    while (at < size) {
        uint32_t gap, nr;

        if (!take_varint(data, size, &at, &gap) ||
            !take_varint(data, size, &at, &nr) || at >= size) {
            return "it ends in the middle of a run";
        }
        end += (uint64_t)gap + nr + 1;
        if (end > nr_pages) {
            return "a run goes past the last page";
        }
        if (!(data[at++] & 0xf)) {
            return "a run has no heat";
        }
    }
    return NULL;
}

/* What goes */

typedef struct Encoder {
    uint8_t *out;
    size_t size;
    size_t max;
    uint32_t end;               /* behind the run that was put last */
    HeatRun run;                /* that grows; no pages: none does */
} Encoder;

/* Returns: false if there is no room. */
static bool put_run(Encoder *e)
{
    const HeatRun *run = &e->run;

    if (!run->nr) {
        return true;
    }
    if (e->max - e->size < LONGEST_RUN) {
        return false;
    }
    e->size += put_varint(e->out + e->size, run->first - e->end);
    e->size += put_varint(e->out + e->size, run->nr - 1);
    e->out[e->size++] = run->tier << 4 | run->level;
    e->end = run->first + run->nr;
    e->run.nr = 0;
    return true;
}

static unsigned level_of(unsigned heat)
{
    return heat ? MAX(heat / HEAT_PER_LEVEL, 1) : 0;
}

static bool put_page(Encoder *e, uint32_t page, unsigned tier, unsigned level)
{
    HeatRun *run = &e->run;

    if (run->nr && run->first + run->nr == page && run->tier == tier &&
        run->level == level) {
        run->nr++;
        return true;
    }
    if (!put_run(e)) {
        return false;
    }
    *run = (HeatRun) { .first = page, .nr = 1, .tier = tier, .level = level };
    return true;
}

/* Returns: false if there was no room for all; the same for all regions. */
static bool encode_region(Encoder *e, const RaminatePlacement *placement,
                          const RaminateHeat *heat, unsigned lowest,
                          uint32_t region)
{
    uint32_t first = region << RAMINATE_REGION_BITS;
    uint32_t nr = MIN(raminate_placement_layout(placement)->nr_pages - first,
                      RAMINATE_REGION_PAGES);

    for (uint32_t page = first; nr--; page++) {
        unsigned level = level_of(raminate_heat_get(heat, page));

        if (level >= lowest &&
            !put_page(e, page, raminate_placement_tier(placement, page),
                      level)) {
            return false;
        }
    }
    return true;
}

/* Takes one region in @step of those that were written lately. */
static bool encode_from(Encoder *e, const RaminatePlacement *placement,
                        const RaminateHeat *heat, unsigned lowest,
                        uint32_t step)
{
    uint32_t last = raminate_placement_layout(placement)->nr_pages - 1;
    uint32_t warm = 0;

    for (uint32_t region = 0; region <= last >> RAMINATE_REGION_BITS;
         region++) {
        if (!raminate_heat_is_cold(heat, region) && warm++ % step == 0 &&
            !encode_region(e, placement, heat, lowest, region)) {
            return false;
        }
    }
    return put_run(e);
}

static uint32_t count_warm(const RaminatePlacement *placement,
                           const RaminateHeat *heat)
{
    uint32_t last = raminate_placement_layout(placement)->nr_pages - 1;
    uint32_t warm = 0;

    for (uint32_t region = 0; region <= last >> RAMINATE_REGION_BITS;
         region++) {
        warm += !raminate_heat_is_cold(heat, region);
    }
    return warm;
}

size_t raminate_handover_encode(const RaminatePlacement *placement,
                                const RaminateHeat *heat, uint8_t *out,
                                size_t max)
{
    uint32_t step = 1 + count_warm(placement, heat) / TRIED_REGIONS;
    unsigned lowest = 1;
    Encoder e = { .out = out, .max = max };

    /* Some regions tell what fits, so that all are looked at once only. */
    while ((!encode_from(&e, placement, heat, lowest, step) ||
            e.size > max / step) && lowest < (MAX_LEVEL + 1) / 2) {
        lowest *= 2;
        e = (Encoder) { .out = out, .max = max };
    }
    if (step > 1) {
        e = (Encoder) { .out = out, .max = max };
        encode_from(&e, placement, heat, lowest, 1);
    }
    return e.size;
}

/* What has come */

RaminateHandover *raminate_handover_new(uint8_t *data, size_t size,
                                        RaminateHeat *heat)
{
    RaminateHandover *h = g_new0(RaminateHandover, 1);
    HeatRun run = { 0 };

    h->data = data;
    h->size = size;
    h->level = MAX_LEVEL;
    h->left = g_array_new(false, false, sizeof(RaminateMove));
    for (size_t at = 0; take_run(data, size, &at, &run);) {
        for (uint32_t i = 0; i < run.nr; i++) {
            raminate_heat_put(heat, run.first + i, run.level * HEAT_OF_LEVEL);
        }
    }
    return h;
}

void raminate_handover_free(RaminateHandover *h)
{
    if (h) {
        g_array_free(h->left, true);
        g_free(h->data);
        g_free(h);
    }
}

bool raminate_handover_is_done(const RaminateHandover *h)
{
    return h->level == 0 && h->left->len == 0;
}

/* A plan in the making */
typedef struct Plan {
    RaminateHandover *h;
    const RaminatePlacement *placement;
    const RaminateHeat *heat;
    const RaminateBackoff *backoff;
    GHashTable *used;           /* pages that are in it */
    unsigned looks;             /* that are left */
} Plan;

static bool is_usable(const Plan *plan, uint32_t page)
{
    return !raminate_backoff_holds(plan->backoff, page) &&
           !g_hash_table_contains(plan->used, GUINT_TO_POINTER(page));
}

/* Returns: whether there is one more; @page and @tier say where it was. */
static bool next_wish(Plan *plan, uint32_t *page, unsigned *tier)
{
    RaminateHandover *h = plan->h;

    while (h->level && plan->looks) {
        plan->looks--;
        if (h->run.level == h->level && h->next < h->run.nr) {
            *page = h->run.first + h->next++;
            *tier = h->run.tier;
            return true;
        }
        h->next = 0;
        if (!take_run(h->data, h->size, &h->at, &h->run)) {
            h->level--;
            h->at = 0;
            h->run = (HeatRun) { 0 };
        }
    }
    return false;
}

/* Returns: a page in @tier with less heat than @heat, or RAMINATE_NO_PAGE. */
static uint32_t find_victim(Plan *plan, unsigned tier, unsigned heat)
{
    uint32_t *next = &plan->h->victim[tier];

    while (*next != RAMINATE_NO_PAGE && plan->looks) {
        uint32_t page = raminate_placement_next_in_tier(plan->placement, tier,
                                                        *next);
        uint32_t end = MIN(page, raminate_placement_pages(plan->placement));

        /* What was passed over may have been looked at page by page. */
        plan->looks -= MIN(plan->looks, 1 + (end - *next) / PASSED_PER_LOOK);
        *next = page == RAMINATE_NO_PAGE ? page : page + 1;
        if (page != RAMINATE_NO_PAGE && is_usable(plan, page) &&
            raminate_heat_get(plan->heat, page) < heat) {
            return page;
        }
    }
    return RAMINATE_NO_PAGE;
}

/* Returns: whether there is a move for @page, which was in @tier. */
static bool plan_move(Plan *plan, uint32_t page, unsigned tier,
                      RaminateMove *move)
{
    unsigned heat = raminate_heat_get(plan->heat, page);
    unsigned now_in = raminate_placement_tier(plan->placement, page);

    if (!heat || !is_usable(plan, page)) {
        return false;
    }
    /* Tiers may have other sizes here. */
    for (; tier < now_in; tier++) {
        uint32_t victim = find_victim(plan, tier, heat);

        if (victim != RAMINATE_NO_PAGE) {
            *move = (RaminateMove) { .page = page, .with = victim };
            g_hash_table_add(plan->used, GUINT_TO_POINTER(page));
            g_hash_table_add(plan->used, GUINT_TO_POINTER(victim));
            return true;
        }
    }
    return false;
}

/* Moves that are left of an earlier plan */
static size_t plan_left(Plan *plan, RaminateMove *moves, size_t max)
{
    GArray *left = plan->h->left;
    size_t nr = MIN(MIN(left->len, max), MOST_LEFT);

    for (size_t i = 0; i < nr; i++) {
        moves[i] = g_array_index(left, RaminateMove, i);
        g_hash_table_add(plan->used, GUINT_TO_POINTER(moves[i].page));
        g_hash_table_add(plan->used, GUINT_TO_POINTER(moves[i].with));
    }
    g_array_remove_range(left, 0, nr);
    return nr;
}

size_t raminate_handover_plan(RaminateHandover *h,
                              const RaminatePlacement *placement,
                              const RaminateHeat *heat,
                              const RaminateBackoff *backoff,
                              RaminateMove *moves, size_t max)
{
    g_autoptr(GHashTable) used = g_hash_table_new(NULL, NULL);
    Plan plan = {
        .h = h,
        .placement = placement,
        .heat = heat,
        .backoff = backoff,
        .used = used,
        .looks = LOOKS,
    };
    size_t nr = plan_left(&plan, moves, max);
    uint32_t page;
    unsigned tier;

    while (!h->left->len && nr < max && next_wish(&plan, &page, &tier)) {
        nr += plan_move(&plan, page, tier, &moves[nr]);
    }
    return nr;
}

void raminate_handover_put_back(RaminateHandover *h,
                                const RaminateMove *moves, size_t nr)
{
    for (size_t i = 0; i < nr; i++) {
        if (moves[i].status == RAMINATE_MOVE_PENDING) {
            g_array_append_val(h->left, moves[i]);
        }
    }
}
