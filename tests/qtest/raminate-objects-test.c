/*
 * RAMinate: the objects, their properties and tiers
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/units.h"
#include "tiers.h"

static void assert_qom_bool(QTestState *qts, const char *path,
                            const char *property, bool value)
{
    g_assert_cmpint(qtest_qom_get_bool(qts, path, property), ==, value);
}

/* Checks that all pages of RAM are there, each with memory of its own. */
static void assert_all_pages_differ(QTestState *qts)
{
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_write_page(qts, page, ARBITRARY_CONTENTS);
    }
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_assert_page(qts, page, ARBITRARY_CONTENTS);
    }
}

/* Properties */

static void test_container_defaults(void)
{
    QTestState *qts = raminate_start("", "");

    raminate_assert_qom_uint(qts, "/objects/c", "size", 1 * MiB);
    assert_qom_bool(qts, "/objects/c", "monitor", true);
    raminate_assert_qom_string(qts, "/objects/c", "policy", "payback");
    raminate_assert_qom_string(qts, "/objects/c", "sampler", "auto");
    raminate_assert_qom_string(qts, "/objects/c", "mover", "auto");
    raminate_assert_qom_uint(qts, "/objects/c", "scan-period", 1000);
    raminate_assert_qom_uint(qts, "/objects/c", "swap-period", 2000);
    raminate_assert_qom_uint(qts, "/objects/c", "second-look", 20);
    raminate_assert_qom_uint(qts, "/objects/c", "life-time", 5000);
    raminate_assert_qom_uint(qts, "/objects/c", "max-swaps", 1000);
    raminate_assert_qom_uint(qts, "/objects/c", "reverse-window", 60000);
    qtest_quit(qts);
}

static void test_container_properties(void)
{
    QTestState *qts = raminate_start(",monitor=off,policy=lru"
                                     ",sampler=dirty-log,mover=mmap"
                                     ",scan-period=1,swap-period=3600000"
                                     ",life-time=77,max-swaps=1048576"
                                     ",reverse-window=86400000", "");

    assert_qom_bool(qts, "/objects/c", "monitor", false);
    raminate_assert_qom_string(qts, "/objects/c", "policy", "lru");
    raminate_assert_qom_string(qts, "/objects/c", "sampler", "dirty-log");
    raminate_assert_qom_string(qts, "/objects/c", "mover", "mmap");
    raminate_assert_qom_uint(qts, "/objects/c", "scan-period", 1);
    raminate_assert_qom_uint(qts, "/objects/c", "swap-period", 3600000);
    raminate_assert_qom_uint(qts, "/objects/c", "life-time", 77);
    raminate_assert_qom_uint(qts, "/objects/c", "max-swaps", 1048576);
    raminate_assert_qom_uint(qts, "/objects/c", "reverse-window", 86400000);
    qtest_quit(qts);
}

static void test_devmem_defaults(void)
{
    QTestState *qts;

    raminate_make_tier_files();
    qts = qtest_init("-machine none -object memory-backend-devmem,id=d,"
                     "size=64K,mem-path=dram");
    raminate_assert_qom_uint(qts, "/objects/d", "size", 64 * KiB);
    raminate_assert_qom_uint(qts, "/objects/d", "phy-offset", 0);
    raminate_assert_qom_uint(qts, "/objects/d", "offset", 0);
    raminate_assert_qom_string(qts, "/objects/d", "parent", "");
    assert_qom_bool(qts, "/objects/d", "scrub", true);
    assert_qom_bool(qts, "/objects/d", "share", true);
    qtest_quit(qts);
}

static void test_devmem_properties(void)
{
    QTestState *qts;

    raminate_make_tier_files();
    qts = qtest_init(MACHINE " -object " CONTAINER " -object " FAST
                     " -object " SLOW ",tier=7,scrub=off,prealloc=on");
    raminate_assert_qom_string(qts, "/objects/slow", "mem-path", "nvm");
    raminate_assert_qom_string(qts, "/objects/slow", "parent", "c");
    raminate_assert_qom_uint(qts, "/objects/slow", "size", 768 * KiB);
    raminate_assert_qom_uint(qts, "/objects/slow", "phy-offset", 128 * KiB);
    raminate_assert_qom_uint(qts, "/objects/slow", "offset", 256 * KiB);
    raminate_assert_qom_uint(qts, "/objects/slow", "tier", 7);
    assert_qom_bool(qts, "/objects/slow", "scrub", false);
    assert_qom_bool(qts, "/objects/slow", "prealloc", true);
    qtest_quit(qts);
}

