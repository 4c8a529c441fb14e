/*
 * RAMinate: post-copy, and what migration refuses
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/units.h"
#include "migrating.h"

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
    return count;
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

static void set_postcopy_bandwidth(QTestState *source, unsigned value)
{
    qtest_qmp_assert_success(source, "{ 'execute': 'migrate-set-parameters',"
                             "  'arguments': {"
                             "    'max-postcopy-bandwidth': %u } }", value);
}

/* So slow that the test sees the guest run without all of its memory. */
static void switch_over(QTestState *source, QTestState *destination)
{
    set_postcopy_bandwidth(source, 200000);
    qtest_qmp_assert_success(source, "{ 'execute': 'migrate-start-postcopy' }");
    qtest_qmp_eventwait(destination, "RESUME");
    raminate_assert_page(destination, PC_PAGES - 1, 2);
    assert_held_by_migration(destination);
    raminate_assert_page(destination, 0, 2);
}

/* Cuts the channel, and goes on by another. */
static void cut_and_recover(QTestState *source, QTestState *destination)
{
    qtest_qmp_assert_success(source, "{ 'execute': 'migrate-pause' }");
    wait_for_migration(source, "postcopy-paused");
    wait_for_migration(destination, "postcopy-paused");
    assert_held_by_migration(destination);
    qtest_qmp_assert_success(destination, "{ 'execute': 'migrate-recover',"
                             "  'arguments': {"
                             "    'uri': 'unix:recovery.sock' } }");
    qtest_qmp_assert_success(source, "{ 'execute': 'migrate', 'arguments':"
                             "  { 'uri': 'unix:recovery.sock',"
                             "    'resume': true } }");
}

/* What the source sends as zeroes, among it pages that have moved */
#define ZERO_FIRST 300
#define ZERO_PAGES 32

/* Returns: how much the source's tiers take on their file system, in bytes. */
static uint64_t allocated(void)
{
    uint64_t sum = 0;
    struct stat st;

    for (unsigned i = 0; i < 2; i++) {
        g_assert_cmpint(stat(i ? "nvm" : "dram", &st), ==, 0);
        sum += st.st_blocks * 512;
    }
    return sum;
}

static void zero_some(QTestState *qts)
{
    qtest_memset(qts, ZERO_FIRST * PAGE_SIZE, 0, ZERO_PAGES * PAGE_SIZE);
}

/* Writes again what must have come as zeroes. */
static void write_zeroed(QTestState *qts, uint32_t generation)
{
    for (uint32_t page = ZERO_FIRST; page < ZERO_FIRST + ZERO_PAGES; page++) {
        raminate_assert_zero_page(qts, page);
        raminate_write_page(qts, page, generation);
    }
}

/*
 * @cut: whether the channel is lost meanwhile
 * @release: whether the source gives back what is at the destination
 */
static void postcopy(bool cut, bool release)
{
    g_autofree char *slow = raminate_make_nameless(true, 1 * MiB);
    QTestState *source = start_source("");
    QTestState *destination = start_destination_on(slow, "-incoming defer");
    QDict *response = set_postcopy(destination);
    uint64_t before;

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
    if (release) {
        qobject_unref(set_capability(source, "release-ram"));
    }
    begin_postcopy(source);
    if (release) {
        zero_some(source);
    }
    before = allocated();
    switch_over(source, destination);
    if (cut) {
        cut_and_recover(source, destination);
    }
    set_postcopy_bandwidth(source, 0);
    wait_for_migration(source, "completed");
    wait_for_migration(destination, "completed");
    raminate_wait_state(source, "held");
    if (release) {
        g_assert_cmpuint(allocated() + ZERO_PAGES * PAGE_SIZE, <=, before);
    }
    qtest_quit(source);

    raminate_wait_state(destination, "running");
    if (release) {
        write_zeroed(destination, 2);
    }
    assert_all(destination, 2);
    assert_mappings_joined(destination);
    swap_some(destination);
    assert_all(destination, 2);
    raminate_wait_scans(destination, 3);
    qtest_quit(destination);
}

static void test_postcopy(void)
{
    postcopy(false, false);
}

static void test_postcopy_recovers(void)
{
    postcopy(true, false);
}

static void test_postcopy_releases(void)
{
    postcopy(false, true);
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
    qtest_add_func("raminate/migration/postcopy", test_postcopy);
    qtest_add_func("raminate/migration/postcopy-recovers",
                   test_postcopy_recovers);
    qtest_add_func("raminate/migration/postcopy-releases",
                   test_postcopy_releases);
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
