/*
 * RAMinate: the placer, which keeps often-written pages in fast memory
 *
 * A thread of its own asks the sampler once per scan period which pages were
 * written, tells the engine, and once per swap period has the mover exchange
 * the pairs that the engine's policy proposes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "exec/memory.h"
#include "hw/raminate/device-name.h"
#include "hw/raminate/placer-internal.h"

static QTAILQ_HEAD(, RaminatePlacer) placers =
    QTAILQ_HEAD_INITIALIZER(placers);

void raminate_placer_settings_init(RaminatePlacerSettings *settings)
{
    *settings = (RaminatePlacerSettings) {
        .monitor = true,
        .migrate_heat = true,
        .policy = qapi_enum_parse(&RaminatePolicyType_lookup,
                                  raminate_default_policy, -1, &error_abort),
        .sampler = RAMINATE_SAMPLER_TYPE_AUTO,
        .mover = RAMINATE_MOVER_TYPE_AUTO,
    };
    raminate_settings_init(&settings->engine);
}

/* What the VM does */

static void vm_change(void *opaque, bool running, RunState state)
{
    RaminatePlacer *placer = opaque;

    raminate_placer_lock(placer);
    placer->vm_running = running;
    placer->vm_started |= running;
    qemu_cond_signal(&placer->changed);
    raminate_placer_unlock(placer);
    if (running && placer->memory->is_lost) {
        /* A reset has let it run; that mends no mapping. */
        qemu_system_vmstop_request_prepare();
        qemu_system_vmstop_request(RUN_STATE_INTERNAL_ERROR);
    }
}

/* QEMU may be about to exit: migration, for one, can't be asked any more. */
static void shut_down(Notifier *notifier, void *data)
{
    RaminatePlacer *placer = container_of(notifier, RaminatePlacer, shutdown);

    raminate_placer_lock(placer);
    placer->vm_running = false;
    qemu_cond_signal(&placer->changed);
    raminate_placer_unlock(placer);
}

/* Life */

/*
 * Takes what a placer that is on needs.
 * Returns: false with @errp set if it can't be had.
 */
static bool require_discard(RaminatePlacer *placer,
                            const RaminatePlacerSettings *settings,
                            Error **errp)
{
    static const char *const types[] = { "vfio-", "vhost-vdpa-", NULL };
    g_autofree char *device = NULL;

    if (placer->may_work || !settings->monitor ||
        placer->memory->nr_tiers < 2) {
        return true;
    }
    /*
     * A frame that a device has pinned can't be exchanged.  Devices that pin
     * guest memory refuse to if others need to discard it.  On a node, such a
     * page stays where it is.
     */
    placer->requires_discard = !raminate_memory_has_nodes(placer->memory);
    if (placer->requires_discard && ram_block_discard_require(true)) {
        placer->requires_discard = false;
        device = raminate_find_device(types, NET_CLIENT_DRIVER_VHOST_VDPA);
        error_setg(errp, "%s '%s': a device has pinned "
                   "guest memory, so that its pages can't move; unplug the "
                   "VFIO or vDPA device%s, or set monitor=off",
                   placer->memory->type, placer->memory->id, device);
        return false;
    }
    placer->may_work = true;
    return true;
}

/* Nothing to do is no reason for a thread. */
static void start_thread(RaminatePlacer *placer)
{
    g_autofree char *name = NULL;

    if (placer->may_work && !placer->has_thread) {
        placer->has_thread = true;
        name = g_strdup_printf("raminate/%s", placer->memory->id);
        qemu_thread_create(&placer->thread, name, raminate_placer_thread,
                           placer, QEMU_THREAD_JOINABLE);
    }
}

static RaminateEngine *new_engine(const RaminateMemory *memory,
                                  const RaminateSettings *settings,
                                  Error **errp)
{
    RaminateLayout layout = {
        .nr_tiers = memory->nr_tiers,
        .unit = RAMINATE_PAGE_SIZE,
        .nr_pages = memory->backend->size >> RAMINATE_PAGE_BITS,
    };
    RaminateEngine *engine;

    for (unsigned i = 0; i < memory->nr_tiers; i++) {
        const RaminateTier *tier = &memory->tiers[i];

        layout.ranges[i].first = tier->offset >> RAMINATE_PAGE_BITS;
        layout.ranges[i].count = tier->size >> RAMINATE_PAGE_BITS;
        layout.costs[i] = tier->costs;
    }
    engine = raminate_engine_new(&layout, settings);
    if (!engine) {
        error_setg(errp, "%s '%s': no memory for the "
                   "placement of %" PRIu64 " bytes of guest RAM",
                   memory->type, memory->id, memory->backend->size);
    }
    return engine;
}

