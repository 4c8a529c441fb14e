/*
 * RAMinate: a VM's frames are its own, and hold nothing of others
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/units.h"
#include "qobject/qdict.h"
#include "raminate-common.h"

#define VM MACHINE " -object " CONTAINER " -object " FAST " -object " SLOW
#define OLD_DATA 0xa5

/* Scrubbing */

static void fill_file(const char *name, uint64_t size)
{
    g_autofree uint8_t *data = g_malloc(size);

    memset(data, OLD_DATA, size);
    raminate_write_file(name, 0, data, size);
}

static void make_old_files(void)
{
    raminate_make_tier_files();
    fill_file("dram", (FAST_FIRST + FAST_PAGES) * PAGE_SIZE);
    fill_file("nvm", (SLOW_FIRST + SLOW_PAGES) * PAGE_SIZE);
}

static void assert_all(const uint8_t *data, size_t size, uint8_t value)
{
    for (size_t i = 0; i < size; i++) {
        g_assert_cmphex(data[i], ==, value);
    }
}

static void assert_guest_reads(QTestState *qts, uint64_t addr, uint64_t size,
                               uint8_t value)
{
    g_autofree uint8_t *data = g_malloc(size);

    qtest_memread(qts, addr, data, size);
    assert_all(data, size, value);
}

static void assert_file_holds(const char *name, uint64_t offset,
                              uint64_t size, uint8_t value)
{
    g_autofree uint8_t *data = g_malloc(size);

    raminate_read_file(name, offset, data, size);
    assert_all(data, size, value);
}

/* What is outside of the range is somebody else's. */
static void test_scrub_on(void)
{
    QTestState *qts;

    make_old_files();
    qts = qtest_init(VM);
    assert_guest_reads(qts, 0, NR_PAGES * PAGE_SIZE, 0);
    assert_file_holds("dram", 0, FAST_FIRST * PAGE_SIZE, OLD_DATA);
    assert_file_holds("nvm", 0, SLOW_FIRST * PAGE_SIZE, OLD_DATA);
    qtest_quit(qts);
}

static void test_scrub_ends_with_range(void)
{
    QTestState *qts;

    make_old_files();
    qts = qtest_init("-machine none,memory-backend=d -m 64K "
                     "-object memory-backend-devmem,id=d,"
                     "size=64K,mem-path=dram,phy-offset=64K");
    assert_file_holds("dram", 0, 64 * KiB, OLD_DATA);
    assert_file_holds("dram", 64 * KiB, 64 * KiB, 0);
    assert_file_holds("dram", 128 * KiB, 192 * KiB, OLD_DATA);
    qtest_quit(qts);
}

/* It isn't known yet what the range is for. */
static void test_scrub_waits_for_use(void)
{
    QTestState *qts;

    make_old_files();
    qts = qtest_init("-machine none -object memory-backend-devmem,id=d,"
                     "size=64K,mem-path=dram,phy-offset=64K");
    assert_file_holds("dram", 0, 256 * KiB, OLD_DATA);
    qtest_quit(qts);
}

static void test_scrub_off(void)
{
    QTestState *qts;

    make_old_files();
    qts = qtest_init(MACHINE " -object " CONTAINER " -object " FAST
                     " -object " SLOW ",scrub=off");
    assert_guest_reads(qts, 0, FAST_PAGES * PAGE_SIZE, 0);
    assert_guest_reads(qts, FAST_PAGES * PAGE_SIZE, SLOW_PAGES * PAGE_SIZE,
                       OLD_DATA);
    qtest_quit(qts);
}

/* The frames of one VM are clean when the next one gets them. */
static void test_scrub_after_use(void)
{
    QTestState *qts;

    raminate_make_tier_files();
    qts = qtest_init(VM);
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_write_page(qts, page, 1);
    }
    raminate_assert_swap(qts, 0, NR_PAGES - 1);
    qtest_quit(qts);
    qts = qtest_init(VM);
    assert_guest_reads(qts, 0, NR_PAGES * PAGE_SIZE, 0);
    qtest_quit(qts);
}

/* Locks */

static bool is_locked(const char *name, uint64_t offset, uint64_t size)
{
    int fd = open(name, O_RDWR | O_CLOEXEC);
    int ret;

    g_assert_cmpint(fd, >=, 0);
    ret = qemu_lock_fd_test(fd, offset, size, true);
    close(fd);
    return ret < 0;
}

static void wait_for_lock(bool locked)
{
    unsigned rounds = 0;

    while (is_locked("nvm", SLOW_FIRST * PAGE_SIZE, PAGE_SIZE) != locked) {
        raminate_wait(&rounds, "a range to be locked or let go");
    }
}

