/*
 * RAMinate: samples made from lists of pages, for unit tests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_FOUND_H
#define RAMINATE_FOUND_H

#include <glib.h>

#include "hw/raminate/engine/sample.h"

/* Returns: @pages as found written, to be freed with found_free(). */
static inline RaminateSample *found_written(const uint32_t *pages, size_t nr)
{
    RaminateSample *sample = g_new0(RaminateSample, 1);

    raminate_sample_add_pages(sample, pages, nr, RAMINATE_WRITTEN);
    return sample;
}

static inline void found_free(RaminateSample *sample)
{
    raminate_sample_destroy(sample);
    g_free(sample);
}

typedef RaminateSample Found;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Found, found_free)

#endif
