/*
 * RAMinate: what a placer tells those who ask
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/raminate/engine/energy.h"
#include "hw/raminate/placer-internal.h"
#include "hw/raminate/version.h"

static RaminateTimes *times_info(const RaminateHistogram *histogram)
{
    RaminateTimes *times = g_new0(RaminateTimes, 1);

    times->count = histogram->count;
    times->last = histogram->last;
    times->mean = raminate_histogram_mean(histogram);
    times->p50 = raminate_histogram_percentile(histogram, 50);
    times->p90 = raminate_histogram_percentile(histogram, 90);
    times->p99 = raminate_histogram_percentile(histogram, 99);
    times->max = histogram->max;
    times->total = histogram->sum;
    return times;
}

static RaminateTierInfo *tier_info(const RaminatePlacer *placer, unsigned i)
{
    const RaminateTier *tier = &placer->memory->tiers[i];
    const RaminateFigures *figures = raminate_engine_figures(placer->engine);
    RaminateTierInfo *info = g_new0(RaminateTierInfo, 1);

    info->id = g_strdup(tier->id);
    info->rank = tier->rank;
    if (tier->node == RAMINATE_NO_NODE) {
        info->mem_path = g_strdup(tier->mem_path);
        info->has_phy_offset = true;
        info->phy_offset = tier->phy_offset;
    } else {
        info->has_node = true;
        info->node = tier->node;
    }
    info->offset = tier->offset;
    info->size = tier->budget;
    info->read_cost = tier->costs.read;
    info->write_cost = tier->costs.write;
    info->idle_power = tier->costs.idle;
    info->pages = raminate_placement_tier_pages(placer->memory->placement, i);
    info->written = figures->written[i];
    info->total_written = figures->total_written[i];
    return info;
}

/* Bytes that the placer takes for each page of a region in use */
static uint32_t bytes_per_page(const RaminatePlacer *placer)
{
    return RAMINATE_PLACEMENT_BYTES_PER_PAGE + RAMINATE_HEAT_BYTES_PER_PAGE +
           raminate_settings_policy(&placer->settings)->bytes_per_page;
}

/* What slow writes may cost, as the paper looks at it */
static const uint32_t slow_write_costs[] = { 10, 100, 1000 };

/* What guest RAM has done, or would have; see RaminateEnergy in QAPI */
typedef struct EnergyLoads {
    RaminateLoad dram_only;
    RaminateLoad unmoved;
    RaminateLoad placed;
} EnergyLoads;

/* A page found written is taken to be written once from end to end. */
static void get_loads(const RaminatePlacer *placer, EnergyLoads *loads)
{
    const RaminateFigures *figures = raminate_engine_figures(placer->engine);
    RaminateTierLoad *dram = &loads->dram_only.tiers[0];

    memset(loads, 0, sizeof(*loads));
    loads->dram_only.seconds = figures->watched_ms / 1000.0;
    loads->unmoved.seconds = loads->dram_only.seconds;
    loads->placed.seconds = loads->dram_only.seconds;
    dram->size = placer->memory->backend->size;
    dram->written = (double)raminate_figures_sum(figures->total_written) *
                    RAMINATE_PAGE_SIZE;
    for (unsigned i = 0; i < placer->memory->nr_tiers; i++) {
        RaminateTierLoad *unmoved = &loads->unmoved.tiers[i];
        RaminateTierLoad *placed = &loads->placed.tiers[i];

        unmoved->size = placer->memory->tiers[i].budget;
        unmoved->written = (double)figures->unmoved[i] * RAMINATE_PAGE_SIZE;
        placed->size = unmoved->size;
        placed->read = (double)figures->swap_reads[i] * RAMINATE_PAGE_SIZE;
        placed->written = ((double)figures->total_written[i] +
                           figures->swap_writes[i]) * RAMINATE_PAGE_SIZE;
    }
}

static RaminateEnergy *energy_at(const EnergyLoads *loads,
                                 const RaminateCosts *costs,
                                 unsigned nr_tiers, uint32_t slow_write_cost)
{
    RaminateEnergy *energy = g_new0(RaminateEnergy, 1);

    energy->slow_write_cost = slow_write_cost;
    energy->dram_only = raminate_energy(&loads->dram_only, costs, 1);
    energy->unmoved = raminate_energy(&loads->unmoved, costs, nr_tiers);
    energy->placed = raminate_energy(&loads->placed, costs, nr_tiers);
    return energy;
}

