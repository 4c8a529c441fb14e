/*
 * RAMinate: DAX devices, which can't be mapped page by page
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <inttypes.h>
#include <sys/sysmacros.h>

#include "dax.h"

/* Returns: a number that a file of sysfs holds, 0 if it can't be read. */
static uint64_t read_number(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL)) {
        return 0;
    }
    return g_ascii_strtoull(text, NULL, 0);
}

bool raminate_dax_find(const char *sys, dev_t dev, RaminateDax *dax)
{
    g_autofree char *folder = g_strdup_printf("%s/dev/char/%u:%u", sys,
                                              major(dev), minor(dev));
    g_autofree char *link = g_build_filename(folder, "subsystem", NULL);
    g_autofree char *subsystem = g_file_read_link(link, NULL);
    g_autofree char *device = g_file_read_link(folder, NULL);
    g_autofree char *last = subsystem ? g_path_get_basename(subsystem) : NULL;

    if (!device || g_strcmp0(last, "dax") != 0) {
        return false;
    }
    *dax = (RaminateDax) {
        .name = g_path_get_basename(device),
        .align = read_number(folder, "align"),
        .start = read_number(folder, "resource"),
    };
    return true;
}

char *raminate_dax_advice(const RaminateDax *dax, bool in_container)
{
    g_autofree char *where = NULL;

    if (!in_container) {
        return g_strdup_printf("use memory-backend-file with align=0x%" PRIx64,
                               dax->align);
    }
    where = dax->start ? g_strdup_printf("it begins at 0x%" PRIx64, dax->start)
                       : g_strdup("/proc/iomem shows it");
    return g_strdup_printf(
        "make it a NUMA node (daxctl reconfigure-device --mode=system-ram "
        "--force %s) and use memory-backend-node, or take it away from its "
        "driver (daxctl disable-device %s) and use /dev/mem, where %s",
        dax->name, dax->name, where);
}
