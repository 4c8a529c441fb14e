/*
 * RAMinate: the placer, which keeps often-written pages in fast memory
 *
 * A thread of its own asks the sampler once per scan period which pages were
 * written, tells the policy, and once per swap period has the mover exchange
 * the pairs that the policy proposes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-events-raminate.h"
#include "qemu/bitmap.h"
#include "qemu/rcu.h"
#include "qemu/timer.h"
#include "exec/memory.h"
#include "hw/raminate/placer-internal.h"
#include "migration/misc.h"
#include "system/cpu-timers.h"
#include "trace.h"

/* How often to look whether what holds the placer is over. */
#define HOLD_POLL_MS 100

/* How often to look at a clock that counts instructions. */
#define ICOUNT_POLL_MS 5

const RaminateSettings raminate_default_settings = {
    .monitor = true,
    .policy = RAMINATE_POLICY_TYPE_PAYBACK,
    .sampler = RAMINATE_SAMPLER_TYPE_AUTO,
    .mover = RAMINATE_MOVER_TYPE_AUTO,
    .scan_period = 1000,
    .second_look = 20,
    .swap_period = 2000,
    .life_time = 5000,
    .max_swaps = 1000,
    .reverse_window = 60000,
};

static QTAILQ_HEAD(, RaminatePlacer) placers =
    QTAILQ_HEAD_INITIALIZER(placers);

/* Clock */

/*
 * The host's time; with -icount, the guest's, so that the same instructions
 * come between two scans however fast they are emulated.
 */
static int64_t clock_ms(void)
{
    return qemu_clock_get_ms(icount_enabled() ? QEMU_CLOCK_VIRTUAL
                                              : QEMU_CLOCK_REALTIME);
}

int64_t raminate_placer_now(const RaminatePlacer *placer)
{
    return placer->clock_runs ? clock_ms() - placer->clock_ms
                               : placer->clock_ms;
}

static void placer_run_clock(RaminatePlacer *placer, bool run)
{
    if (placer->clock_runs != run) {
        placer->clock_ms = clock_ms() - placer->clock_ms;
        placer->clock_runs = run;
    }
}

/* State.  All functions are called with the lock held unless they say so. */

bool raminate_placer_is_on(const RaminatePlacer *placer)
{
    return placer->settings.monitor && placer->memory->nr_tiers > 1;
}

const char *raminate_placer_hold_reason(const RaminatePlacer *placer)
{
    if (!placer->vm_running) {
        return "the VM is not running";
    }
    if (migration_is_running() || migration_in_incoming_postcopy()) {
        return "a migration is in progress";
    }
    return placer->broken_because;
}

static void placer_set_held(RaminatePlacer *placer, const char *reason)
{
    if (g_strcmp0(placer->held_because, reason) != 0) {
        trace_raminate_held(placer->memory->id, reason ? reason : "");
        g_free(placer->held_because);
        placer->held_because = g_strdup(reason);
    }
}

/* Holds until the user sets something else.  @err: why; freed */
static void placer_set_broken(RaminatePlacer *placer, Error *err)
{
    g_free(placer->broken_because);
    placer->broken_because = g_strdup(error_get_pretty(err));
    error_free(err);
}

/* Parts */

static bool choice_make(RaminatePartChoice *choice,
                        const RaminatePart *const *parts, int type,
                        const RaminateMemory *memory, Error **errp)
{
    char *reason;
    const RaminatePart *part = raminate_part_choose(parts, type,
                                                    choice->failed, memory,
                                                    &reason, errp);

    if (!part) {
        return false;
    }
    choice->in_force = part;
    if (reason || !choice->failed) {
        g_free(choice->reason);
        choice->reason = reason;
    }
    return true;
}

