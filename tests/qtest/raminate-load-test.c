/*
 * RAMinate: many objects one after another, and many VMs at once
 *
 * With -m slow, as "make check-load" starts it, there are as many as may be in
 * the life of a VM; else fewer.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/units.h"
#include "raminate-common.h"

static unsigned choose(unsigned few, unsigned many)
{
    return g_test_slow() ? many : few;
}

/* What QEMU takes of the host */

#define KEPT_MAPPINGS 4             /* that a heap or a stack more may take */
#define KEPT_BYTES (4 * MiB)        /* that the C library may keep for later */

typedef struct Use {
    unsigned fds;
    unsigned threads;
    unsigned mappings;
    uint64_t resident;              /* bytes */
} Use;

static unsigned count_files(QTestState *qts, const char *name)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/%s", qtest_pid(qts),
                                            name);
    GDir *dir = g_dir_open(path, 0, NULL);
    unsigned nr = 0;

    g_assert_nonnull(dir);
    while (g_dir_read_name(dir)) {
        nr++;
    }
    g_dir_close(dir);
    return nr;
}

static uint64_t resident_bytes(QTestState *qts)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/statm", qtest_pid(qts));
    g_autofree char *text = NULL;
    unsigned long size, resident;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpint(sscanf(text, "%lu %lu", &size, &resident), ==, 2);
    return (uint64_t)resident * PAGE_SIZE;
}

static Use use_of(QTestState *qts)
{
    g_auto(GStrv) lines = raminate_host_mappings(qts);

    return (Use) {
        .fds = count_files(qts, "fd"),
        .threads = count_files(qts, "task"),
        .mappings = g_strv_length(lines),
        .resident = resident_bytes(qts),
    };
}

static bool is_back(const Use *now, const Use *before)
{
    bool memory = now->mappings <= before->mappings + KEPT_MAPPINGS &&
                  now->resident <= before->resident + KEPT_BYTES;

#ifdef __SANITIZE_ADDRESS__
    /* It keeps what is freed, and reports what isn't when QEMU ends. */
    memory = true;
#endif
    return now->fds <= before->fds && now->threads <= before->threads &&
           memory;
}

/* What was deleted is given back a little later. */
static void assert_back(QTestState *qts, const Use *before)
{
    Use now = use_of(qts);

    for (unsigned rounds = 0; !is_back(&now, before);) {
        if (rounds % 100 == 99) {
            g_test_message("fds %u, threads %u, mappings %u, resident "
                           "%" PRIu64 "; before %u, %u, %u, %" PRIu64,
                           now.fds, now.threads, now.mappings, now.resident,
                           before->fds, before->threads, before->mappings,
                           before->resident);
        }
        raminate_wait(&rounds, "what deleted objects had");
        now = use_of(qts);
    }
}

/* Objects */

#define FAST_TIER \
    "memory-backend-devmem,id=fast,parent=c,size=1M,mem-path=dram"
#define SLOW_TIER \
    "memory-backend-devmem,id=slow,parent=c,size=3M,mem-path=nvm,offset=1M"
#define WARM_ROUNDS 10

/* Objects are made, used and deleted. */
static void one_round(QTestState *qts, bool dimm)
{
    raminate_assert_object_add(qts, "memory-backend-container,id=c,size=4M,"
                               "policy=lru,scan-period=1,swap-period=1");
    raminate_assert_object_add(qts, FAST_TIER);
    raminate_assert_object_add(qts, SLOW_TIER);
    if (dimm) {
        qtest_qmp_device_add(qts, "pc-dimm", "dimm", "{'memdev': 'c'}");
    }
    raminate_assert_swap(qts, 3, 700);
    raminate_wait_figure(qts, "scans", 1);
    if (dimm) {
        raminate_eject_dimm(qts);
    }
    raminate_assert_object_del(qts, "c");
    /* At once */
    raminate_assert_object_del(qts, "slow");
    raminate_assert_object_del(qts, "fast");
}

static void many_rounds(QTestState *qts, bool dimm)
{
    unsigned nr = choose(50, 1000);
    Use before;

    raminate_make_file("dram", 1 * MiB);
    raminate_make_file("nvm", 3 * MiB);
    for (unsigned i = 0; i < WARM_ROUNDS; i++) {
        one_round(qts, dimm);
    }
    g_usleep(100 * 1000);
    before = use_of(qts);
    for (unsigned i = 0; i < nr; i++) {
        one_round(qts, dimm);
    }
    assert_back(qts, &before);
    qtest_quit(qts);
}

static void test_objects(void)
{
    many_rounds(qtest_init("-machine none"), false);
}

static void test_objects_of_dimm(void)
{
    many_rounds(qtest_init("-machine pc -m 16M,slots=1,maxmem=1G"), true);
}

