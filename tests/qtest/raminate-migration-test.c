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
        g_assert_true(done || g_strcmp0(status, "failed") != 0);
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
    said = raminate_run_fails("-display none " PC
                              " -object memory-backend-devmem,id=fast,"
                              "parent=c,size=512K,mem-path=dram2"
                              " -object memory-backend-devmem,id=slow,"
                              "parent=c,size=1536K,offset=512K,mem-path=nvm2"
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
    set_bandwidth(source, 1 << 30);
    qtest_qmp_assert_success(source, "{ 'execute': 'migrate', 'arguments':"
                             "  { 'uri': 'file:stream' } }");
    wait_for_migration(source, "completed");
    qtest_quit(source);
    g_assert_true(g_file_get_contents("stream", &stream, &size, NULL));
    assert_damage_found(stream, size, 6, "\xff\xff\xff\xff", 4,
                        "'c' can't be used: it is larger than 16 MiB");
    assert_damage_found(stream, size, 6, "\0\0\0\1", 4,
                        "'c' can't be used: it ends in the middle of a run");
    assert_damage_found(stream, size, 2, "\0\0\0\1", 4,
                        "'c' can't be used: a run goes past the last page");
    assert_damage_found(stream, size, 1, "\0", 1,
                        "'?' can't be used: there is no id");
}

/* Post-copy */

static QDict *set_capability(QTestState *qts, const char *name)
{
    return qtest_qmp(qts, "{ 'execute': 'migrate-set-capabilities',"
                     "  'arguments': { 'capabilities': ["
                     "    { 'capability': %s, 'state': true } ] } }", name);
}

static QDict *set_postcopy(QTestState *qts)
{
    return set_capability(qts, "postcopy-ram");
}

/* @slow: path of a file of 1 MiB; @args: more arguments */
static QTestState *start_destination_on(const char *slow, const char *args)
{
    g_autofree char *fast = raminate_make_nameless(true, 1 * MiB);

    g_assert_nonnull(fast);
    return qtest_initf(PC " -object memory-backend-devmem,id=fast,parent=c,"
                       "size=1M,mem-path=%s"
                       " -object memory-backend-devmem,id=slow,parent=c,"
                       "size=1M,offset=1M,mem-path=%s %s", fast, slow, args);
}

/* Writes memory, and again when some of it is over there. */
static void begin_postcopy(QTestState *source)
{
    unsigned rounds = 0;
    uint64_t sent = 0;

    write_all(source, 1);
    swap_some(source);
    set_bandwidth(source, 300 * KiB);
    qtest_qmp_assert_success(source, "{ 'execute': 'migrate', 'arguments':"
                             "  { 'uri': 'unix:migration.sock' } }");
    while (sent < 600 * KiB) {
        QDict *response = qtest_qmp(source, "{ 'execute': 'query-migrate' }");
        QDict *info = qdict_get_qdict(response, "return");

        if (qdict_haskey(info, "ram")) {
            sent = qdict_get_int(qdict_get_qdict(info, "ram"), "transferred");
        }
        qobject_unref(response);
        raminate_wait(&rounds, "pages to be sent");
    }
    write_all(source, 2);
}

/* Of mappings that show the files of the container's tiers */
static unsigned count_mappings(QTestState *qts)
{
    g_auto(GStrv) lines = raminate_host_mappings(qts);
    unsigned count = 0;

    for (char **line = lines; *line; line++) {
        count += strstr(*line, "/memfd:raminate-test") != NULL;
    }
    /* Each tier is mapped by itself as well. */
    return count - 2;
}

/* The kernel joins mappings that are alike: those that came over, and new. */
static void assert_mappings_joined(QTestState *qts)
{
    for (unsigned i = 0; i < 2; i++) {
        for (uint32_t page = 1; page < 20; page++) {
            raminate_assert_swap(qts, page, HOLE_END + page);
        }
        g_assert_cmpuint(count_mappings(qts), ==,
                         raminate_figure(qts, "mappings"));
    }
    g_assert_cmpuint(count_mappings(qts), ==, 2);
}

