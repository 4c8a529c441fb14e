/*
 * RAMinate: bad input is refused with a message that says what to do
 *
 * On the command line, QEMU exits with status 1; over QMP, the command fails
 * and the VM goes on.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/units.h"
#include "qobject/qlist.h"
#include "raminate-common.h"

/* Objects */

#define DEVMEM(properties) "memory-backend-devmem,id=bad," properties
#define CHILD(properties) DEVMEM("mem-path=nvm,parent=c," properties)
#define ALONE(properties) DEVMEM("mem-path=nvm,size=64K" properties)

typedef struct BadObject {
    const char *name;
    const char *before;         /* objects created before, with blanks */
    const char *object;
    const char *message;
} BadObject;

static const BadObject bad_objects[] = {
    {
        "container/size-missing", "",
        "memory-backend-container,id=c",
        "Parameter 'size' is missing",
    }, {
        "container/size-zero", "",
        "memory-backend-container,id=c,size=0",
        "memory-backend-container 'c': size must not be 0; give the sum of the "
        "sizes of its tiers",
    }, {
        "container/size-unaligned", "",
        "memory-backend-container,id=c,size=1048577",
        "memory-backend-container 'c': size 0x100001 is not a multiple of the "
        "page size, 0x1000",
    }, {
        "container/size-too-large", "",
        "memory-backend-container,id=c,size=16T",
        "memory-backend-container 'c': size 0x100000000000 is too large; the "
        "most is 0xfffffffe000, so give the guest more than one container",
    }, {
        "container/size-one-page-too-large", "",
        "memory-backend-container,id=c,size=0xffffffff000",
        "memory-backend-container 'c': size 0xffffffff000 is too large; the "
        "most is 0xfffffffe000, so give the guest more than one container",
    }, {
        "container/prealloc", "",
        CONTAINER ",prealloc=on",
        "memory-backend-container 'c' has no memory of its own for "
        "prealloc=on; set it on its memory-backend-devmem tiers",
    }, {
        "container/policy", "",
        CONTAINER ",policy=fifo",
        "Parameter 'policy' does not accept value 'fifo'",
    }, {
        "container/sampler", "",
        CONTAINER ",sampler=fifo",
        "Parameter 'sampler' does not accept value 'fifo'",
    }, {
        "container/mover", "",
        CONTAINER ",mover=fifo",
        "Parameter 'mover' does not accept value 'fifo'",
    }, {
        "container/scan-period-zero", "",
        CONTAINER ",scan-period=0",
        "memory-backend-container 'c': scan-period must be 1 to 3600000, not "
        "0",
    }, {
        "container/scan-period-too-long", "",
        CONTAINER ",scan-period=3600001",
        "memory-backend-container 'c': scan-period must be 1 to 3600000, not "
        "3600001",
    }, {
        "container/swap-period-zero", "",
        CONTAINER ",swap-period=0",
        "memory-backend-container 'c': swap-period must be 1 to 3600000, not "
        "0",
    }, {
        "container/swap-period-too-long", "",
        CONTAINER ",swap-period=3600001",
        "memory-backend-container 'c': swap-period must be 1 to 3600000, not "
        "3600001",
    }, {
        "container/life-time-zero", "",
        CONTAINER ",life-time=0",
        "memory-backend-container 'c': life-time must be 1 to 3600000, not 0",
    }, {
        "container/life-time-too-long", "",
        CONTAINER ",life-time=3600001",
        "memory-backend-container 'c': life-time must be 1 to 3600000, not "
        "3600001",
    }, {
        "container/max-swaps-zero", "",
        CONTAINER ",max-swaps=0",
        "memory-backend-container 'c': max-swaps must be 1 to 1048576, not 0",
    }, {
        "container/max-swaps-too-many", "",
        CONTAINER ",max-swaps=1048577",
        "memory-backend-container 'c': max-swaps must be 1 to 1048576, not "
        "1048577",
    }, {
        "container/max-cpu-too-much", "",
        CONTAINER ",max-cpu=101",
        "memory-backend-container 'c': max-cpu must be 0 to 100, not 101",
    }, {
        "container/reverse-window-zero", "",
        CONTAINER ",reverse-window=0",
        "memory-backend-container 'c': reverse-window must be 1 to 86400000, "
        "not 0",
    }, {
        "container/reverse-window-too-long", "",
        CONTAINER ",reverse-window=86400001",
        "memory-backend-container 'c': reverse-window must be 1 to 86400000, "
        "not 86400001",
    }, {
        "devmem/size-missing", "",
        DEVMEM("mem-path=nvm"),
        "Parameter 'size' is missing",
    }, {
        "devmem/size-zero", "",
        DEVMEM("mem-path=nvm,size=0"),
        "memory-backend-devmem 'bad': size must not be 0; give the size of the "
        "range",
    }, {
        "devmem/size-unaligned", "",
        DEVMEM("mem-path=nvm,size=5000"),
        "memory-backend-devmem 'bad': size 0x1388 is not a multiple of the "
        "page size, 0x1000",
    }, {
        "devmem/phy-offset-unaligned", "",
        ALONE(",phy-offset=4097"),
        "memory-backend-devmem 'bad': phy-offset 0x1001 is not a multiple of "
        "the page size, 0x1000",
    }, {
        "devmem/phy-offset-too-large", "",
        ALONE(",phy-offset=0x7ffffffffffff000"),
        "memory-backend-devmem 'bad': range of 0x10000 bytes from "
        "0x7ffffffffffff000 ends beyond the largest offset; make phy-offset "
        "or size smaller",
    }, {
        "devmem/share-off", "",
        ALONE(",share=off"),
        "memory-backend-devmem 'bad': share=off would copy pages to other "
        "memory; leave share on",
    }, {
        "devmem/offset-without-parent", "",
        ALONE(",offset=64K"),
        "memory-backend-devmem 'bad': offset is for a range in a container; "
        "set parent as well",
    }, {
        "devmem/tier-without-parent", "",
        ALONE(",tier=0"),
        "memory-backend-devmem 'bad': tier is for a range in a container; "
        "set parent as well",
    }, {
        "mem-path/missing", "",
        DEVMEM("size=64K,mem-path=no-such-file"),
        "memory-backend-devmem 'bad': mem-path must name a file or device "
        "that exists and can be written: Could not open 'no-such-file': No "
        "such file or directory",
    }, {
        "mem-path/empty", "",
        DEVMEM("size=64K,mem-path="),
        "memory-backend-devmem 'bad': mem-path must name a file or device "
        "that exists and can be written: Could not open '': No such file or "
        "directory",
    }, {
        "mem-path/directory", "",
        DEVMEM("size=64K,mem-path=/"),
        "memory-backend-devmem 'bad': mem-path must name a file or device "
        "that exists and can be written: Could not open '/': Is a directory",
    }, {
        "mem-path/fifo", "",
        DEVMEM("size=64K,mem-path=fifo"),
        "memory-backend-devmem 'bad': range 0x0 to 0xffff of fifo can't be "
        "mapped; use another range, file or device: No such device",
    }, {
        "mem-path/loop", "",
        DEVMEM("size=64K,mem-path=loop"),
        "memory-backend-devmem 'bad': mem-path must name a file or device "
        "that exists and can be written: Could not open 'loop': Too many "
        "levels of symbolic links",
    }, {
        "mem-path/unknown-fd-set", "",
        DEVMEM("size=64K,mem-path=/dev/fdset/7"),
        "memory-backend-devmem 'bad': mem-path must name a file or device "
        "that exists and can be written: Failed to find fdset /dev/fdset/7",
    }, {
        "mem-path/too-short", "",
        DEVMEM("mem-path=nvm,size=2M"),
        "memory-backend-devmem 'bad': nvm has 0xe0000 bytes, too short for "
        "the range 0x0 to 0x1fffff; make the file longer or the range "
        "smaller",
    }, {
        "mem-path/range-past-end", "",
        ALONE(",phy-offset=0xd1000"),
        "memory-backend-devmem 'bad': nvm has 0xe0000 bytes, too short for "
        "the range 0xd1000 to 0xe0fff; make the file longer or the range "
        "smaller",
    }, {
        "parent/unknown", "",
        ALONE(",parent=nobody"),
        "memory-backend-devmem 'bad': there is no parent 'nobody'; create the "
        "memory-backend-container before its tiers",
    }, {
        "parent/empty", "",
        ALONE(",parent="),
        "memory-backend-devmem 'bad': there is no parent ''; create the "
        "memory-backend-container before its tiers",
    }, {
        "parent/other-backend", "memory-backend-ram,id=ram,size=64K",
        ALONE(",parent=ram"),
        "memory-backend-devmem 'bad': parent 'ram' is a memory-backend-ram; "
        "it must be a memory-backend-container",
    }, {
        "parent/itself", "",
        ALONE(",parent=bad"),
        "memory-backend-devmem 'bad': parent 'bad' is a "
        "memory-backend-devmem; it must be a memory-backend-container",
    }, {
        "tier/offset-unaligned", CONTAINER,
        CHILD("size=64K,offset=5000"),
        "memory-backend-devmem 'bad': offset 0x1388 is not a multiple of the "
        "page size, 0x1000",
    }, {
        "tier/ends-beyond-container", CONTAINER,
        CHILD("size=64K,offset=1020K"),
        "memory-backend-devmem 'bad': range of 0x10000 bytes from 0xff000 is "
        "beyond container 'c' of 0x100000 bytes; make the container larger, "
        "or size or offset smaller",
    }, {
        "tier/starts-beyond-container", CONTAINER,
        CHILD("size=64K,offset=1M"),
        "memory-backend-devmem 'bad': range of 0x10000 bytes from 0x100000 is "
        "beyond container 'c' of 0x100000 bytes; make the container larger, "
        "or size or offset smaller",
    }, {
        "tier/far-beyond-container", CONTAINER,
        CHILD("size=64K,offset=0xfffffffffffff000"),
        "memory-backend-devmem 'bad': range of 0x10000 bytes from "
        "0xfffffffffffff000 is beyond container 'c' of 0x100000 bytes; make "
        "the container larger, or size or offset smaller",
    }, {
        "tier/same-range", CONTAINER " " FAST,
        CHILD("size=256K"),
        "memory-backend-devmem 'bad': range 0x0 to 0x3ffff overlaps that of "
        "'fast', 0x0 to 0x3ffff, in container 'c'; change offset or size",
    }, {
        "tier/overlap-at-end", CONTAINER " " FAST,
        CHILD("size=256K,offset=252K"),
        "memory-backend-devmem 'bad': range 0x3f000 to 0x7efff overlaps that "
        "of 'fast', 0x0 to 0x3ffff, in container 'c'; change offset or size",
    }, {
        "tier/overlap-at-start", CONTAINER " " SLOW,
        DEVMEM("mem-path=dram,parent=c,size=260K"),
        "memory-backend-devmem 'bad': range 0x0 to 0x40fff overlaps that of "
        "'slow', 0x40000 to 0xfffff, in container 'c'; change offset or size",
    }, {
        "tier/container-complete", CONTAINER " " FAST " " SLOW,
        DEVMEM("mem-path=dram,parent=c,size=64K,offset=512K"),
        "memory-backend-devmem 'bad': range 0x80000 to 0x8ffff overlaps that "
        "of 'slow', 0x40000 to 0xfffff, in container 'c'; change offset or "
        "size",
    }, {
        "tier/same-rank", CONTAINER " " FAST ",tier=3",
        CHILD("size=64K,offset=512K,tier=3"),
        "memory-backend-devmem 'bad': tier 3 of container 'c' is 'fast' "
        "already; give it another rank",
    }, {
        "tier/frames-in-use", CONTAINER " " FAST,
        DEVMEM("mem-path=dram,phy-offset=252K,parent=c,size=64K,offset=512K"),
        "memory-backend-devmem 'bad': range 0x3f000 to 0x4efff of dram is in "
        "use by 'fast' already; choose another range",
    }, {
        "tier/frames-in-use-by-other-name", CONTAINER " " FAST,
        DEVMEM("mem-path=dram-link,phy-offset=64K,size=64K"),
        "memory-backend-devmem 'bad': range 0x10000 to 0x1ffff of dram-link "
        "is in use by 'fast' already; choose another range",
    }, {
        "tier/of-two-containers",
        CONTAINER " " FAST " memory-backend-container,id=c2,size=1M",
        DEVMEM("mem-path=dram,phy-offset=64K,size=256K,parent=c2"),
        "memory-backend-devmem 'bad': range 0x10000 to 0x4ffff of dram is in "
        "use by 'fast' already; choose another range",
    }, {
        "tier/sampler-unusable", CONTAINER ",sampler=kvm " FAST,
        SLOW,
        "memory-backend-container 'c': sampler=kvm can't be used, choose "
        "auto: the accelerator is not KVM",
    }, {
        "tier/mover-unusable", CONTAINER ",mover=kvm " FAST,
        SLOW,
        "memory-backend-container 'c': mover=kvm can't be used, choose auto: "
        "the accelerator is not KVM",
    }, {
        "tier/memory-not-shared", CONTAINER " " SLOW,
        DEVMEM("mem-path=/dev/zero,size=256K,parent=c"),
        "memory-backend-devmem 'bad': /dev/zero has other memory for each "
        "mapping, so that its pages can't move; use another file or device",
    },
};

