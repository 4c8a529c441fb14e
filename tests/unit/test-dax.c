/*
 * RAMinate: DAX devices are found by what sysfs says, and what to do is said
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "backends/dax.h"

#define DEVICES "devices/platform/hmem.0"

static void sys_run(const char *command, const char *root)
{
    g_autofree char *quoted = g_shell_quote(root);
    g_autofree char *line = g_strdup_printf("cd %s && %s", quoted, command);
    const char *args[] = { "/bin/sh", "-c", line, NULL };
    int status;

    g_assert_true(g_spawn_sync(NULL, (char **)args, NULL, 0, NULL, NULL, NULL,
                               NULL, &status, NULL));
    g_assert_cmpint(status, ==, 0);
}

/* As Linux 6.12 has it: a DAX device, and /dev/mem */
static char *sys_make(void)
{
    char *root = g_dir_make_tmp("raminate-XXXXXX", NULL);

    g_assert_nonnull(root);
    sys_run("mkdir -p dev/char bus/dax class/mem " DEVICES "/dax0.0 "
            "devices/virtual/mem/mem &&"
            "ln -s ../../" DEVICES "/dax0.0 dev/char/252:3 &&"
            "ln -s ../../../../bus/dax " DEVICES "/dax0.0/subsystem &&"
            "echo 2097152 > " DEVICES "/dax0.0/align &&"
            "echo 0x5b0000000 > " DEVICES "/dax0.0/resource &&"
            "ln -s ../../devices/virtual/mem/mem dev/char/1:1 &&"
            "ln -s ../../../../class/mem devices/virtual/mem/mem/subsystem",
            root);
    return root;
}

static void sys_remove(char *root)
{
    sys_run("rm -r dev bus class devices", root);
    g_rmdir(root);
    g_free(root);
}

static void test_found(void)
{
    char *root = sys_make();
    RaminateDax dax;

    g_assert_true(raminate_dax_find(root, makedev(252, 3), &dax));
    g_assert_cmpstr(dax.name, ==, "dax0.0");
    g_assert_cmphex(dax.align, ==, 0x200000);
    g_assert_cmphex(dax.start, ==, 0x5b0000000);
    g_free(dax.name);
    sys_remove(root);
}

static void test_others(void)
{
    char *root = sys_make();
    RaminateDax dax;

    g_assert_false(raminate_dax_find(root, makedev(1, 1), &dax));
    g_assert_false(raminate_dax_find(root, makedev(252, 4), &dax));
    g_assert_false(raminate_dax_find("/nowhere", makedev(252, 3), &dax));
    sys_remove(root);
}

/* Only root is shown the address. */
static void test_no_address(void)
{
    char *root = sys_make();
    g_autofree char *advice = NULL;
    RaminateDax dax;

    sys_run("rm " DEVICES "/dax0.0/resource", root);
    g_assert_true(raminate_dax_find(root, makedev(252, 3), &dax));
    g_assert_cmphex(dax.start, ==, 0);
    advice = raminate_dax_advice(&dax, true);
    g_assert_true(g_str_has_suffix(advice, "use /dev/mem, where "
                                   "/proc/iomem shows it"));
    g_free(dax.name);
    sys_remove(root);
}

static void test_advice(void)
{
    RaminateDax dax = {
        .name = (char *)"dax1.0",
        .align = 0x40000000,
        .start = 0x240000000,
    };
    g_autofree char *tier = raminate_dax_advice(&dax, true);
    g_autofree char *alone = raminate_dax_advice(&dax, false);

    g_assert_cmpstr(tier, ==, "make it a NUMA node (daxctl reconfigure-device "
                    "--mode=system-ram --force dax1.0) and use memory-backend-node, or "
                    "take it away from its driver (daxctl disable-device "
                    "dax1.0) and use /dev/mem, where it begins at 0x240000000");
    g_assert_cmpstr(alone, ==, "use memory-backend-file with align=0x40000000");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dax/found", test_found);
    g_test_add_func("/dax/others", test_others);
    g_test_add_func("/dax/no-address", test_no_address);
    g_test_add_func("/dax/advice", test_advice);
    return g_test_run();
}
