/*
 * RAMinate: batches whose calls fail, and a model of what comes of them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_FAULTS_MODEL_H
#define RAMINATE_FAULTS_MODEL_H

#include "raminate-common.h"

/* Between tiers and within one; pages 5 and 200 are holes at first. */
static const RaminateTestPair pairs[] = { { 3, 100 }, { 200, 4 }, { 5, 30 } };

/* Of their pages, so many were never written: their frames are holes. */
#define NR_HOLES 2

/* Those pages and their neighbours */
static const uint32_t concerned[] = {
    2, 3, 4, 5, 6, 29, 30, 31, 99, 100, 101, 199, 200, 201,
};

/* What the placement should be, what pages hold, what figures should say */
typedef struct Model {
    QTestState *qts;
    uint32_t frame[NR_PAGES];
    uint32_t generation[NR_PAGES];      /* 0: a hole */
    uint64_t done, failed, held;
} Model;

/* There is QEMU with a placer that is ready for batches, and a new model. */
void model_start(Model *model, const char *settings);

void set_monitor(const Model *model, bool on);

/* Waits until the placer that was turned on is there, or can't be. */
void wait_for_opening(const Model *model);

/* The placer gives back what it has, and gets it anew. */
void reopen_placer(const Model *model);

/*
 * @pages: NULL for the first @nr
 * Returns: the number of what is wrong.
 */
unsigned wrong_pages(const Model *model, const uint32_t *pages, unsigned nr);

/*
 * Exchanges @pairs, and tells the model of it.
 * Returns: whether the VM can go on.
 */
bool run_batch(Model *model);

/* Nothing is wrong with the pages concerned, nor with the figures. */
void assert_kept(const Model *model);

/*
 * The VM has stopped for good and says so; it answers, and frames hold what
 * their pages did.
 * @written: whether a frame of the pair that failed may have been written
 */
void assert_lost(Model *model, bool written);

#endif
