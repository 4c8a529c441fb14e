/*
 * RAMinate: why a page is where it is, when that can't be asked, or it failed
 *
 * What is said while the policy is at work is tested with a placer made up for
 * it, since nobody can tell when that is.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/raminate/placer-internal.h"
#include "faults-control.h"
#include "raminate-common.h"

#define PAGE (FAST_PAGES + 3)

/* What why.c asks of the placer */

static RaminateState state;

RaminateState raminate_placer_state(const RaminatePlacer *placer)
{
    return state;
}

const char *raminate_placer_hold_reason(const RaminatePlacer *placer)
{
    return "the VM is not running";
}

int64_t raminate_placer_now(const RaminatePlacer *placer)
{
    g_assert_not_reached();
}

/* @why: expected of a placer whose policy is at work */
static void assert_why_at_work(RaminatePage *page, const char *why)
{
    RaminateMemory memory = { .nr_tiers = 0 };
    /* No engine: whoever asks the policy crashes. */
    RaminatePlacer placer = {
        .memory = &memory,
        .claim = RAMINATE_CLAIM_POLICY,
    };

    raminate_placer_explain(&placer, page);
    g_assert_cmpstr(page->why, ==, why);
    g_assert_null(page->reasons);
    g_clear_pointer(&page->why, g_free);
}

static void test_policy_at_work(void)
{
    RaminatePageMove move = { .ms_ago = 1500, .from = (char *)"fast" };
    RaminatePage page = { .page = 7, .tier = (char *)"slow" };

    state = RAMINATE_STATE_RUNNING;
    assert_why_at_work(&page, "It is in slow because the policy has it there, "
                       "which is at work just now and can't be asked; it has "
                       "not moved lately.");
    page.last_move = &move;
    assert_why_at_work(&page, "It is in slow because the policy has it there, "
                       "which is at work just now and can't be asked; it "
                       "moved 1.5 s ago, from fast.");
    /* What is known without it is said nevertheless. */
    state = RAMINATE_STATE_HELD;
    assert_why_at_work(&page, "It is in slow because the placer is held: the "
                       "VM is not running; it moved 1.5 s ago, from fast.");
    page.failed = true;
    assert_why_at_work(&page, "It is in slow because its memory has failed, or "
                       "its file is too short; it moved 1.5 s ago, from fast.");
}

/* Writes to the page until it is said of it that @text. */
static void write_until_said(QTestState *qts, const char *text)
{
    bool is_said = false;

    for (unsigned rounds = 0; !is_said;) {
        QDict *page;

        raminate_write_page(qts, PAGE, rounds);
        page = qtest_qmp_assert_success_ref(
            qts, "{ 'execute': 'query-raminate-page',"
            "  'arguments': { 'id': 'c', 'page': %u } }", PAGE);
        is_said = strstr(qdict_get_str(page, "why"), text);
        qobject_unref(page);
        raminate_wait(&rounds, text);
    }
}

/* A page that could not be moved is left alone for a while, and then moves. */
static void test_move_failed(void)
{
    QTestState *qts;

    raminate_faults_preload();
    qts = raminate_start(",policy=lru,scan-period=1,swap-period=1", "");
    raminate_faults_end_preload();
    raminate_faults_order(FAULT_SAVE, 0, FAULTS_FOR_EVER, EIO);
    write_until_said(qts, "It is in slow because a move of it failed, and the "
                     "next ");
    write_until_said(qts, " plans leave it out; it has not moved lately.");
    g_assert_cmpuint(raminate_tier_of(qts, PAGE), ==, 1);
    raminate_faults_end();
    write_until_said(qts, " s ago, from slow.");
    g_assert_cmpuint(raminate_tier_of(qts, PAGE), ==, 0);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/why/policy-at-work", test_policy_at_work);
    qtest_add_func("raminate/why/move-failed", test_move_failed);
    return g_test_run();
}
