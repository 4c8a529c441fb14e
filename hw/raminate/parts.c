/*
 * RAMinate: which sampler and which mover are in force
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-events-raminate.h"
#include "qemu/bitops.h"
#include "hw/raminate/placer-internal.h"
#include "trace.h"

/* Choosing.  @kinds: of samples that are of use; 0 for any */
static bool choice_make(RaminatePartChoice *choice,
                        const RaminatePart *const *parts, int type,
                        unsigned kinds, const RaminateMemory *memory,
                        Error **errp)
{
    char *reason;
    const RaminatePart *part = raminate_part_choose(parts, type, kinds,
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

/* Says in front of @errp what can't be chosen. */
static void prepend_choice(Error **errp, const RaminateMemory *memory,
                           const char *component, const QEnumLookup *names,
                           int type)
{
    if (type == RAMINATE_PART_AUTO) {
        error_prepend(errp, "%s '%s': no %s can be "
                      "used: ", memory->type, memory->id, component);
    } else {
        error_prepend(errp, "%s '%s': %s=%s can't be "
                      "used, choose auto: ", memory->type, memory->id,
                      component,
                      qapi_enum_lookup(names, type));
    }
}

bool raminate_placer_choose_parts(const RaminateMemory *memory,
                                  const RaminatePlacerSettings *settings,
                                  RaminatePartChoice *sampler,
                                  RaminatePartChoice *mover, Error **errp)
{
    RaminatePartChoice chosen = *sampler;
    ERRP_GUARD();

    chosen.reason = g_strdup(sampler->reason);
    if (!choice_make(&chosen, raminate_samplers, settings->sampler,
                     raminate_settings_policy(settings)->kinds,
                     memory, errp)) {
        prepend_choice(errp, memory, "sampler", &RaminateSamplerType_lookup,
                       settings->sampler);
    } else if (!choice_make(mover, raminate_movers, settings->mover, 0, memory,
                            errp)) {
        prepend_choice(errp, memory, "mover", &RaminateMoverType_lookup,
                       settings->mover);
    } else {
        g_free(sampler->reason);
        *sampler = chosen;
        return true;
    }
    g_free(chosen.reason);
    return false;
}

/* Failing */

/*
 * Returns: the next best part after @part that auto may choose, or NULL.  What
 * works is found when it is opened; it may have to be
 * probed.
 */
static const RaminatePart *next_part(const RaminatePart *const *parts,
                                     const RaminatePart *part, unsigned failed,
                                     const RaminateMemory *memory)
{
    while (*parts != part) {
        parts++;
    }
    parts++;
    while (*parts && !raminate_part_is_for_auto(*parts, failed, memory)) {
        parts++;
    }
    return *parts;
}

/*
 * If the user left the choice to us, and it is not the last resort, the next
 * best part takes over; if not, the placer holds.
 */
static void part_failed(RaminatePlacer *placer, RaminatePartChoice *choice,
                        const RaminatePart *const *parts, int setting,
                        const QEnumLookup *names, const char *component,
                        Error *err)
{
    const char *from = qapi_enum_lookup(names, choice->in_force->type);
    const RaminatePart *next =
        next_part(parts, choice->in_force, choice->failed, placer->memory);

    raminate_placer_assert_locked(placer);
    if (setting == RAMINATE_PART_AUTO && next) {
        g_free(choice->reason);
        choice->reason = g_strdup_printf("%s failed: %s", from,
                                         error_get_pretty(err));
        choice->failed |= BIT(choice->in_force->type);
        choice->in_force = next;
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
        raminate_placer_set_broken(placer, err);
    }
    qemu_cond_signal(&placer->changed);
}

void raminate_placer_sampler_failed(RaminatePlacer *placer, Error *err)
{
    part_failed(placer, &placer->sampler_choice, raminate_samplers,
                placer->settings.sampler, &RaminateSamplerType_lookup,
                "sampler", err);
}

void raminate_placer_mover_failed(RaminatePlacer *placer, Error *err)
{
    part_failed(placer, &placer->mover_choice, raminate_movers,
                placer->settings.mover, &RaminateMoverType_lookup, "mover",
                err);
}

/* Opening and closing */

void raminate_placer_close_parts(RaminatePlacer *placer)
{
    if (placer->sampler) {
        placer->sampler->ops->close(placer->sampler);
        placer->sampler = NULL;
    }
    if (placer->mover) {
        placer->mover->ops->close(placer->mover);
        placer->mover = NULL;
    }
    g_clear_pointer(&placer->huge, raminate_huge_free);
    placer->next_huge = 0;
}

/*
 * Without the lock: parts take what they need from host and KVM.  The choices
 * may be read without it too, since only the thread, which waits, and the main
 * loop, which this is, write them.
 * Returns: false if a part can't be opened; another may be next time.
 */
static bool open_parts(RaminatePlacer *placer)
{
    RaminateMemory *memory = placer->memory;
    RaminatePartChoice *sampler = &placer->sampler_choice;
    RaminatePartChoice *mover = &placer->mover_choice;
    void (*failed)(RaminatePlacer *placer, Error *err) =
        raminate_placer_set_broken;
    Error *err = NULL;

    if (raminate_placer_choose_parts(memory, &placer->settings, sampler, mover,
                                     &err)) {
        failed = raminate_placer_sampler_failed;
        placer->sampler = container_of(sampler->in_force, RaminateSamplerOps,
                                       part)->open(memory, &err);
    }
    if (placer->sampler) {
        placer->sampler->kinds = raminate_part_kinds(sampler->in_force, memory);
        failed = raminate_placer_mover_failed;
        placer->mover = container_of(mover->in_force, RaminateMoverOps, part)
                        ->open(memory, &err);
    }
    if (placer->mover) {
        if (!placer->huge) {
            placer->huge = raminate_huge_new(memory);
        }
        return true;
    }
    raminate_placer_lock(placer);
    failed(placer, err);
    raminate_placer_unlock(placer);
    return false;
}

void raminate_placer_reopen(void *opaque)
{
    RaminatePlacer *placer = opaque;
    RaminateHuge *huge;
    bool on, busy;

    raminate_placer_lock(placer);
    busy = placer->claim != RAMINATE_CLAIM_NONE;
    on = raminate_placer_is_on(placer);
    placer->reopen &= busy;
    /* The first scan of a sampler finds what was written before, too. */
    raminate_engine_hold(placer->engine);
    raminate_placer_unlock(placer);
    if (busy) {
        return;
    }
    /* What is huge is so whatever the parts are. */
    huge = on ? g_steal_pointer(&placer->huge) : NULL;
    raminate_placer_close_parts(placer);
    placer->huge = huge;
    if (on && !open_parts(placer)) {
        raminate_placer_close_parts(placer);
    }
}
