/*
 * RAMinate: the largest container that there can be
 *
 * Its memory is a sparse file, of which next to nothing is touched.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include <sys/resource.h>
#include "qemu/units.h"
#include "qobject/qlist.h"
#include "qobject/qnum.h"
#include "hw/raminate/record/record.h"
#include "raminate-common.h"

/* One page more can't be numbered. */
#define MOST_PAGES (UINT32_MAX - 1)
#define LAST_PAGE (MOST_PAGES - 1)
#define MOST_SIZE ((uint64_t)MOST_PAGES * PAGE_SIZE)
#define FAST_SIZE ((uint64_t)FAST_PAGES * PAGE_SIZE)

/* Returns: whether there is a file of that size; if not, the test is over. */
static bool make_sparse_file(const char *name, uint64_t size)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool made;

    g_assert_cmpint(fd, >=, 0);
    made = ftruncate(fd, size) == 0;
    close(fd);
    if (!made) {
        g_test_skip("the file system has no file of 16 TiB");
    }
    return made;
}

/* Returns: QEMU with the largest container, or NULL. */
static QTestState *start_largest(const char *settings)
{
    raminate_make_file("dram", FAST_SIZE);
    if (!make_sparse_file("nvm", MOST_SIZE - FAST_SIZE)) {
        return NULL;
    }
    /* To fill so much with zeroes may allocate it. */
    return qtest_initf("-cpu qemu64,apic-id=0 -machine none,memory-backend=c"
                       " -m %" PRIu64 "B -object memory-backend-container,"
                       "id=c,size=%" PRIu64 "%s"
                       " -object memory-backend-devmem,id=fast,parent=c,"
                       "size=%" PRIu64 ",mem-path=dram"
                       " -object memory-backend-devmem,id=slow,parent=c,"
                       "size=%" PRIu64 ",offset=%" PRIu64 ",mem-path=nvm,"
                       "scrub=off",
                       MOST_SIZE, MOST_SIZE, settings, FAST_SIZE,
                       MOST_SIZE - FAST_SIZE, FAST_SIZE);
}

static uint64_t address_of(uint32_t page)
{
    return (uint64_t)page * PAGE_SIZE;
}

/* Checks that the map has all pages, in so many buckets at most. */
static void assert_map(QTestState *qts, unsigned buckets)
{
    QDict *response = qtest_qmp(qts, "{ 'execute': 'query-raminate-map',"
                                "  'arguments': { 'id': 'c', 'buckets': %u } }",
                                buckets);
    QDict *map = qdict_get_qdict(response, "return");
    QList *list = qdict_get_qlist(map, "buckets");
    uint64_t pages[2] = { 0 };
    const QListEntry *entry;
    int64_t nr;

    g_assert_cmpuint(qdict_get_int(map, "pages"), ==, MOST_PAGES);
    g_assert_cmpuint(qlist_size(list), <=, buckets);
    g_assert_cmpuint(qlist_size(list), >, buckets / 2);
    QLIST_FOREACH_ENTRY(list, entry) {
        QList *tiers = qdict_get_qlist(qobject_to(QDict, entry->value),
                                       "tiers");
        unsigned tier = 0;
        QObject *count;

        while ((count = qlist_pop(tiers))) {
            g_assert_cmpuint(tier, <, 2);
            g_assert_true(qnum_get_try_int(qobject_to(QNum, count), &nr));
            pages[tier++] += nr;
            qobject_unref(count);
        }
    }
    g_assert_cmpuint(pages[0], ==, FAST_PAGES);
    g_assert_cmpuint(pages[1], ==, MOST_PAGES - FAST_PAGES);
    qobject_unref(response);
}

/* Returns: how often the main loop was held. */
static uint64_t nr_holds(QTestState *qts)
{
    QDict *info = raminate_query(qts, "c");
    uint64_t nr = qdict_get_int(qdict_get_qdict(info, "main-loop-time"),
                                "count");

    qobject_unref(info);
    return nr;
}

/* So many buckets take longer than the main loop may be held in one piece. */
static void test_map_in_pieces(void)
{
    QTestState *qts = start_largest(",monitor=off");
    uint64_t before;

    if (!qts) {
        return;
    }
    before = nr_holds(qts);
    assert_map(qts, 65536);
    g_assert_cmpuint(nr_holds(qts), >, before + 1);
    qtest_quit(qts);
}