/* Checks that @size bytes of file @name take room on the disk. */
static void assert_allocated(const char *name, uint64_t size)
{
    struct stat st;

    g_assert_cmpint(stat(name, &st), ==, 0);
    g_assert_cmpuint(st.st_blocks * 512, >=, size);
}

/* QEMU's default for all backends is for those that have memory. */
static void test_mem_prealloc(void)
{
    QTestState *qts = raminate_start("", "-mem-prealloc");
    QDict *response;

    assert_allocated("dram", FAST_PAGES * PAGE_SIZE);
    assert_allocated("nvm", SLOW_PAGES * PAGE_SIZE);
    assert_qom_bool(qts, "/objects/c", "prealloc", false);
    assert_qom_bool(qts, "/objects/fast", "prealloc", true);

    /* So it is for those that come later. */
    raminate_make_file("more", 1 * MiB);
    raminate_assert_object_add(qts, "memory-backend-container,id=d,size=1M");
    raminate_assert_object_add(qts, "memory-backend-devmem,id=more,parent=d,"
                               "size=1M,mem-path=more");
    assert_allocated("more", 1 * MiB);

    response = raminate_object_add(qts, "memory-backend-container,id=e,"
                                   "size=1M,prealloc=on");
    raminate_assert_error(response, "memory-backend-container 'e' has no "
                          "memory of its own for prealloc=on; set it on its "
                          "memory-backend-devmem tiers");
    qtest_quit(qts);
}

static void assert_help_lists(const char *type, const char *const *properties)
{
    g_autofree char *args = g_strdup_printf("-object %s,help", type);
    g_autofree char *help = raminate_run(args);

    for (; *properties; properties++) {
        g_autofree char *start = g_strdup_printf("\n  %s=<", *properties);
        const char *line = strstr(help, start);

        g_test_message("looking for the description of %s", *properties);
        g_assert_nonnull(line);
        line = strstr(line + 1, " - ");
        g_assert_nonnull(line);
    }
}

static void test_help(void)
{
    static const char *const container[] = {
        "size", "monitor", "policy", "sampler", "mover", "scan-period",
        "swap-period", "life-time", "max-swaps", "reverse-window", "max-cpu",
        "fault-budget", NULL
    };
    static const char *const devmem[] = {
        "size", "phy-offset", "offset", "parent", "mem-path", "tier",
        "read-cost", "write-cost", "idle-power", "scrub", NULL
    };

    assert_help_lists("memory-backend-container", container);
    assert_help_lists("memory-backend-devmem", devmem);
}

/* Ways to create them */

static void test_object_add(void)
{
    QTestState *qts = qtest_init("-machine none");

    raminate_make_tier_files();
    raminate_assert_object_add(qts, CONTAINER ",policy=null,max-swaps=9");
    raminate_assert_object_add(qts, SLOW ",scrub=off");
    raminate_assert_object_add(qts, FAST);
    assert_tier(qts, 0, "fast", 0, 0, 256 * KiB);
    assert_tier(qts, 1, "slow", 1, 256 * KiB, 768 * KiB);
    raminate_assert_qom_string(qts, "/objects/c", "policy", "null");
    raminate_assert_qom_uint(qts, "/objects/c", "max-swaps", 9);
    assert_qom_bool(qts, "/objects/slow", "scrub", false);
    qtest_quit(qts);
}

static void test_readconfig(void)
{
    static const char config[] =
        "[object \"c\"]\n"
        "  qom-type = \"memory-backend-container\"\n"
        "  size = \"1M\"\n"
        "  policy = \"lru\"\n"
        "  scan-period = \"20\"\n"
        "  monitor = \"off\"\n"
        "[object \"fast\"]\n"
        "  qom-type = \"memory-backend-devmem\"\n"
        "  parent = \"c\"\n"
        "  size = \"256K\"\n"
        "  mem-path = \"dram\"\n"
        "  phy-offset = \"64K\"\n"
        "[object \"slow\"]\n"
        "  qom-type = \"memory-backend-devmem\"\n"
        "  parent = \"c\"\n"
        "  size = \"768K\"\n"
        "  mem-path = \"nvm\"\n"
        "  offset = \"256K\"\n"
        "  tier = \"5\"\n"
        "  scrub = \"off\"\n"
        "[machine]\n"
        "  type = \"none\"\n"
        "  memory-backend = \"c\"\n"
        "[memory]\n"
        "  size = \"1M\"\n";
    QTestState *qts;

    raminate_make_tier_files();
    raminate_make_file("config", 0);
    raminate_write_file("config", 0, config, strlen(config));
    qts = qtest_init("-cpu qemu64,apic-id=0 -readconfig config");
    assert_tier(qts, 0, "fast", 0, 0, 256 * KiB);
    assert_tier(qts, 1, "slow", 5, 256 * KiB, 768 * KiB);
    raminate_assert_qom_string(qts, "/objects/c", "policy", "lru");
    raminate_assert_qom_uint(qts, "/objects/c", "scan-period", 20);
    assert_qom_bool(qts, "/objects/c", "monitor", false);
    assert_qom_bool(qts, "/objects/slow", "scrub", false);
    assert_shows(qts, 3 * PAGE_SIZE, "dram", FAST_FIRST + 3);
    qtest_quit(qts);
}

