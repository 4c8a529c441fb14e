/*
 * RAMinate: has QEMU see a host with two NUMA nodes
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "nodes-control.h"
#include "placing.h"

#define LIBRARY "libfake-nodes.so"

FakeNodes *raminate_nodes;

/* What whoever runs the test has set */
static char *preloaded;
static char *asan_options;

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
    /* The library takes nothing that the sanitizer wants for itself. */
    asan_options = raminate_env_prepend("ASAN_OPTIONS",
                                        "verify_asan_link_order=0");
    preloaded = raminate_env_prepend("LD_PRELOAD", library);
}

void raminate_nodes_end_preload(void)
{
    raminate_env_put_back("LD_PRELOAD", preloaded);
    raminate_env_put_back("ASAN_OPTIONS", asan_options);
    munmap(raminate_nodes, sizeof(*raminate_nodes));
    raminate_nodes = NULL;
}

void raminate_nodes_write_all(QTestState *qts)
{
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_write_page(qts, page, 0);
    }
}

bool raminate_nodes_is_astray(QTestState *qts, uint32_t page)
{
    return raminate_nodes->node[page] >= 0 &&
           raminate_nodes->node[page] != (int)raminate_tier_of(qts, page);
}

void raminate_nodes_wait_page(QTestState *qts, uint32_t page)
{
    for (unsigned rounds = 0; raminate_nodes_is_astray(qts, page);) {
        raminate_wait(&rounds, "a page to be where the placement says");
    }
    raminate_assert_page(qts, page, 0);
}

void raminate_nodes_wait_all(QTestState *qts)
{
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_nodes_wait_page(qts, page);
    }
    raminate_nodes_assert_all(qts);
}

void raminate_nodes_assert_all(QTestState *qts)
{
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        raminate_assert_page(qts, page, 0);
        g_assert_false(raminate_nodes_is_astray(qts, page));
    }
}

QTestState *raminate_nodes_start_empty(const char *settings)
{
    raminate_nodes_preload();
    return qtest_initf(MACHINE " -object " CONTAINER "%s -object " NODE_FAST
                       " -object " NODE_SLOW, settings);
}

QTestState *raminate_nodes_start(const char *settings)
{
    QTestState *qts = raminate_nodes_start_empty(settings);

    raminate_nodes_write_all(qts);
    return qts;
}

void raminate_nodes_end(QTestState *qts)
{
    qtest_quit(qts);
    raminate_nodes_end_preload();
}

bool raminate_nodes_has_pagemap(QTestState *qts)
{
    QDict *info = raminate_query(qts, "c");
    bool has = g_str_equal(get_str(info, "sampler"), "pagemap");

    qobject_unref(info);
    return has;
}
