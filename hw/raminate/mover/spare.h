/*
 * RAMinate: host mappings that are kept to be given up
 *
 * The kernel allows a process only so many mappings.  Whoever has to undo
 * something may need a few of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_SPARE_H
#define HW_RAMINATE_SPARE_H

/* Both under the big lock.  @spare: NULL if there are none */

/* Returns: whether there are spare mappings; if there were none, gets some. */
bool raminate_spare_get(uint8_t **spare);
void raminate_spare_drop(uint8_t **spare);

#endif
