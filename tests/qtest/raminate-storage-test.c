/*
 * RAMinate: batches give way to block I/O that takes long
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include <sys/ptrace.h>
#include <sys/wait.h>
#include "qobject/qlist.h"
#include "raminate-common.h"

#define NS_PER_MS 1000000LL

/* A disk of which each request takes ten seconds */
#define LATENCY_MS 10000
#define SLOW_DISK \
    "-drive if=none,id=d,driver=null-co,size=1M,read-zeroes=on," \
    "latency-ns=10000000000"

/*
 * An answer takes 20 ms more than usual, and far less than the disk, though
 * the test's machine may be busy.
 */
#define LONGEST_MS 2000

#define IN_FLIGHT \
    "block I/O is in flight: requests of a disk have not ended within 20 ms; " \
    "later batches try again"
#define IOTHREAD_BUSY "an I/O thread is busy: it has not answered "
#define THROTTLED \
    "requests of a disk wait for its I/O limits, which a batch would lift; " \
    "later batches try again"

static int64_t now_ms(void)
{
    return g_get_monotonic_time() / 1000;
}

/* Has the disk "d" read, in the background. */
static void start_read(QTestState *qts)
{
    g_autofree char *out = qtest_hmp(qts, "qemu-io d \"aio_read -q 0 4096\"");

    g_assert_cmpstr(out, ==, "");
}

/* Tries a swap, which must be given up within a short time. */
static void assert_given_up(QTestState *qts, const char *reason)
{
    RaminateTestPair pair = { 0, FAST_PAGES };
    uint64_t before = raminate_figure(qts, "batches-given-up");
    int64_t start = now_ms();
    QDict *response = raminate_swap_pages(qts, &pair, 1);
    QDict *error = qdict_get_qdict(response, "error");

    g_assert_cmpint(now_ms() - start, <, LONGEST_MS);
    g_assert_nonnull(error);
    g_test_message("%s", qdict_get_str(error, "desc"));
    g_assert_true(g_str_has_prefix(qdict_get_str(error, "desc"), reason));
    g_assert_cmpuint(raminate_figure(qts, "batches-given-up"), >, before);
    qobject_unref(response);
}

/* Waits until the placer is there to exchange pages. */
static void wait_for_placer(QTestState *qts)
{
    raminate_assert_swap(qts, 1, FAST_PAGES + 1);
}

static void test_by_command(void)
{
    QTestState *qts = raminate_start(",policy=null", SLOW_DISK);
    int64_t start;

    wait_for_placer(qts);
    raminate_write_page(qts, 0, 1);
    start = now_ms();
    start_read(qts);
    assert_given_up(qts, IN_FLIGHT);
    assert_given_up(qts, IN_FLIGHT);
    g_assert_cmpint(now_ms() - start, <, LATENCY_MS);
    g_assert_cmpuint(raminate_tier_of(qts, 0), ==, 0);

    /* When the request has ended, it goes on. */
    raminate_assert_swap(qts, 0, FAST_PAGES);
    g_assert_cmpint(now_ms() - start, >=, LATENCY_MS);
    g_assert_cmpuint(raminate_tier_of(qts, 0), ==, 1);
    raminate_assert_page(qts, 0, 1);
    qtest_quit(qts);
}

/* Returns: longest time that an answer took until @name was @value. */
static int64_t write_until_figure(QTestState *qts, const char *name,
                                  uint64_t value)
{
    int64_t longest = 0;
    int64_t start = now_ms();
    unsigned rounds = 0;

    while (raminate_figure(qts, name) < value) {
        longest = MAX(longest, now_ms() - start);
        raminate_write_page(qts, NR_PAGES - 1, 0);
        raminate_wait(&rounds, name);
        start = now_ms();
    }
    return MAX(longest, now_ms() - start);
}

#define PLANNED ",policy=lru,scan-period=10,swap-period=100"

static void test_planned(void)
{
    QTestState *qts = raminate_start(PLANNED, SLOW_DISK);
    QDict *info;
    QDict *times;

    start_read(qts);
    g_assert_cmpint(write_until_figure(qts, "batches-given-up", 10), <,
                    LONGEST_MS);
    info = raminate_query(qts, "c");
    g_assert_cmpuint(qdict_get_int(info, "swaps"), ==, 0);
    g_assert_cmpstr(qdict_get_str(info, "state"), ==, "held");
    g_assert_cmpstr(qdict_get_str(info, "held-because"), ==, IN_FLIGHT);
    /* Each attempt held the main loop for 20 ms. */
    times = qdict_get_qdict(info, "main-loop-time");
    g_assert_cmpuint(qdict_get_int(times, "count"), >=, 10);
    g_assert_cmpuint(qdict_get_int(times, "total"), >=, 10 * 19 * NS_PER_MS);
    qobject_unref(info);

    g_assert_cmpint(write_until_figure(qts, "swaps", 1), <, LONGEST_MS);
    raminate_wait_state(qts, "running");
    qtest_quit(qts);
}