static bool placer_choose_parts(RaminatePlacer *placer, Error **errp)
{
    const RaminateSettings *settings = &placer->settings;
    const char *id = placer->memory->id;
    ERRP_GUARD();

    if (!choice_make(&placer->sampler_choice, raminate_samplers,
                     settings->sampler, placer->memory, errp)) {
        error_prepend(errp, "memory-backend-container '%s': sampler=%s can't "
                      "be used, choose auto: ", id,
                      RaminateSamplerType_str(settings->sampler));
        return false;
    }
    if (!choice_make(&placer->mover_choice, raminate_movers,
                     settings->mover, placer->memory, errp)) {
        error_prepend(errp, "memory-backend-container '%s': mover=%s can't "
                      "be used, choose auto: ", id,
                      RaminateMoverType_str(settings->mover));
        return false;
    }
    return true;
}

static void placer_close_parts(RaminatePlacer *placer)
{
    if (placer->sampler) {
        placer->sampler->ops->close(placer->sampler);
        placer->sampler = NULL;
    }
    if (placer->mover) {
        placer->mover->ops->close(placer->mover);
        placer->mover = NULL;
    }
}

/* Gets a new policy, which knows nothing yet, if the settings ask for it. */
static bool placer_open_policy(RaminatePlacer *placer, Error **errp)
{
    RaminatePolicyConfig config = {
        .placement = placer->memory->placement,
        .life_time_ms = placer->settings.life_time,
    };
    const char *name = RaminatePolicyType_str(placer->settings.policy);
    const RaminatePolicyOps *ops = raminate_policy_find(name);
    RaminatePolicy *policy;

    if (ops == placer->policy_ops) {
        return true;
    }
    policy = ops->create(&config);
    if (!policy) {
        error_setg(errp, "memory-backend-container '%s': no memory for policy "
                   "%s, which takes %zu bytes for each page of guest RAM",
                   placer->memory->id, name, ops->bytes_per_page);
        return false;
    }
    if (placer->policy) {
        placer->policy_ops->destroy(placer->policy);
    }
    placer->policy_ops = ops;
    placer->policy = policy;
    return true;
}

static bool is_last_part(const RaminatePart *const *parts,
                         const RaminatePart *part)
{
    while (*parts != part) {
        parts++;
    }
    return !parts[1];
}

/*
 * Takes note that a part has failed for good.  If the user left the choice to
 * us, and it is not the last resort, the next best one takes over; if not, the
 * placer holds.
 */
static void placer_part_failed(RaminatePlacer *placer,
                                RaminatePartChoice *choice,
                                const RaminatePart *const *parts, int setting,
                                const QEnumLookup *names, const char *component,
                                Error *err)
{
    const char *from = qapi_enum_lookup(names, choice->in_force->type);

    if (setting == RAMINATE_PART_AUTO &&
        !is_last_part(parts, choice->in_force)) {
        g_free(choice->reason);
        choice->reason = g_strdup_printf("%s failed: %s", from,
                                         error_get_pretty(err));
        choice->failed |= BIT(choice->in_force->type);
        choice_make(choice, parts, setting, placer->memory, &error_abort);
        qapi_event_send_raminate_fallback(
            placer->memory->id, component, from,
            qapi_enum_lookup(names, choice->in_force->type),
            error_get_pretty(err));
        trace_raminate_fallback(
            placer->memory->id, component, from,
            qapi_enum_lookup(names, choice->in_force->type));
        placer->reopen = true;
        error_free(err);
    } else {
        error_prepend(&err, "%s %s failed: ", component, from);
        placer_set_broken(placer, err);
    }
}

static void placer_sampler_failed(RaminatePlacer *placer, Error *err)
{
    placer_part_failed(placer, &placer->sampler_choice, raminate_samplers,
                        placer->settings.sampler,
                        &RaminateSamplerType_lookup, "sampler", err);
}

void raminate_placer_mover_failed(RaminatePlacer *placer, Error *err)
{
    placer_part_failed(placer, &placer->mover_choice, raminate_movers,
                        placer->settings.mover, &RaminateMoverType_lookup,
                        "mover", err);
}