static void make_files(void)
{
    raminate_make_tier_files();
    unlink("dram-link");
    g_assert_cmpint(link("dram", "dram-link"), ==, 0);
    unlink("fifo");
    g_assert_cmpint(mkfifo("fifo", 0600), ==, 0);
    unlink("loop");
    g_assert_cmpint(symlink("loop", "loop"), ==, 0);
}

/*
 * QEMU adds what an enum accepts; and it complains that a device can't be made
 * longer before it is found out what is wrong with it.
 */
static bool says_more(const BadObject *bad)
{
    return strstr(bad->message, "does not accept value") ||
           strstr(bad->object, "mem-path=/dev/zero");
}

static void test_command_line(const void *data)
{
    const BadObject *bad = data;
    g_auto(GStrv) before = g_strsplit(bad->before, " ", -1);
    g_autoptr(GString) args = g_string_new("-machine none");

    for (char **object = before; *object && **object; object++) {
        g_string_append_printf(args, " -object %s", *object);
    }
    g_string_append_printf(args, " -object %s", bad->object);
    make_files();
    if (says_more(bad)) {
        g_autofree char *err = raminate_run_fails(args->str);

        g_assert_nonnull(strstr(err, bad->message));
    } else {
        raminate_assert_run_fails(args->str, bad->message);
    }
}

