/*
 * RAMinate: migration and snapshots keep what the guest has written
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/units.h"
#include "migrating.h"

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

/* So slow that it doesn't end by itself while a test looks. */
static void begin_migration(QTestState *qts)
{
    set_bandwidth(qts, 4096);
    qtest_qmp_assert_success(qts, "{ 'execute': 'migrate', 'arguments':"
                             "  { 'uri': 'unix:migration.sock' } }");
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

/* Heat goes along */

#define HOT_FIRST 300
#define HOT_NR 8
#define HOT_SCAN_MS 200

static QTestState *start_hot_source(const char *heat)
{
    QTestState *qts = start_source("");

    qtest_qom_set_bool(qts, "/objects/c", "migrate-heat",
                       g_str_equal(heat, "on"));
    /* On a slow host, the heat must last until the guest has arrived. */
    raminate_set_uint(qts, "scan-period", HOT_SCAN_MS);
    write_all(qts, 1);
    for (uint32_t i = 0; i < HOT_NR; i++) {
        raminate_assert_swap(qts, i, HOT_FIRST + i);
    }
    for (unsigned scan = 0; scan < 4; scan++) {
        for (uint32_t i = 0; i < HOT_NR; i++) {
            raminate_write_page(qts, HOT_FIRST + i, 2);
        }
        raminate_wait_scans(qts, 1);
    }
    raminate_set_uint(qts, "scan-period", 3600000);
    return qts;
}

/* @args: of the destination's memory */
static QTestState *migrate_hot(const char *heat, const char *args)
{
    QTestState *source = start_hot_source(heat);
    QTestState *destination;

    raminate_make_file("dram2", 512 * KiB);
    raminate_make_file("nvm2", 1536 * KiB);
    destination = qtest_initf("-machine pc,memory-backend=c -m 2M -nodefaults "
                              "%s -incoming unix:migration.sock", args);
    set_bandwidth(source, 1 << 30);
    qtest_qmp_assert_success(source, "{ 'execute': 'migrate', 'arguments':"
                             "  { 'uri': 'unix:migration.sock' } }");
    wait_for_migration(source, "completed");
    qtest_qmp_eventwait(destination, "RESUME");
    for (uint32_t page = 0; page < HOLE_FIRST; page++) {
        raminate_assert_page(destination, page, 1);
    }
    for (uint32_t i = 0; i < HOT_NR; i++) {
        raminate_assert_page(destination, HOT_FIRST + i, 2);
    }
    qtest_quit(source);
    return destination;
}

/* Nothing is written there, so that its policy has no reason for a move. */
#define TIERS_THERE \
    " -object memory-backend-devmem,id=fast,parent=c,size=512K," \
    "mem-path=dram2" \
    " -object memory-backend-devmem,id=slow,parent=c,size=1536K,offset=512K," \
    "mem-path=nvm2"
#define PC_THERE \
    "-object memory-backend-container,id=c,size=2M,policy=cmq," \
    "scan-period=" stringify(HOT_SCAN_MS) ",swap-period=1,life-time=3600000" \
    TIERS_THERE

static void test_heat(void)
{
    QTestState *qts = migrate_hot("on", PC_THERE);
    unsigned rounds = 0;

    for (uint32_t i = 0; i < HOT_NR; i++) {
        while (raminate_tier_of(qts, HOT_FIRST + i) != 0) {
            raminate_wait(&rounds, "hot pages to be brought up");
        }
        raminate_assert_page(qts, HOT_FIRST + i, 2);
    }
    g_assert_cmpuint(raminate_figure(qts, "swaps"), ==, HOT_NR);
    qtest_quit(qts);
}

/* As a stream from a QEMU that doesn't know it */
static void test_heat_off(void)
{
    QTestState *qts = migrate_hot("off", PC_THERE);

    raminate_wait_figure(qts, "scans", 3);
    g_assert_cmpuint(raminate_figure(qts, "swaps"), ==, 0);
    qtest_quit(qts);
}

/* Ends @source.  @size: returns that of its stream, to be freed with g_free(). */
static char *migrate_to_file(QTestState *source, const char *name, gsize *size)
{
    g_autofree char *uri = g_strdup_printf("file:%s", name);
    char *stream;

    set_bandwidth(source, 1 << 30);
    qtest_qmp_assert_success(source, "{ 'execute': 'migrate',"
                             "  'arguments': { 'uri': %s } }", uri);
    wait_for_migration(source, "completed");
    qtest_quit(source);
    g_assert_true(g_file_get_contents(name, &stream, size, NULL));
    return stream;
}

/*
 * From a QEMU that has no container, on a machine of an older version: what it
 * sends is what any QEMU did before there was heat.
 */
static void test_from_ordinary_memory(void)
{
    const char *const machine =
        "-machine pc-i440fx-9.2,memory-backend=c -m 2M -nodefaults";
    QTestState *source = qtest_initf("%s -object memory-backend-ram,id=c,"
                                     "size=2M", machine);
    QTestState *destination;
    g_autofree char *stream = NULL;
    gsize size;

    raminate_make_file("dram2", 512 * KiB);
    raminate_make_file("nvm2", 1536 * KiB);
    write_all(source, 1);
    stream = migrate_to_file(source, "older", &size);
    g_assert_null(memmem(stream, size, "raminate", strlen("raminate")));
    destination = qtest_initf("%s " PC_THERE " -incoming file:older", machine);
    raminate_wait_state(destination, "running");
    assert_all(destination, 1);
    swap_some(destination);
    assert_all(destination, 1);
    qtest_quit(destination);
}

static void test_heat_without_container(void)
{
    qtest_quit(migrate_hot("on", "-object memory-backend-ram,id=c,size=2M"));
}

static void test_heat_without_monitor(void)
{
    QTestState *qts = migrate_hot("on", "-object memory-backend-container,"
                                  "id=c,size=2M,monitor=off" TIERS_THERE);

    raminate_wait_state(qts, "off");
    qtest_quit(qts);
}

/* Changes the stream at @offset behind the head of the section. */
static void assert_damage_found(const char *stream, size_t size,
                                size_t offset, const char *bytes, size_t nr,
                                const char *what)
{
    g_autofree char *damaged = g_memdup2(stream, size);
    g_autofree char *message = NULL;
    g_autofree char *said = NULL;
    const char *name = "raminate-heat";
    char *section = memmem(damaged, size, name, strlen(name));

    g_assert_nonnull(section);
    /* The instance and the version come between. */
    memcpy(section + strlen(name) + 8 + offset, bytes, nr);
    g_assert_true(g_file_set_contents("damaged", damaged, size, NULL));
    said = raminate_incoming_fails(
        "-display none " PC " -object memory-backend-devmem,id=fast,"
        "parent=c,size=512K,mem-path=dram2 -object memory-backend-devmem,"
        "id=slow,parent=c,size=1536K,offset=512K,mem-path=nvm2"
        " -incoming file:damaged");
    message = g_strdup_printf("migration: the heat of memory-backend-"
                              "container %s; the data is damaged, or not from "
                              "QEMU: migrate again, or with migrate-heat=off "
                              "at the source", what);
    if (!strstr(said, message)) {
        g_error("%s", said);
    }
}

/* Behind the head are the id's length, the id, pages, size, and runs. */
static void test_damaged_heat(void)
{
    QTestState *source = start_hot_source("on");
    g_autofree char *stream = NULL;
    gsize size;

    raminate_make_file("dram2", 512 * KiB);
    raminate_make_file("nvm2", 1536 * KiB);
    stream = migrate_to_file(source, "stream", &size);
    assert_damage_found(stream, size, 6, "\xff\xff\xff\xff", 4,
                        "'c' can't be used: it is larger than 16 MiB");
    assert_damage_found(stream, size, 6, "\0\0\0\1", 4,
                        "'c' can't be used: it ends in the middle of a run");
    assert_damage_found(stream, size, 2, "\0\0\0\1", 4,
                        "'c' can't be used: a run goes past the last page");
    assert_damage_found(stream, size, 1, "\0", 1,
                        "'?' can't be used: there is no id");
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/migration/complete", test_migration);
    qtest_add_func("raminate/migration/cancel", test_cancel);
    qtest_add_func("raminate/migration/snapshot", test_snapshot);
    qtest_add_func("raminate/migration/heat", test_heat);
    qtest_add_func("raminate/migration/heat-off", test_heat_off);
    qtest_add_func("raminate/migration/from-ordinary-memory",
                   test_from_ordinary_memory);
    qtest_add_func("raminate/migration/heat-without-container",
                   test_heat_without_container);
    qtest_add_func("raminate/migration/heat-without-monitor",
                   test_heat_without_monitor);
    qtest_add_func("raminate/migration/damaged-heat", test_damaged_heat);
    return g_test_run();
}