/* What can't be opened is noted; another may be opened next time. */
static void placer_open_parts(RaminatePlacer *placer)
{
    RaminateMemory *memory = placer->memory;
    Error *err = NULL;

    if (!placer_choose_parts(placer, &err)) {
        placer_set_broken(placer, err);
        return;
    }
    placer->sampler = container_of(placer->sampler_choice.in_force,
                                    RaminateSamplerOps, part)
                       ->open(memory, &err);
    if (!placer->sampler) {
        placer_sampler_failed(placer, err);
        return;
    }
    placer->mover = container_of(placer->mover_choice.in_force,
                                  RaminateMoverOps, part)
                     ->open(memory, &err);
    if (!placer->mover) {
        raminate_placer_mover_failed(placer, err);
        placer_close_parts(placer);
    }
}

/* In the main loop, without the lock: opens or closes what settings say. */
static void placer_reopen(void *opaque)
{
    RaminatePlacer *placer = opaque;

    QEMU_LOCK_GUARD(&placer->lock);
    if (placer->exchanging) {
        return;
    }
    placer_close_parts(placer);
    placer->reopen = false;
    if (raminate_placer_is_on(placer)) {
        placer_open_parts(placer);
    }
}

/* Scans */

typedef struct ScanRequest {
    RaminatePlacer *placer;
    uint32_t first;
    uint32_t nr;
    unsigned long *written;
    bool done;
} ScanRequest;

static void scan_part(ScanRequest *request)
{
    RaminatePlacer *placer = request->placer;
    Error *err = NULL;

    request->done = placer->sampler->ops->scan(placer->sampler,
                                                request->first, request->nr,
                                                request->written, &err);
    if (!request->done) {
        placer_sampler_failed(placer, err);
    }
}

static void scan_part_in_main_loop(void *opaque)
{
    ScanRequest *request = opaque;

    WITH_QEMU_LOCK_GUARD(&request->placer->lock) {
        scan_part(request);
    }
}

/*
 * @written: returns the pages found written, a bit each
 * Returns: whether all pages were looked at.  Drops the lock in between.
 */
static bool placer_scan_pages(RaminatePlacer *placer,
                               unsigned long *written)
{
    uint32_t nr_pages = raminate_placement_pages(placer->memory->placement);
    uint32_t nr;

    for (uint32_t first = 0; first < nr_pages; first += nr) {
        ScanRequest request = {
            .placer = placer,
            .first = first,
            .written = written,
        };

        nr = MIN(nr_pages - first, RAMINATE_SCAN_PAGES);
        request.nr = nr;
        if (placer->sampler->ops->part.in_main_loop) {
            qemu_mutex_unlock(&placer->lock);
            raminate_main_call(&placer->main_call, scan_part_in_main_loop,
                               &request);
            qemu_mutex_lock(&placer->lock);
        } else {
            scan_part(&request);
        }
        /* If held meanwhile, nothing more is read, and nothing counted. */
        if (!request.done || placer->stopping ||
            raminate_placer_hold_reason(placer)) {
            return false;
        }
    }
    return true;
}

/* Returns: the pages whose bits are set, and in @nr their number. */
static uint32_t *list_pages(const RaminatePlacer *placer,
                            const unsigned long *bits, size_t *nr)
{
    uint32_t nr_pages = raminate_placement_pages(placer->memory->placement);
    uint32_t *pages, *next;

    *nr = bitmap_count_one(bits, nr_pages);
    pages = next = g_new(uint32_t, *nr);
    for (unsigned long page = find_first_bit(bits, nr_pages);
         page < nr_pages; page = find_next_bit(bits, nr_pages, page + 1)) {
        *next++ = page;
    }
    return pages;
}

/* @lines: of each page, or NULL */
static void placer_record(RaminatePlacer *placer, RaminateRecordType type,
                           int64_t now, const uint32_t *pages, size_t nr,
                           const uint32_t *lines)
{
    RaminateRecordEntry entry = {
        .type = type,
        .time_ms = now,
        .window_ms = now - placer->last_scan_ms,
        .pages = pages,
        .nr = nr,
        .written = lines,
    };

    if (placer->recording) {
        raminate_recording_add(placer->recording, &entry);
    }
}