/*
 * The file descriptors are there for QEMU to open anew, so that no file
 * system needs to have room.
 */
static int open_memory(uint64_t size)
{
    int fd = memfd_create("raminate-test", 0);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(ftruncate(fd, size), ==, 0);
    return fd;
}

static void test_command_line_of_paper(void)
{
    int dram = open_memory(0x1100000000 + 1 * GiB);
    int mram = open_memory(0x3080000000 + 7 * GiB);
    QTestState *qts = qtest_initf(
        "-m size=8G "
        "-object memory-backend-container,id=dmcon0,size=8G "
        "-object memory-backend-devmem,id=dram0,size=1G,"
        "phy-offset=0x1100000000,offset=0,parent=dmcon0,"
        "mem-path=/proc/self/fd/%d "
        "-object memory-backend-devmem,id=mram0,size=7G,"
        "phy-offset=0x3080000000,offset=0x40000000,parent=dmcon0,"
        "mem-path=/proc/self/fd/%d "
        "-numa node,nodeid=0,memdev=dmcon0", dram, mram);
    QDict *info = raminate_query(qts, "dmcon0");
    uint64_t value;

    g_assert_cmpstr(qdict_get_str(info, "state"), ==, "running");
    g_assert_cmpstr(qdict_get_str(info, "policy"), ==, "payback");
    qobject_unref(info);

    qtest_writeq(qts, 0x123000, 0x0123456789abcdef);
    g_assert_cmpint(pread(dram, &value, 8, 0x1100123000), ==, 8);
    g_assert_cmphex(le64_to_cpu(value), ==, 0x0123456789abcdef);
    qtest_writeq(qts, 0x40321000, 0xfedcba9876543210);
    g_assert_cmpint(pread(mram, &value, 8, 0x3080321000), ==, 8);
    g_assert_cmphex(le64_to_cpu(value), ==, 0xfedcba9876543210);
    qtest_quit(qts);
    close(dram);
    close(mram);
}

/* Tiers */

static void test_two_tiers(void)
{
    QTestState *qts = raminate_start("", "");

    assert_tier(qts, 0, "fast", 0, 0, 256 * KiB);
    assert_tier(qts, 1, "slow", 1, 256 * KiB, 768 * KiB);
    assert_shows(qts, 0, "dram", FAST_FIRST);
    assert_shows(qts, (FAST_PAGES - 1) * PAGE_SIZE, "dram",
                 FAST_FIRST + FAST_PAGES - 1);
    assert_shows(qts, FAST_PAGES * PAGE_SIZE, "nvm", SLOW_FIRST);
    assert_shows(qts, (NR_PAGES - 1) * PAGE_SIZE, "nvm",
                 SLOW_FIRST + SLOW_PAGES - 1);
    assert_all_pages_differ(qts);
    qtest_quit(qts);
}

static void test_one_tier(void)
{
    QTestState *qts;
    QDict *info;

    raminate_make_file("nvm", 1 * MiB);
    qts = qtest_init(MACHINE " -object " CONTAINER " -object "
                     "memory-backend-devmem,id=only,parent=c,size=1M,"
                     "mem-path=nvm");
    info = raminate_query(qts, "c");
    g_assert_cmpstr(qdict_get_str(info, "state"), ==, "off");
    qobject_unref(info);
    assert_tier(qts, 0, "only", 0, 0, 1 * MiB);
    assert_shows(qts, 5 * PAGE_SIZE, "nvm", 5);
    qtest_quit(qts);
}

/* Ranks follow the order of offset, whatever the order of creation. */
static void test_any_order(void)
{
    QTestState *qts;

    raminate_make_tier_files();
    qts = qtest_init(MACHINE " -object " CONTAINER
                     " -object memory-backend-devmem,id=t2,parent=c,"
                     "size=512K,offset=512K,mem-path=nvm,phy-offset=256K"
                     " -object memory-backend-devmem,id=t0,parent=c,"
                     "size=256K,mem-path=dram"
                     " -object memory-backend-devmem,id=t1,parent=c,"
                     "size=256K,offset=256K,mem-path=nvm");
    assert_tier(qts, 0, "t0", 0, 0, 256 * KiB);
    assert_tier(qts, 1, "t1", 1, 256 * KiB, 256 * KiB);
    assert_tier(qts, 2, "t2", 2, 512 * KiB, 512 * KiB);
    assert_shows(qts, 0, "dram", 0);
    assert_shows(qts, 256 * KiB, "nvm", 0);
    assert_shows(qts, 512 * KiB, "nvm", 64);
    qtest_quit(qts);
}

