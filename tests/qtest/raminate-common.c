/*
 * RAMinate: what the qtests share
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include <linux/magic.h>
#include <sys/vfs.h>
#include "qemu/cutils.h"
#include "qemu/memfd.h"
#include "qobject/qbool.h"
#include "qobject/qlist.h"
#include "qobject/qnum.h"
#include "qobject/qstring.h"
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

#define QUIT_COMMANDS "quit.qmp"

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
 */
static int run(const char *args, char **out, char **err)
{
    static const char quit[] = "{'execute':'qmp_capabilities'}"
                               "{'execute':'quit'}";
    g_autofree char *command =
        g_strdup_printf("exec timeout -k 9 300 %s -display none -audio none"
                        " -accel qtest -qmp stdio %s <" QUIT_COMMANDS,
                        g_getenv("QTEST_QEMU_BINARY"), args);
    char *argv[] = { (char *)"sh", (char *)"-c", command, NULL };
    GError *error = NULL;
    int status;

    g_test_message("running QEMU: %s", command);
    raminate_make_file(QUIT_COMMANDS, 0);
    raminate_write_file(QUIT_COMMANDS, 0, quit, strlen(quit));
    g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, out, err,
                 &status, &error);
    g_assert_no_error(error);
    strip_asan_warning(*err);
    g_assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

char *raminate_run(const char *args)
{
    char *out;
    g_autofree char *err = NULL;
    int status = run(args, &out, &err);

    g_assert_cmpstr(err, ==, "");
    g_assert_cmpint(status, ==, 0);
    return out;
}

char *raminate_run_fails(const char *args)
{
    g_autofree char *out = NULL;
    char *err;
    int status = run(args, &out, &err);

    g_test_message("%s", err);
    g_assert_cmpint(status, ==, 1);
    return err;
}

void raminate_assert_run_fails(const char *args, const char *message)
{
    g_autofree char *err = raminate_run_fails(args);
    char *shown = strstr(err, message);

    /* Before it, QEMU says which option is meant. */
    if (!shown || !g_str_equal(shown + strlen(message), "\n")) {
        g_assert_cmpstr(err, ==, message);
    }
    g_assert_true(strchr(err, '\n') == shown + strlen(message));
}

/* Commands */

/* Returns: the value as QMP wants it for a property of our objects. */
static QObject *typed_value(const char *name, const char *value)
{
    static const char *const strings[] = {
        "id", "mem-path", "mover", "parent", "policy", "pool", "qom-type",
        "record", "sampler",
    };
    uint64_t number;

    for (unsigned i = 0; i < ARRAY_SIZE(strings); i++) {
        if (g_str_equal(name, strings[i])) {
            return QOBJECT(qstring_from_str(value));
        }
    }
    if (g_str_equal(value, "on") || g_str_equal(value, "off")) {
        return QOBJECT(qbool_from_bool(g_str_equal(value, "on")));
    }
    g_assert_cmpint(qemu_strtosz(value, NULL, &number), ==, 0);
    return QOBJECT(qnum_from_uint(number));
}

QDict *raminate_object_add(QTestState *qts, const char *options)
{
    g_auto(GStrv) parts = g_strsplit(options, ",", -1);
    QDict *arguments = qdict_new();

    qdict_put_str(arguments, "qom-type", parts[0]);
    for (char **part = parts + 1; *part; part++) {
        g_auto(GStrv) pair = g_strsplit(*part, "=", 2);

        qdict_put_obj(arguments, pair[0], typed_value(pair[0], pair[1]));
    }
    return qtest_qmp(qts, "{ 'execute': 'object-add', 'arguments': %p }",
                     arguments);
}

static void assert_success(QDict *response)
{
    QDict *error = qdict_get_qdict(response, "error");

    if (error) {
        g_assert_cmpstr(qdict_get_str(error, "desc"), ==, "success");
    }
    qobject_unref(response);
}

void raminate_assert_object_add(QTestState *qts, const char *options)
{
    assert_success(raminate_object_add(qts, options));
}

void raminate_assert_object_del(QTestState *qts, const char *id)
{
    assert_success(qtest_qmp(qts, "{ 'execute': 'object-del',"
                             "  'arguments': { 'id': %s } }", id));
}

QDict *raminate_qom_get(QTestState *qts, const char *path,
                        const char *property)
{
    QDict *response = qtest_qmp(qts, "{ 'execute': 'qom-get', 'arguments':"
                                "  { 'path': %s, 'property': %s } }",
                                path, property);

    g_assert_true(qdict_haskey(response, "return"));
    return response;
}

void raminate_assert_qom_string(QTestState *qts, const char *path,
                                const char *property, const char *value)
{
    QDict *response = raminate_qom_get(qts, path, property);

    g_assert_cmpstr(qdict_get_str(response, "return"), ==, value);
    qobject_unref(response);
}