/* @written, @nr: found by a scan.  Called before anyone learns of it. */
static void placer_gauge(RaminatePlacer *placer, int64_t now,
                          const uint32_t *written, size_t nr)
{
    uint32_t pages[RAMINATE_GAUGE_PAGES];
    uint32_t lines[RAMINATE_GAUGE_PAGES];
    size_t nr_gauged = raminate_gauge_compare(placer->gauge, written, nr,
                                              pages, lines);

    if (placer->policy_ops->gauge) {
        placer->policy_ops->gauge(placer->policy, pages, lines, nr_gauged);
    }
    placer_record(placer, RAMINATE_RECORD_GAUGE, now, pages, nr_gauged,
                   lines);
}

static void placer_note_written(RaminatePlacer *placer, int64_t now)
{
    size_t nr;
    g_autofree uint32_t *pages = list_pages(placer, placer->written, &nr);

    raminate_figures_add_scan(&placer->figures, placer->memory->placement,
                              now - placer->last_scan_ms, pages, nr);
    placer_gauge(placer, now, pages, nr);
    raminate_heat_sample(placer->heat, pages, nr);
    placer->policy_ops->sample(placer->policy, now, pages, nr);
    placer_record(placer, RAMINATE_RECORD_SCAN, now, pages, nr, NULL);
    if (placer->policy_ops->gauge || placer->recording) {
        raminate_gauge_take(placer->gauge, placer->heat, pages, nr);
    }
    trace_raminate_scan(placer->memory->id, nr,
                        nr - placer->figures.written[0],
                        placer->figures.scan_time.last);
}

static void placer_scan(RaminatePlacer *placer)
{
    uint32_t nr_pages = raminate_placement_pages(placer->memory->placement);
    int64_t start = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    int64_t now = raminate_placer_now(placer);
    uint32_t second_look = placer->settings.second_look;
    bool look = second_look && (placer->policy_ops->look ||
                                placer->recording);
    bool drop = placer->drop_scan;

    placer->drop_scan = false;
    if (placer_scan_pages(placer, placer->written) && !drop) {
        raminate_histogram_add(&placer->figures.scan_time,
                               qemu_clock_get_ns(QEMU_CLOCK_REALTIME) - start);
        bitmap_or(placer->written, placer->written, placer->looked,
                  nr_pages);
        placer_note_written(placer, now);
    } else {
        raminate_gauge_drop(placer->gauge);
    }
    bitmap_zero(placer->written, nr_pages);
    bitmap_zero(placer->looked, nr_pages);
    placer->last_scan_ms = now;
    placer->next_look_ms = look ? now + second_look : INT64_MAX;
}

/* What it finds, the next scan does not, and is added to it. */
static void placer_look(RaminatePlacer *placer)
{
    int64_t now = raminate_placer_now(placer);
    const RaminatePolicyOps *ops = placer->policy_ops;

    placer->next_look_ms = INT64_MAX;
    if (!placer_scan_pages(placer, placer->looked)) {
        placer->drop_scan = true;
    } else if (!placer->drop_scan) {
        size_t nr;
        g_autofree uint32_t *pages = list_pages(placer, placer->looked, &nr);

        if (ops->look) {
            ops->look(placer->policy, now, now - placer->last_scan_ms,
                      pages, nr);
        }
        placer_record(placer, RAMINATE_RECORD_LOOK, now, pages, nr, NULL);
    }
}

/* Batches of exchanges */

typedef struct BatchRequest {
    RaminatePlacer *placer;
    RaminateSwap *swaps;
    size_t nr;
} BatchRequest;