static void assert_vm_runs(QTestState *qts)
{
    QDict *response = qtest_qmp(qts, "{ 'execute': 'query-status' }");
    QDict *status = qdict_get_qdict(response, "return");

    g_assert_true(qdict_get_bool(status, "running"));
    qobject_unref(response);
}

static char *id_of(const char *object)
{
    const char *id = strstr(object, ",id=") + strlen(",id=");

    return g_strndup(id, strcspn(id, ","));
}

/* Nothing of the bad object may be left, be it a name or a lock. */
static void test_qmp(const void *data)
{
    const BadObject *bad = data;
    g_auto(GStrv) before = g_strsplit(bad->before, " ", -1);
    g_autofree char *id = id_of(bad->object);
    g_autofree char *not_found = g_strdup_printf("object '%s' not found", id);
    QTestState *qts = qtest_init("-machine none");

    make_files();
    for (unsigned i = 0; i < 2; i++) {
        for (char **object = before; *object && **object; object++) {
            raminate_assert_object_add(qts, *object);
        }
        raminate_assert_error(raminate_object_add(qts, bad->object),
                              bad->message);
        raminate_assert_error(qtest_qmp(qts, "{ 'execute': 'object-del',"
                                        "  'arguments': { 'id': %s } }", id),
                              not_found);
        assert_vm_runs(qts);
        for (char **object = before; *object && **object; object++) {
            g_autofree char *other = id_of(*object);

            raminate_assert_object_del(qts, other);
        }
    }
    raminate_assert_object_add(qts, CONTAINER);
    raminate_assert_object_add(qts, FAST);
    raminate_assert_object_add(qts, SLOW);
    assert_vm_runs(qts);
    qtest_quit(qts);
}