static void test_lock_covers_range(void)
{
    QTestState *qts = raminate_start("", "");

    g_assert_false(is_locked("dram", 0, FAST_FIRST * PAGE_SIZE));
    g_assert_true(is_locked("dram", FAST_FIRST * PAGE_SIZE, PAGE_SIZE));
    g_assert_true(is_locked("dram",
                            (FAST_FIRST + FAST_PAGES - 1) * PAGE_SIZE,
                            PAGE_SIZE));
    g_assert_false(is_locked("dram", (FAST_FIRST + FAST_PAGES) * PAGE_SIZE,
                             PAGE_SIZE));
    g_assert_false(is_locked("nvm", 0, SLOW_FIRST * PAGE_SIZE));
    g_assert_true(is_locked("nvm", SLOW_FIRST * PAGE_SIZE,
                            SLOW_PAGES * PAGE_SIZE));
    qtest_quit(qts);
    g_assert_false(is_locked("dram", 0, 1 * MiB));
    g_assert_false(is_locked("nvm", 0, 1 * MiB));
}

#define IN_USE(id, range, file) \
    "memory-backend-devmem '" id "': range " range " of " file " is in use " \
    "by another process, perhaps another VM; choose another range"

static void test_second_vm_refused(void)
{
    QTestState *qts = raminate_start("", "");
    QTestState *other;

    raminate_write_page(qts, FAST_PAGES, 1);
    raminate_assert_run_fails(VM, IN_USE("fast", "0x10000 to 0x4ffff",
                                         "dram"));
    raminate_assert_run_fails("-machine none -object memory-backend-devmem,"
                              "id=d,size=8K,mem-path=nvm,phy-offset=124K",
                              IN_USE("d", "0x1f000 to 0x20fff", "nvm"));

    /* Refused or not, it must not have touched the range. */
    raminate_assert_page(qts, FAST_PAGES, 1);

    other = qtest_init("-machine none");
    raminate_assert_error(
        raminate_object_add(other, "memory-backend-devmem,id=d,size=64K,"
                            "mem-path=dram,phy-offset=128K"),
        IN_USE("d", "0x20000 to 0x2ffff", "dram"));
    qtest_quit(qts);
    raminate_assert_object_add(other, "memory-backend-devmem,id=d,size=64K,"
                               "mem-path=dram,phy-offset=128K");
    qtest_quit(other);
}

/* Two VMs share a file, each with a range of its own. */
static void test_second_vm_beside(void)
{
    QTestState *qts = raminate_start("", "");
    QTestState *other = qtest_init(
        "-cpu qemu64,apic-id=0 -machine none,memory-backend=c -m 128K"
        " -object memory-backend-container,id=c,size=128K"
        " -object memory-backend-devmem,id=fast,parent=c,size=64K,"
        "mem-path=dram"
        " -object memory-backend-devmem,id=slow,parent=c,size=64K,"
        "mem-path=nvm,offset=64K");

    raminate_write_page(qts, 0, 1);
    raminate_write_page(other, 0, 2);
    raminate_assert_swap(other, 0, 16);
    raminate_assert_swap(qts, 0, FAST_PAGES);
    raminate_assert_page(qts, 0, 1);
    raminate_assert_page(other, 0, 2);
    qtest_quit(other);
    raminate_assert_page(qts, 0, 1);
    qtest_quit(qts);
}

static void test_lock_goes_with_kill(void)
{
    g_autofree char *command =
        g_strdup_printf("exec %s -display none -accel qtest " VM,
                        g_getenv("QTEST_QEMU_BINARY"));
    char *argv[] = { (char *)"sh", (char *)"-c", command, NULL };
    GError *err = NULL;
    QTestState *qts;
    int status;
    GPid pid;

    raminate_make_tier_files();
    g_spawn_async(NULL, argv, NULL,
                  G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
                  &pid, &err);
    g_assert_no_error(err);
    wait_for_lock(true);
    raminate_assert_run_fails(VM, IN_USE("fast", "0x10000 to 0x4ffff",
                                         "dram"));
    kill(pid, SIGKILL);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFSIGNALED(status));

    qts = qtest_init(VM);
    raminate_write_page(qts, 0, 1);
    raminate_assert_page(qts, 0, 1);
    qtest_quit(qts);
}