/* VMs that share pools */

#define NR_VMS 32
#define VM_FAST (1 * MiB)
#define VM_SLOW (7 * MiB)
#define POOLS "pools.conf"

static void make_pools(unsigned nr)
{
    g_autofree char *here = g_get_current_dir();
    g_autofree char *path = g_build_filename(here, POOLS, NULL);
    g_autofree char *text = g_strdup_printf(
        "[pool fast]\npath=%s/dram\nranges=0+%uM\n"
        "[pool slow]\npath=%s/nvm\nranges=0+%uM\n", here,
        (unsigned)(nr * VM_FAST / MiB), here, (unsigned)(nr * VM_SLOW / MiB));

    raminate_make_file("dram", nr * VM_FAST);
    raminate_make_file("nvm", nr * VM_SLOW);
    g_assert_true(g_file_set_contents(POOLS, text, -1, NULL));
    g_setenv("RAMINATE_POOLS", path, true);
}

/* Returns: a PC whose firmware runs, with a busy monitor. */
static QTestState *start_vm(void)
{
    return qtest_init("-accel tcg -machine pc,memory-backend=c -m 8M"
                      " -nodefaults -object memory-backend-container,id=c,"
                      "size=8M,policy=lru,scan-period=50,swap-period=50"
                      " -object memory-backend-devmem,id=fast,parent=c,"
                      "size=1M,pool=fast"
                      " -object memory-backend-devmem,id=slow,parent=c,"
                      "size=7M,pool=slow,offset=1M");
}

static uint64_t range_of(QTestState *qts, const char *path)
{
    QDict *response = raminate_qom_get(qts, path, "phy-offset");
    uint64_t start = qdict_get_int(response, "return");

    qobject_unref(response);
    return start;
}

/* All ranges have one size, so that each begins at a multiple of it. */
static void assert_apart(QTestState **vms, unsigned nr, const char *path,
                         uint64_t size)
{
    bool taken[NR_VMS] = { false };

    for (unsigned i = 0; i < nr; i++) {
        uint64_t start = range_of(vms[i], path);

        g_assert_cmpuint(start % size, ==, 0);
        g_assert_cmpuint(start / size, <, nr);
        g_assert_false(taken[start / size]);
        taken[start / size] = true;
    }
}

/* Returns: whether a process has a range of the file locked. */
static bool is_locked(const char *name)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    int fd = open(name, O_RDWR | O_CLOEXEC);
    int ret;

    g_assert_cmpint(fd, >=, 0);
    ret = fcntl(fd, F_OFD_GETLK, &lock);
    close(fd);
    g_assert_cmpint(ret, ==, 0);
    return lock.l_type != F_UNLCK;
}

/* Starts every @step-th VM; the others run. */
static void start_vms(QTestState **vms, unsigned nr, unsigned step)
{
    for (unsigned i = 0; i < nr; i += step) {
        vms[i] = start_vm();
    }
    assert_apart(vms, nr, "/objects/fast", VM_FAST);
    assert_apart(vms, nr, "/objects/slow", VM_SLOW);
}

/* libqtest takes it for a fault if QEMU is killed: what it has is kept. */
static void kill_vm(QTestState *vm)
{
    static GSList *killed;

    killed = g_slist_prepend(killed, vm);
    g_assert_cmpint(kill(qtest_pid(vm), SIGKILL), ==, 0);
    for (unsigned rounds = 0; qtest_probe_child(vm);) {
        raminate_wait(&rounds, "a VM to be gone");
    }
}

static void test_vms(void)
{
    unsigned nr = choose(8, NR_VMS);
    QTestState *vms[NR_VMS];

    make_pools(nr);
    start_vms(vms, nr, 1);
    for (unsigned i = 0; i < nr; i++) {
        raminate_wait_figure(vms[i], "scans", 2);
    }
    g_assert_true(is_locked("dram") && is_locked("nvm"));

    /* Ranges of those that were killed are free for others. */
    for (unsigned i = 0; i < nr; i += 2) {
        kill_vm(vms[i]);
    }
    start_vms(vms, nr, 2);
    for (unsigned i = 0; i < nr; i++) {
        raminate_wait_scans(vms[i], 1);
    }
    for (unsigned i = 0; i < nr; i++) {
        if (i % 2) {
            kill_vm(vms[i]);
        } else {
            qtest_quit(vms[i]);
        }
    }
    g_assert_false(is_locked("dram") || is_locked("nvm"));
    g_unsetenv("RAMINATE_POOLS");
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/load/objects", test_objects);
    qtest_add_func("raminate/load/objects-of-dimm", test_objects_of_dimm);
    qtest_add_func("raminate/load/vms", test_vms);
    return g_test_run();
}
