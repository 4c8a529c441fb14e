/*
 * RAMinate: a scan, and the second look after it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/timer.h"
#include "hw/raminate/engine/regions.h"
#include "hw/raminate/placer-internal.h"
#include "trace.h"

/* So many are counted at a time. */
#define COUNT_PAGES 8192

/* What the sampler does at a time, in the main loop if it wants that */
typedef struct ScanSlice {
    RaminatePlacer *placer;
    RaminateSample *sample;
    uint32_t first;
    uint32_t nr;                /* pages that are left */
    uint32_t done;              /* pages looked at; 0: the sampler failed */
    bool is_look;
} ScanSlice;

static void scan_slice(void *opaque)
{
    ScanSlice *slice = opaque;
    RaminatePlacer *placer = slice->placer;
    RaminateSampler *sampler = placer->sampler;
    Error *err = NULL;

    if (slice->first == 0 && sampler->ops->begin_scan) {
        sampler->ops->begin_scan(sampler, slice->is_look);
    }
    slice->done = sampler->ops->scan(sampler, slice->first, slice->nr,
                                     slice->sample, &err);
    if (!slice->done) {
        raminate_placer_lock(placer);
        raminate_placer_sampler_failed(placer, err);
        raminate_placer_unlock(placer);
    }
}

/*
 * @sample: returns what was found
 * Returns: whether all pages were looked at.
 */
static bool scan_pages(RaminatePlacer *placer, RaminateSample *sample,
                       bool is_look)
{
    const RaminatePart *part = &placer->sampler->ops->part;
    ScanSlice slice = {
        .placer = placer,
        .sample = sample,
        .nr = raminate_placement_pages(placer->memory->placement),
        .is_look = is_look,
    };

    raminate_placer_lock(placer);
    placer->sampler->fault_budget = placer->settings.engine.fault_budget;
    placer->sampler->drops = raminate_engine_drops_scan(placer->engine);
    raminate_placer_unlock(placer);
    raminate_sample_clear(sample);
    sample->kinds = placer->sampler->kinds;
    while (slice.nr) {
        slice.done = 0;
        if (part->in_main_loop) {
            raminate_placer_in_main_loop(placer, scan_slice, &slice);
        } else {
            scan_slice(&slice);
        }
        /* If held meanwhile, nothing more is read, and nothing counted. */
        if (!slice.done || !raminate_placer_may_go_on(placer)) {
            return false;
        }
        slice.first += slice.done;
        slice.nr -= slice.done;
    }
    return true;
}

/* Without the lock.  Returns: milliseconds from the last scan to @now. */
static uint32_t window_at(RaminatePlacer *placer, int64_t now)
{
    uint32_t window_ms;

    raminate_placer_lock(placer);
    window_ms = now - raminate_engine_last_scan(placer->engine);
    raminate_placer_unlock(placer);
    return window_ms;
}

/*
 * Without the lock, since it takes the longer the more was found.
 * @type: of a scan or look
 * @pages: those that were written
 * @out: may have other entries already
 */
static void encode_found(const RaminatePlacer *placer, GByteArray *out,
                         RaminateRecordType type, int64_t now,
                         uint32_t window_ms, const RaminateSample *found,
                         const uint32_t *pages, size_t nr)
{
    g_autofree uint32_t *read = NULL;
    RaminateRecordEntry entry = {
        .type = type,
        .time_ms = now,
        .window_ms = window_ms,
        .pages = pages,
        .nr = nr,
        .kinds = found->kinds,
    };

    if (entry.kinds & RAMINATE_READ) {
        read = raminate_sample_pages(found, RAMINATE_READ,
                                     &entry.nr_read_pages);
        entry.read_pages = read;
    }
    raminate_recording_encode(placer->memory, out, &entry);
}

/*
 * Without the lock.
 * @pages: those that @scan found written
 * Returns: what to record of a scan, or NULL if nobody does.
 */
static GByteArray *encode_scan(RaminatePlacer *placer, const RaminateScan *scan,
                               const uint32_t *pages, size_t nr)
{
    RaminateRecordEntry gauge = {
        .type = RAMINATE_RECORD_GAUGE,
        .time_ms = scan->now,
        .window_ms = window_at(placer, scan->now),
        .pages = scan->gauged,
        .nr = scan->nr_gauged,
        .written = scan->lines,
    };
    GByteArray *out = raminate_placer_new_entries(placer);

    if (out) {
        raminate_recording_encode(placer->memory, out, &gauge);
        encode_found(placer, out, RAMINATE_RECORD_SCAN, scan->now,
                     gauge.window_ms, scan->found, pages, nr);
    }
    return out;
}

