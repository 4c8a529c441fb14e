/*
 * RAMinate: DAX devices, which can't be mapped page by page
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_DAX_H
#define RAMINATE_DAX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct RaminateDax {
    char *name;                 /* "dax0.0", to be freed with g_free() */
    uint64_t align;             /* bytes; all mappings are multiples of it */
    uint64_t start;             /* physical address; 0 if nobody may know */
} RaminateDax;

/*
 * @sys: where sysfs is, "/sys"
 * @dev: number of a character device
 * Returns: false if it is no DAX device, or sysfs doesn't say.
 */
bool raminate_dax_find(const char *sys, dev_t dev, RaminateDax *dax);

/*
 * @in_container: whether it was to be a tier, not a backend of its own
 * Returns: what to do with the device, to be freed with g_free().
 */
char *raminate_dax_advice(const RaminateDax *dax, bool in_container);

#endif
