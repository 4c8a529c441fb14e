/*
 * RAMinate: has QEMU see a host with two NUMA nodes
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "nodes-control.h"
#include "raminate-common.h"

#define LIBRARY "libfake-nodes.so"

FakeNodes *raminate_nodes;

void raminate_nodes_preload(void)
{
    g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *directory = g_path_get_dirname(program);
    g_autofree char *library = g_build_filename(directory, LIBRARY, NULL);
    int fd;

    raminate_make_file(NODES_FILE, sizeof(*raminate_nodes));
    fd = open(NODES_FILE, O_RDWR | O_CLOEXEC);
    g_assert_cmpint(fd, >=, 0);
    raminate_nodes = mmap(NULL, sizeof(*raminate_nodes),
                          PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    g_assert_true(raminate_nodes != MAP_FAILED);
    close(fd);
    g_assert_true(g_setenv("LD_PRELOAD", library, true));
}

void raminate_nodes_end_preload(void)
{
    g_unsetenv("LD_PRELOAD");
    munmap(raminate_nodes, sizeof(*raminate_nodes));
    raminate_nodes = NULL;
}
