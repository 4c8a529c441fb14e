/*
 * RAMinate: the placer, which keeps often-written pages in fast memory
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_PLACER_H
#define HW_RAMINATE_PLACER_H

#include "qapi/qapi-types-raminate.h"
#include "hw/raminate/engine/figures.h"
#include "hw/raminate/engine/settings.h"
#include "hw/raminate/memory.h"
#include "hw/raminate/mover/mover.h"

/* What a user can set, also while the guest runs */
typedef struct RaminatePlacerSettings {
    bool monitor;
    bool migrate_heat;
    RaminatePolicyType policy;
    RaminateSamplerType sampler;
    RaminateMoverType mover;
    RaminateSettings engine;
} RaminatePlacerSettings;

void raminate_placer_settings_init(RaminatePlacerSettings *settings);

typedef struct RaminatePlacer RaminatePlacer;

/*
 * All functions below are called in the main loop, under the big lock.
 *
 * @memory: complete but for its placement; outlives the placer, which sets
 *          the placement and frees it
 *
 * Returns: the placer, or NULL with @errp set.  Unless settings say it is
 * off, it starts to work as soon as the guest does.
 */
RaminatePlacer *raminate_placer_new(RaminateMemory *memory,
                                    const RaminatePlacerSettings *settings,
                                    Error **errp);
void raminate_placer_free(RaminatePlacer *placer);

/*
 * Puts new settings in force.
 * Returns: false with @errp set if they can't be; then the old ones stay.
 */
bool raminate_placer_set(RaminatePlacer *placer,
                         const RaminatePlacerSettings *settings, Error **errp);

/*
 * Has the fastest tier have so many pages from now on, 1 at least; the slowest
 * takes them or gives them, while the guest runs.  A recording ends, since it
 * knows of no such thing.
 */
void raminate_placer_set_fast_pages(RaminatePlacer *placer, uint32_t pages);

/* Returns: how many pages a tier has at present. */
uint32_t raminate_placer_tier_pages(RaminatePlacer *placer, unsigned tier);

/*
 * Records to a new file from now on; an empty @path ends the recording.
 * Returns: false with @errp set if it can't be; then the one before goes on,
 * unless it is to the same file.
 */
bool raminate_placer_record(RaminatePlacer *placer, const char *path,
                            Error **errp);

/* Returns: the placer of the container @id, or NULL with @errp set. */
RaminatePlacer *raminate_placer_find(const char *id, Error **errp);

/* Calls @func for each placer, in the order of their creation. */
void raminate_placer_foreach(void (*func)(RaminatePlacer *placer,
                                          void *opaque),
                             void *opaque);

/* Returns: settings and figures, to be freed with qapi_free_RaminateInfo(). */
RaminateInfo *raminate_placer_info(RaminatePlacer *placer);

/* Returns: a copy of the figures, to be freed with g_free(). */
RaminateFigures *raminate_placer_figures(RaminatePlacer *placer);

/*
 * @page: less than raminate_placer_pages()
 * Returns: what is known of it, to be freed with qapi_free_RaminatePage().
 */
RaminatePage *raminate_placer_page(RaminatePlacer *placer, uint32_t page);

/*
 * Returns: whether the guest has a @page with that number; if not, @errp says
 * which there are.
 */
bool raminate_placer_check_page(const RaminatePlacer *placer, uint64_t page,
                                Error **errp);

/*
 * Exchanges pairs at a user's wish; no page may appear twice.  Ends after as
 * many as take about as long as a planned batch may.
 * @begun: returns whether any was tried; if not, @errp says why
 * Returns: how many pairs were reached; if @errp is set, no more can be.
 */
size_t raminate_placer_swap(RaminatePlacer *placer, RaminateMove *moves,
                            size_t nr, bool *begun, Error **errp);

/*
 * What of the pages' heat goes along with the guest; see
 * hw/raminate/engine/handover.h.
 * Returns: bytes, to be freed with g_free(), and in @size their number; NULL if
 * settings say that nothing goes, or there is nothing.
 */
uint8_t *raminate_placer_hand_over(RaminatePlacer *placer, size_t *size);

/* @data: has been checked; to be freed with g_free(), which is done */
void raminate_placer_take_over(RaminatePlacer *placer, uint8_t *data,
                               size_t size);

/* Returns: whether heat goes along by the settings. */
bool raminate_placer_hands_over(RaminatePlacer *placer);

/* Returns: number of pages in the container. */
uint32_t raminate_placer_pages(const RaminatePlacer *placer);

/* Returns: whether its tiers are NUMA nodes. */
bool raminate_placer_has_nodes(const RaminatePlacer *placer);

/* Returns: type of the object whose memory it is, static. */
const char *raminate_placer_type(const RaminatePlacer *placer);

/* Returns: id of that object. */
const char *raminate_placer_id(const RaminatePlacer *placer);

#endif
