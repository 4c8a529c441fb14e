/*
 * RAMinate: what the qtests share
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include <linux/magic.h>
#include <sys/vfs.h>
#include "qemu/memfd.h"
#include "raminate-common.h"

/* Long enough for the slowest machine: 2 minutes, in rounds of waiting. */
#define WAIT_ROUND_MS 10
#define WAIT_ROUNDS 12000

/* Temporary files */

static char *temporary_dir;
static char *first_dir;

static void remove_temporary_dir(void)
{
    GDir *dir = g_dir_open(temporary_dir, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(temporary_dir, name, NULL);

        unlink(path);
    }
    g_clear_pointer(&dir, g_dir_close);
    rmdir(temporary_dir);
}

static void remove_when_aborted(void *opaque)
{
    remove_temporary_dir();
}

/* The programs may be given relative to the directory that is left. */
static void make_absolute(const char *variable)
{
    const char *path = g_getenv(variable);
    char *absolute = path ? realpath(path, NULL) : NULL;

    if (absolute) {
        g_setenv(variable, absolute, true);
        free(absolute);
    }
}

void raminate_test_init(int *argc, char ***argv)
{
    GError *err = NULL;

    g_test_init(argc, argv, NULL);
    make_absolute("QTEST_QEMU_BINARY");
    make_absolute("QTEST_QEMU_IMG");
    first_dir = g_get_current_dir();
    temporary_dir = g_dir_make_tmp("raminate-XXXXXX", &err);
    g_assert_no_error(err);
    g_assert_cmpint(chdir(temporary_dir), ==, 0);
    atexit(remove_temporary_dir);
    qtest_add_abrt_handler(remove_when_aborted, temporary_dir);
}

/* Environment */

char *raminate_env_prepend(const char *variable, const char *value)
{
    char *before = g_strdup(g_getenv(variable));
    g_autofree char *all = g_strjoin(":", value, before, NULL);

    g_assert_true(g_setenv(variable, all, true));
    return before;
}

void raminate_env_put_back(const char *variable, char *before)
{
    if (before) {
        g_assert_true(g_setenv(variable, before, true));
    } else {
        g_unsetenv(variable);
    }
    g_free(before);
}

/* Files */

static int open_file(const char *name, int flags)
{
    int fd = open(name, flags | O_CLOEXEC, 0600);

    g_assert_cmpint(fd, >=, 0);
    return fd;
}

void raminate_make_file(const char *name, uint64_t size)
{
    int fd;

    unlink(name);
    fd = open_file(name, O_RDWR | O_CREAT | O_EXCL);
    g_assert_cmpint(ftruncate(fd, size), ==, 0);
    close(fd);
}

void raminate_make_tier_files(void)
{
    raminate_make_file("dram", (FAST_FIRST + FAST_PAGES) * PAGE_SIZE);
    raminate_make_file("nvm", (SLOW_FIRST + SLOW_PAGES) * PAGE_SIZE);
}

void raminate_read_file(const char *name, uint64_t offset, void *data,
                        size_t size)
{
    int fd = open_file(name, O_RDONLY);

    g_assert_cmpint(pread(fd, data, size, offset), ==, size);
    close(fd);
}

void raminate_write_file(const char *name, uint64_t offset, const void *data,
                         size_t size)
{
    int fd = open_file(name, O_RDWR);

    g_assert_cmpint(pwrite(fd, data, size, offset), ==, size);
    close(fd);
}

bool raminate_has_block(const char *name, uint32_t frame)
{
    off_t offset = (off_t)frame * PAGE_SIZE;
    int fd = open_file(name, O_RDONLY);
    off_t data = lseek(fd, offset, SEEK_DATA);

    close(fd);
    return data == offset;
}

char *raminate_make_nameless(bool memory, uint64_t size)
{
    struct statfs fs;
    int fd = memory ? memfd_create("raminate-test", 0)
                    : open(first_dir, O_TMPFILE | O_RDWR, 0600);

    if (fd < 0 || fstatfs(fd, &fs) < 0 ||
        (fs.f_type == TMPFS_MAGIC) != memory || ftruncate(fd, size) < 0) {
        return NULL;
    }
    return g_strdup_printf("/proc/%d/fd/%d", getpid(), fd);
}

/* QEMU that runs */

QTestState *raminate_start(const char *settings, const char *args)
{
    raminate_make_tier_files();
    return qtest_initf(MACHINE " -object " CONTAINER "%s -object " FAST
                       " -object " SLOW " %s", settings, args);
}

/* QEMU that exits */

#define COMMANDS "commands.qmp"
#define QUIT "{'execute':'qmp_capabilities'}{'execute':'quit'}"

/* Removes what a build with sanitizers says each time. */
static void strip_asan_warning(char *text)
{
    char *warning = strstr(text, "WARNING: ASan doesn't fully support ");
    char *start = warning ? g_strrstr_len(text, warning - text, "\n") : NULL;
    char *end = warning ? strchr(warning, '\n') : NULL;

    if (end) {
        start = start ? start + 1 : text;
        memmove(start, end + 1, strlen(end + 1) + 1);
    }
}

/*
 * Should QEMU start nevertheless, it is told to quit, and should it hang, it
 * is killed.
 * @commands: for the monitor, as soon as there is one
 */
