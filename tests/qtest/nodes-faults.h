/*
 * RAMinate: nodes between which pages can't be moved, as a test orders it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_NODES_FAULTS_H
#define RAMINATE_NODES_FAULTS_H

#include "faults-control.h"
#include "nodes-control.h"
#include "placing.h"

/* Calls of a mover of nodes */
#define OF_BATCH (FAULT_MIGRATE | FAULT_LOOK | FAULT_ADVISE)

static const int errors[] = { ENOMEM, EPERM, EINTR, ENOENT };

/* Of @errors, so many are tried in each place; SPEED=slow tries them all. */
static inline unsigned nr_errors(void)
{
    return g_strcmp0(g_getenv("RAMINATE_SPEED"), "slow") == 0
           ? ARRAY_SIZE(errors) : 2;
}

static inline QTestState *start_with_faults(const char *settings)
{
    QTestState *qts;

    raminate_nodes_preload();
    raminate_faults_preload();
    qts = qtest_initf(MACHINE " -object " CONTAINER "%s -object " NODE_FAST
                      " -object " NODE_SLOW, settings);
    raminate_faults_end_preload();
    raminate_nodes_write_all(qts);
    return qts;
}

static inline bool is_held(QTestState *qts)
{
    QDict *info = raminate_query(qts, "c");
    bool held = g_str_equal(get_str(info, "state"), "held");

    if (held) {
        g_test_message("%s", get_str(info, "held-because"));
    }
    qobject_unref(info);
    return held;
}

/* Puts a mover in force again that was given up. */
static inline void mend_mover(QTestState *qts)
{
    if (is_held(qts)) {
        raminate_set_string(qts, "mover", "migrate");
        raminate_wait_state(qts, "running");
    }
}

/*
 * The same until scans go on: what has failed may still be on its way to the
 * placer.
 */
static inline void mend_until_scans(QTestState *qts, unsigned nr)
{
    uint64_t scans = raminate_figure(qts, "scans");
    unsigned rounds = 0;

    do {
        raminate_wait(&rounds, "scans after faults");
        mend_mover(qts);
    } while (raminate_figure(qts, "scans") <= scans + nr);
}

/* Some calls of these @nr kinds fail that are made from now on. */
static inline void order_at_random(GRand *random, const uint32_t *kinds,
                                   unsigned nr)
{
    raminate_faults_order(
        kinds[g_rand_int_range(random, 0, nr)],
        g_rand_int_range(random, 0, 12), g_rand_int_range(random, 1, 3),
        errors[g_rand_int_range(random, 0, ARRAY_SIZE(errors))]);
}

#endif
