/*
 * RAMinate: settings that change while the placer runs, on and off
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "placing.h"

static void test_set_all(void)
{
    static const char *const numbers[] = {
        "scan-period", "swap-period", "life-time", "max-swaps",
        "reverse-window", "max-cpu", "fault-budget",
    };
    QTestState *qts = raminate_start("", "");

    for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
        raminate_set_uint(qts, numbers[i], 70 + i);
        g_assert_cmpuint(raminate_figure(qts, numbers[i]), ==, 70 + i);
        raminate_assert_qom_uint(qts, "/objects/c", numbers[i], 70 + i);
    }
    raminate_set_string(qts, "policy", "null");
    raminate_assert_qom_string(qts, "/objects/c", "policy", "null");
    raminate_set_string(qts, "sampler", "dirty-log");
    raminate_assert_qom_string(qts, "/objects/c", "sampler", "dirty-log");
    raminate_set_string(qts, "mover", "mmap");
    raminate_assert_qom_string(qts, "/objects/c", "mover", "mmap");
    raminate_assert_swap(qts, 0, FAST_PAGES);
    raminate_set_string(qts, "sampler", "auto");
    raminate_set_string(qts, "mover", "auto");
    raminate_assert_swap(qts, 0, FAST_PAGES);
    qtest_quit(qts);
}

/* A part that the host lacks is refused, and the old one works on. */
static void test_set_unusable_part(void)
{
    QTestState *qts = raminate_start(",policy=null" FAST_SCANS, "");

    raminate_assert_error(
        qtest_qmp(qts, "{ 'execute': 'qom-set', 'arguments': { 'path':"
                  "  '/objects/c', 'property': 'sampler', 'value': 'kvm' } }"),
        "memory-backend-container 'c': sampler=kvm can't be used, choose "
        "auto: the accelerator is not KVM");
    raminate_assert_error(
        qtest_qmp(qts, "{ 'execute': 'qom-set', 'arguments': { 'path':"
                  "  '/objects/c', 'property': 'mover', 'value': 'kvm' } }"),
        "memory-backend-container 'c': mover=kvm can't be used, choose auto: "
        "the accelerator is not KVM");
    raminate_assert_qom_string(qts, "/objects/c", "sampler", "auto");
    raminate_assert_qom_string(qts, "/objects/c", "mover", "auto");
    raminate_wait_scans(qts, 3);
    raminate_assert_swap(qts, 0, FAST_PAGES);
    qtest_quit(qts);
}

static void test_set_scan_period(void)
{
    QTestState *qts = raminate_start(",scan-period=" ONE_HOUR, "");

    raminate_set_uint(qts, "scan-period", 1);
    raminate_wait_scans(qts, 10);
    qtest_quit(qts);
}

static void test_set_swap_period(void)
{
    QTestState *qts = raminate_start(",policy=lru,swap-period=" ONE_HOUR
                                     FAST_SCANS, "");

    write_for_scans(qts, 20);
    g_assert_cmpuint(raminate_figure(qts, "batches"), ==, 0);
    raminate_set_uint(qts, "swap-period", 1);
    write_until_figure(qts, "batches", 1);
    qtest_quit(qts);
}

/* While pages live on, none is a victim. */
static void test_set_life_time(void)
{
    QTestState *qts = raminate_start(",policy=cmq,swap-period=1,life-time="
                                     ONE_HOUR FAST_SCANS, "");

    write_for_scans(qts, 100);
    g_assert_cmpuint(raminate_figure(qts, "swaps"), ==, 0);
    raminate_set_uint(qts, "life-time", 1);
    assert_promotes(qts, NR_PAGES - 1);
    qtest_quit(qts);
}

static void test_set_policy(void)
{
    QTestState *qts = raminate_start(",policy=null" FAST_MOVES, "");
    uint64_t swaps;

    write_for_scans(qts, 20);
    g_assert_cmpuint(raminate_figure(qts, "swaps"), ==, 0);
    raminate_set_string(qts, "policy", "lru");
    assert_promotes(qts, NR_PAGES - 1);
    raminate_set_string(qts, "policy", "cmq");
    assert_promotes(qts, NR_PAGES - 2);
    raminate_set_string(qts, "policy", "null");

    /* A plan made before may still be carried out. */
    raminate_wait_scans(qts, 2);
    swaps = raminate_figure(qts, "swaps");
    write_for_scans(qts, 50);
    g_assert_cmpuint(raminate_figure(qts, "swaps"), ==, swaps);
    qtest_quit(qts);
}

/* On and off */

/* The limit is the mover's, which is closed with the placer. */
static void wait_for_parts_closed(QTestState *qts)
{
    unsigned rounds = 0;
    bool closed = false;

    while (!closed) {
        QDict *info = raminate_query(qts, "c");

        closed = !qdict_haskey(info, "mappings-limit");
        qobject_unref(info);
        raminate_wait(&rounds, "the placer to be off");
    }
}