static void finish_postcopy(QTestState *source, QTestState *destination)
{
    /* So slow that the test sees the guest run without all of its memory. */
    qtest_qmp_assert_success(source, "{ 'execute': 'migrate-set-parameters',"
                             "  'arguments': {"
                             "    'max-postcopy-bandwidth': 200000 } }");
    qtest_qmp_assert_success(source, "{ 'execute': 'migrate-start-postcopy' }");
    qtest_qmp_eventwait(destination, "RESUME");
    raminate_assert_page(destination, PC_PAGES - 1, 2);
    assert_held_by_migration(destination);
    raminate_assert_page(destination, 0, 2);
    qtest_qmp_assert_success(source, "{ 'execute': 'migrate-set-parameters',"
                             "  'arguments': {"
                             "    'max-postcopy-bandwidth': 0 } }");
    wait_for_migration(source, "completed");
    wait_for_migration(destination, "completed");
}

static void test_postcopy(void)
{
    g_autofree char *slow = raminate_make_nameless(true, 1 * MiB);
    QTestState *source = start_source("");
    QTestState *destination = start_destination_on(slow, "-incoming defer");
    QDict *response = set_postcopy(destination);

    if (qdict_haskey(response, "error")) {
        const char *text = qdict_get_str(qdict_get_qdict(response, "error"),
                                         "desc");

        g_assert_nonnull(strstr(text, "serfault"));
        g_test_skip(text);
        qtest_quit(destination);
        qtest_quit(source);
        qobject_unref(response);
        return;
    }
    qobject_unref(response);
    qobject_unref(set_postcopy(source));
    qtest_qmp_assert_success(destination, "{ 'execute': 'migrate-incoming',"
                             "  'arguments': {"
                             "    'uri': 'unix:migration.sock' } }");
    begin_postcopy(source);
    finish_postcopy(source, destination);
    raminate_wait_state(source, "held");
    qtest_quit(source);

    raminate_wait_state(destination, "running");
    assert_all(destination, 2);
    assert_mappings_joined(destination);
    swap_some(destination);
    assert_all(destination, 2);
    raminate_wait_scans(destination, 3);
    qtest_quit(destination);
}

#define NOT_ON_TMPFS \
    "which is not a file on a tmpfs; put all tiers there, or migrate without " \
    "post-copy"

/* Returns: a file that post-copy can't work with; NULL if there is none. */
static char *make_unfit_file(void)
{
    char *path = raminate_make_nameless(false, 1 * MiB);

    if (!path) {
        g_test_skip("the test must be started in a directory of a file system "
                    "that has O_TMPFILE and is not a tmpfs");
    }
    return path;
}

static void test_postcopy_refused(void)
{
    g_autofree char *fast = raminate_make_nameless(true, 1 * MiB);
    g_autofree char *slow = make_unfit_file();
    g_autofree char *message = NULL;
    g_autofree char *args = NULL;
    QTestState *destination;

    if (!slow) {
        return;
    }
    message = g_strdup_printf("Postcopy is not supported: memory-backend-"
                              "container 'c': tier 'slow' is in %s, "
                              NOT_ON_TMPFS, slow);
    destination = start_destination_on(slow, "-incoming defer");
    raminate_assert_error(set_postcopy(destination), message);
    qtest_quit(destination);

    args = g_strdup_printf("-display none " PC
                           " -object memory-backend-devmem,id=fast,parent=c,"
                           "size=1M,mem-path=%s"
                           " -object memory-backend-devmem,id=slow,parent=c,"
                           "size=1M,offset=1M,mem-path=%s -incoming defer"
                           " -global migration.x-postcopy-ram=on", fast, slow);
    raminate_assert_run_fails(args, message);
}

/* Its node is on a tmpfs, its memory is not. */
static void test_postcopy_refused_device(void)
{
    QTestState *qts = qtest_init("-machine none -nodefaults -incoming defer");
    QDict *response;

    raminate_assert_object_add(qts, "memory-backend-devmem,id=m,size=2M,"
                               "mem-path=/dev/zero");
    raminate_assert_error(set_postcopy(qts), "Postcopy is not supported: "
                          "memory-backend-devmem 'm': /dev/zero is a device, "
                          "not a file on a tmpfs; use one, or migrate without "
                          "post-copy");
    raminate_assert_object_del(qts, "m");
    response = set_postcopy(qts);
    if (qdict_haskey(response, "error")) {
        /* The host may refuse it, as containers do. */
        g_assert_nonnull(strstr(qdict_get_str(qdict_get_qdict(response,
                                                              "error"),
                                              "desc"), "serfault"));
    }
    qobject_unref(response);
    qtest_quit(qts);
}

