/*
 * RAMinate: uses of objects that are refused, by what is wrong
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/units.h"
#include "raminate-common.h"

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
                            "'fifo'\nIt accepts auto, kvm, dirty-log, "
                            "pagemap, pagemap-rwp.\n"));
}

/* What is wrong on the command line: it ends, and says this. */
static void test_command_line(void)
{
    static const struct {
        const char *args;
        const char *message;
    } wrong[] = {
        { "-machine none -object memory-backend-container,id=c,size=256MB",
          "Parameter 'size' expects a size value\n"
          "Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, "
          "tera-, peta-\nand exabytes, respectively.\n" },
        { "-machine none -object memory-backend-contaner,id=c,size=4M",
          "Parameter 'qom-type' does not accept value "
          "'memory-backend-contaner'\n"
          "Did you mean 'memory-backend-container'?\n" },
        { "-machine none -object " CONTAINER ",policy=paybck",
          "Parameter 'policy' does not accept value 'paybck'\n"
          "Did you mean 'payback'?\n" },
        { "-machine none -object " CONTAINER ",polcy=lru",
          "Invalid parameter 'polcy'\nDid you mean 'policy'?  -object "
          "memory-backend-container,help lists the options.\n" },
        { "-machine none -object " CONTAINER ",scan-perod=5",
          "Invalid parameter 'scan-perod'\nDid you mean 'scan-period'?  " },
        { "-machine none -object memory-backend-devmem,id=d,size=1M,"
          "mempath=dram", "Did you mean 'mem-path'?  " },
        { "-machine none -object " CONTAINER ",prealoc=on",
          "Invalid parameter 'prealoc'\n-object memory-backend-container,help "
          "lists the options.\n" },
        { "-machine none,memory-backend=c -m 2M -object " CONTAINER
          " -object " FAST " -object " SLOW,
          "Machine memory size does not match the size of the memory backend: "
          "-m has 2097152 bytes (2 MiB), 'c' has 1048576 (1 MiB)\n" },
        { "-machine none -object " CONTAINER " -object memory-backend-devmem,"
          "id=d,parent=c,size=1M,mem-path=/dev/zero",
          "has other memory for each mapping" },
        { "-machine none -qmp unix:no/such/qmp,server=on,wait=off",
          "Failed to bind socket to no/such/qmp: No such file or directory\n"
          "There is no directory no/such; create it.\n" },
    };

    raminate_make_tier_files();
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        g_autofree char *err = raminate_run_fails(wrong[i].args);

        g_test_message("%s", wrong[i].args);
        g_assert_nonnull(strstr(err, wrong[i].message));
        g_assert_null(strstr(err, "ftruncate"));
    }
}

/* HMP says it as well. */
static void test_near_name_in_hmp(void)
{
    QTestState *qts = qtest_init("-machine none");
    g_autofree char *answer =
        qtest_hmp(qts, "object_add memory-backend-container,id=c,size=1M,"
                  "polcy=lru");

    g_assert_nonnull(strstr(answer, "Did you mean 'policy'?"));
    g_free(answer);
    answer = qtest_hmp(qts, "object_add memory-backend-container,id=c,"
                       "size=1GB");
    g_assert_nonnull(strstr(answer, "Optional suffix k, M, G"));
    raminate_assert_object_add(qts, CONTAINER);
    for (unsigned i = 0; i < 2; i++) {
        g_free(answer);
        answer = qtest_hmp(qts, i ? "qom-get /objects/c polcy"
                                  : "qom-set /objects/c polcy lru");
        g_assert_nonnull(strstr(answer, "Did you mean 'policy'?"));
    }
    g_free(answer);
    answer = qtest_hmp(qts, "qom-set /objects/c policy fifo");
    g_assert_null(strstr(answer, "Did you mean"));
    qtest_quit(qts);
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
                              "add a memory-backend-devmem or "
                              "memory-backend-node with parent=c,offset=0x0");

    qts = qtest_init(DIMM_MACHINE);
    raminate_assert_object_add(qts,
                               "memory-backend-container,id=c,size=4M");
    raminate_assert_object_add(qts, "memory-backend-devmem,id=fast,parent=c,"
                               "size=1M,mem-path=dram");
    raminate_assert_error(
        qtest_qmp(qts, "{ 'execute': 'device_add', 'arguments':"
                  "  { 'driver': 'pc-dimm', 'memdev': 'c' } }"),
        "memory-backend-container 'c' has a gap: no tier covers offset "
        "0x100000 of its 0x400000 bytes; add a memory-backend-devmem or "
        "memory-backend-node with parent=c,offset=0x100000");
    raminate_assert_vm_runs(qts);
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
    raminate_assert_vm_runs(qts);
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
    raminate_assert_vm_runs(qts);
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
    raminate_assert_vm_runs(qts);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/errors/host-nodes", test_host_nodes);
    qtest_add_func("raminate/errors/enum-hint", test_enum_hint);
    qtest_add_func("raminate/errors/command-line", test_command_line);
    qtest_add_func("raminate/errors/near-name-in-hmp", test_near_name_in_hmp);
    qtest_add_func("raminate/errors/default-mem-path", test_default_mem_path);
    qtest_add_func("raminate/errors/seventeen-tiers", test_seventeen_tiers);
    qtest_add_func("raminate/errors/parent-created-later",
                   test_parent_created_later);
    qtest_add_func("raminate/errors/correction", test_correction);
    qtest_add_func("raminate/errors/gap-in-dimm", test_gap_in_dimm);
    qtest_add_func("raminate/errors/tier-as-ram", test_tier_as_ram);
    qtest_add_func("raminate/errors/container-used-twice",
                   test_container_used_twice);
    qtest_add_func("raminate/errors/delete-in-use", test_delete_in_use);
    qtest_add_func("raminate/errors/delete-tier-first",
                   test_delete_tier_first);
    return g_test_run();
}