static bool run_is_fast(const RaminatePlacement *placement,
                        const RaminateRun *run)
{
    for (uint32_t page = run->first; page < run->first + run->nr; page++) {
        if (raminate_placement_tier(placement, page) != 0) {
            return false;
        }
    }
    return true;
}

/*
 * With the lock.  Tells the sampler of regions all of whose pages in @part are
 * fast.
 * @slow: the last region of those that had others, from part to part
 */
static void tell_fast(RaminatePlacer *placer, const RaminateSample *part,
                      uint32_t *slow)
{
    const RaminatePlacement *placement = placer->memory->placement;
    RaminateSampler *sampler = placer->sampler;

    RAMINATE_SAMPLE_FOREACH(run, part, RAMINATE_ACCESSED) {
        uint32_t region = raminate_region_of(run->first);

        if (region != *slow) {
            bool is_fast = run_is_fast(placement, run);

            *slow = is_fast ? *slow : region;
            sampler->ops->set_fast(sampler, region, is_fast);
        }
    }
}

/* Counts what was found, as much at a time as takes well below 1 ms. */
static void count_scan(RaminatePlacer *placer, int64_t now,
                       const RaminateSample *found)
{
    uint32_t slow = RAMINATE_NO_REGION;
    size_t run = 0;

    raminate_placer_lock(placer);
    raminate_engine_begin_count(placer->engine, now);
    raminate_placer_unlock(placer);
    while (run < found->nr_runs) {
        RaminateSample part = raminate_sample_part(found, &run, COUNT_PAGES);

        raminate_placer_lock(placer);
        raminate_engine_count(placer->engine, &part);
        /* One that is to end has no sampler any more. */
        if (!placer->stopping && placer->sampler->ops->set_fast) {
            tell_fast(placer, &part, &slow);
        }
        raminate_placer_unlock(placer);
    }
}

/*
 * Of pages that could not be copied, has those remembered whose memory has
 * failed: each further look at them may be a machine check.
 */
static void note_missed(RaminatePlacer *placer, const uint32_t *pages,
                        size_t nr)
{
    const RaminateMemory *memory = placer->memory;

    for (size_t i = 0; i < nr; i++) {
        uint32_t frame;

        raminate_placer_lock(placer);
        frame = raminate_placement_frame(memory->placement, pages[i]);
        raminate_placer_unlock(placer);
        if (!raminate_memory_has_failed(memory, frame)) {
            continue;
        }
        raminate_placer_lock(placer);
        if (raminate_placement_frame(memory->placement, pages[i]) == frame) {
            raminate_engine_page_failed(placer->engine, pages[i]);
        }
        raminate_placer_unlock(placer);
    }
}

/* Copies pages that the next scan is to compare. */
static void take_gauge(RaminatePlacer *placer, const uint32_t *written,
                       size_t nr)
{
    uint32_t missed[RAMINATE_GAUGE_PAGES];

    raminate_placer_lock(placer);
    raminate_gauge_pick_pages(
        placer->gauge, placer->engine,
        raminate_placement_pages(placer->memory->placement), written, nr);
    raminate_placer_unlock(placer);
    note_missed(placer, missed, raminate_gauge_take(placer->gauge, missed));
}

