/*
 * RAMinate: the monitor, which keeps often-written pages in fast memory
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
#include "hw/raminate/monitor-internal.h"
#include "migration/misc.h"
#include "system/cpu-timers.h"
#include "trace.h"

/* How often to look whether what holds the monitor is over. */
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

static QTAILQ_HEAD(, RaminateMonitor) monitors =
    QTAILQ_HEAD_INITIALIZER(monitors);

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

int64_t raminate_monitor_now(const RaminateMonitor *monitor)
{
    return monitor->clock_runs ? clock_ms() - monitor->clock_ms
                               : monitor->clock_ms;
}

static void monitor_run_clock(RaminateMonitor *monitor, bool run)
{
    if (monitor->clock_runs != run) {
        monitor->clock_ms = clock_ms() - monitor->clock_ms;
        monitor->clock_runs = run;
    }
}

/* State.  All functions are called with the lock held unless they say so. */

bool raminate_monitor_is_on(const RaminateMonitor *monitor)
{
    return monitor->settings.monitor && monitor->memory->nr_tiers > 1;
}

const char *raminate_monitor_hold_reason(const RaminateMonitor *monitor)
{
    if (!monitor->vm_running) {
        return "the VM is not running";
    }
    if (migration_is_running() || migration_in_incoming_postcopy()) {
        return "a migration is in progress";
    }
    return monitor->broken_because;
}

static void monitor_set_held(RaminateMonitor *monitor, const char *reason)
{
    if (g_strcmp0(monitor->held_because, reason) != 0) {
        trace_raminate_held(monitor->memory->id, reason ? reason : "");
        g_free(monitor->held_because);
        monitor->held_because = g_strdup(reason);
    }
}