/* A tier that was refused can be created as it should have been. */
static void test_correction(void)
{
    QTestState *qts = qtest_init("-machine none");

    raminate_make_tier_files();
    raminate_assert_object_add(qts, CONTAINER);
    raminate_assert_object_add(qts, FAST);
    raminate_assert_error(
        raminate_object_add(qts, "memory-backend-devmem,id=slow,parent=c,"
                            "size=772K,mem-path=nvm,offset=256K"),
        "memory-backend-devmem 'slow': range of 0xc1000 bytes from 0x40000 is "
        "beyond container 'c' of 0x100000 bytes; make the container larger, "
        "or size or offset smaller");
    raminate_assert_object_add(qts, SLOW);
    g_assert_cmpuint(raminate_tier_figure(qts, 1, "pages"), ==, SLOW_PAGES);
    qtest_quit(qts);
}

static void test_not_mappable(void)
{
    static const char message[] =
        "memory-backend-devmem 'bad': range 0x0 to 0xffff of /dev/null can't "
        "be mapped; use another range, file or device: No such device";
    QTestState *qts = qtest_init("-machine none");

    raminate_assert_run_fails("-machine none -object "
                              DEVMEM("size=64K,mem-path=/dev/null"), message);
    raminate_assert_error(
        raminate_object_add(qts, DEVMEM("size=64K,mem-path=/dev/null")),
        message);
    assert_vm_runs(qts);
    qtest_quit(qts);
}

/* Returns: where memory of the host begins, or 0 if that can't be seen. */
static uint64_t find_system_ram(void)
{
    g_autofree char *iomem = NULL;
    g_auto(GStrv) lines = NULL;

    if (!g_file_get_contents("/proc/iomem", &iomem, NULL, NULL)) {
        return 0;
    }
    lines = g_strsplit(iomem, "\n", -1);
    for (char **line = lines; *line; line++) {
        if (g_str_has_suffix(*line, " : System RAM")) {
            return g_ascii_strtoull(*line, NULL, 16);
        }
    }
    return 0;
}

/* Whatever else /proc/iomem may show is for a unit test. */
static void test_default_mem_path(void)
{
    uint64_t start = find_system_ram();
    g_autofree char *args = NULL;
    g_autofree char *message = NULL;

    if (access("/dev/mem", F_OK) < 0) {
        raminate_assert_run_fails(
            "-machine none -object memory-backend-devmem,id=bad,size=64K",
            "memory-backend-devmem 'bad': mem-path must name a file or device "
            "that exists and can be written: Could not open '/dev/mem': No "
            "such file or directory");
        return;
    }
    if (access("/dev/mem", R_OK | W_OK) < 0 || !start) {
        g_test_skip("can't use /dev/mem or see addresses in /proc/iomem");
        return;
    }
    args = g_strdup_printf("-machine none -object memory-backend-devmem,"
                           "id=bad,size=4K,phy-offset=0x%" PRIx64, start);
    message = g_strdup_printf(
        "memory-backend-devmem 'bad': physical range 0x%" PRIx64 " to 0x%"
        PRIx64 " is memory of the host itself (System RAM in /proc/iomem); "
        "set a range aside with the kernel parameter memmap=SIZE$ADDRESS",
        start, start + 4 * KiB - 1);
    raminate_assert_run_fails(args, message);
}

static void test_host_nodes(void)
{
    g_autofree char *err =
        raminate_run_fails("-machine none -object " CONTAINER
                           ",host-nodes=0");

    g_assert_nonnull(strstr(err, "host-nodes"));
}

static void test_enum_hint(void)
{
    g_autofree char *err =
        raminate_run_fails("-machine none -object " CONTAINER ",sampler=fifo");

    g_assert_nonnull(strstr(err, "Parameter 'sampler' does not accept value "
                            "'fifo'\nIt accepts auto, kvm, dirty-log.\n"));
}