static bool is_in(QTestState *qts, uint32_t page, const char *tier)
{
    QDict *response = qtest_qmp(qts, "{ 'execute': 'query-raminate-page',"
                                "  'arguments': { 'id': 'c',"
                                "    'page': %" PRIu64 " } }",
                                (uint64_t)page);
    const char *id = qdict_get_str(qdict_get_qdict(response, "return"),
                                   "tier");
    bool is = g_str_equal(id, tier);

    qobject_unref(response);
    return is;
}

static void test_exchange(void)
{
    static const unsigned buckets[] = { 1, 2, 255, 256, 65536 };
    QTestState *qts = start_largest(",policy=null");
    uint64_t first = 0x1122334455667788;
    uint64_t last = 0x99aabbccddeeff00;
    uint64_t stored;

    if (!qts) {
        return;
    }
    qtest_writeq(qts, 0, first);
    qtest_writeq(qts, address_of(LAST_PAGE), last);
    g_assert_true(is_in(qts, LAST_PAGE, "slow"));
    raminate_assert_swap(qts, LAST_PAGE, 0);
    g_assert_cmpuint(qtest_readq(qts, 0), ==, first);
    g_assert_cmpuint(qtest_readq(qts, address_of(LAST_PAGE)), ==, last);
    g_assert_true(is_in(qts, LAST_PAGE, "fast"));
    g_assert_true(is_in(qts, 0, "slow"));
    raminate_read_file("dram", 0, &stored, sizeof(stored));
    g_assert_cmpuint(stored, ==, last);
    raminate_read_file("nvm", address_of(LAST_PAGE) - FAST_SIZE, &stored,
                       sizeof(stored));
    g_assert_cmpuint(stored, ==, first);
    for (unsigned i = 0; i < ARRAY_SIZE(buckets); i++) {
        assert_map(qts, buckets[i]);
    }
    raminate_assert_error(
        qtest_qmp(qts, "{ 'execute': 'query-raminate-page',"
                  "  'arguments': { 'id': 'c', 'page': %" PRIu64 " } }",
                  (uint64_t)MOST_PAGES),
        "memory-backend-container 'c': page 4294967294 is out of range; its "
        "pages are 0 to 4294967293");
    qtest_quit(qts);
}

static bool recording_has(const char *path, uint32_t page)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(RaminateRecordReader) reader =
        raminate_record_reader_new(path, &err);
    RaminateRecordEntry entry;
    bool has = false;

    g_assert_no_error(err);
    g_assert_cmpuint(raminate_record_reader_header(reader)->nr_pages, ==,
                     MOST_PAGES);
    while (raminate_record_reader_next(reader, &entry, &err)) {
        if (entry.type == RAMINATE_RECORD_SCAN) {
            for (size_t i = 0; i < entry.nr; i++) {
                has |= entry.pages[i] == page;
            }
        }
    }
    g_assert_no_error(err);
    return has;
}

/* The last page is found written, and comes into the fastest tier. */
static void test_placement(void)
{
    QTestState *qts = start_largest(",policy=lru,scan-period=50,"
                                    "swap-period=50,record=largest.rec");
    unsigned rounds = 0;

    if (!qts) {
        return;
    }
    while (!is_in(qts, LAST_PAGE, "fast")) {
        qtest_writeq(qts, address_of(LAST_PAGE), rounds);
        raminate_wait(&rounds, "the last page to be moved");
    }
    raminate_set_string(qts, "record", "");
    qtest_quit(qts);
    g_assert_true(recording_has("largest.rec", LAST_PAGE));
}

static void test_no_address_space(void)
{
    struct rlimit full, tight;

#ifdef __SANITIZE_ADDRESS__
    g_test_skip("a sanitizer needs more address space than it would get");
    return;
#endif
    g_assert_cmpint(getrlimit(RLIMIT_AS, &full), ==, 0);
    tight = full;
    tight.rlim_cur = 64 * GiB;
    g_assert_cmpint(setrlimit(RLIMIT_AS, &tight), ==, 0);
    raminate_assert_run_fails(
        "-machine none -object memory-backend-container,id=c,size=1T",
        "memory-backend-container 'c': can't reserve 0x10000000000 bytes of "
        "address space; make size smaller, or the limit larger (ulimit -v): "
        "Cannot allocate memory");
    g_assert_cmpint(setrlimit(RLIMIT_AS, &full), ==, 0);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/limits/exchange", test_exchange);
    qtest_add_func("raminate/limits/map-in-pieces", test_map_in_pieces);
    qtest_add_func("raminate/limits/placement", test_placement);
    qtest_add_func("raminate/limits/no-address-space", test_no_address_space);
    return g_test_run();
}