void raminate_assert_qom_uint(QTestState *qts, const char *path,
                              const char *property, uint64_t value)
{
    QDict *response = raminate_qom_get(qts, path, property);

    g_assert_cmpuint(qdict_get_int(response, "return"), ==, value);
    qobject_unref(response);
}

void raminate_set_uint(QTestState *qts, const char *property, uint64_t value)
{
    qtest_qmp_assert_success(qts, "{ 'execute': 'qom-set', 'arguments': "
                             "{ 'path': '/objects/c', 'property': %s,"
                             "  'value': %" PRIu64 " } }", property, value);
}

void raminate_set_string(QTestState *qts, const char *property,
                         const char *value)
{
    qtest_qmp_assert_success(qts, "{ 'execute': 'qom-set', 'arguments': "
                             "{ 'path': '/objects/c', 'property': %s,"
                             "  'value': %s } }", property, value);
}

void raminate_assert_error(QDict *response, const char *message)
{
    QDict *error = qdict_get_qdict(response, "error");

    g_assert_nonnull(error);
    g_assert_cmpstr(qdict_get_str(error, "desc"), ==, message);
    qobject_unref(response);
}

QDict *raminate_query(QTestState *qts, const char *id)
{
    QDict *response = qtest_qmp(qts, "{ 'execute': 'query-raminate',"
                                "  'arguments': { 'id': %s } }", id);
    QList *list = qdict_get_qlist(response, "return");
    QDict *info;

    g_assert_nonnull(list);
    g_assert_cmpuint(qlist_size(list), ==, 1);
    info = qobject_to(QDict, qlist_pop(list));
    qobject_unref(response);
    return info;
}

uint64_t raminate_figure(QTestState *qts, const char *name)
{
    QDict *info = raminate_query(qts, "c");
    uint64_t value = qdict_get_int(info, name);

    qobject_unref(info);
    return value;
}

uint64_t raminate_tier_figure(QTestState *qts, unsigned tier,
                              const char *name)
{
    QDict *info = raminate_query(qts, "c");
    QList *tiers = qdict_get_qlist(info, "tiers");
    const QListEntry *entry = qlist_first(tiers);
    uint64_t value;

    while (tier--) {
        entry = qlist_next(entry);
    }
    value = qdict_get_int(qobject_to(QDict, entry->value), name);
    qobject_unref(info);
    return value;
}

unsigned raminate_tier_of(QTestState *qts, uint32_t page)
{
    QDict *response = qtest_qmp(qts, "{ 'execute': 'query-raminate-map',"
                                "  'arguments': { 'id': 'c',"
                                "                 'buckets': 65536 } }");
    QDict *map = qdict_get_qdict(response, "return");
    const QListEntry *entry = qlist_first(qdict_get_qlist(map, "buckets"));
    unsigned tier = 0;

    g_assert_cmpuint(qdict_get_int(map, "pages-per-bucket"), ==, 1);
    while (page--) {
        entry = qlist_next(entry);
    }
    entry = qlist_first(qdict_get_qlist(qobject_to(QDict, entry->value),
                                        "tiers"));
    while (qnum_get_uint(qobject_to(QNum, entry->value)) == 0) {
        entry = qlist_next(entry);
        tier++;
    }
    qobject_unref(response);
    return tier;
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

/* Swaps */

QDict *raminate_swap_pages(QTestState *qts, const RaminateTestPair *pairs,
                           size_t nr)
{
    QList *list = qlist_new();

    for (size_t i = 0; i < nr; i++) {
        QDict *pair = qdict_new();

        qdict_put_int(pair, "a", pairs[i].a);
        qdict_put_int(pair, "b", pairs[i].b);
        qlist_append(list, pair);
    }
    return qtest_qmp(qts, "{ 'execute': 'raminate-swap-pages',"
                     "  'arguments': { 'id': 'c', 'pairs': %p } }", list);
}

/* A batch of the placer's own may be under way. */
static bool must_try_again(QDict *response)
{
    QDict *error = qdict_get_qdict(response, "error");

    return error && g_str_has_suffix(qdict_get_str(error, "desc"),
                                     "try again");
}

void raminate_assert_swap(QTestState *qts, uint32_t a, uint32_t b)
{
    RaminateTestPair pair = { a, b };
    QDict *response = raminate_swap_pages(qts, &pair, 1);
    unsigned rounds = 0;

    while (must_try_again(response)) {
        qobject_unref(response);
        raminate_wait(&rounds, "the placer");
        response = raminate_swap_pages(qts, &pair, 1);
    }
    g_assert_cmpuint(qdict_get_int(qdict_get_qdict(response, "return"),
                                   "done"), ==, 1);
    qobject_unref(response);
}

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