static void test_seventeen_tiers(void)
{
    g_autoptr(GString) args = g_string_new("-machine none -object "
                                           "memory-backend-container,id=c,"
                                           "size=68K");

    raminate_make_tier_files();
    for (unsigned i = 0; i < 17; i++) {
        g_string_append_printf(args, " -object memory-backend-devmem,id=t%u,"
                               "parent=c,size=4K,offset=%uK,mem-path=nvm,"
                               "phy-offset=%uK", i, i * 4, i * 4);
    }
    raminate_assert_run_fails(
        args->str,
        "memory-backend-devmem 't16': container 'c' has 16 tiers already, the "
        "most there can be; use larger ones");
}

static void test_parent_created_later(void)
{
    raminate_make_tier_files();
    raminate_assert_run_fails(
        "-machine none -object " FAST " -object " CONTAINER " -object " SLOW,
        "memory-backend-devmem 'fast': there is no parent 'c'; create the "
        "memory-backend-container before its tiers");
}

/* Gaps are found when all objects are there. */

#define GAP(offset) \
    "memory-backend-container 'c' has a gap: no tier covers offset " offset \
    " of its 0x100000 bytes; add a memory-backend-devmem with parent=c," \
    "offset=" offset

static void test_gap(void)
{
    raminate_make_tier_files();
    raminate_assert_run_fails("-machine none -object " CONTAINER, GAP("0x0"));
    raminate_assert_run_fails(MACHINE " -object " CONTAINER, GAP("0x0"));
    raminate_assert_run_fails("-machine none -object " CONTAINER
                              " -object " SLOW, GAP("0x0"));
    raminate_assert_run_fails("-machine none -object " CONTAINER
                              " -object " FAST, GAP("0x40000"));
    raminate_assert_run_fails("-machine none -object " CONTAINER
                              " -object " FAST " -object "
                              CHILD("size=256K,offset=512K"),
                              GAP("0x40000"));
    raminate_assert_run_fails("-machine pc -m 1M -object " CONTAINER
                              " -object " FAST " -numa node,memdev=c",
                              GAP("0x40000"));
}

#define DIMM_MACHINE "-machine pc -m 128M,slots=2,maxmem=1G"

/* The container can be completed afterwards. */
static void test_gap_in_dimm(void)
{
    QTestState *qts;

    raminate_make_file("dram", 1 * MiB);
    raminate_make_file("nvm", 3 * MiB);
    raminate_assert_run_fails(DIMM_MACHINE " -object memory-backend-container,"
                              "id=c,size=4M -device pc-dimm,memdev=c",
                              "memory-backend-container 'c' has a gap: no "
                              "tier covers offset 0x0 of its 0x400000 bytes; "
                              "add a memory-backend-devmem with parent=c,"
                              "offset=0x0");

    qts = qtest_init(DIMM_MACHINE);
    raminate_assert_object_add(qts,
                               "memory-backend-container,id=c,size=4M");
    raminate_assert_object_add(qts, "memory-backend-devmem,id=fast,parent=c,"
                               "size=1M,mem-path=dram");
    raminate_assert_error(
        qtest_qmp(qts, "{ 'execute': 'device_add', 'arguments':"
                  "  { 'driver': 'pc-dimm', 'memdev': 'c' } }"),
        "memory-backend-container 'c' has a gap: no tier covers offset "
        "0x100000 of its 0x400000 bytes; add a memory-backend-devmem with "
        "parent=c,offset=0x100000");
    assert_vm_runs(qts);
    raminate_assert_object_add(qts, "memory-backend-devmem,id=slow,parent=c,"
                               "size=3M,offset=1M,mem-path=nvm");
    qtest_qmp_device_add(qts, "pc-dimm", "dimm", "{'memdev': 'c'}");
    qtest_quit(qts);
}

/* Used twice */

static void test_tier_as_ram(void)
{
    QTestState *qts;

    raminate_make_tier_files();
    raminate_assert_run_fails("-machine none,memory-backend=fast -m 256K"
                              " -object " CONTAINER " -object " FAST
                              " -object " SLOW,
                              "memory backend fast can't be used multiple "
                              "times.");
    qts = qtest_init(DIMM_MACHINE " -object " CONTAINER " -object " FAST
                     " -object " SLOW);
    raminate_assert_error(
        qtest_qmp(qts, "{ 'execute': 'device_add', 'arguments':"
                  "  { 'driver': 'pc-dimm', 'memdev': 'fast' } }"),
        "can't use already busy memdev: fast");
    assert_vm_runs(qts);
    qtest_quit(qts);
}

static void test_container_used_twice(void)
{
    raminate_make_tier_files();
    raminate_assert_run_fails("-machine pc -smp 2 -m 2M -object " CONTAINER
                              " -object " FAST " -object " SLOW
                              " -numa node,memdev=c -numa node,memdev=c",
                              "memory backend c can't be used multiple "
                              "times.");
}

