/*
 * RAMinate: bad input is refused with a message that says what to do
 *
 * On the command line, QEMU exits with status 1; over QMP, the command fails
 * and the VM goes on.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
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
        "tier/no-memory-there", CONTAINER " " SLOW,
        DEVMEM("mem-path=/dev/zero,phy-offset=1G,size=256K,parent=c"),
        "memory-backend-devmem 'bad': /dev/zero has no memory in the range "
        "0x40000000 to 0x4003ffff; use another range, file or device",
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
        raminate_assert_vm_runs(qts);
        for (char **object = before; *object && **object; object++) {
            g_autofree char *other = id_of(*object);

            raminate_assert_object_del(qts, other);
        }
    }
    raminate_assert_object_add(qts, CONTAINER);
    raminate_assert_object_add(qts, FAST);
    raminate_assert_object_add(qts, SLOW);
    raminate_assert_vm_runs(qts);
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
    raminate_assert_vm_runs(qts);
    qtest_quit(qts);
}

/* Gaps are found when all objects are there. */

#define GAP(offset) \
    "memory-backend-container 'c' has a gap: no tier covers offset " offset \
    " of its 0x100000 bytes; add a memory-backend-devmem or " \
    "memory-backend-node with parent=c,offset=" offset

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
    qtest_add_func("raminate/errors/not-mappable", test_not_mappable);
    qtest_add_func("raminate/errors/gap", test_gap);
    return g_test_run();
}