static void test_off_and_on(void)
{
    QTestState *qts = raminate_start(",policy=null" FAST_SCANS, "");
    uint64_t scans;

    raminate_wait_scans(qts, 1);
    raminate_write_page(qts, FAST_PAGES, 1);
    raminate_assert_swap(qts, 0, FAST_PAGES);
    raminate_wait_figure(qts, "pages-written", 1);

    qtest_qom_set_bool(qts, "/objects/c", "monitor", false);
    raminate_wait_state(qts, "off");
    wait_for_parts_closed(qts);
    scans = raminate_figure(qts, "scans");
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_write_page(qts, page, 2);
    }
    g_assert_cmpuint(raminate_figure(qts, "scans"), ==, scans);

    /* What was written in between isn't news. */
    qtest_qom_set_bool(qts, "/objects/c", "monitor", true);
    raminate_wait_state(qts, "running");
    raminate_wait_scans(qts, 3);
    g_assert_cmpuint(raminate_figure(qts, "pages-written"), ==, 1);
    g_assert_cmpuint(raminate_tier_of(qts, 0), ==, 1);
    raminate_assert_swap(qts, 0, FAST_PAGES);
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_assert_page(qts, page, 2);
    }
    qtest_quit(qts);
}

static void test_on_later(void)
{
    QTestState *qts = raminate_start(",monitor=off" FAST_SCANS, "");

    raminate_wait_state(qts, "off");
    qtest_qom_set_bool(qts, "/objects/c", "monitor", true);
    raminate_wait_state(qts, "running");
    raminate_wait_scans(qts, 3);
    raminate_assert_swap(qts, 0, FAST_PAGES);
    qtest_quit(qts);
}

static void test_waiting(void)
{
    QTestState *qts = raminate_start(",policy=null" FAST_SCANS, "-S");

    raminate_wait_state(qts, "waiting");
    g_assert_cmpuint(raminate_figure(qts, "scans"), ==, 0);
    qtest_qmp_assert_success(qts, "{ 'execute': 'cont' }");
    raminate_wait_state(qts, "running");
    raminate_wait_scans(qts, 3);
    qtest_quit(qts);
}

static void test_stop_and_cont(void)
{
    QTestState *qts = raminate_start(",policy=null" FAST_SCANS, "");
    uint64_t scans;
    QDict *info;

    raminate_wait_scans(qts, 1);
    qtest_qmp_assert_success(qts, "{ 'execute': 'stop' }");
    info = raminate_query(qts, "c");
    g_assert_cmpstr(get_str(info, "state"), ==, "held");
    g_assert_cmpstr(get_str(info, "held-because"), ==,
                    "the VM is not running");
    qobject_unref(info);

    scans = wait_until_quiet(qts);
    raminate_write_page(qts, 0, 1);
    g_assert_cmpuint(raminate_figure(qts, "scans"), ==, scans);
    qtest_qmp_assert_success(qts, "{ 'execute': 'cont' }");
    raminate_wait_state(qts, "running");
    raminate_wait_scans(qts, 3);

    /* Whoever writes while the guest stands still, it isn't the guest. */
    g_assert_cmpuint(raminate_figure(qts, "pages-written"), ==, 0);
    raminate_write_page(qts, 0, 2);
    raminate_wait_figure(qts, "pages-written", 1);
    qtest_quit(qts);
}

static void test_reset(void)
{
    QTestState *qts = raminate_start(",policy=null" FAST_SCANS, "");

    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_write_page(qts, page, 1);
    }
    raminate_assert_swap(qts, 0, NR_PAGES - 1);
    qtest_system_reset(qts);
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_assert_page(qts, page, 1);
    }
    g_assert_cmpuint(raminate_tier_of(qts, NR_PAGES - 1), ==, 0);
    raminate_wait_state(qts, "running");
    raminate_wait_scans(qts, 3);
    raminate_assert_swap(qts, 0, NR_PAGES - 1);
    raminate_assert_page(qts, 0, 1);
    qtest_quit(qts);
}

/* All at once, with the placer in the midst of it */
static void test_quit_while_busy(void)
{
    for (unsigned i = 0; i < 5; i++) {
        QTestState *qts = raminate_start(",policy=lru" FAST_MOVES, "");

        write_for_scans(qts, 10);
        qtest_quit(qts);
    }
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/placer/set/all", test_set_all);
    qtest_add_func("raminate/placer/set/unusable-part",
                   test_set_unusable_part);
    qtest_add_func("raminate/placer/set/scan-period", test_set_scan_period);
    qtest_add_func("raminate/placer/set/swap-period", test_set_swap_period);
    qtest_add_func("raminate/placer/set/life-time", test_set_life_time);
    qtest_add_func("raminate/placer/set/policy", test_set_policy);
    qtest_add_func("raminate/placer/off-and-on", test_off_and_on);
    qtest_add_func("raminate/placer/on-later", test_on_later);
    qtest_add_func("raminate/placer/waiting", test_waiting);
    qtest_add_func("raminate/placer/stop-and-cont", test_stop_and_cont);
    qtest_add_func("raminate/placer/reset", test_reset);
    qtest_add_func("raminate/placer/quit-while-busy", test_quit_while_busy);
    return g_test_run();
}