/* The fastest tier is the one that says so, not the one that comes first. */
static void test_ranks_given(void)
{
    QTestState *qts;

    raminate_make_tier_files();
    qts = qtest_init(MACHINE " -object " CONTAINER
                     " -object " FAST ",tier=200 -object " SLOW ",tier=3");
    assert_tier(qts, 0, "slow", 3, 256 * KiB, 768 * KiB);
    assert_tier(qts, 1, "fast", 200, 0, 256 * KiB);
    g_assert_cmpuint(raminate_tier_of(qts, 0), ==, 1);
    g_assert_cmpuint(raminate_tier_of(qts, FAST_PAGES), ==, 0);
    assert_shows(qts, 0, "dram", FAST_FIRST);
    assert_shows(qts, FAST_PAGES * PAGE_SIZE, "nvm", SLOW_FIRST);
    qtest_quit(qts);
}

/* Tiers without a rank get those that are left, the lowest first. */
static void test_some_ranks_given(void)
{
    QTestState *qts;

    raminate_make_tier_files();
    qts = qtest_init(MACHINE " -object " CONTAINER
                     " -object memory-backend-devmem,id=a,parent=c,size=256K,"
                     "mem-path=nvm,tier=1"
                     " -object memory-backend-devmem,id=b,parent=c,size=512K,"
                     "offset=256K,mem-path=nvm,phy-offset=256K"
                     " -object memory-backend-devmem,id=d,parent=c,size=256K,"
                     "offset=768K,mem-path=dram");
    assert_tier(qts, 0, "b", 0, 256 * KiB, 512 * KiB);
    assert_tier(qts, 1, "a", 1, 0, 256 * KiB);
    assert_tier(qts, 2, "d", 2, 768 * KiB, 256 * KiB);
    qtest_quit(qts);
}

static void test_sixteen_tiers(void)
{
    g_autoptr(GString) args = g_string_new(MACHINE " -object " CONTAINER);
    QTestState *qts;

    raminate_make_file("nvm", 1 * MiB);
    for (unsigned i = 0; i < 16; i++) {
        g_string_append_printf(args, " -object memory-backend-devmem,id=t%u,"
                               "parent=c,size=64K,offset=%uK,mem-path=nvm,"
                               "phy-offset=%uK", i, i * 64, (15 - i) * 64);
    }
    qts = qtest_init(args->str);
    for (unsigned i = 0; i < 16; i++) {
        g_autofree char *id = g_strdup_printf("t%u", i);

        assert_tier(qts, i, id, i, i * 64 * KiB, 64 * KiB);
        assert_shows(qts, i * 64 * KiB, "nvm", (15 - i) * 16);
    }
    assert_all_pages_differ(qts);
    raminate_assert_swap(qts, 0, NR_PAGES - 1);
    raminate_assert_frame("nvm", 15, 0, ARBITRARY_CONTENTS);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/objects/container/defaults",
                   test_container_defaults);
    qtest_add_func("raminate/objects/container/properties",
                   test_container_properties);
    qtest_add_func("raminate/objects/devmem/defaults", test_devmem_defaults);
    qtest_add_func("raminate/objects/devmem/properties",
                   test_devmem_properties);
    qtest_add_func("raminate/objects/mem-prealloc", test_mem_prealloc);
    qtest_add_func("raminate/objects/help", test_help);
    qtest_add_func("raminate/objects/object-add", test_object_add);
    qtest_add_func("raminate/objects/readconfig", test_readconfig);
    qtest_add_func("raminate/objects/command-line-of-paper",
                   test_command_line_of_paper);
    qtest_add_func("raminate/objects/tiers/two", test_two_tiers);
    qtest_add_func("raminate/objects/tiers/one", test_one_tier);
    qtest_add_func("raminate/objects/tiers/any-order", test_any_order);
    qtest_add_func("raminate/objects/tiers/ranks-given", test_ranks_given);
    qtest_add_func("raminate/objects/tiers/some-ranks-given",
                   test_some_ranks_given);
    qtest_add_func("raminate/objects/tiers/sixteen", test_sixteen_tiers);
    return g_test_run();
}