/*
 * Returns: what a write to the slowest tier costs, as a multiple of a read from
 * the fastest, or 0 if no costs were given.
 */
static uint32_t own_slow_write_cost(const RaminateMemory *memory)
{
    uint32_t read = memory->tiers[0].costs.read;
    uint32_t write = memory->tiers[memory->nr_tiers - 1].costs.write;
    bool given = false;

    for (unsigned i = 0; i < memory->nr_tiers; i++) {
        given |= memory->tiers[i].costs_given;
    }
    return given ? MAX((write + read / 2) / read, 1) : 0;
}

static RaminateEnergyList *energy_info(const RaminatePlacer *placer)
{
    const RaminateLayout *layout =
        raminate_placement_layout(placer->memory->placement);
    uint32_t own = own_slow_write_cost(placer->memory);
    RaminateEnergyList *list = NULL;
    RaminateEnergyList **tail = &list;
    EnergyLoads loads;

    get_loads(placer, &loads);
    for (unsigned i = 0; i < ARRAY_SIZE(slow_write_costs); i++) {
        RaminateLayout supposed = *layout;

        if (slow_write_costs[i] == own) {
            continue;
        }
        raminate_energy_suppose(supposed.costs, layout->nr_tiers,
                                slow_write_costs[i]);
        QAPI_LIST_APPEND(tail, energy_at(&loads, supposed.costs,
                                         layout->nr_tiers,
                                         slow_write_costs[i]));
    }
    if (own) {
        QAPI_LIST_APPEND(tail, energy_at(&loads, layout->costs,
                                         layout->nr_tiers, own));
    }
    return list;
}

/* What is in force.  With the lock. */
static void add_settings(const RaminatePlacer *placer, RaminateInfo *info)
{
    const RaminateSettings *settings = &placer->settings.engine;
    RaminateTierInfoList **tail = &info->tiers;

    raminate_placer_assert_locked(placer);
    info->version = g_strdup(raminate_version);
    info->id = g_strdup(placer->memory->id);
    info->size = placer->memory->backend->size;
    info->page_size = RAMINATE_PAGE_SIZE;
    info->state = raminate_placer_state(placer);
    if (info->state == RAMINATE_STATE_HELD) {
        info->held_because = g_strdup(raminate_placer_hold_reason(placer)
                                      ?: placer->held_because);
    }
    info->policy = placer->settings.policy;
    info->sampler = placer->sampler_choice.in_force->type;
    info->sampler_reason = g_strdup(placer->sampler_choice.reason);
    info->mover = placer->mover_choice.in_force->type;
    info->mover_reason = g_strdup(placer->mover_choice.reason);
    info->scan_period = settings->scan_period;
    info->swap_period = settings->swap_period;
    info->life_time = settings->life_time;
    info->max_swaps = settings->max_swaps;
    info->reverse_window = settings->reverse_window;
    info->second_look = settings->second_look;
    info->max_cpu = settings->max_cpu;
    info->fault_budget = settings->fault_budget;
    if (placer->recording) {
        info->record = g_strdup(raminate_recording_path(placer->recording));
    }
    for (unsigned i = 0; i < placer->memory->nr_tiers; i++) {
        QAPI_LIST_APPEND(tail, tier_info(placer, i));
    }
}

static void add_figures(const RaminateFigures *figures, RaminateInfo *info)
{
    info->scans = figures->scans;
    info->scans_put_off = figures->scans_put_off;
    info->pages_written = raminate_figures_sum(figures->total_written);
    info->has_slow_share =
        raminate_figures_slow_share(figures->total_written, &info->slow_share);
    info->has_slow_share_last =
        raminate_figures_slow_share(figures->written, &info->slow_share_last);
    info->batches = figures->batches;
    info->batches_given_up = figures->batches_given_up;
    info->swaps = figures->swaps;
    info->swaps_failed = figures->swaps_failed;
    info->swaps_busy = figures->swaps_busy;
    info->swaps_no_room = figures->swaps_no_room;
    info->swaps_reversed = figures->swaps_reversed;
    info->swaps_held = figures->swaps_held;
    info->pages_failed = figures->pages_failed;
    info->pages_astray = figures->pages_astray;
    info->pages_adopted = figures->pages_adopted;
    info->pages_resized = figures->pages_resized;
    info->watch_faults = figures->watch_faults;
    info->has_huge_pages = figures->has_huge;
    info->huge_pages = figures->huge_pages * RAMINATE_REGION_SIZE;
    info->huge_splits = figures->huge_splits;
    info->huge_collapses = figures->huge_collapses;
    info->huge_moves = figures->huge_moves;
    info->slow_writes_saved = raminate_figures_slow(figures->unmoved) -
                              raminate_figures_slow(figures->total_written);
    info->slow_writes_by_swaps = raminate_figures_slow(figures->swap_writes);
    info->scan_time = times_info(&figures->scan_time);
    info->batch_time = times_info(&figures->batch_time);
    info->pause_time = times_info(&figures->pause_time);
    info->main_loop_time = times_info(&figures->main_loop_time);
    info->cpu_time = times_info(&figures->cpu_time);
}

