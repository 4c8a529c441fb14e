/*
 * RAMinate: raminate-top without a screen
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_TOP_PLAIN_H
#define RAMINATE_TOP_PLAIN_H

#include "rows.h"

/* --once: a table of the containers, and their tiers. */
void plain_table(const GPtrArray *rows, gboolean is_utf8);

/*
 * --batch: a line for each container.
 * Returns: the figures that there is room for: what plain_batch() is to have as
 * @fit
 */
unsigned plain_batch_head(void);
void plain_batch(const GPtrArray *rows, unsigned fit, gboolean is_utf8);

/* --json: all that the VMs have answered, in one line. */
void plain_json(const GPtrArray *vms);

#endif