/* Holds until the user sets something else.  @err: why; freed */
static void monitor_set_broken(RaminateMonitor *monitor, Error *err)
{
    g_free(monitor->broken_because);
    monitor->broken_because = g_strdup(error_get_pretty(err));
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

static bool monitor_choose_parts(RaminateMonitor *monitor, Error **errp)
{
    const RaminateSettings *settings = &monitor->settings;
    const char *id = monitor->memory->id;
    ERRP_GUARD();

    if (!choice_make(&monitor->sampler_choice, raminate_samplers,
                     settings->sampler, monitor->memory, errp)) {
        error_prepend(errp, "memory-backend-container '%s': sampler=%s can't "
                      "be used, choose auto: ", id,
                      RaminateSamplerType_str(settings->sampler));
        return false;
    }
    if (!choice_make(&monitor->mover_choice, raminate_movers,
                     settings->mover, monitor->memory, errp)) {
        error_prepend(errp, "memory-backend-container '%s': mover=%s can't "
                      "be used, choose auto: ", id,
                      RaminateMoverType_str(settings->mover));
        return false;
    }
    return true;
}

static void monitor_close_parts(RaminateMonitor *monitor)
{
    if (monitor->sampler) {
        monitor->sampler->ops->close(monitor->sampler);
        monitor->sampler = NULL;
    }
    if (monitor->mover) {
        monitor->mover->ops->close(monitor->mover);
        monitor->mover = NULL;
    }
}

/* Gets a new policy, which knows nothing yet, if the settings ask for it. */
static bool monitor_open_policy(RaminateMonitor *monitor, Error **errp)
{
    RaminatePolicyConfig config = {
        .placement = monitor->memory->placement,
        .life_time_ms = monitor->settings.life_time,
    };
    const char *name = RaminatePolicyType_str(monitor->settings.policy);
    const RaminatePolicyOps *ops = raminate_policy_find(name);
    RaminatePolicy *policy;

    if (ops == monitor->policy_ops) {
        return true;
    }
    policy = ops->create(&config);
    if (!policy) {
        error_setg(errp, "memory-backend-container '%s': no memory for policy "
                   "%s, which takes %zu bytes for each page of guest RAM",
                   monitor->memory->id, name, ops->bytes_per_page);
        return false;
    }
    if (monitor->policy) {
        monitor->policy_ops->destroy(monitor->policy);
    }
    monitor->policy_ops = ops;
    monitor->policy = policy;
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
 * monitor holds.
 */
static void monitor_part_failed(RaminateMonitor *monitor,
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
        choice_make(choice, parts, setting, monitor->memory, &error_abort);
        qapi_event_send_raminate_fallback(
            monitor->memory->id, component, from,
            qapi_enum_lookup(names, choice->in_force->type),
            error_get_pretty(err));
        trace_raminate_fallback(
            monitor->memory->id, component, from,
            qapi_enum_lookup(names, choice->in_force->type));
        monitor->reopen = true;
        error_free(err);
    } else {
        error_prepend(&err, "%s %s failed: ", component, from);
        monitor_set_broken(monitor, err);
    }
}

static void monitor_sampler_failed(RaminateMonitor *monitor, Error *err)
{
    monitor_part_failed(monitor, &monitor->sampler_choice, raminate_samplers,
                        monitor->settings.sampler,
                        &RaminateSamplerType_lookup, "sampler", err);
}

void raminate_monitor_mover_failed(RaminateMonitor *monitor, Error *err)
{
    monitor_part_failed(monitor, &monitor->mover_choice, raminate_movers,
                        monitor->settings.mover, &RaminateMoverType_lookup,
                        "mover", err);
}

/* What can't be opened is noted; another may be opened next time. */
static void monitor_open_parts(RaminateMonitor *monitor)
{
    RaminateMemory *memory = monitor->memory;
    Error *err = NULL;

    if (!monitor_choose_parts(monitor, &err)) {
        monitor_set_broken(monitor, err);
        return;
    }
    monitor->sampler = container_of(monitor->sampler_choice.in_force,
                                    RaminateSamplerOps, part)
                       ->open(memory, &err);
    if (!monitor->sampler) {
        monitor_sampler_failed(monitor, err);
        return;
    }
    monitor->mover = container_of(monitor->mover_choice.in_force,
                                  RaminateMoverOps, part)
                     ->open(memory, &err);
    if (!monitor->mover) {
        raminate_monitor_mover_failed(monitor, err);
        monitor_close_parts(monitor);
    }
}

/* In the main loop, without the lock: opens or closes what settings say. */
static void monitor_reopen(void *opaque)
{
    RaminateMonitor *monitor = opaque;

    QEMU_LOCK_GUARD(&monitor->lock);
    if (monitor->exchanging) {
        return;
    }
    monitor_close_parts(monitor);
    monitor->reopen = false;
    if (raminate_monitor_is_on(monitor)) {
        monitor_open_parts(monitor);
    }
}

/* Scans */

typedef struct ScanRequest {
    RaminateMonitor *monitor;
    uint32_t first;
    uint32_t nr;
    unsigned long *written;
    bool done;
} ScanRequest;

static void scan_part(ScanRequest *request)
{
    RaminateMonitor *monitor = request->monitor;
    Error *err = NULL;

    request->done = monitor->sampler->ops->scan(monitor->sampler,
                                                request->first, request->nr,
                                                request->written, &err);
    if (!request->done) {
        monitor_sampler_failed(monitor, err);
    }
}

static void scan_part_in_main_loop(void *opaque)
{
    ScanRequest *request = opaque;

    WITH_QEMU_LOCK_GUARD(&request->monitor->lock) {
        scan_part(request);
    }
}

/*
 * @written: returns the pages found written, a bit each
 * Returns: whether all pages were looked at.  Drops the lock in between.
 */
static bool monitor_scan_pages(RaminateMonitor *monitor,
                               unsigned long *written)
{
    uint32_t nr_pages = raminate_placement_pages(monitor->memory->placement);
    uint32_t nr;

    for (uint32_t first = 0; first < nr_pages; first += nr) {
        ScanRequest request = {
            .monitor = monitor,
            .first = first,
            .written = written,
        };

        nr = MIN(nr_pages - first, RAMINATE_SCAN_PAGES);
        request.nr = nr;
        if (monitor->sampler->ops->part.in_main_loop) {
            qemu_mutex_unlock(&monitor->lock);
            raminate_main_call(&monitor->main_call, scan_part_in_main_loop,
                               &request);
            qemu_mutex_lock(&monitor->lock);
        } else {
            scan_part(&request);
        }
        /* If held meanwhile, nothing more is read, and nothing counted. */
        if (!request.done || monitor->stopping ||
            raminate_monitor_hold_reason(monitor)) {
            return false;
        }
    }
    return true;
}

/* Returns: the pages whose bits are set, and in @nr their number. */
static uint32_t *list_pages(const RaminateMonitor *monitor,
                            const unsigned long *bits, size_t *nr)
{
    uint32_t nr_pages = raminate_placement_pages(monitor->memory->placement);
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
static void monitor_record(RaminateMonitor *monitor, RaminateRecordType type,
                           int64_t now, const uint32_t *pages, size_t nr,
                           const uint32_t *lines)
{
    RaminateRecordEntry entry = {
        .type = type,
        .time_ms = now,
        .window_ms = now - monitor->last_scan_ms,
        .pages = pages,
        .nr = nr,
        .written = lines,
    };

    if (monitor->recording) {
        raminate_recording_add(monitor->recording, &entry);
    }
}

/* @written, @nr: found by a scan.  Called before anyone learns of it. */
static void monitor_gauge(RaminateMonitor *monitor, int64_t now,
                          const uint32_t *written, size_t nr)
{
    uint32_t pages[RAMINATE_GAUGE_PAGES];
    uint32_t lines[RAMINATE_GAUGE_PAGES];
    size_t nr_gauged = raminate_gauge_compare(monitor->gauge, written, nr,
                                              pages, lines);

    if (monitor->policy_ops->gauge) {
        monitor->policy_ops->gauge(monitor->policy, pages, lines, nr_gauged);
    }
    monitor_record(monitor, RAMINATE_RECORD_GAUGE, now, pages, nr_gauged,
                   lines);
}

static void monitor_note_written(RaminateMonitor *monitor, int64_t now)
{
    size_t nr;
    g_autofree uint32_t *pages = list_pages(monitor, monitor->written, &nr);

    raminate_figures_add_scan(&monitor->figures, monitor->memory->placement,
                              now - monitor->last_scan_ms, pages, nr);
    monitor_gauge(monitor, now, pages, nr);
    raminate_heat_sample(monitor->heat, pages, nr);
    monitor->policy_ops->sample(monitor->policy, now, pages, nr);
    monitor_record(monitor, RAMINATE_RECORD_SCAN, now, pages, nr, NULL);
    if (monitor->policy_ops->gauge || monitor->recording) {
        raminate_gauge_take(monitor->gauge, monitor->heat, pages, nr);
    }
    trace_raminate_scan(monitor->memory->id, nr,
                        nr - monitor->figures.written[0],
                        monitor->figures.scan_time.last);
}

static void monitor_scan(RaminateMonitor *monitor)
{
    uint32_t nr_pages = raminate_placement_pages(monitor->memory->placement);
    int64_t start = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    int64_t now = raminate_monitor_now(monitor);
    uint32_t second_look = monitor->settings.second_look;
    bool look = second_look && (monitor->policy_ops->look ||
                                monitor->recording);
    bool drop = monitor->drop_scan;

    monitor->drop_scan = false;
    if (monitor_scan_pages(monitor, monitor->written) && !drop) {
        raminate_histogram_add(&monitor->figures.scan_time,
                               qemu_clock_get_ns(QEMU_CLOCK_REALTIME) - start);
        bitmap_or(monitor->written, monitor->written, monitor->looked,
                  nr_pages);
        monitor_note_written(monitor, now);
    } else {
        raminate_gauge_drop(monitor->gauge);
    }
    bitmap_zero(monitor->written, nr_pages);
    bitmap_zero(monitor->looked, nr_pages);
    monitor->last_scan_ms = now;
    monitor->next_look_ms = look ? now + second_look : INT64_MAX;
}

/* What it finds, the next scan does not, and is added to it. */
static void monitor_look(RaminateMonitor *monitor)
{
    int64_t now = raminate_monitor_now(monitor);
    const RaminatePolicyOps *ops = monitor->policy_ops;

    monitor->next_look_ms = INT64_MAX;
    if (!monitor_scan_pages(monitor, monitor->looked)) {
        monitor->drop_scan = true;
    } else if (!monitor->drop_scan) {
        size_t nr;
        g_autofree uint32_t *pages = list_pages(monitor, monitor->looked, &nr);

        if (ops->look) {
            ops->look(monitor->policy, now, now - monitor->last_scan_ms,
                      pages, nr);
        }
        monitor_record(monitor, RAMINATE_RECORD_LOOK, now, pages, nr, NULL);
    }
}

/* Batches of exchanges */

typedef struct BatchRequest {
    RaminateMonitor *monitor;
    RaminateSwap *swaps;
    size_t nr;
} BatchRequest;

/* Without the lock. */
static void exchange_planned(void *opaque)
{
    BatchRequest *request = opaque;
    RaminateMonitor *monitor = request->monitor;
    Error *err = NULL;

    raminate_monitor_exchange(monitor, request->swaps, request->nr, true, &err);
    WITH_QEMU_LOCK_GUARD(&monitor->lock) {
        monitor_set_held(monitor, err ? error_get_pretty(err) : NULL);
    }
    error_free(err);
}

/* Drops the lock in between. */
static void monitor_batch(RaminateMonitor *monitor)
{
    uint32_t max = monitor->settings.max_swaps;
    g_autofree RaminatePair *pairs = g_new(RaminatePair, max);
    int64_t now = raminate_monitor_now(monitor);
    size_t nr = monitor->policy_ops->plan(monitor->policy, now, pairs, max);
    g_autofree RaminateSwap *swaps = g_new0(RaminateSwap, nr);
    BatchRequest request = { .monitor = monitor, .swaps = swaps, .nr = nr };
    bool in_main_loop = monitor->mover->ops->part.in_main_loop;

    if (!nr) {
        return;
    }
    for (size_t i = 0; i < nr; i++) {
        swaps[i].a = pairs[i].promote;
        swaps[i].b = pairs[i].demote;
    }
    qemu_mutex_unlock(&monitor->lock);
    if (in_main_loop) {
        raminate_main_call(&monitor->main_call, exchange_planned, &request);
    } else {
        exchange_planned(&request);
    }
    qemu_mutex_lock(&monitor->lock);
}

/* The thread */

/* Waits until something changes, at most for @ms. */
static void monitor_wait(RaminateMonitor *monitor, int64_t ms)
{
    if (icount_enabled()) {
        ms = MIN(ms, ICOUNT_POLL_MS);
    }
    qemu_cond_timedwait(&monitor->changed, &monitor->lock, MAX(ms, 1));
}

/* Returns: when to do the next of something that is done once a period. */
static int64_t next_time(int64_t last, uint32_t period, int64_t now)
{
    return last + period > now ? last + period : now + period;
}

static void monitor_work(RaminateMonitor *monitor)
{
    int64_t now = raminate_monitor_now(monitor);
    Error *err = NULL;
    int64_t next;

    if (!monitor_open_policy(monitor, &err)) {
        monitor_set_broken(monitor, err);
        return;
    }
    next = MIN(monitor->next_scan_ms, monitor->next_swap_ms);
    next = MIN(next, monitor->next_look_ms);
    if (now < next) {
        monitor_wait(monitor, next - now);
    } else if (next == monitor->next_scan_ms) {
        monitor->next_scan_ms = next_time(monitor->next_scan_ms,
                                          monitor->settings.scan_period, now);
        monitor_scan(monitor);
    } else if (next == monitor->next_look_ms) {
        monitor_look(monitor);
    } else {
        monitor->next_swap_ms = next_time(monitor->next_swap_ms,
                                          monitor->settings.swap_period, now);
        monitor_batch(monitor);
    }
}

static void *monitor_thread(void *opaque)
{
    RaminateMonitor *monitor = opaque;

    rcu_register_thread();
    qemu_mutex_lock(&monitor->lock);
    while (!monitor->stopping) {
        bool on = raminate_monitor_is_on(monitor);
        bool held = raminate_monitor_hold_reason(monitor);

        monitor_run_clock(monitor, on && !held);
        if (monitor->reopen || (!on && monitor->mover) ||
            (on && !held && !monitor->mover)) {
            qemu_mutex_unlock(&monitor->lock);
            raminate_main_call(&monitor->main_call, monitor_reopen, monitor);
            qemu_mutex_lock(&monitor->lock);
        } else if (!on || held) {
            monitor->drop_scan = true;
            monitor_wait(monitor, HOLD_POLL_MS);
        } else {
            monitor_work(monitor);
        }
    }
    qemu_mutex_unlock(&monitor->lock);
    rcu_unregister_thread();
    return NULL;
}

static void monitor_vm_change(void *opaque, bool running, RunState state)
{
    RaminateMonitor *monitor = opaque;

    QEMU_LOCK_GUARD(&monitor->lock);
    monitor->vm_running = running;
    monitor->vm_started |= running;
    qemu_cond_signal(&monitor->changed);
}

/* QEMU may be about to exit: migration, for one, can't be asked any more. */
static void monitor_shutdown(Notifier *notifier, void *data)
{
    RaminateMonitor *monitor = container_of(notifier, RaminateMonitor,
                                            shutdown);

    QEMU_LOCK_GUARD(&monitor->lock);
    monitor->vm_running = false;
    qemu_cond_signal(&monitor->changed);
}

/* Life */

/* Called without the lock, as are all functions below. */
static bool monitor_start(RaminateMonitor *monitor, Error **errp)
{
    g_autofree char *name = NULL;

    if (monitor->has_thread || !raminate_monitor_is_on(monitor)) {
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
                   monitor->memory->id);
        return false;
    }
    monitor->requires_discard = true;
    monitor->has_thread = true;
    name = g_strdup_printf("raminate/%s", monitor->memory->id);
    qemu_thread_create(&monitor->thread, name, monitor_thread, monitor,
                       QEMU_THREAD_JOINABLE);
    return true;
}

RaminateMonitor *raminate_monitor_new(RaminateMemory *memory,
                                      const RaminateSettings *settings,
                                      Error **errp)
{
    RaminateMonitor *monitor = g_new0(RaminateMonitor, 1);
    g_autofree RaminateFrameRange *ranges =
        g_new(RaminateFrameRange, memory->nr_tiers);
    uint32_t nr_pages;

    for (unsigned i = 0; i < memory->nr_tiers; i++) {
        ranges[i].first = memory->tiers[i].offset >> RAMINATE_PAGE_BITS;
        ranges[i].count = memory->tiers[i].size >> RAMINATE_PAGE_BITS;
    }
    memory->placement = raminate_placement_new(ranges, memory->nr_tiers);
    monitor->memory = memory;
    monitor->settings = *settings;
    qemu_mutex_init(&monitor->lock);
    qemu_cond_init(&monitor->changed);
    qemu_cond_init(&monitor->exchanged);
    raminate_main_call_init(&monitor->main_call);
    monitor->moves = raminate_moves_new();
    monitor->drop_scan = true;
    monitor->next_look_ms = INT64_MAX;
    monitor->vm_running = runstate_is_running();
    monitor->vm_started = monitor->vm_running;
    monitor->vm_change =
        qemu_add_vm_change_state_handler(monitor_vm_change, monitor);
    monitor->shutdown.notify = monitor_shutdown;
    qemu_register_shutdown_notifier(&monitor->shutdown);
    QTAILQ_INSERT_TAIL(&monitors, monitor, next);

    if (memory->placement) {
        nr_pages = raminate_placement_pages(memory->placement);
        monitor->heat = raminate_heat_new(nr_pages);
        monitor->written = bitmap_try_new(nr_pages);
        monitor->looked = bitmap_try_new(nr_pages);
    }
    if (!monitor->heat || !monitor->written || !monitor->looked) {
        error_setg(errp, "memory-backend-container '%s': no memory for the "
                   "placement of %" PRIu64 " bytes of guest RAM",
                   memory->id, memory->backend->size);
    } else if ((monitor->gauge = raminate_gauge_new(memory, errp)) &&
               monitor_choose_parts(monitor, errp) &&
               monitor_start(monitor, errp)) {
        return monitor;
    }
    raminate_monitor_free(monitor);
    return NULL;
}

void raminate_monitor_free(RaminateMonitor *monitor)
{
    if (monitor->has_thread) {
        raminate_main_call_cancel(&monitor->main_call);
        WITH_QEMU_LOCK_GUARD(&monitor->lock) {
            monitor->stopping = true;
            qemu_cond_signal(&monitor->changed);
        }
        qemu_thread_join(&monitor->thread);
    }
    QTAILQ_REMOVE(&monitors, monitor, next);
    notifier_remove(&monitor->shutdown);
    qemu_del_vm_change_state_handler(monitor->vm_change);
    monitor_close_parts(monitor);
    if (monitor->policy) {
        monitor->policy_ops->destroy(monitor->policy);
    }
    if (monitor->requires_discard) {
        ram_block_discard_require(false);
    }
    raminate_main_call_destroy(&monitor->main_call);
    raminate_gauge_free(monitor->gauge);
    raminate_heat_free(monitor->heat);
    raminate_moves_free(monitor->moves);
    raminate_placement_free(monitor->memory->placement);
    monitor->memory->placement = NULL;
    raminate_recording_free(monitor->recording);
    g_free(monitor->written);
    g_free(monitor->looked);
    g_free(monitor->sampler_choice.reason);
    g_free(monitor->mover_choice.reason);
    g_free(monitor->broken_because);
    g_free(monitor->held_because);
    qemu_cond_destroy(&monitor->exchanged);
    qemu_cond_destroy(&monitor->changed);
    qemu_mutex_destroy(&monitor->lock);
    g_free(monitor);
}

bool raminate_monitor_set(RaminateMonitor *monitor,
                          const RaminateSettings *settings, Error **errp)
{
    WITH_QEMU_LOCK_GUARD(&monitor->lock) {
        RaminateSettings old = monitor->settings;
        bool other_parts = settings->sampler != old.sampler ||
                           settings->mover != old.mover;

        monitor->settings = *settings;
        if (other_parts) {
            monitor->sampler_choice.failed = 0;
            monitor->mover_choice.failed = 0;
            if (!monitor_choose_parts(monitor, errp)) {
                monitor->settings = old;
                return false;
            }
            monitor->reopen = true;
        }
        if (monitor->policy) {
            monitor->policy_ops->set_life_time(monitor->policy,
                                               settings->life_time);
        }
        g_clear_pointer(&monitor->broken_because, g_free);
        /* A shorter period is in force at once. */
        monitor->next_scan_ms = MIN(monitor->next_scan_ms,
                                    raminate_monitor_now(monitor) +
                                    settings->scan_period);
        monitor->next_swap_ms = MIN(monitor->next_swap_ms,
                                    raminate_monitor_now(monitor) +
                                    settings->swap_period);
        qemu_cond_signal(&monitor->changed);
    }
    return monitor_start(monitor, errp);
}

bool raminate_monitor_record(RaminateMonitor *monitor, const char *path,
                             Error **errp)
{
    RaminateRecording *old;
    RaminateRecording *recording = NULL;

    WITH_QEMU_LOCK_GUARD(&monitor->lock) {
        old = g_steal_pointer(&monitor->recording);
    }
    /* Before the new one, which may be to the same file */
    raminate_recording_free(old);
    if (!*path) {
        return true;
    }
    recording = raminate_recording_new(monitor->memory, path,
                                       monitor->settings.scan_period, errp);
    WITH_QEMU_LOCK_GUARD(&monitor->lock) {
        monitor->recording = recording;
    }
    return recording;
}

/* For those who look */

RaminateMonitor *raminate_monitor_find(const char *id, Error **errp)
{
    RaminateMonitor *monitor;

    QTAILQ_FOREACH(monitor, &monitors, next) {
        if (g_str_equal(monitor->memory->id, id)) {
            return monitor;
        }
    }
    error_setg(errp, "'%s' is not a memory-backend-container with all of its "
               "tiers; query-raminate shows those there are", id);
    return NULL;
}

void raminate_monitor_foreach(void (*func)(RaminateMonitor *monitor,
                                           void *opaque),
                              void *opaque)
{
    RaminateMonitor *monitor;

    QTAILQ_FOREACH(monitor, &monitors, next) {
        func(monitor, opaque);
    }
}

uint32_t raminate_monitor_pages(const RaminateMonitor *monitor)
{
    return raminate_placement_pages(monitor->memory->placement);
}

const char *raminate_monitor_id(const RaminateMonitor *monitor)
{
    return monitor->memory->id;
}