/* A container that comes later is seen before the guest depends on it. */
static void test_postcopy_refused_late(void)
{
    g_autofree char *slow = raminate_make_nameless(true, 1 * MiB);
    g_autofree char *unfit = make_unfit_file();
    g_autofree char *tier = NULL;
    g_autofree char *message = NULL;
    g_autofree char *said = NULL;
    QTestState *source, *destination;

    if (!unfit) {
        return;
    }
    tier = g_strdup_printf("memory-backend-devmem,id=late,parent=d,size=1M,"
                           "mem-path=%s", unfit);
    source = start_source("");
    destination = start_destination_on(slow, "-incoming defer 2>stderr");
    qobject_unref(set_postcopy(source));
    qobject_unref(set_postcopy(destination));
    raminate_assert_object_add(destination,
                               "memory-backend-container,id=d,size=1M");
    raminate_assert_object_add(destination, tier);
    qtest_qmp_assert_success(destination, "{ 'execute': 'migrate-incoming',"
                             "  'arguments': {"
                             "    'uri': 'unix:migration.sock' } }");
    write_all(source, 1);
    qtest_set_expected_status(destination, 1);
    qtest_qmp_assert_success(source, "{ 'execute': 'migrate', 'arguments':"
                             "  { 'uri': 'unix:migration.sock' } }");
    wait_for_migration(source, "failed");
    qtest_wait_qemu(destination);
    qtest_quit(destination);
    g_assert_true(g_file_get_contents("stderr", &said, NULL, NULL));
    message = g_strdup_printf("memory-backend-container 'd': tier 'late' is in "
                              "%s, " NOT_ON_TMPFS "\n", unfit);
    g_assert_nonnull(strstr(said, message));
    raminate_wait_state(source, "running");
    swap_some(source);
    assert_all(source, 1);
    qtest_quit(source);
}

/* Both need what a file on a disk hasn't, or what is not built in. */
static void test_refused_capabilities(void)
{
    g_autofree char *slow = make_unfit_file();
    const char *text;
    QDict *response;
    QTestState *qts;

    if (!slow) {
        return;
    }
    qts = start_destination_on(slow, "");
    response = set_capability(qts, "background-snapshot");
    text = qdict_get_str(qdict_get_qdict(response, "error"), "desc");
    /* The host may refuse it, as containers do. */
    if (!g_str_equal(text, "Background-snapshot is not supported by host "
                     "kernel")) {
        g_assert_cmpstr(text, ==, "Background-snapshot is not compatible with "
                        "guest memory configuration");
    }
    qobject_unref(response);
    raminate_assert_error(set_capability(qts, "x-colo"),
                          "QEMU compiled without replication module can't "
                          "enable COLO");
    raminate_wait_state(qts, "running");
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/migration/complete", test_migration);
    qtest_add_func("raminate/migration/cancel", test_cancel);
    qtest_add_func("raminate/migration/snapshot", test_snapshot);
    qtest_add_func("raminate/migration/heat", test_heat);
    qtest_add_func("raminate/migration/heat-off", test_heat_off);
    qtest_add_func("raminate/migration/heat-without-container",
                   test_heat_without_container);
    qtest_add_func("raminate/migration/heat-without-monitor",
                   test_heat_without_monitor);
    qtest_add_func("raminate/migration/damaged-heat", test_damaged_heat);
    qtest_add_func("raminate/migration/postcopy", test_postcopy);
    qtest_add_func("raminate/migration/postcopy-refused",
                   test_postcopy_refused);
    qtest_add_func("raminate/migration/postcopy-refused-device",
                   test_postcopy_refused_device);
    qtest_add_func("raminate/migration/postcopy-refused-late",
                   test_postcopy_refused_late);
    qtest_add_func("raminate/migration/refused-capabilities",
                   test_refused_capabilities);
    return g_test_run();
}
