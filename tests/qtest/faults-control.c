/*
 * RAMinate: orders that system calls of QEMU's fail
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include <dlfcn.h>
#include "qemu/atomic.h"
#include "faults-control.h"
#include "raminate-common.h"

#define INJECTOR "libinject-faults.so"

static FaultOrder *order;

/* What whoever runs the test has set */
static char *preloaded;

static void map_order(void)
{
    int fd;

    raminate_make_file(FAULTS_FILE, PAGE_SIZE);
    fd = open(FAULTS_FILE, O_RDWR | O_CLOEXEC);
    g_assert_cmpint(fd, >=, 0);
    if (order) {
        munmap(order, sizeof(*order));
    }
    order = mmap(NULL, sizeof(*order), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                 0);
    g_assert_true(order != MAP_FAILED);
    close(fd);
}

/* Returns: what to preload. */
static char *libraries(const char *injector)
{
#ifdef __SANITIZE_ADDRESS__
    Dl_info sanitizer;

    /* It has to be the first, and calls functions of the next one. */
    g_assert_true(dladdr(dlsym(RTLD_DEFAULT, "__asan_init"), &sanitizer));
    return g_strjoin(":", sanitizer.dli_fname, injector, NULL);
#else
    return g_strdup(injector);
#endif
}

void raminate_faults_preload(void)
{
    g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *directory = g_path_get_dirname(program);
    g_autofree char *injector = g_build_filename(directory, INJECTOR, NULL);
    g_autofree char *all = libraries(injector);

    map_order();
    preloaded = raminate_env_prepend("LD_PRELOAD", all);
}

void raminate_faults_end_preload(void)
{
    raminate_env_put_back("LD_PRELOAD", preloaded);
}

static void give_order(uint32_t kinds, const FaultOrder *what)
{
    qatomic_set(&order->kinds, 0);
    order->let = what->let;
    order->nr = what->nr;
    order->error = what->error;
    order->lose = what->lose;
    order->delay_ms = what->delay_ms;
    order->seen = order->failed = 0;
    qatomic_store_release(&order->kinds, kinds);
}

void raminate_faults_order(uint32_t kinds, uint32_t let, uint32_t nr,
                           int error)
{
    FaultOrder what = { .let = let, .nr = nr, .error = error };

    give_order(kinds, &what);
}

void raminate_faults_order_lose(uint32_t let, uint32_t nr)
{
    FaultOrder what = {
        .let = let,
        .nr = nr,
        .error = ENOMEM,
        .lose = true,
    };

    give_order(FAULT_MAP, &what);
}

void raminate_faults_order_delay(uint32_t kinds, uint32_t ms)
{
    FaultOrder what = { .delay_ms = ms };

    give_order(kinds, &what);
}

uint32_t raminate_faults_seen(void)
{
    return qatomic_read(&order->seen);
}

uint32_t raminate_faults_end(void)
{
    qatomic_set(&order->kinds, 0);
    return raminate_faults_seen();
}

uint32_t raminate_faults_failed(void)
{
    return qatomic_read(&order->failed);
}
