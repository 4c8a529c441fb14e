/*
 * RAMinate: how much memory a unit test has touched
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_RESIDENT_H
#define RAMINATE_RESIDENT_H

#include <stdio.h>
#include <glib.h>

/* Returns: bytes of the process that are resident. */
static inline size_t resident_bytes(void)
{
    g_autofree char *statm = NULL;
    unsigned long size, resident;

    g_assert_true(g_file_get_contents("/proc/self/statm", &statm, NULL,
                                      NULL));
    g_assert_cmpint(sscanf(statm, "%lu %lu", &size, &resident), ==, 2);
    return resident * 4096;
}

#endif