static void watch_vm(RaminatePlacer *placer)
{
    placer->vm_running = runstate_is_running();
    placer->vm_started = placer->vm_running;
    placer->vm_change = qemu_add_vm_change_state_handler(vm_change, placer);
    placer->shutdown.notify = shut_down;
    qemu_register_shutdown_notifier(&placer->shutdown);
}

RaminatePlacer *raminate_placer_new(RaminateMemory *memory,
                                    const RaminatePlacerSettings *settings,
                                    Error **errp)
{
    RaminateEngine *engine = new_engine(memory, &settings->engine, errp);
    RaminatePlacer *placer;

    if (!engine) {
        return NULL;
    }
    placer = g_new0(RaminatePlacer, 1);
    placer->memory = memory;
    placer->settings = *settings;
    placer->engine = engine;
    qemu_mutex_init(&placer->lock);
    qemu_cond_init(&placer->changed);
    qemu_cond_init(&placer->unclaimed);
    raminate_main_call_init(&placer->main_call);
    memory->placement = raminate_engine_placement(engine);
    memory->placement_lock = &placer->lock;
    watch_vm(placer);
    QTAILQ_INSERT_TAIL(&placers, placer, next);

    placer->gauge = raminate_gauge_new(memory, errp);
    if (placer->gauge &&
        raminate_placer_choose_parts(memory, settings, &placer->sampler_choice,
                                     &placer->mover_choice, errp) &&
        require_discard(placer, settings, errp)) {
        start_thread(placer);
        return placer;
    }
    raminate_placer_free(placer);
    return NULL;
}

/*
 * Afterwards the thread is at its end, or with the policy; then it touches
 * nothing but the engine and what it has found.
 */
static void stop_thread(RaminatePlacer *placer)
{
    raminate_main_call_cancel(&placer->main_call);
    raminate_placer_lock(placer);
    placer->stopping = true;
    qemu_cond_signal(&placer->changed);
    while (placer->has_thread && !placer->ended &&
           placer->claim != RAMINATE_CLAIM_POLICY) {
        raminate_placer_wait(placer, &placer->unclaimed, -1);
    }
    raminate_placer_unlock(placer);
}

/* Returns: whether the thread has ended; if not, it frees what is left. */
static bool end_thread(RaminatePlacer *placer)
{
    bool ended;

    raminate_placer_lock(placer);
    ended = placer->ended;
    placer->left = !ended;
    if (!ended) {
        pthread_detach(placer->thread.thread);
    }
    raminate_placer_unlock(placer);
    if (ended) {
        qemu_thread_join(&placer->thread);
    }
    return ended;
}

void raminate_placer_free(RaminatePlacer *placer)
{
    stop_thread(placer);
    QTAILQ_REMOVE(&placers, placer, next);
    notifier_remove(&placer->shutdown);
    qemu_del_vm_change_state_handler(placer->vm_change);
    raminate_placer_close_parts(placer);
    if (placer->requires_discard) {
        ram_block_discard_require(false);
    }
    raminate_main_call_destroy(&placer->main_call);
    raminate_gauge_free(placer->gauge);
    placer->memory->placement = NULL;
    raminate_recording_free(placer->recording);
    if (!placer->has_thread || end_thread(placer)) {
        raminate_placer_destroy(placer);
    }
}

/* Settings */

/* With the lock. */
static void put_in_force(RaminatePlacer *placer,
                         const RaminatePlacerSettings *settings)
{
    raminate_placer_assert_locked(placer);
    placer->settings = *settings;
    raminate_engine_set(placer->engine, raminate_placer_now(placer),
                        &settings->engine);
    g_clear_pointer(&placer->broken_because, g_free);
    qemu_cond_signal(&placer->changed);
}

/* All that may fail comes first, so that a refused setting changes nothing. */
bool raminate_placer_set(RaminatePlacer *placer,
                         const RaminatePlacerSettings *settings, Error **errp)
{
    RaminatePartChoice sampler = { 0 };
    RaminatePartChoice mover = { 0 };
    bool other_parts;

    raminate_placer_lock(placer);
    other_parts = settings->sampler != placer->settings.sampler ||
                  settings->mover != placer->settings.mover ||
                  raminate_settings_policy(settings)->kinds !=
                  raminate_settings_policy(&placer->settings)->kinds;
    raminate_placer_unlock(placer);
    if ((other_parts &&
         !raminate_placer_choose_parts(placer->memory, settings, &sampler,
                                       &mover, errp)) ||
        !require_discard(placer, settings, errp)) {
        g_free(sampler.reason);
        g_free(mover.reason);
        return false;
    }

    raminate_placer_lock(placer);
    if (other_parts) {
        g_free(placer->sampler_choice.reason);
        g_free(placer->mover_choice.reason);
        placer->sampler_choice = sampler;
        placer->mover_choice = mover;
        placer->reopen = true;
    }
    put_in_force(placer, settings);
    raminate_placer_unlock(placer);
    start_thread(placer);
    return true;
}