static int run(const char *args, const char *commands, char **out, char **err)
{
    g_autofree char *command =
        g_strdup_printf("exec timeout -k 9 300 %s -display none -audio none"
                        " -accel qtest -qmp stdio %s <" COMMANDS,
                        g_getenv("QTEST_QEMU_BINARY"), args);
    char *argv[] = { (char *)"sh", (char *)"-c", command, NULL };
    GError *error = NULL;
    int status;

    g_test_message("running QEMU: %s", command);
    raminate_make_file(COMMANDS, 0);
    raminate_write_file(COMMANDS, 0, commands, strlen(commands));
    g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, out, err,
                 &status, &error);
    g_assert_no_error(error);
    strip_asan_warning(*err);
    if (!WIFEXITED(status)) {
        g_test_message("%s", *err);
    }
    g_assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

char *raminate_run(const char *args)
{
    char *out;
    g_autofree char *err = NULL;
    int status = run(args, QUIT, &out, &err);

    g_assert_cmpstr(err, ==, "");
    g_assert_cmpint(status, ==, 0);
    return out;
}

char *raminate_run_warns(const char *args)
{
    g_autofree char *out = NULL;
    char *err;
    int status = run(args, QUIT, &out, &err);

    g_test_message("%s", err);
    g_assert_cmpint(status, ==, 0);
    return err;
}

static char *run_fails(const char *args, const char *commands)
{
    g_autofree char *out = NULL;
    char *err;
    int status = run(args, commands, &out, &err);

    g_test_message("%s", err);
    g_assert_cmpint(status, ==, 1);
    return err;
}

char *raminate_run_fails(const char *args)
{
    return run_fails(args, QUIT);
}

char *raminate_incoming_fails(const char *args)
{
    return run_fails(args, "");
}

void raminate_assert_run_fails(const char *args, const char *message)
{
    g_autofree char *err = raminate_run_fails(args);
    char *shown = strstr(err, message);

    /* Before it, QEMU says which option is meant. */
    if (!shown || !g_str_equal(shown + strlen(message), "\n")) {
        g_assert_cmpstr(err, ==, message);
    }
    g_assert_true(strchr(err, '\n') > shown);
}

/* Waiting */

void raminate_wait(unsigned *rounds, const char *what)
{
    if (++*rounds == WAIT_ROUNDS) {
        g_error("gave up waiting for %s", what);
    }
    g_usleep(WAIT_ROUND_MS * 1000);
}

void raminate_wait_figure(QTestState *qts, const char *name, uint64_t value)
{
    unsigned rounds = 0;

    while (raminate_figure(qts, name) < value) {
        raminate_wait(&rounds, name);
    }
}

void raminate_wait_scans(QTestState *qts, unsigned nr)
{
    /* One may be under way. */
    raminate_wait_figure(qts, "scans",
                         raminate_figure(qts, "scans") + nr + 1);
}

void raminate_wait_state(QTestState *qts, const char *state)
{
    unsigned rounds = 0;
    bool done = false;

    while (!done) {
        QDict *info = raminate_query(qts, "c");

        done = g_str_equal(qdict_get_str(info, "state"), state);
        qobject_unref(info);
        if (!done) {
            raminate_wait(&rounds, state);
        }
    }
}

/* What the guest and the host do */

char **raminate_host_mappings(QTestState *qts)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/maps", qtest_pid(qts));
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return g_strsplit(text, "\n", -1);
}

void raminate_eject_dimm(QTestState *qts)
{
    qtest_outl(qts, 0xa00, 0);
    qtest_outb(qts, 0xa14, 8);
    qtest_qmp_eventwait(qts, "DEVICE_DELETED");
}

/* Contents */

void raminate_fill_page(void *page, uint32_t number, uint32_t generation)
{
    uint32_t *words = page;

    for (unsigned i = 0; i < PAGE_SIZE / sizeof(*words); i++) {
        words[i] = (number + 1) * 0x9e3779b1u + generation * 0x85ebca6bu + i;
    }
}

void raminate_write_page(QTestState *qts, uint32_t page, uint32_t generation)
{
    uint8_t data[PAGE_SIZE];

    raminate_fill_page(data, page, generation);
    qtest_memwrite(qts, (uint64_t)page * PAGE_SIZE, data, sizeof(data));
}

void raminate_assert_page(QTestState *qts, uint32_t page,
                          uint32_t generation)
{
    uint8_t data[PAGE_SIZE], expected[PAGE_SIZE];

    raminate_fill_page(expected, page, generation);
    qtest_memread(qts, (uint64_t)page * PAGE_SIZE, data, sizeof(data));
    g_assert_cmpmem(data, sizeof(data), expected, sizeof(expected));
}

void raminate_assert_zero_page(QTestState *qts, uint32_t page)
{
    uint8_t data[PAGE_SIZE], zero[PAGE_SIZE] = { 0 };

    qtest_memread(qts, (uint64_t)page * PAGE_SIZE, data, sizeof(data));
    g_assert_cmpmem(data, sizeof(data), zero, sizeof(zero));
}

void raminate_assert_frame(const char *name, uint32_t frame, uint32_t page,
                           uint32_t generation)
{
    uint8_t data[PAGE_SIZE], expected[PAGE_SIZE];

    raminate_fill_page(expected, page, generation);
    raminate_read_file(name, (uint64_t)frame * PAGE_SIZE, data, sizeof(data));
    g_assert_cmpmem(data, sizeof(data), expected, sizeof(expected));
}
