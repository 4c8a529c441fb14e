/*
 * RAMinate: how much memory a unit test takes
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_MEMORY_USE_H
#define RAMINATE_MEMORY_USE_H

#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <glib.h>

/*
 * What the C library rounds up or keeps for itself and for other libraries:
 * no test may count closer than this.
 */
#define MEMORY_USE_SLACK (1 << 20)

/* Returns: bytes of the process that are resident. */
static inline size_t memory_resident(void)
{
    g_autofree char *statm = NULL;
    unsigned long size, resident;

    g_assert_true(g_file_get_contents("/proc/self/statm", &statm, NULL,
                                      NULL));
    g_assert_cmpint(sscanf(statm, "%lu %lu", &size, &resident), ==, 2);
    return resident * 4096;
}

/* Returns: bytes allocated and not freed. */
static inline size_t memory_allocated(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

/*
 * Returns: whether memory_allocated() counts and large arrays are untouched
 * until they are used; if not, the test is skipped.
 */
static inline bool memory_use_is_known(void)
{
    /* Every large array in a mapping of its own, gone once it is freed */
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);

    if (memory_allocated() == 0) {
        g_test_skip("needs the C library's own malloc, not a sanitizer's");
        return false;
    }
    return true;
}

#endif