static void assert_del_refused(QTestState *qts, const char *id)
{
    g_autofree char *message =
        g_strdup_printf("object '%s' is in use, can not be deleted", id);

    raminate_assert_error(qtest_qmp(qts, "{ 'execute': 'object-del',"
                                    "  'arguments': { 'id': %s } }", id),
                          message);
}

static void test_delete_in_use(void)
{
    QTestState *qts = raminate_start("", "");

    raminate_write_page(qts, 0, 1);
    assert_del_refused(qts, "fast");
    assert_del_refused(qts, "slow");
    assert_del_refused(qts, "c");
    raminate_assert_swap(qts, 0, NR_PAGES - 1);
    raminate_assert_page(qts, 0, 1);
    assert_vm_runs(qts);
    qtest_quit(qts);
}

/* A tier is in use even if its container isn't, or is not complete. */
static void test_delete_tier_first(void)
{
    QTestState *qts = qtest_init("-machine none");

    raminate_make_tier_files();
    raminate_assert_object_add(qts, CONTAINER);
    raminate_assert_object_add(qts, FAST);
    assert_del_refused(qts, "fast");
    raminate_assert_object_add(qts, SLOW);
    assert_del_refused(qts, "fast");
    assert_del_refused(qts, "slow");
    assert_vm_runs(qts);
    qtest_quit(qts);
}

/* Properties of an object that is there */

/* @value: as it is in QMP */
static void assert_set_refused(QTestState *qts, const char *path,
                               const char *property, const char *value,
                               const char *message)
{
    QDict *before = raminate_qom_get(qts, path, property);
    QDict *after;
    QObject *was, *is;
    g_autofree char *command =
        g_strdup_printf("{ 'execute': 'qom-set', 'arguments': { 'path': '%s',"
                        "  'property': '%s', 'value': %s } }",
                        path, property, value);

    qtest_qmp_send_raw(qts, "%s", command);
    raminate_assert_error(qtest_qmp_receive(qts), message);
    after = raminate_qom_get(qts, path, property);
    was = qdict_get(before, "return");
    is = qdict_get(after, "return");
    g_assert_true(qobject_is_equal(was, is));
    qobject_unref(before);
    qobject_unref(after);
}

static void test_set_container(void)
{
    QTestState *qts = raminate_start("", "");

    assert_set_refused(qts, "/objects/c", "scan-period", "0",
                       "memory-backend-container 'c': scan-period must be 1 "
                       "to 3600000, not 0");
    assert_set_refused(qts, "/objects/c", "scan-period", "3600001",
                       "memory-backend-container 'c': scan-period must be 1 "
                       "to 3600000, not 3600001");
    assert_set_refused(qts, "/objects/c", "swap-period", "0",
                       "memory-backend-container 'c': swap-period must be 1 "
                       "to 3600000, not 0");
    assert_set_refused(qts, "/objects/c", "life-time", "0",
                       "memory-backend-container 'c': life-time must be 1 "
                       "to 3600000, not 0");
    assert_set_refused(qts, "/objects/c", "max-swaps", "0",
                       "memory-backend-container 'c': max-swaps must be 1 to "
                       "1048576, not 0");
    assert_set_refused(qts, "/objects/c", "reverse-window", "0",
                       "memory-backend-container 'c': reverse-window must be "
                       "1 to 86400000, not 0");
    assert_set_refused(qts, "/objects/c", "max-cpu", "101",
                       "memory-backend-container 'c': max-cpu must be 0 to "
                       "100, not 101");
    assert_set_refused(qts, "/objects/c", "scan-period", "'soon'",
                       "Parameter 'scan-period' expects uint64");
    assert_set_refused(qts, "/objects/c", "policy", "7",
                       "Invalid parameter type for 'policy', expected: "
                       "string");
    assert_set_refused(qts, "/objects/c", "monitor", "'maybe'",
                       "Invalid parameter type for 'monitor', expected: "
                       "boolean");
    assert_set_refused(qts, "/objects/c", "size", "2097152",
                       "cannot change property size of "
                       "memory-backend-container ");
    assert_vm_runs(qts);
    qtest_quit(qts);
}

/* There may be more choices than these. */
static void test_set_enums(void)
{
    static const struct {
        const char *property;
        const char *first_choices;
        const char *value;
    } enums[] = {
        { "policy", "cmq, lru, null", "payback" },
        { "sampler", "auto, ", "auto" },
        { "mover", "auto, ", "auto" },
    };
    QTestState *qts = raminate_start("", "");

    for (unsigned i = 0; i < ARRAY_SIZE(enums); i++) {
        QDict *response =
            qtest_qmp(qts, "{ 'execute': 'qom-set', 'arguments':"
                      "  { 'path': '/objects/c', 'property': %s,"
                      "    'value': 'fifo' } }", enums[i].property);
        QDict *error = qdict_get_qdict(response, "error");
        g_autofree char *start =
            g_strdup_printf("memory-backend-container 'c': %s must be one of "
                            "%s", enums[i].property, enums[i].first_choices);

        g_assert_nonnull(error);
        g_assert_true(g_str_has_prefix(qdict_get_str(error, "desc"), start));
        g_assert_true(g_str_has_suffix(qdict_get_str(error, "desc"),
                                       ", not 'fifo'"));
        qobject_unref(response);
        raminate_assert_qom_string(qts, "/objects/c", enums[i].property,
                                   enums[i].value);
    }
    qtest_quit(qts);
}

