/*
 * RAMinate: migration and snapshots keep what the guest has written
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/units.h"
#include "raminate-common.h"

/*
 * A PC has 640 KiB of RAM, a hole, and RAM again from 1 MiB on; here the
 * latter is all slow.
 */
#define PC_PAGES 512
#define HOLE_FIRST 160
#define HOLE_END 256
#define PC \
    "-machine pc,memory-backend=c -m 2M -nodefaults" \
    " -object memory-backend-container,id=c,size=2M,policy=null," \
    "scan-period=1"
#define PC_TIERS \
    " -object memory-backend-devmem,id=fast,parent=c,size=1M,mem-path=dram" \
    " -object memory-backend-devmem,id=slow,parent=c,size=1M,offset=1M," \
    "mem-path=nvm"

static bool is_ram(uint32_t page)
{
    return page < HOLE_FIRST || page >= HOLE_END;
}

static void write_all(QTestState *qts, uint32_t generation)
{
    for (uint32_t page = 0; page < PC_PAGES; page++) {
        if (is_ram(page)) {
            raminate_write_page(qts, page, generation);
        }
    }
}

static void assert_all(QTestState *qts, uint32_t generation)
{
    for (uint32_t page = 0; page < PC_PAGES; page++) {
        if (is_ram(page)) {
            raminate_assert_page(qts, page, generation);
        }
    }
}

static void swap_some(QTestState *qts)
{
    for (uint32_t page = 0; page < HOLE_FIRST; page += 7) {
        raminate_assert_swap(qts, page, HOLE_END + page);
    }
}

static QTestState *start_source(const char *args)
{
    raminate_make_file("dram", 1 * MiB);
    raminate_make_file("nvm", 1 * MiB);
    return qtest_initf(PC PC_TIERS " %s", args);
}

/* Its tiers differ from those of the source. */
static QTestState *start_destination(void)
{
    raminate_make_file("dram2", 512 * KiB);
    raminate_make_file("nvm2", 1536 * KiB);
    return qtest_init(PC " -object memory-backend-devmem,id=fast,parent=c,"
                      "size=512K,mem-path=dram2"
                      " -object memory-backend-devmem,id=slow,parent=c,"
                      "size=1536K,offset=512K,mem-path=nvm2"
                      " -incoming unix:migration.sock");
}

static void set_bandwidth(QTestState *qts, unsigned bytes_per_second)
{
    qtest_qmp_assert_success(qts, "{ 'execute': 'migrate-set-parameters',"
                             "  'arguments': { 'max-bandwidth': %u,"
                             "                 'downtime-limit': 1 } }",
                             bytes_per_second);
}

/* So slow that it doesn't end by itself while a test looks. */
static void begin_migration(QTestState *qts)
{
    set_bandwidth(qts, 4096);
    qtest_qmp_assert_success(qts, "{ 'execute': 'migrate', 'arguments':"
                             "  { 'uri': 'unix:migration.sock' } }");
}

static void wait_for_migration(QTestState *qts, const char *wanted)
{
    unsigned rounds = 0;
    bool done = false;

    while (!done) {
        QDict *response = qtest_qmp(qts, "{ 'execute': 'query-migrate' }");
        QDict *info = qdict_get_qdict(response, "return");
        const char *status = qdict_get_try_str(info, "status");

        done = g_strcmp0(status, wanted) == 0;
        g_assert_cmpstr(status, !=, "failed");
        qobject_unref(response);
        raminate_wait(&rounds, wanted);
    }
}

static void assert_held_by_migration(QTestState *qts)
{
    RaminateTestPair pair = { 0, HOLE_END };
    QDict *info;

    raminate_wait_state(qts, "held");
    info = raminate_query(qts, "c");
    g_assert_cmpstr(qdict_get_str(info, "held-because"), ==,
                    "a migration is in progress");
    qobject_unref(info);
    raminate_assert_error(raminate_swap_pages(qts, &pair, 1),
                          "memory-backend-container 'c': pages can't be "
                          "exchanged: a migration is in progress");
}

static void test_migration(void)
{
    QTestState *source = start_source("");
    QTestState *destination = start_destination();
    uint64_t swaps;

    write_all(source, 1);
    swap_some(source);
    swaps = raminate_figure(source, "swaps");
    raminate_wait_state(destination, "waiting");
    begin_migration(source);
    assert_held_by_migration(source);

    /* What is written meanwhile must go over, too. */
    write_all(source, 2);
    g_assert_cmpuint(raminate_figure(source, "swaps"), ==, swaps);
    set_bandwidth(source, 1 << 30);
    wait_for_migration(source, "completed");
    raminate_wait_state(source, "held");
    qtest_qmp_eventwait(destination, "RESUME");
    qtest_quit(source);

    raminate_wait_state(destination, "running");
    assert_all(destination, 2);
    swap_some(destination);
    assert_all(destination, 2);
    raminate_wait_scans(destination, 3);
    qtest_quit(destination);
}

static void test_cancel(void)
{
    QTestState *source = start_source("");
    QTestState *destination = start_destination();

    write_all(source, 1);
    begin_migration(source);
    assert_held_by_migration(source);
    qtest_qmp_assert_success(source, "{ 'execute': 'migrate_cancel' }");
    wait_for_migration(source, "cancelled");
    raminate_wait_state(source, "running");
    swap_some(source);
    assert_all(source, 1);
    raminate_wait_scans(source, 3);
    qtest_set_expected_status(destination, 1);
    qtest_wait_qemu(destination);
    qtest_quit(destination);
    qtest_quit(source);
}

/* The placement isn't part of a snapshot; the contents are. */
static void test_snapshot(void)
{
    QTestState *qts;
    g_autofree char *saved = NULL;
    g_autofree char *loaded = NULL;

    if (!have_qemu_img() || !mkimg("disk", "qcow2", 16)) {
        g_test_skip("qemu-img is needed");
        return;
    }
    /* QEMU itself loses its channel to the disk each time. */
    g_setenv("LSAN_OPTIONS", "detect_leaks=0", false);
    qts = start_source("-drive if=none,file=disk,format=qcow2");
    g_unsetenv("LSAN_OPTIONS");
    write_all(qts, 1);
    raminate_assert_swap(qts, 0, HOLE_END);
    raminate_assert_swap(qts, 1, HOLE_END + 1);
    saved = qtest_hmp(qts, "savevm one");
    g_assert_cmpstr(saved, ==, "");
    raminate_assert_swap(qts, 0, HOLE_END);
    raminate_assert_swap(qts, 2, HOLE_END + 2);
    write_all(qts, 2);
    loaded = qtest_hmp(qts, "loadvm one");
    g_assert_cmpstr(loaded, ==, "");
    assert_all(qts, 1);
    g_assert_cmpuint(raminate_tier_of(qts, 0), ==, 0);
    g_assert_cmpuint(raminate_tier_of(qts, 1), ==, 1);
    g_assert_cmpuint(raminate_tier_of(qts, 2), ==, 1);
    raminate_assert_frame("nvm", 1, 1, 1);
    raminate_assert_swap(qts, 1, HOLE_END + 1);
    raminate_assert_page(qts, 1, 1);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/migration/complete", test_migration);
    qtest_add_func("raminate/migration/cancel", test_cancel);
    qtest_add_func("raminate/migration/snapshot", test_snapshot);
    return g_test_run();
}