/* Without the lock. */
static void exchange_planned(void *opaque)
{
    BatchRequest *request = opaque;
    RaminatePlacer *placer = request->placer;
    Error *err = NULL;

    raminate_placer_exchange(placer, request->swaps, request->nr, true, &err);
    WITH_QEMU_LOCK_GUARD(&placer->lock) {
        placer_set_held(placer, err ? error_get_pretty(err) : NULL);
    }
    error_free(err);
}

/* Drops the lock in between. */
static void placer_batch(RaminatePlacer *placer)
{
    uint32_t max = placer->settings.max_swaps;
    g_autofree RaminatePair *pairs = g_new(RaminatePair, max);
    int64_t now = raminate_placer_now(placer);
    size_t nr = placer->policy_ops->plan(placer->policy, now, pairs, max);
    g_autofree RaminateSwap *swaps = g_new0(RaminateSwap, nr);
    BatchRequest request = { .placer = placer, .swaps = swaps, .nr = nr };
    bool in_main_loop = placer->mover->ops->part.in_main_loop;

    if (!nr) {
        return;
    }
    for (size_t i = 0; i < nr; i++) {
        swaps[i].a = pairs[i].promote;
        swaps[i].b = pairs[i].demote;
    }
    qemu_mutex_unlock(&placer->lock);
    if (in_main_loop) {
        raminate_main_call(&placer->main_call, exchange_planned, &request);
    } else {
        exchange_planned(&request);
    }
    qemu_mutex_lock(&placer->lock);
}

/* The thread */

/* Waits until something changes, at most for @ms. */
static void placer_wait(RaminatePlacer *placer, int64_t ms)
{
    if (icount_enabled()) {
        ms = MIN(ms, ICOUNT_POLL_MS);
    }
    qemu_cond_timedwait(&placer->changed, &placer->lock, MAX(ms, 1));
}

/* Returns: when to do the next of something that is done once a period. */
static int64_t next_time(int64_t last, uint32_t period, int64_t now)
{
    return last + period > now ? last + period : now + period;
}

static void placer_work(RaminatePlacer *placer)
{
    int64_t now = raminate_placer_now(placer);
    Error *err = NULL;
    int64_t next;

    if (!placer_open_policy(placer, &err)) {
        placer_set_broken(placer, err);
        return;
    }
    next = MIN(placer->next_scan_ms, placer->next_swap_ms);
    next = MIN(next, placer->next_look_ms);
    if (now < next) {
        placer_wait(placer, next - now);
    } else if (next == placer->next_scan_ms) {
        placer->next_scan_ms = next_time(placer->next_scan_ms,
                                          placer->settings.scan_period, now);
        placer_scan(placer);
    } else if (next == placer->next_look_ms) {
        placer_look(placer);
    } else {
        placer->next_swap_ms = next_time(placer->next_swap_ms,
                                          placer->settings.swap_period, now);
        placer_batch(placer);
    }
}

static void *placer_thread(void *opaque)
{
    RaminatePlacer *placer = opaque;

    rcu_register_thread();
    qemu_mutex_lock(&placer->lock);
    while (!placer->stopping) {
        bool on = raminate_placer_is_on(placer);
        bool held = raminate_placer_hold_reason(placer);

        placer_run_clock(placer, on && !held);
        if (placer->reopen || (!on && placer->mover) ||
            (on && !held && !placer->mover)) {
            qemu_mutex_unlock(&placer->lock);
            raminate_main_call(&placer->main_call, placer_reopen, placer);
            qemu_mutex_lock(&placer->lock);
        } else if (!on || held) {
            placer->drop_scan = true;
            placer_wait(placer, HOLD_POLL_MS);
        } else {
            placer_work(placer);
        }
    }
    qemu_mutex_unlock(&placer->lock);
    rcu_unregister_thread();
    return NULL;
}

static void placer_vm_change(void *opaque, bool running, RunState state)
{
    RaminatePlacer *placer = opaque;

    QEMU_LOCK_GUARD(&placer->lock);
    placer->vm_running = running;
    placer->vm_started |= running;
    qemu_cond_signal(&placer->changed);
}

