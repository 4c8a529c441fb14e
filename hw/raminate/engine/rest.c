/*
 * RAMinate: regions that are not watched for a while
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "hw/raminate/engine/rest.h"

/* What there is of a region: one of these, or LAST and how many more scans */
enum {
    MAY_REST,
    OVER,                       /* to be watched anew */
    WATCHED,                    /* and not found written since */
    LAST,                       /* rests in one scan more */
};

G_STATIC_ASSERT(LAST + RAMINATE_MAX_REST - 1 <= UINT8_MAX);

struct RaminateRest {
    uint8_t *states;
};

RaminateRest *raminate_rest_new(uint32_t nr_regions)
{
    RaminateRest *rest = g_new(RaminateRest, 1);

    rest->states = g_new0(uint8_t, nr_regions);
    return rest;
}

void raminate_rest_free(RaminateRest *rest)
{
    if (rest) {
        g_free(rest->states);
        g_free(rest);
    }
}

bool raminate_rest_begin(RaminateRest *rest, uint32_t region, unsigned scans)
{
    uint8_t *state = &rest->states[region];

    if (*state == MAY_REST) {
        *state = LAST + scans - 1;
    }
    return *state >= LAST;
}

bool raminate_rest_found(RaminateRest *rest, uint32_t region, bool drops)
{
    uint8_t *state = &rest->states[region];

    if (*state < LAST) {
        /* One that is watched proves by it that it is written. */
        *state = *state == WATCHED ? MAY_REST : *state;
        return false;
    }
    *state = drops || *state == LAST ? OVER : *state - 1;
    return !drops;
}

void raminate_rest_watched(RaminateRest *rest, uint32_t region)
{
    uint8_t *state = &rest->states[region];

    *state = *state == OVER ? WATCHED : *state;
}
