/*
 * RAMinate: why a page is where it is
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/raminate/placer-internal.h"
#include "hw/raminate/policy/reasons.h"

/* What the policy goes by */

static void set_payback(const RaminatePaybackFigures *figures,
                        const char *const *tiers, RaminatePaybackReasons *info)
{
    info->has_scans_ago = figures->has_scans_ago;
    info->scans_ago = figures->scans_ago;
    if (!figures->planned || !figures->has_tier) {
        return;
    }
    info->tier = g_strdup(tiers[figures->tier]);
    info->has_chance = true;
    info->chance = figures->chance;
    info->has_lines = true;
    info->lines = figures->lines;
    info->has_price = true;
    info->price = figures->price;
    info->has_worth = true;
    info->worth = figures->worth;
    info->has_move_cost = true;
    info->move_cost = figures->move_cost;
    info->has_horizon = true;
    info->horizon = figures->horizon;
}

static void set_cmq(const RaminateCmqFigures *figures,
                    RaminateCmqReasons *info)
{
    info->has_queue = figures->has_queue;
    info->queue = figures->queue;
    info->victim = figures->is_victim;
    info->found = figures->found;
    info->has_idle = figures->has_idle;
    info->idle = figures->idle_ms;
    info->ahead = figures->ahead;
    info->victims = figures->victims;
}

static void set_lru(const RaminateLruFigures *figures,
                    RaminateLruReasons *info)
{
    info->has_idle = figures->has_idle;
    info->idle = figures->idle_ms;
    info->has_fast_idle = figures->has_fast_idle;
    info->fast_idle = figures->fast_idle_ms;
}

static void set_counts(const RaminateCountFigures *figures,
                       RaminateCountReasons *info)
{
    info->count = figures->count;
    info->hot_count = figures->hot_count;
}

static void set_age(const RaminateAgeFigures *figures,
                    RaminateAgeReasons *info)
{
    info->has_idle = figures->has_idle;
    info->idle = figures->idle_ms;
    info->active_until = figures->active_ms;
    info->idle_from = figures->idle_from_ms;
}

static RaminatePageReasons *reasons_info(const RaminatePolicyOps *ops,
                                         const RaminateReasons *reasons)
{
    RaminatePageReasons *info = g_new0(RaminatePageReasons, 1);

    info->policy = qapi_enum_parse(&RaminatePolicyType_lookup, ops->name, 0,
                                   &error_abort);
    switch (info->policy) {
    case RAMINATE_POLICY_TYPE_AGE:
        set_age(&reasons->age, &info->u.age);
        break;
    case RAMINATE_POLICY_TYPE_CMQ:
        set_cmq(&reasons->cmq, &info->u.cmq);
        break;
    case RAMINATE_POLICY_TYPE_HEMEM:
        set_counts(&reasons->counts, &info->u.hemem);
        break;
    case RAMINATE_POLICY_TYPE_LRU:
        set_lru(&reasons->lru, &info->u.lru);
        break;
    case RAMINATE_POLICY_TYPE_MEMTIS:
        set_counts(&reasons->counts, &info->u.memtis);
        break;
    case RAMINATE_POLICY_TYPE_PAYBACK:
        set_payback(&reasons->payback, reasons->tiers, &info->u.payback);
        break;
    default:
        break;
    }
    return info;
}

/*
 * @why: is appended to, what follows "because"
 * Returns: what the policy goes by, or NULL if that is not known.
 */
static RaminatePageReasons *ask_policy(RaminatePlacer *placer, uint32_t page,
                                       GString *why)
{
    const char *tiers[RAMINATE_MAX_TIERS] = { NULL };
    RaminateReasons reasons = { .tiers = tiers, .why = why };
    const RaminatePolicyOps *ops;

    for (unsigned i = 0; i < placer->memory->nr_tiers; i++) {
        tiers[i] = placer->memory->tiers[i].id;
    }
    if (placer->claim == RAMINATE_CLAIM_POLICY) {
        g_string_append(why, "the policy has it there, which is at work just "
                        "now and can't be asked");
        return NULL;
    }
    ops = raminate_engine_explain(placer->engine, raminate_placer_now(placer),
                                  page, &reasons);
    if (!ops) {
        g_string_append_printf(why, "the policy %s has said nothing of it yet",
                               RaminatePolicyType_str(placer->settings.policy));
        return NULL;
    }
    return reasons_info(ops, &reasons);
}

/* The sentence */

/* Returns: why nothing moves at all, NULL if something does. */
static char *why_nothing_moves(const RaminatePlacer *placer)
{
    switch (raminate_placer_state(placer)) {
    case RAMINATE_STATE_UNUSED:
        return g_strdup("the guest's memory is elsewhere");
    case RAMINATE_STATE_OFF:
        return g_strdup(placer->memory->nr_tiers > 1 ? "monitor is off"
                                                     : "there is no other tier");
    case RAMINATE_STATE_WAITING:
        return g_strdup("the guest has not been started yet");
    case RAMINATE_STATE_HELD:
        return g_strdup_printf("the placer is held: %s",
                               raminate_placer_hold_reason(placer)
                               ?: placer->held_because);
    default:
        return NULL;
    }
}

/*
 * Returns: why plans leave out this page, NULL if they don't, or that can't be
 * asked since the policy is at work.
 */
static char *why_left_out(const RaminatePlacer *placer, uint32_t page)
{
    uint64_t plans;

    if (placer->claim == RAMINATE_CLAIM_POLICY) {
        return NULL;
    }
    switch (raminate_engine_backoff_reason(placer->engine, page, &plans)) {
    case RAMINATE_BACKOFF_FAILED:
        return g_strdup_printf("a move of it failed, and the next %" PRIu64
                               " plans leave it out", plans);
    case RAMINATE_BACKOFF_HELD:
        return g_strdup_printf("it did not stay where it was brought back to, "
                               "and the next %" PRIu64 " plans leave it out",
                               plans);
    default:
        return NULL;
    }
}

/* Returns: why this page does not move, NULL if it may. */
static char *why_stuck(const RaminatePlacer *placer, const RaminatePage *page)
{
    char *why = page->failed
                ? g_strdup("its memory has failed, or its file is too short")
                : why_left_out(placer, page->page);

    return why ?: why_nothing_moves(placer);
}

static void say_last_move(const RaminatePageMove *move, GString *why)
{
    if (move) {
        g_string_append_printf(why, "; it moved %.1f s ago, from %s.",
                               move->ms_ago / 1000.0, move->from);
    } else {
        g_string_append(why, "; it has not moved lately.");
    }
}

void raminate_placer_explain(RaminatePlacer *placer, RaminatePage *page)
{
    g_autoptr(GString) because = g_string_new(NULL);
    g_autoptr(GString) why = g_string_new(NULL);
    g_autofree char *stuck = NULL;

    page->reasons = ask_policy(placer, page->page, because);
    stuck = why_stuck(placer, page);
    g_string_append_printf(why, "It is in %s because %s", page->tier,
                           stuck ?: because->str);
    say_last_move(page->last_move, why);
    page->why = g_strdup(why->str);
}