/* QEMU may be about to exit: migration, for one, can't be asked any more. */
static void placer_shutdown(Notifier *notifier, void *data)
{
    RaminatePlacer *placer = container_of(notifier, RaminatePlacer,
                                            shutdown);

    QEMU_LOCK_GUARD(&placer->lock);
    placer->vm_running = false;
    qemu_cond_signal(&placer->changed);
}

/* Life */

/* Called without the lock, as are all functions below. */
static bool placer_start(RaminatePlacer *placer, Error **errp)
{
    g_autofree char *name = NULL;

    if (placer->has_thread || !raminate_placer_is_on(placer)) {
        return true;
    }
    /*
     * A frame that a device has pinned can't be exchanged.  Devices that pin
     * guest memory refuse to if others need to discard it.
     */
    if (ram_block_discard_require(true)) {
        error_setg(errp, "memory-backend-container '%s': a device has pinned "
                   "guest memory, so that its pages can't move; unplug the "
                   "VFIO or vDPA device, or set monitor=off",
                   placer->memory->id);
        return false;
    }
    placer->requires_discard = true;
    placer->has_thread = true;
    name = g_strdup_printf("raminate/%s", placer->memory->id);
    qemu_thread_create(&placer->thread, name, placer_thread, placer,
                       QEMU_THREAD_JOINABLE);
    return true;
}

RaminatePlacer *raminate_placer_new(RaminateMemory *memory,
                                      const RaminateSettings *settings,
                                      Error **errp)
{
    RaminatePlacer *placer = g_new0(RaminatePlacer, 1);
    g_autofree RaminateFrameRange *ranges =
        g_new(RaminateFrameRange, memory->nr_tiers);
    uint32_t nr_pages;

    for (unsigned i = 0; i < memory->nr_tiers; i++) {
        ranges[i].first = memory->tiers[i].offset >> RAMINATE_PAGE_BITS;
        ranges[i].count = memory->tiers[i].size >> RAMINATE_PAGE_BITS;
    }
    memory->placement = raminate_placement_new(ranges, memory->nr_tiers);
    placer->memory = memory;
    placer->settings = *settings;
    qemu_mutex_init(&placer->lock);
    qemu_cond_init(&placer->changed);
    qemu_cond_init(&placer->exchanged);
    raminate_main_call_init(&placer->main_call);
    placer->moves = raminate_moves_new();
    placer->drop_scan = true;
    placer->next_look_ms = INT64_MAX;
    placer->vm_running = runstate_is_running();
    placer->vm_started = placer->vm_running;
    placer->vm_change =
        qemu_add_vm_change_state_handler(placer_vm_change, placer);
    placer->shutdown.notify = placer_shutdown;
    qemu_register_shutdown_notifier(&placer->shutdown);
    QTAILQ_INSERT_TAIL(&placers, placer, next);

    if (memory->placement) {
        nr_pages = raminate_placement_pages(memory->placement);
        placer->heat = raminate_heat_new(nr_pages);
        placer->written = bitmap_try_new(nr_pages);
        placer->looked = bitmap_try_new(nr_pages);
    }
    if (!placer->heat || !placer->written || !placer->looked) {
        error_setg(errp, "memory-backend-container '%s': no memory for the "
                   "placement of %" PRIu64 " bytes of guest RAM",
                   memory->id, memory->backend->size);
    } else if ((placer->gauge = raminate_gauge_new(memory, errp)) &&
               placer_choose_parts(placer, errp) &&
               placer_start(placer, errp)) {
        return placer;
    }
    raminate_placer_free(placer);
    return NULL;
}