static void test_set_devmem(void)
{
    static const struct {
        const char *property;
        const char *value;
    } late[] = {
        { "mem-path", "'other'" }, { "parent", "'other'" },
        { "phy-offset", "0" }, { "offset", "4096" }, { "tier", "9" },
        { "scrub", "false" },
    };
    QTestState *qts = raminate_start("", "");

    for (unsigned i = 0; i < ARRAY_SIZE(late); i++) {
        g_autofree char *message =
            g_strdup_printf("memory-backend-devmem 'fast': %s can't be "
                            "changed; delete the object and create it again",
                            late[i].property);

        assert_set_refused(qts, "/objects/fast", late[i].property,
                           late[i].value, message);
    }
    assert_vm_runs(qts);
    qtest_quit(qts);
}

/* Commands */

static void test_unknown_container(void)
{
    QTestState *qts = raminate_start("", "");
    static const char message[] =
        "'fast' is not a memory-backend-container with all of its tiers; "
        "query-raminate shows those there are";
    g_autofree char *hmp = NULL;

    raminate_assert_error(
        qtest_qmp(qts, "{ 'execute': 'query-raminate',"
                  "  'arguments': { 'id': 'fast' } }"), message);
    raminate_assert_error(
        qtest_qmp(qts, "{ 'execute': 'query-raminate-map',"
                  "  'arguments': { 'id': 'fast' } }"), message);
    raminate_assert_error(
        qtest_qmp(qts, "{ 'execute': 'raminate-swap-pages', 'arguments':"
                  "  { 'id': 'fast', 'pairs': [ { 'a': 0, 'b': 1 } ] } }"),
        message);
    hmp = qtest_hmp(qts, "info raminate fast");
    g_assert_nonnull(strstr(hmp, message));
    assert_vm_runs(qts);
    qtest_quit(qts);
}

static void test_incomplete_container(void)
{
    QTestState *qts = qtest_init("-machine none");

    raminate_make_tier_files();
    raminate_assert_object_add(qts, CONTAINER);
    raminate_assert_error(
        qtest_qmp(qts, "{ 'execute': 'query-raminate',"
                  "  'arguments': { 'id': 'c' } }"),
        "'c' is not a memory-backend-container with all of its tiers; "
        "query-raminate shows those there are");
    assert_vm_runs(qts);
    qtest_quit(qts);
}

static void test_map_buckets(void)
{
    QTestState *qts = raminate_start("", "");

    raminate_assert_error(
        qtest_qmp(qts, "{ 'execute': 'query-raminate-map',"
                  "  'arguments': { 'id': 'c', 'buckets': 0 } }"),
        "memory-backend-container 'c': buckets must be 1 to 65536, not 0");
    raminate_assert_error(
        qtest_qmp(qts, "{ 'execute': 'query-raminate-map',"
                  "  'arguments': { 'id': 'c', 'buckets': 65537 } }"),
        "memory-backend-container 'c': buckets must be 1 to 65536, not "
        "65537");
    assert_vm_runs(qts);
    qtest_quit(qts);
}

/* Each is to leave the good pair in front of it alone. */
static const struct {
    const char *pairs;
    const char *message;
} bad_pairs[] = {
    {
        "", "memory-backend-container 'c': pairs must be 1 to 65536, not 0"
    }, {
        "{ 'a': 1, 'b': 65 }, { 'a': 7, 'b': 7 }",
        "memory-backend-container 'c': page 7 can't be exchanged with "
        "itself; give two pages"
    }, {
        "{ 'a': 1, 'b': 65 }, { 'a': 256, 'b': 7 }",
        "memory-backend-container 'c': page 256 is out of range; its pages "
        "are 0 to 255"
    }, {
        "{ 'a': 1, 'b': 65 }, { 'a': 7, 'b': 256 }",
        "memory-backend-container 'c': page 256 is out of range; its pages "
        "are 0 to 255"
    }, {
        "{ 'a': 1, 'b': 65 }, { 'a': 4294967299, 'b': 7 }",
        "memory-backend-container 'c': page 4294967299 is out of range; its "
        "pages are 0 to 255"
    }, {
        "{ 'a': 1, 'b': 65 }, { 'a': 1, 'b': 66 }",
        "memory-backend-container 'c': page 1 appears twice; give it in one "
        "pair only"
    }, {
        "{ 'a': 1, 'b': 65 }, { 'a': 65, 'b': 66 }",
        "memory-backend-container 'c': page 65 appears twice; give it in one "
        "pair only"
    }, {
        "{ 'a': 1, 'b': 65 }, { 'a': 66, 'b': 1 }",
        "memory-backend-container 'c': page 1 appears twice; give it in one "
        "pair only"
    },
};

