/*
 * RAMinate: whether what was understood of QEMU's answers can be shown
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_FUZZ_CHECK_INFO_H
#define RAMINATE_FUZZ_CHECK_INFO_H

#include "lib/info.h"

/* Both abort if not. */
void check_container(const ContainerInfo *info);
void check_map(const MapInfo *map);

#endif