/* Puts @recording, or NULL, in the place of the one before, which ends. */
static void replace_recording(RaminatePlacer *placer,
                              RaminateRecording *recording)
{
    RaminateRecording *old;

    raminate_placer_lock(placer);
    old = placer->recording;
    placer->recording = recording;
    placer->keeps_tiers = recording;
    raminate_placer_unlock(placer);
    raminate_recording_free(old);
}

bool raminate_placer_record(RaminatePlacer *placer, const char *path,
                            Error **errp)
{
    RaminateRecording *recording = NULL;
    uint32_t scan_period;

    /* Only the main loop, which this is, sets it. */
    if (placer->recording &&
        raminate_recording_is_to(placer->recording, path)) {
        replace_recording(placer, NULL);
    }
    if (*path) {
        bool resizes;

        raminate_placer_lock(placer);
        scan_period = placer->settings.engine.scan_period;
        resizes = raminate_engine_excess(placer->engine);
        placer->keeps_tiers |= !resizes;
        raminate_placer_unlock(placer);
        if (resizes) {
            error_setg(errp, "%s '%s': the size of the fastest tier is being "
                       "changed; record once pages-to-resize is 0",
                       placer->memory->type, placer->memory->id);
            return false;
        }
        recording = raminate_recording_new(placer->memory, path, scan_period,
                                           errp);
        if (!recording) {
            raminate_placer_lock(placer);
            placer->keeps_tiers = placer->recording;
            raminate_placer_unlock(placer);
            return false;
        }
    }
    replace_recording(placer, recording);
    return true;
}

/* The size of the fastest tier */

void raminate_placer_set_fast_pages(RaminatePlacer *placer, uint32_t pages)
{
    if (placer->recording) {
        raminate_recording_end(placer->recording,
                               "the size of the fastest tier is changed");
        replace_recording(placer, NULL);
    }
    raminate_placer_lock(placer);
    raminate_engine_set_fast_pages(placer->engine,
                                   raminate_placer_now(placer), pages);
    qemu_cond_signal(&placer->changed);
    raminate_placer_unlock(placer);
}

uint32_t raminate_placer_tier_pages(RaminatePlacer *placer, unsigned tier)
{
    uint32_t pages;

    raminate_placer_lock(placer);
    pages = raminate_placement_tier_pages(placer->memory->placement, tier);
    raminate_placer_unlock(placer);
    return pages;
}

/* What goes along with the guest */

bool raminate_placer_hands_over(RaminatePlacer *placer)
{
    bool ret;

    raminate_placer_lock(placer);
    ret = raminate_placer_is_on(placer) && placer->settings.migrate_heat;
    raminate_placer_unlock(placer);
    return ret;
}

uint8_t *raminate_placer_hand_over(RaminatePlacer *placer, size_t *size)
{
    g_autofree uint8_t *data = NULL;

    *size = 0;
    if (raminate_placer_hands_over(placer)) {
        data = g_malloc(RAMINATE_HANDOVER_MAX);
        raminate_placer_lock(placer);
        *size = raminate_handover_encode(
            raminate_engine_placement(placer->engine),
            raminate_engine_heat(placer->engine), data,
            RAMINATE_HANDOVER_MAX);
        raminate_placer_unlock(placer);
    }
    return *size ? g_realloc(g_steal_pointer(&data), *size) : NULL;
}

void raminate_placer_take_over(RaminatePlacer *placer, uint8_t *data,
                               size_t size)
{
    raminate_placer_lock(placer);
    raminate_engine_take_over(placer->engine, data, size);
    raminate_placer_unlock(placer);
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
               "tiers, nor a memory-placement; query-raminate shows those "
               "there are", id);
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

bool raminate_placer_has_nodes(const RaminatePlacer *placer)
{
    return raminate_memory_has_nodes(placer->memory);
}

const char *raminate_placer_type(const RaminatePlacer *placer)
{
    return placer->memory->type;
}

const char *raminate_placer_id(const RaminatePlacer *placer)
{
    return placer->memory->id;
}