static void assert_nothing_exchanged(QTestState *qts)
{
    g_assert_cmpuint(raminate_figure(qts, "swaps"), ==, 0);
    g_assert_cmpuint(raminate_figure(qts, "batches"), ==, 0);
    g_assert_cmpuint(raminate_figure(qts, "mappings"), ==, 2);
}

static void test_swap_pairs(void)
{
    QTestState *qts = raminate_start(",policy=null,scan-period=1", "");

    raminate_wait_figure(qts, "scans", 1);
    for (unsigned i = 0; i < ARRAY_SIZE(bad_pairs); i++) {
        g_autofree char *command =
            g_strdup_printf("{ 'execute': 'raminate-swap-pages', 'arguments':"
                            "  { 'id': 'c', 'pairs': [ %s ] } }",
                            bad_pairs[i].pairs);

        qtest_qmp_send_raw(qts, "%s", command);
        raminate_assert_error(qtest_qmp_receive(qts), bad_pairs[i].message);
    }
    assert_nothing_exchanged(qts);
    assert_vm_runs(qts);
    qtest_quit(qts);
}

static void test_too_many_pairs(void)
{
    QTestState *qts = raminate_start("", "");
    g_autofree RaminateTestPair *pairs = g_new0(RaminateTestPair, 65537);

    raminate_assert_error(
        raminate_swap_pages(qts, pairs, 65537),
        "memory-backend-container 'c': pairs must be 1 to 65536, not 65537");
    assert_nothing_exchanged(qts);
    assert_vm_runs(qts);
    qtest_quit(qts);
}

static void assert_swap_refused(QTestState *qts, const char *message)
{
    RaminateTestPair pair = { 0, FAST_PAGES };

    raminate_assert_error(raminate_swap_pages(qts, &pair, 1), message);
    assert_nothing_exchanged(qts);
}

static void test_swap_without_placer(void)
{
    static const char message[] =
        "memory-backend-container 'c' has no placer to exchange pages with; "
        "set its property monitor to on, and give it two tiers or more";
    QTestState *qts = raminate_start(",monitor=off", "");

    assert_swap_refused(qts, message);
    qtest_quit(qts);
}

static void test_swap_while_stopped(void)
{
    static const char message[] =
        "memory-backend-container 'c': pages can't be exchanged: the VM is "
        "not running";
    QTestState *qts = raminate_start("", "-S");

    assert_swap_refused(qts, message);
    qtest_qmp_assert_success(qts, "{ 'execute': 'cont' }");
    qtest_qmp_assert_success(qts, "{ 'execute': 'stop' }");
    assert_swap_refused(qts, message);
    qtest_quit(qts);
}

static void add_object_tests(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(bad_objects); i++) {
        const BadObject *bad = &bad_objects[i];
        g_autofree char *command_line =
            g_strdup_printf("raminate/errors/command-line/%s", bad->name);
        g_autofree char *qmp =
            g_strdup_printf("raminate/errors/object-add/%s", bad->name);

        qtest_add_data_func(command_line, bad, test_command_line);
        qtest_add_data_func(qmp, bad, test_qmp);
    }
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    add_object_tests();
    qtest_add_func("raminate/errors/host-nodes", test_host_nodes);
    qtest_add_func("raminate/errors/enum-hint", test_enum_hint);
    qtest_add_func("raminate/errors/not-mappable", test_not_mappable);
    qtest_add_func("raminate/errors/default-mem-path", test_default_mem_path);
    qtest_add_func("raminate/errors/seventeen-tiers", test_seventeen_tiers);
    qtest_add_func("raminate/errors/parent-created-later",
                   test_parent_created_later);
    qtest_add_func("raminate/errors/correction", test_correction);
    qtest_add_func("raminate/errors/gap", test_gap);
    qtest_add_func("raminate/errors/gap-in-dimm", test_gap_in_dimm);
    qtest_add_func("raminate/errors/tier-as-ram", test_tier_as_ram);
    qtest_add_func("raminate/errors/container-used-twice",
                   test_container_used_twice);
    qtest_add_func("raminate/errors/delete-in-use", test_delete_in_use);
    qtest_add_func("raminate/errors/delete-tier-first",
                   test_delete_tier_first);
    qtest_add_func("raminate/errors/set-container", test_set_container);
    qtest_add_func("raminate/errors/set-enums", test_set_enums);
    qtest_add_func("raminate/errors/set-devmem", test_set_devmem);
    qtest_add_func("raminate/errors/unknown-container",
                   test_unknown_container);
    qtest_add_func("raminate/errors/incomplete-container",
                   test_incomplete_container);
    qtest_add_func("raminate/errors/map-buckets", test_map_buckets);
    qtest_add_func("raminate/errors/swap-pairs", test_swap_pairs);
    qtest_add_func("raminate/errors/too-many-pairs", test_too_many_pairs);
    qtest_add_func("raminate/errors/swap-without-placer",
                   test_swap_without_placer);
    qtest_add_func("raminate/errors/swap-while-stopped",
                   test_swap_while_stopped);
    return g_test_run();
}