/* Tells the engine of a scan that was made in full.  @took: nanoseconds */
static void tell_scan(RaminatePlacer *placer, int64_t now, uint64_t took)
{
    const RaminateSample *found = &placer->all;
    RaminateEngine *engine = placer->engine;
    size_t nr;
    g_autofree uint32_t *pages = raminate_sample_pages(found, RAMINATE_WRITTEN,
                                                       &nr);
    uint32_t gauged[RAMINATE_GAUGE_PAGES];
    uint32_t lines[RAMINATE_GAUGE_PAGES];
    RaminateScan scan = {
        .now = now,
        .found = found,
        .gauged = gauged,
        .lines = lines,
        .nr_gauged = raminate_gauge_compare(placer->gauge, pages, nr, gauged,
                                            lines),
    };
    g_autoptr(GByteArray) entries = encode_scan(placer, &scan, pages, nr);
    bool wants_gauge;

    raminate_placer_lock(placer);
    raminate_placer_settle(placer);
    raminate_recording_add(placer->recording, entries);
    if (!raminate_placer_begin_policy(placer)) {
        raminate_placer_unlock(placer);
        return;
    }
    raminate_engine_scanned(engine, &scan);
    count_scan(placer, now, found);
    if (!raminate_placer_end_policy(placer)) {
        raminate_placer_unlock(placer);
        return;
    }
    raminate_engine_end_count(engine);
    raminate_histogram_add(&raminate_engine_figures(engine)->scan_time, took);
    trace_raminate_scan(placer->memory->id, nr,
                        nr - raminate_engine_figures(engine)->written[0],
                        took);
    /* To copy a page is an access: the next scan would find it by that. */
    wants_gauge = !(found->kinds & RAMINATE_READ) &&
                  (raminate_engine_policy(engine)->gauge || placer->recording);
    raminate_placer_unlock(placer);
    if (wants_gauge) {
        take_gauge(placer, pages, nr);
    }
}

static void note_costs(RaminatePlacer *placer)
{
    size_t memory = raminate_sample_memory(&placer->found) +
                    raminate_sample_memory(&placer->looked) +
                    raminate_sample_memory(&placer->all);

    raminate_placer_lock(placer);
    placer->sample_memory = memory;
    /* One that is to end has no sampler any more. */
    if (!placer->stopping) {
        raminate_engine_figures(placer->engine)->watch_faults +=
            placer->sampler->faults;
        placer->sampler->faults = 0;
    }
    raminate_placer_unlock(placer);
}

void raminate_placer_scan(RaminatePlacer *placer)
{
    int64_t start = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    int64_t now;
    bool counts;

    raminate_placer_lock(placer);
    now = raminate_placer_now(placer);
    raminate_engine_begin_scan(placer->engine, now, placer->recording);
    counts = !raminate_engine_drops_scan(placer->engine);
    raminate_placer_unlock(placer);

    if (scan_pages(placer, &placer->found, false) && counts) {
        raminate_sample_merge(&placer->all, &placer->found, &placer->looked);
        tell_scan(placer, now, qemu_clock_get_ns(QEMU_CLOCK_REALTIME) - start);
    } else {
        raminate_gauge_drop(placer->gauge);
        raminate_placer_lock(placer);
        raminate_engine_drop_scan(placer->engine, now);
        raminate_placer_unlock(placer);
    }
    raminate_sample_clear(&placer->looked);
    note_costs(placer);
}

/* Without the lock.  Returns: as encode_scan(). */
static GByteArray *encode_look(RaminatePlacer *placer, int64_t now,
                               uint32_t window_ms)
{
    g_autofree uint32_t *pages = NULL;
    GByteArray *out = raminate_placer_new_entries(placer);
    size_t nr;

    if (out) {
        pages = raminate_sample_pages(&placer->looked, RAMINATE_WRITTEN, &nr);
        encode_found(placer, out, RAMINATE_RECORD_LOOK, now, window_ms,
                     &placer->looked, pages, nr);
    }
    return out;
}

/* Tells the engine of a look that was made in full. */
static void tell_look(RaminatePlacer *placer, int64_t now)
{
    uint32_t window_ms = window_at(placer, now);
    g_autoptr(GByteArray) entries = encode_look(placer, now, window_ms);

    raminate_placer_lock(placer);
    raminate_placer_settle(placer);
    raminate_recording_add(placer->recording, entries);
    if (raminate_placer_begin_policy(placer)) {
        raminate_engine_looked(placer->engine, now, window_ms, &placer->looked);
        raminate_placer_end_policy(placer);
    }
    raminate_placer_unlock(placer);
}

/* What it finds, the next scan does not, and is added to it. */
void raminate_placer_look(RaminatePlacer *placer)
{
    RaminateEngine *engine = placer->engine;
    int64_t now;
    bool counts, done;

    raminate_placer_lock(placer);
    now = raminate_placer_now(placer);
    raminate_engine_begin_look(engine);
    counts = !raminate_engine_drops_scan(engine);
    raminate_placer_unlock(placer);

    done = scan_pages(placer, &placer->looked, true);
    if (!done) {
        raminate_placer_lock(placer);
        raminate_engine_hold(engine);
        raminate_placer_unlock(placer);
    } else if (counts) {
        tell_look(placer, now);
    }
}
