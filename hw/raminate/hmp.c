/*
 * RAMinate: HMP commands, which show what QMP says
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-raminate.h"
#include "qobject/qdict.h"
#include "monitor/hmp.h"
#include "monitor/monitor.h"

static void print_times(Monitor *mon, const char *what,
                        const RaminateTimes *times)
{
    if (times->count) {
        monitor_printf(mon, "  %s: %" PRIu64 " times, in us: last %.1f, "
                       "mean %.1f, median %.1f, 99%% %.1f, max %.1f\n", what,
                       times->count, times->last / 1e3, times->mean / 1e3,
                       times->p50 / 1e3, times->p99 / 1e3, times->max / 1e3);
    }
}

static void print_part(Monitor *mon, const char *what, const char *name,
                       const char *reason)
{
    monitor_printf(mon, "  %s: %s%s%s%s\n", what, name,
                   reason ? " (" : "", reason ?: "", reason ? ")" : "");
}

static void print_tier(Monitor *mon, const RaminateTierInfo *tier)
{
    g_autofree char *where = tier->has_node
        ? g_strdup_printf("node %u", tier->node)
        : g_strdup_printf("%s from 0x%" PRIx64, tier->mem_path,
                          tier->phy_offset);

    monitor_printf(mon, "  tier %u %s: %" PRIu64 " pages, %" PRIu64
                   " written by the last scan, %" PRIu64 " by all; %s; costs: "
                   "read %" PRIu32 ", write %" PRIu32 ", idle %" PRIu32
                   " mW/GiB\n", tier->rank, tier->id, tier->pages,
                   tier->written, tier->total_written, where, tier->read_cost,
                   tier->write_cost, tier->idle_power);
}

static void print_settings(Monitor *mon, const RaminateInfo *info)
{
    monitor_printf(mon, "%s: %" PRIu64 " MiB, %s%s%s\n", info->id,
                   info->size >> 20, RaminateState_str(info->state),
                   info->held_because ? ": " : "",
                   info->held_because ?: "");
    print_part(mon, "policy", RaminatePolicyType_str(info->policy), NULL);
    print_part(mon, "sampler", RaminateSamplerType_str(info->sampler),
               info->sampler_reason);
    print_part(mon, "mover", RaminateMoverType_str(info->mover),
               info->mover_reason);
    monitor_printf(mon, "  periods: scan %" PRIu32 " ms, swap %" PRIu32
                   " ms, life time %" PRIu32 " ms, at most %" PRIu32
                   " swaps\n", info->scan_period, info->swap_period,
                   info->life_time, info->max_swaps);
    monitor_printf(mon, "  processor time: at most %" PRIu32 "%% of one; %"
                   PRIu64 " scans put off\n", info->max_cpu,
                   info->scans_put_off);
    monitor_printf(mon, "  faults by watching: %" PRIu64 ", at most %" PRIu32
                   " a second\n", info->watch_faults, info->fault_budget);
    if (info->has_huge_pages) {
        monitor_printf(mon, "  huge pages: %" PRIu64 " MiB, %" PRIu64
                       " split, %" PRIu64 " put together, %" PRIu64
                       " moved in one piece\n",
                       info->huge_pages >> 20, info->huge_splits,
                       info->huge_collapses, info->huge_moves);
    }
    if (info->record) {
        monitor_printf(mon, "  recording to %s\n", info->record);
    }
}

static void print_figures(Monitor *mon, const RaminateInfo *info)
{
    if (info->has_slow_share) {
        monitor_printf(mon, "  written pages in slow memory: %.1f%%",
                       info->slow_share);
        if (info->has_slow_share_last) {
            monitor_printf(mon, ", last scan %.1f%%", info->slow_share_last);
        }
        monitor_printf(mon, "\n");
    }
    monitor_printf(mon, "  swaps: %" PRIu64 " in %" PRIu64 " batches, %" PRIu64
                   " failed, %" PRIu64 " reversed, %" PRIu64 " held; %" PRIu64
                   " batches given up\n", info->swaps, info->batches,
                   info->swaps_failed, info->swaps_reversed, info->swaps_held,
                   info->batches_given_up);
    if (info->swaps_busy || info->swaps_no_room) {
        monitor_printf(mon, "  of those that failed: %" PRIu64 " busy or "
                       "pinned, %" PRIu64 " for lack of room\n",
                       info->swaps_busy, info->swaps_no_room);
    }
    if (info->pages_failed) {
        monitor_printf(mon, "  pages whose memory has failed: %" PRIu64 "\n",
                       info->pages_failed);
    }
    if (info->pages_astray) {
        monitor_printf(mon, "  pages found astray: %" PRIu64
                       ", adopted: %" PRIu64 "\n", info->pages_astray,
                       info->pages_adopted);
    }
    if (info->pages_resized || info->pages_to_resize) {
        monitor_printf(mon, "  pages moved for fast-budget: %" PRIu64
                       ", left: %" PRIu64 "\n", info->pages_resized,
                       info->pages_to_resize);
    }
    monitor_printf(mon, "  pages written to slow memory: %" PRId64 " saved, %"
                   PRIu64 " by swaps\n", info->slow_writes_saved,
                   info->slow_writes_by_swaps);
    for (RaminateEnergyList *l = info->energy; l; l = l->next) {
        monitor_printf(mon, "  energy, a slow write costing %" PRIu32 ": %.3f J,"
                       " unmoved %.3f J, DRAM only %.3f J\n",
                       l->value->slow_write_cost, l->value->placed,
                       l->value->unmoved, l->value->dram_only);
    }
    monitor_printf(mon, "  mappings: %" PRIu32, info->mappings);
    if (info->has_mappings_limit) {
        monitor_printf(mon, " of at most %" PRIu32, info->mappings_limit);
    }
    monitor_printf(mon, "\n");
    print_times(mon, "scans", info->scan_time);
    print_times(mon, "batches", info->batch_time);
    print_times(mon, "pauses", info->pause_time);
    print_times(mon, "main loop", info->main_loop_time);
    print_times(mon, "processor", info->cpu_time);
}

static void print_info(Monitor *mon, const RaminateInfo *info)
{
    print_settings(mon, info);
    for (RaminateTierInfoList *l = info->tiers; l; l = l->next) {
        print_tier(mon, l->value);
    }
    print_figures(mon, info);
}

void hmp_info_raminate(Monitor *mon, const QDict *qdict)
{
    Error *err = NULL;
    RaminateInfoList *list =
        qmp_query_raminate(qdict_get_try_str(qdict, "id"), &err);

    if (hmp_handle_error(mon, err)) {
        return;
    }
    for (RaminateInfoList *l = list; l; l = l->next) {
        print_info(mon, l->value);
    }
    if (!list) {
        monitor_printf(mon, "There is no memory-backend-container and no "
                       "memory-placement\n");
    }
    qapi_free_RaminateInfoList(list);
}
