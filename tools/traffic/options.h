/*
 * RAMinate: options of the traffic plugin
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_TRAFFIC_OPTIONS_H
#define RAMINATE_TRAFFIC_OPTIONS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "backends/pools.h"

typedef struct Options {
    RaminatePools *pools;
    uint64_t cache_size;        /* in bytes */
    uint32_t ways;
    uint32_t line_size;         /* in bytes */
    uint32_t period_ms;         /* of the machine's time */
    uint64_t instructions;      /* a period in these, or 0 */
    char *csv;                  /* file, or NULL */
    char *record;               /* file, or NULL */
    bool accesses;              /* record pages that were accessed, too */
    bool swaps;                 /* tell the writes of swaps apart */
    bool flush;                 /* write all back at the end */
} Options;

/*
 * @argv: NAME=VALUE each
 * Returns: NULL with @error set if there is anything wrong.
 */
Options *options_parse(int argc, char **argv, GError **error);
void options_free(Options *options);

/* Number of sets of the cache, a power of two */
uint64_t options_nr_sets(const Options *options);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Options, options_free)

#endif