/* The guest's own disk is fast, but a job's target is not. */
static void test_job(void)
{
    QTestState *qts = raminate_start(
        PLANNED,
        "-blockdev null-co,node-name=disk,size=1048576,read-zeroes=on "
        "-blockdev null-co,node-name=target,size=1048576,"
        "latency-ns=4000000000");
    uint64_t given_up;

    qtest_qmp_assert_success(qts, "{ 'execute': 'blockdev-backup',"
                             "  'arguments': { 'job-id': 'j', 'sync': 'full',"
                             "    'device': 'disk', 'target': 'target' } }");
    g_assert_cmpint(write_until_figure(qts, "batches-given-up", 10), <,
                    LONGEST_MS);

    /* It was paused and resumed, and comes to its end. */
    qtest_qmp_eventwait(qts, "BLOCK_JOB_COMPLETED");
    given_up = raminate_figure(qts, "batches-given-up");
    write_until_figure(qts, "swaps", 1);
    g_assert_cmpuint(raminate_figure(qts, "batches-given-up"), <=,
                     given_up + 1);
    qtest_quit(qts);
}

static pid_t iothread_id(QTestState *qts)
{
    QDict *response = qtest_qmp(qts, "{ 'execute': 'query-iothreads' }");
    QDict *iothread =
        qobject_to(QDict, qlist_peek(qdict_get_qlist(response, "return")));
    pid_t id = qdict_get_int(iothread, "thread-id");

    qobject_unref(response);
    return id;
}

/* An I/O thread that stands still, as in a system call that does not return */
static void test_iothread(void)
{
    QTestState *qts = raminate_start(",policy=null", "-object iothread,id=io");
    pid_t id = iothread_id(qts);

    wait_for_placer(qts);
    if (ptrace(PTRACE_ATTACH, id, NULL, NULL) < 0) {
        g_test_skip("tracing is not permitted here");
        qtest_quit(qts);
        return;
    }
    g_assert_cmpint(waitpid(id, NULL, __WALL), ==, id);
    assert_given_up(qts, IOTHREAD_BUSY);
    assert_given_up(qts, IOTHREAD_BUSY "since the last batch");
    g_assert_cmpint(ptrace(PTRACE_DETACH, id, NULL, NULL), ==, 0);
    raminate_assert_swap(qts, 0, FAST_PAGES);
    qtest_quit(qts);
}

static uint64_t reads_done(QTestState *qts)
{
    QDict *response = qtest_qmp(qts, "{ 'execute': 'query-blockstats' }");
    QDict *disk =
        qobject_to(QDict, qlist_peek(qdict_get_qlist(response, "return")));
    uint64_t reads =
        qdict_get_int(qdict_get_qdict(disk, "stats"), "rd_operations");

    qobject_unref(response);
    return reads;
}

/* A batch doesn't lift the limits of a disk.  Their clock is the test's. */
static void throttled(const char *args)
{
    QTestState *qts = raminate_start(",policy=null", args);
    uint64_t reads;

    wait_for_placer(qts);
    for (unsigned i = 0; i < 8; i++) {
        start_read(qts);
    }
    reads = reads_done(qts);
    g_assert_cmpuint(reads, <, 8);
    assert_given_up(qts, THROTTLED);
    g_assert_cmpuint(reads_done(qts), ==, reads);

    while (reads_done(qts) < 8) {
        qtest_clock_step(qts, 1000 * NS_PER_MS);
    }
    raminate_assert_swap(qts, 0, FAST_PAGES);
    qtest_quit(qts);
}

static void test_throttled_drive(void)
{
    throttled("-drive if=none,id=d,driver=null-co,size=1M,read-zeroes=on,"
              "throttling.iops-total=1");
}

static void test_throttled_node(void)
{
    throttled("-object throttle-group,id=limits,x-iops-total=1 "
              "-drive if=none,id=d,driver=throttle,throttle-group=limits,"
              "file.driver=null-co,file.size=1M,file.read-zeroes=on");
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/storage/by-command", test_by_command);
    qtest_add_func("raminate/storage/planned", test_planned);
    qtest_add_func("raminate/storage/job", test_job);
    qtest_add_func("raminate/storage/iothread", test_iothread);
    qtest_add_func("raminate/storage/throttled/drive", test_throttled_drive);
    qtest_add_func("raminate/storage/throttled/node", test_throttled_node);
    return g_test_run();
}