void raminate_placer_free(RaminatePlacer *placer)
{
    if (placer->has_thread) {
        raminate_main_call_cancel(&placer->main_call);
        WITH_QEMU_LOCK_GUARD(&placer->lock) {
            placer->stopping = true;
            qemu_cond_signal(&placer->changed);
        }
        qemu_thread_join(&placer->thread);
    }
    QTAILQ_REMOVE(&placers, placer, next);
    notifier_remove(&placer->shutdown);
    qemu_del_vm_change_state_handler(placer->vm_change);
    placer_close_parts(placer);
    if (placer->policy) {
        placer->policy_ops->destroy(placer->policy);
    }
    if (placer->requires_discard) {
        ram_block_discard_require(false);
    }
    raminate_main_call_destroy(&placer->main_call);
    raminate_gauge_free(placer->gauge);
    raminate_heat_free(placer->heat);
    raminate_moves_free(placer->moves);
    raminate_placement_free(placer->memory->placement);
    placer->memory->placement = NULL;
    raminate_recording_free(placer->recording);
    g_free(placer->written);
    g_free(placer->looked);
    g_free(placer->sampler_choice.reason);
    g_free(placer->mover_choice.reason);
    g_free(placer->broken_because);
    g_free(placer->held_because);
    qemu_cond_destroy(&placer->exchanged);
    qemu_cond_destroy(&placer->changed);
    qemu_mutex_destroy(&placer->lock);
    g_free(placer);
}

bool raminate_placer_set(RaminatePlacer *placer,
                          const RaminateSettings *settings, Error **errp)
{
    WITH_QEMU_LOCK_GUARD(&placer->lock) {
        RaminateSettings old = placer->settings;
        bool other_parts = settings->sampler != old.sampler ||
                           settings->mover != old.mover;

        placer->settings = *settings;
        if (other_parts) {
            placer->sampler_choice.failed = 0;
            placer->mover_choice.failed = 0;
            if (!placer_choose_parts(placer, errp)) {
                placer->settings = old;
                return false;
            }
            placer->reopen = true;
        }
        if (placer->policy) {
            placer->policy_ops->set_life_time(placer->policy,
                                               settings->life_time);
        }
        g_clear_pointer(&placer->broken_because, g_free);
        /* A shorter period is in force at once. */
        placer->next_scan_ms = MIN(placer->next_scan_ms,
                                    raminate_placer_now(placer) +
                                    settings->scan_period);
        placer->next_swap_ms = MIN(placer->next_swap_ms,
                                    raminate_placer_now(placer) +
                                    settings->swap_period);
        qemu_cond_signal(&placer->changed);
    }
    return placer_start(placer, errp);
}

bool raminate_placer_record(RaminatePlacer *placer, const char *path,
                             Error **errp)
{
    RaminateRecording *old;
    RaminateRecording *recording = NULL;

    WITH_QEMU_LOCK_GUARD(&placer->lock) {
        old = g_steal_pointer(&placer->recording);
    }
    /* Before the new one, which may be to the same file */
    raminate_recording_free(old);
    if (!*path) {
        return true;
    }
    recording = raminate_recording_new(placer->memory, path,
                                       placer->settings.scan_period, errp);
    WITH_QEMU_LOCK_GUARD(&placer->lock) {
        placer->recording = recording;
    }
    return recording;
}

/* For those who look */

RaminatePlacer *raminate_placer_find(const char *id, Error **errp)
{
    RaminatePlacer *placer;

    QTAILQ_FOREACH(placer, &placers, next) {
        if (g_str_equal(placer->memory->id, id)) {
            return placer;
        }
    }
    error_setg(errp, "'%s' is not a memory-backend-container with all of its "
               "tiers; query-raminate shows those there are", id);
    return NULL;
}

void raminate_placer_foreach(void (*func)(RaminatePlacer *placer,
                                           void *opaque),
                              void *opaque)
{
    RaminatePlacer *placer;

    QTAILQ_FOREACH(placer, &placers, next) {
        func(placer, opaque);
    }
}

uint32_t raminate_placer_pages(const RaminatePlacer *placer)
{
    return raminate_placement_pages(placer->memory->placement);
}

const char *raminate_placer_id(const RaminatePlacer *placer)
{
    return placer->memory->id;
}
