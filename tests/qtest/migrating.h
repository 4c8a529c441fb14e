/*
 * RAMinate: guests that migrate, for those who test it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_MIGRATING_H
#define RAMINATE_MIGRATING_H

#include "qemu/units.h"
#include "raminate-common.h"

/*
 * A PC has 640 KiB of RAM, a hole, and RAM again from 1 MiB on; here the
 * latter is all slow.
 */
#define PC_PAGES 512
#define HOLE_FIRST 160
#define HOLE_END 256
#define PC \
    "-machine pc,memory-backend=c -m 2M -nodefaults" \
    " -object memory-backend-container,id=c,size=2M,policy=null," \
    "scan-period=1"
#define PC_TIERS \
    " -object memory-backend-devmem,id=fast,parent=c,size=1M,mem-path=dram" \
    " -object memory-backend-devmem,id=slow,parent=c,size=1M,offset=1M," \
    "mem-path=nvm"

static inline bool is_ram(uint32_t page)
{
    return page < HOLE_FIRST || page >= HOLE_END;
}

static inline void write_all(QTestState *qts, uint32_t generation)
{
    for (uint32_t page = 0; page < PC_PAGES; page++) {
        if (is_ram(page)) {
            raminate_write_page(qts, page, generation);
        }
    }
}

static inline void assert_all(QTestState *qts, uint32_t generation)
{
    for (uint32_t page = 0; page < PC_PAGES; page++) {
        if (is_ram(page)) {
            raminate_assert_page(qts, page, generation);
        }
    }
}

static inline void swap_some(QTestState *qts)
{
    for (uint32_t page = 0; page < HOLE_FIRST; page += 7) {
        raminate_assert_swap(qts, page, HOLE_END + page);
    }
}

static inline QTestState *start_source(const char *args)
{
    raminate_make_file("dram", 1 * MiB);
    raminate_make_file("nvm", 1 * MiB);
    return qtest_initf(PC PC_TIERS " %s", args);
}

static inline void set_bandwidth(QTestState *qts, unsigned bytes_per_second)
{
    qtest_qmp_assert_success(qts, "{ 'execute': 'migrate-set-parameters',"
                             "  'arguments': { 'max-bandwidth': %u,"
                             "                 'downtime-limit': 1 } }",
                             bytes_per_second);
}

static inline void wait_for_migration(QTestState *qts, const char *wanted)
{
    unsigned rounds = 0;
    bool done = false;

    while (!done) {
        QDict *response = qtest_qmp(qts, "{ 'execute': 'query-migrate' }");
        QDict *info = qdict_get_qdict(response, "return");
        const char *status = qdict_get_try_str(info, "status");

        done = g_strcmp0(status, wanted) == 0;
        g_assert_true(done || g_strcmp0(status, "failed") != 0);
        qobject_unref(response);
        raminate_wait(&rounds, wanted);
    }
}

static inline void assert_held_by_migration(QTestState *qts)
{
    RaminateTestPair pair = { 0, HOLE_END };
    QDict *info;

    raminate_wait_state(qts, "held");
    info = raminate_query(qts, "c");
    g_assert_cmpstr(qdict_get_str(info, "held-because"), ==,
                    "a migration is in progress");
    qobject_unref(info);
    raminate_assert_error(raminate_swap_pages(qts, &pair, 1),
                          "memory-backend-container 'c': pages can't be "
                          "exchanged: a migration is in progress");
}

#endif
