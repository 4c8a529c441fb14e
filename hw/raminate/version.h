/*
 * RAMinate: its version
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_VERSION_H
#define HW_RAMINATE_VERSION_H

/* As scripts/version prints it: 0.1.0, or 0.1.0-5-gdf216a3 */
extern const char raminate_version[];

#endif