RaminateInfo *raminate_placer_info(RaminatePlacer *placer)
{
    RaminateInfo *info = g_new0(RaminateInfo, 1);

    raminate_placer_lock(placer);
    add_settings(placer, info);
    add_figures(raminate_engine_figures(placer->engine), info);
    info->pages_to_resize = llabs(raminate_engine_excess(placer->engine));
    info->bytes_per_page = bytes_per_page(placer);
    info->memory = raminate_engine_memory(placer->engine) +
                   placer->sample_memory;
    info->energy = energy_info(placer);
    info->mappings = raminate_placement_runs(placer->memory->placement);
    if (placer->mover) {
        info->mappings =
            placer->mover->ops->mappings(placer->mover,
                                         &info->mappings_limit);
        info->has_mappings_limit = info->mappings_limit;
    }
    raminate_placer_unlock(placer);
    return info;
}

RaminateFigures *raminate_placer_figures(RaminatePlacer *placer)
{
    RaminateFigures *figures = g_new(RaminateFigures, 1);

    raminate_placer_lock(placer);
    *figures = *raminate_engine_figures(placer->engine);
    raminate_placer_unlock(placer);
    return figures;
}

void raminate_placer_tell_move(const RaminatePlacer *placer,
                               const RaminatePastMove *move,
                               RaminatePageMove *info)
{
    raminate_placer_assert_locked(placer);
    info->ms_ago = raminate_placer_now(placer) - move->ms;
    info->from = g_strdup(placer->memory->tiers[move->from].id);
    info->to = g_strdup(placer->memory->tiers[move->to].id);
    info->has_with = move->with != RAMINATE_NO_PAGE;
    info->with = info->has_with ? move->with : 0;
    info->heat = move->heat;
    info->policy = g_strdup(move->policy);
    info->reason = !info->has_with ? RAMINATE_MOVE_REASON_RESIZE
                 : !move->policy ? RAMINATE_MOVE_REASON_COMMAND
                 : move->to < move->from ? RAMINATE_MOVE_REASON_PROMOTE
                 : RAMINATE_MOVE_REASON_DEMOTE;
}

RaminatePage *raminate_placer_page(RaminatePlacer *placer, uint32_t page)
{
    const RaminatePlacement *placement = placer->memory->placement;
    RaminatePage *info = g_new0(RaminatePage, 1);
    const RaminateTier *tier;
    const RaminatePastMove *move;
    uint64_t frame;

    raminate_placer_lock(placer);
    raminate_placer_wait_policy(placer);
    frame = raminate_placement_frame(placement, page);
    tier = &placer->memory->tiers[raminate_placement_tier(placement, page)];
    info->page = page;
    info->tier = g_strdup(tier->id);
    if (tier->node == RAMINATE_NO_NODE) {
        info->has_phy_offset = true;
        info->phy_offset = tier->phy_offset + (frame << RAMINATE_PAGE_BITS) -
                           tier->offset;
    }
    info->heat = raminate_heat_get(raminate_engine_heat(placer->engine), page);
    info->failed = raminate_engine_page_is_bad(placer->engine, page);
    move = raminate_engine_last_move(placer->engine, page);
    if (move) {
        info->last_move = g_new0(RaminatePageMove, 1);
        raminate_placer_tell_move(placer, move, info->last_move);
    }
    raminate_placer_explain(placer, info);
    raminate_placer_unlock(placer);
    return info;
}
