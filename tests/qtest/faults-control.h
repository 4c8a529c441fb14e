/*
 * RAMinate: orders that system calls of QEMU's fail
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_FAULTS_CONTROL_H
#define RAMINATE_FAULTS_CONTROL_H

#include "faults.h"

#define FAULTS_FOR_EVER 1000000

/*
 * From now on, QEMU that is started obeys the orders below, and nothing else
 * does; until raminate_faults_end_preload().  None is in force at first.
 */
void raminate_faults_preload(void);
void raminate_faults_end_preload(void);

/* Of calls of these kinds, @let are made, then @nr fail with @error. */
void raminate_faults_order(uint32_t kinds, uint32_t let, uint32_t nr,
                           int error);

/* The same for FAULT_MAP; the old mapping is gone with each failure. */
void raminate_faults_order_lose(uint32_t let, uint32_t nr);

/* Of calls of these kinds, each begins so much later; none fails. */
void raminate_faults_order_delay(uint32_t kinds, uint32_t ms);

/* Returns: number of calls seen since the order was given. */
uint32_t raminate_faults_seen(void);

/* Ends the order.  Returns: number of calls seen since it was given. */
uint32_t raminate_faults_end(void);

/* Returns: number of calls that failed since the last order was given. */
uint32_t raminate_faults_failed(void);

#endif