static void test_lock_goes_with_object(void)
{
    QTestState *qts = qtest_init("-machine none");

    raminate_make_tier_files();
    raminate_assert_object_add(qts, CONTAINER);
    raminate_assert_object_add(qts, FAST);
    raminate_assert_object_add(qts, SLOW);
    raminate_assert_object_del(qts, "c");
    raminate_assert_object_del(qts, "slow");
    wait_for_lock(false);
    g_assert_true(is_locked("dram", FAST_FIRST * PAGE_SIZE, PAGE_SIZE));
    qtest_quit(qts);
}

/* File descriptor sets */

/* Returns: the open file, which has no name any more. */
static int open_and_unlink(const char *name, int flags)
{
    int fd = open(name, flags);

    g_assert_cmpint(fd, >=, 0);
    unlink(name);
    return fd;
}

static void assert_fd_shows(QTestState *qts, int fd)
{
    uint64_t value;

    qtest_writeq(qts, FAST_PAGES * PAGE_SIZE, 0x1122334455667788);
    g_assert_cmpint(pread(fd, &value, sizeof(value), SLOW_FIRST * PAGE_SIZE),
                    ==, sizeof(value));
    g_assert_cmphex(value, ==, 0x1122334455667788);
}

#define SLOW_OF_SET \
    "memory-backend-devmem,id=slow,parent=c,size=768K," \
    "mem-path=/dev/fdset/7,phy-offset=128K,offset=256K"

static void test_fd_set(void)
{
    QTestState *qts;
    int fd;

    raminate_make_tier_files();
    fd = open_and_unlink("nvm", O_RDWR);
    qts = qtest_initf("-add-fd fd=%d,set=7 " MACHINE " -object " CONTAINER
                      " -object " FAST " -object " SLOW_OF_SET, fd);
    assert_fd_shows(qts, fd);
    qtest_quit(qts);
    close(fd);
}

static void test_fd_set_by_qmp(void)
{
    QTestState *qts;
    int fd;

    raminate_make_tier_files();
    fd = open_and_unlink("nvm", O_RDWR);
    qts = qtest_init("-machine none");
    qtest_qmp_fds_assert_success(qts, &fd, 1, "{ 'execute': 'add-fd',"
                                 "  'arguments': { 'fdset-id': 7 } }");
    raminate_assert_object_add(qts, CONTAINER);
    raminate_assert_object_add(qts, FAST);
    raminate_assert_object_add(qts, SLOW_OF_SET);
    g_assert_cmpuint(raminate_tier_figure(qts, 1, "pages"), ==, SLOW_PAGES);
    qtest_quit(qts);
    close(fd);
}

static void test_fd_set_read_only(void)
{
    QTestState *qts = qtest_init("-machine none");
    QDict *response;
    int fd;

    raminate_make_tier_files();
    fd = open_and_unlink("nvm", O_RDONLY);
    qtest_qmp_fds_assert_success(qts, &fd, 1, "{ 'execute': 'add-fd',"
                                 "  'arguments': { 'fdset-id': 7 } }");
    raminate_assert_object_add(qts, CONTAINER);
    response = raminate_object_add(qts, SLOW_OF_SET);
    g_assert_true(g_str_has_prefix(
        qdict_get_str(qdict_get_qdict(response, "error"), "desc"),
        "memory-backend-devmem 'slow': mem-path must name a file or device "
        "that exists and can be written: "));
    qobject_unref(response);
    qtest_quit(qts);
    close(fd);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/ranges/scrub/on", test_scrub_on);
    qtest_add_func("raminate/ranges/scrub/ends-with-range",
                   test_scrub_ends_with_range);
    qtest_add_func("raminate/ranges/scrub/waits-for-use",
                   test_scrub_waits_for_use);
    qtest_add_func("raminate/ranges/scrub/off", test_scrub_off);
    qtest_add_func("raminate/ranges/scrub/after-use", test_scrub_after_use);
    qtest_add_func("raminate/ranges/lock/covers-range",
                   test_lock_covers_range);
    qtest_add_func("raminate/ranges/lock/second-vm-refused",
                   test_second_vm_refused);
    qtest_add_func("raminate/ranges/lock/second-vm-beside",
                   test_second_vm_beside);
    qtest_add_func("raminate/ranges/lock/goes-with-kill",
                   test_lock_goes_with_kill);
    qtest_add_func("raminate/ranges/lock/goes-with-object",
                   test_lock_goes_with_object);
    qtest_add_func("raminate/ranges/fd-set/command-line", test_fd_set);
    qtest_add_func("raminate/ranges/fd-set/qmp", test_fd_set_by_qmp);
    qtest_add_func("raminate/ranges/fd-set/read-only", test_fd_set_read_only);
    return g_test_run();
}
